//! What every kernel image must be, and what must never be in one.

use miette::Result;

use crate::flat;
use crate::kind::Arch;
use crate::layout::Layout;
use crate::multiboot;

/// Whether an image may hold panic machinery: debug kernels format and panic, the others must not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Panics {
    Allowed,
    Forbidden,
}

/// One rule about kernel images, and how a file does.
pub(crate) struct Finding {
    pub(crate) rule: &'static str,
    pub(crate) verdict: Result<(), String>,
}

/// Holds a kernel file against the rules that every image of its architecture obeys.
pub(crate) fn check_kernel(arch: Arch, file: &[u8], panics: Panics) -> Result<Vec<Finding>> {
    let layout = Layout::read(file)?;
    let mut findings = match arch {
        Arch::X86_64 => x86_rules(file, &layout),
        Arch::AArch64 => vec![
            Finding {
                rule: "one linear piece, 2 MiB aligned, entered inside",
                verdict: linear(&layout).and_then(|()| entered_inside(&layout)),
            },
            Finding {
                rule: "the header of a Linux kernel",
                verdict: flat::convert(file)
                    .map_err(|error| error.to_string())
                    .and_then(|bytes| linux_header(&bytes, 56, b"ARM\x64")),
            },
        ],
        Arch::RiscV64 => vec![
            Finding {
                rule: "one linear piece, 2 MiB aligned, entered at its first byte",
                verdict: linear(&layout).and_then(|()| entered_first(&layout)),
            },
            Finding {
                rule: "the header of a Linux kernel",
                verdict: flat::convert(file)
                    .map_err(|error| error.to_string())
                    .and_then(|bytes| linux_header(&bytes, 48, b"RISCV\0\0\0RSC\x05")),
            },
        ],
    };
    findings.extend([
        Finding {
            rule: "no writable and executable segment",
            verdict: writable_code(&layout),
        },
        Finding {
            rule: "a symbol table with ki_end and ki_boot_end",
            verdict: symbols(&layout),
        },
    ]);
    if panics == Panics::Forbidden {
        findings.push(Finding {
            rule: "no panic machinery",
            verdict: no_panics(&layout),
        });
        findings.push(Finding {
            rule: "no heap",
            verdict: no_heap(&layout),
        });
    }
    Ok(findings)
}

fn x86_rules(file: &[u8], layout: &Layout) -> Vec<Finding> {
    vec![
        Finding {
            rule: "a 32-bit physical entry inside a segment",
            verdict: entry(layout),
        },
        Finding {
            rule: "a Multiboot 1 header with addresses",
            verdict: header(file),
        },
        Finding {
            rule: "a PVH note",
            verdict: layout
                .has_pvh_note
                .then_some(())
                .ok_or_else(|| "no note of name Xen and type 18".into()),
        },
    ]
}

/// What loaders of the contract in which a kernel is mapped for it rely on.
fn linear(layout: &Layout) -> Result<(), String> {
    let (Some(first), Some(last)) = (layout.segments.first(), layout.segments.last()) else {
        return Err("there is no segment".into());
    };
    let offset = first.virtual_address.wrapping_sub(first.physical_address);
    if !offset.is_multiple_of(2 << 20) || !first.physical_address.is_multiple_of(2 << 20) {
        return Err(format!(
            "linked at {:#x} for {:#x}",
            first.virtual_address, first.physical_address
        ));
    }
    for pair in layout.segments.windows(2) {
        let [before, after] = pair else { continue };
        if after.virtual_address.wrapping_sub(after.physical_address) != offset {
            return Err(format!("another offset at {:#x}", after.virtual_address));
        }
        if after.physical_address != before.physical_address + before.memory_size {
            return Err(format!("a gap before {:#x}", after.virtual_address));
        }
    }
    let end = last.physical_address + last.memory_size;
    if first.physical_address >> 30 != (end - 1) >> 30 {
        return Err(format!("across a multiple of 1 GiB, up to {end:#x}"));
    }
    Ok(())
}

fn entered_first(layout: &Layout) -> Result<(), String> {
    let first = layout.segments.first().map(|first| first.virtual_address);
    if first == Some(layout.entry) {
        Ok(())
    } else {
        Err(format!("the entry is {:#x}", layout.entry))
    }
}

fn entered_inside(layout: &Layout) -> Result<(), String> {
    let inside = layout
        .segments
        .iter()
        .any(|s| (s.virtual_address..s.virtual_address + s.file_size).contains(&layout.entry));
    if inside {
        Ok(())
    } else {
        Err(format!("the entry is {:#x}", layout.entry))
    }
}

fn linux_header(bytes: &[u8], at: usize, magic: &[u8]) -> Result<(), String> {
    match bytes.get(at..at + magic.len()) {
        Some(found) if found == magic => Ok(()),
        found => Err(format!("at {at}: {found:?}")),
    }
}

fn entry(layout: &Layout) -> Result<(), String> {
    let inside = layout
        .segments
        .iter()
        .any(|s| (s.physical_address..s.physical_address + s.file_size).contains(&layout.entry));
    if inside && layout.entry < 1 << 32 {
        return Ok(());
    }
    Err(format!("the entry is {:#x}", layout.entry))
}

fn header(file: &[u8]) -> Result<(), String> {
    match multiboot::find(file) {
        None => Err("none in the first 8 KiB".into()),
        Some(header) if !header.has_addresses() => Err(format!(
            "flags {:#x} at {:#x}: bit 16 is clear",
            header.flags, header.offset
        )),
        Some(_) => Ok(()),
    }
}

fn writable_code(layout: &Layout) -> Result<(), String> {
    match layout
        .segments
        .iter()
        .find(|segment| segment.is_writable_code())
    {
        Some(segment) => Err(format!(
            "the segment at {:#x} is both",
            segment.virtual_address
        )),
        None => Ok(()),
    }
}

fn symbols(layout: &Layout) -> Result<(), String> {
    for wanted in ["ki_end", "ki_boot_end"] {
        if layout.symbols.iter().all(|name| name != wanted) {
            return Err(format!(
                "`{wanted}` is not among {} symbols",
                layout.symbols.len()
            ));
        }
    }
    Ok(())
}

fn no_panics(layout: &Layout) -> Result<(), String> {
    if layout.symbols.is_empty() {
        return Err("there is no symbol table to search".into());
    }
    let found: Vec<&str> = layout
        .symbols
        .iter()
        .map(String::as_str)
        .filter(|name| is_panic_machinery(name))
        .collect();
    if found.is_empty() {
        Ok(())
    } else {
        Err(found.join(", "))
    }
}

fn no_heap(layout: &Layout) -> Result<(), String> {
    let allocates = |name: &&String| {
        ["__rust_alloc", "__rg_alloc", "5alloc5alloc", "alloc::alloc"]
            .iter()
            .any(|part| name.contains(part))
    };
    match layout.symbols.iter().find(allocates) {
        Some(name) => Err(name.clone()),
        None => Ok(()),
    }
}

/// Mangled names keep their path: `_ZN4core9panicking5panic…` (legacy), `_RNv…4core9panicking5panic` (v0).
fn is_panic_machinery(symbol: &str) -> bool {
    [
        "4core9panicking",
        "core::panicking",
        "rust_begin_unwind",
        "4core6result13unwrap_failed",
        "4core6option13unwrap_failed",
        "4core6option13expect_failed",
    ]
    .iter()
    .any(|part| symbol.contains(part))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layout::sample::Elf64;

    fn verdict(findings: &[Finding], rule: &str) -> bool {
        findings
            .iter()
            .find(|finding| finding.rule.contains(rule))
            .is_some_and(|f| f.verdict.is_ok())
    }

    #[test]
    fn each_rule_has_its_verdict() {
        let file = Elf64::new(0x10_0010)
            .load(0x10_0000, 0x10_0000, &[0; 64], 64)
            .build();
        let findings = check_kernel(Arch::X86_64, &file, Panics::Forbidden).expect("readable");
        assert!(verdict(&findings, "entry"));
        assert!(!verdict(&findings, "Multiboot"));
        assert!(!verdict(&findings, "PVH"));
        assert!(verdict(&findings, "writable"));
        assert!(!verdict(&findings, "panic"), "no symbols is no proof");
    }

    #[test]
    fn sees_writable_code() {
        let mut elf = Elf64::new(0x10_0000).load(0x10_0000, 0x10_0000, &[0; 64], 64);
        elf.flags = 7;
        let findings = check_kernel(Arch::X86_64, &elf.build(), Panics::Allowed).expect("readable");
        assert!(!verdict(&findings, "writable"));
    }

    #[test]
    fn knows_panic_machinery_by_its_mangled_names() {
        assert!(is_panic_machinery(
            "_ZN4core9panicking18panic_bounds_check17h0123456789abcdefE"
        ));
        assert!(is_panic_machinery("_RNvNtCs1_4core9panicking5panic"));
        assert!(!is_panic_machinery(
            "_ZN6kernel4boot5start17h0123456789abcdefE"
        ));
    }
}
