//! A small loader for when there was none: the device tree and the root task's image go to the
//! pages behind the kernel, and the contract is the one that a loader would have kept.

use super::contract::Contract;
use super::devices;
use super::symbols;
use super::window;
use crate::console::Voice;
use crate::fatal::{fatal, fatal_text};
use crate::tree::Span;
use kernel::boot::elf::Elf;
use machine::firmware::fdt::Tree;

/// Loads the root task that `tree`, which lies at `passed`, names.
pub(super) fn load(tree: &Tree<'_>, passed: Span) -> Contract {
    let Some(initrd) = tree.initrd() else {
        fatal_text("no root task: the device tree names no initrd")
    };
    let file = Span::new(initrd.base, initrd.end());
    check_room(tree, file);
    let elf = parse(file);
    let pages = elf.pages();
    let tree_len = tree.packed_len() as u64;
    let image_len = pages.end.saturating_sub(pages.start);
    let len = Span::of(0, tree_len)
        .pages()
        .size()
        .saturating_add(image_len);
    // Behind the kernel, or behind what lies in the way there.
    let places = [symbols::image(), file.pages(), passed.pages()];
    let wanted = places
        .map(|place| Span::of(place.end, len))
        .into_iter()
        .find(|place| !place.overlaps(file) && !place.overlaps(passed))
        .unwrap_or(Span::of(file.pages().end.max(passed.pages().end), len));
    check_room(tree, wanted);
    let tree_span = Span::of(wanted.start, tree_len);
    let image = Span::of(tree_span.pages().end, image_len);
    // SAFETY: free memory; the tree and the file lie elsewhere.
    let copy = unsafe { window::free_bytes(tree_span) };
    if !tree.pack(copy) {
        fatal_text("the device tree cannot be copied behind the kernel");
    }
    place(&elf, image);
    Contract {
        image,
        offset: image.start.wrapping_sub(pages.start),
        entry: elf.entry(),
        tree: tree_span,
    }
}

fn place(elf: &Elf<'_>, image: Span) {
    // SAFETY: free memory behind the kernel and the tree; the file lies elsewhere.
    let memory = unsafe { window::free_bytes(image) };
    memory.fill(0);
    elf.load(|offset, bytes| {
        let rest = memory.get_mut(offset as usize..);
        let place = rest.and_then(|rest| rest.get_mut(..bytes.len()));
        if let Some(place) = place {
            place.copy_from_slice(bytes);
        }
    });
}

fn parse<'a>(file: Span) -> Elf<'a> {
    // SAFETY: the file is only moved when this answer is gone.
    match Elf::read(unsafe { window::bytes(file) }) {
        Ok(elf) => elf,
        Err(error) => fatal(|voice| {
            let voice = voice
                .text("the root task cannot be loaded: ")
                .text(error.text());
            match error.detail() {
                Some((what, number)) => voice.text(what).hex(number),
                None => voice,
            }
        }),
    }
}

/// All of `wanted` is RAM.
fn check_room(tree: &Tree<'_>, wanted: Span) {
    let memory = devices::memory(tree);
    let is_ram = |span: &Span| span.contains(wanted);
    if !memory.as_slice().iter().any(is_ram) {
        fatal(|voice| {
            span(
                voice.text("too little memory: the root task needs "),
                wanted,
            )
        });
    }
}

fn span(voice: Voice, span: Span) -> Voice {
    voice.hex(span.start).text(" to ").hex(span.end)
}
