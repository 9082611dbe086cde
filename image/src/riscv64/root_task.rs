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

const PAGE: u64 = 4096;

/// Loads the root task that `tree`, at `hart`'s start, names.
pub(super) fn load(tree: &Tree<'_>, hart: u64) -> Contract {
    let kernel = symbols::image();
    let Some(initrd) = tree.initrd() else {
        fatal_text("no root task: the device tree names no initrd")
    };
    let file = Span::new(initrd.base, initrd.end());
    let pages = parse(file).pages();
    let tree_span = Span::new(
        kernel.end,
        kernel.end.saturating_add(tree.packed_len() as u64),
    );
    let start = tree_span
        .end
        .checked_next_multiple_of(PAGE)
        .unwrap_or(u64::MAX);
    let image = Span::new(
        start,
        start.saturating_add(pages.end.saturating_sub(pages.start)),
    );

    let wanted = Span::new(kernel.start, image.end);
    check_room(tree, wanted);
    let moved = clear_of(wanted, file);
    check_room(tree, Span::new(kernel.start, moved.end.max(image.end)));
    // SAFETY: behind the kernel is free memory; the tree's own bytes lie elsewhere.
    let copy = unsafe { window::free_bytes(tree_span) };
    if !tree.pack(copy) {
        fatal_text("the device tree cannot be copied behind the kernel");
    }
    if moved != file {
        // SAFETY: free memory too, and the tree has just been copied out of the way.
        unsafe { window::shift(file.start, moved.start, file.size()) };
    }
    place(&parse(moved), image);
    Contract {
        image,
        offset: image.start.wrapping_sub(pages.start),
        entry: parse(moved).entry(),
        tree: tree_span,
        hart,
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

/// Where the file is read from: behind what is `wanted`, if it lies in the way.
fn clear_of(wanted: Span, file: Span) -> Span {
    if !file.overlaps(wanted) {
        return file;
    }
    let start = wanted
        .end
        .checked_next_multiple_of(PAGE)
        .unwrap_or(u64::MAX);
    Span::new(start, start.saturating_add(file.size()))
}

/// All of `wanted` is RAM, and nobody else's.
fn check_room(tree: &Tree<'_>, wanted: Span) {
    let memory = devices::memory(tree, symbols::image());
    let kept = devices::kept(tree);
    let is_ram = memory
        .as_slice()
        .iter()
        .any(|region| region.contains(wanted));
    if !is_ram || kept.as_slice().iter().any(|kept| kept.overlaps(wanted)) {
        fatal(|voice| {
            span(
                voice.text("too little memory: kernel and root task need "),
                wanted,
            )
        });
    }
}

fn span(voice: Voice, span: Span) -> Voice {
    voice.hex(span.start).text(" to ").hex(span.end)
}
