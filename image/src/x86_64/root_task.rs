//! The root task's image: from the loader's module to the pages directly behind the kernel.

use super::paging::BOOT_WINDOW;
use super::symbols;
use super::window;
use crate::console::Voice;
use crate::fatal::{fatal, fatal_text};
use kernel::boot::UserImage;
use kernel::boot::elf::Elf;
use machine::PhysicalAddress;
use machine::firmware::loader::LoaderInfo;
use machine::firmware::{Span, Spans};

/// Loads the first module. Whatever else was in the pages behind the kernel is overwritten:
/// everything that the loader passed has been copied by now.
pub(super) fn load(loader: &LoaderInfo, ram: &Spans) -> UserImage {
    let Some(module) = loader.modules.as_slice().first() else {
        fatal_text("no root task: the loader passed no module")
    };
    let module = Span {
        start: module.start,
        end: module.end,
    };
    if module.end > BOOT_WINDOW || ram.around(module).is_none() {
        fatal(|voice| {
            span(
                voice.text("the root task's module is not in RAM below 4 GiB: "),
                module,
            )
        });
    }
    let pages = parse(module).pages();
    let start = symbols::image().end;
    let image = Span::of(start, pages.end.saturating_sub(pages.start));
    let module = clear_of(image, module, ram);
    if ram.around(image).is_none() || image.end > BOOT_WINDOW {
        too_large(image);
    }
    let elf = parse(module);
    // SAFETY: the pages behind the kernel are free, and the module has been moved out of them.
    unsafe { window::fill(image, &[]) };
    elf.load(|offset, bytes| {
        let place = Span::of(image.start.saturating_add(offset), bytes.len() as u64);
        // SAFETY: as before.
        unsafe { window::fill(place, bytes) };
    });
    UserImage {
        physical: PhysicalAddress(image.start)..PhysicalAddress(image.end),
        virtual_start: pages.start,
        entry: elf.entry(),
    }
}

fn parse<'a>(module: Span) -> Elf<'a> {
    // SAFETY: the module is only moved when this answer is gone.
    let file = unsafe { window::bytes(module) };
    match Elf::read(file) {
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

/// Moves the module behind the root task's pages if it lies in their way.
fn clear_of(image: Span, module: Span, ram: &Spans) -> Span {
    if module.start >= image.end || module.end <= image.start {
        return module;
    }
    // The image ends at a page's end.
    let moved = Span::of(image.end, module.size());
    if moved.end > BOOT_WINDOW || ram.around(moved).is_none() {
        too_large(moved);
    }
    // SAFETY: nothing behind the kernel is in use but the module itself.
    unsafe { window::shift(module.start, moved.start, module.size()) };
    moved
}

fn too_large(wanted: Span) -> ! {
    fatal(|voice| {
        span(
            voice.text("too little memory: the root task needs "),
            wanted,
        )
    })
}

fn span(voice: Voice, span: Span) -> Voice {
    voice.hex(span.start).text(" to ").hex(span.end)
}
