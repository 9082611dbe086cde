//! The bound of the kernel's stacks, architecture by architecture.

use std::fmt::Write;

use crate::graph::{Graph, Permissions, Way};
use crate::image::{Image, Isa};

/// How Rust code is entered, and on which stack.
struct Entry {
    what: &'static str,
    /// Ends of the paths of the functions that assembly calls.
    roots: &'static [&'static [&'static str]],
    stack: Stack,
}

/// A stack, by the variable that holds it.
#[derive(Clone, Copy)]
struct Stack {
    variable: &'static str,
    /// Bytes of it that are something else: the guard page.
    others: u64,
    /// How many stacks share the rest.
    share: u64,
    /// What is pushed before Rust is entered, and what the processor may push after.
    pushed: i64,
}

struct Rules {
    entries: &'static [Entry],
    permissions: Permissions,
}

/// Guard pages, and the page before the fault stacks on x86_64.
const PAGE: u64 = 4096;
/// A frame of five words with a number, an error code, and alignment; a return address.
const X86_FRAME: i64 = 8 * 8 + 8;

/// Where the stubs of every image go with system calls.
const SYSTEM_CALLS: &[&str] = &[
    "syscalls::on_call",
    "syscalls::on_reply_recv",
    "syscalls::on_send",
    "syscalls::on_receive",
    "syscalls::on_yield",
    "syscalls::on_syscall",
];

const X86_64: Rules = Rules {
    entries: &[
        Entry {
            what: "system calls, exceptions and interrupts",
            roots: &[SYSTEM_CALLS, &["events::on_trap"]],
            stack: Stack {
                variable: "BOOT_STACK",
                others: PAGE,
                share: 1,
                pushed: X86_FRAME,
            },
        },
        Entry {
            what: "boot",
            roots: &[&["arch::boot::start"]],
            stack: Stack {
                variable: "BOOT_STACK",
                others: PAGE,
                share: 1,
                pushed: X86_FRAME,
            },
        },
        Entry {
            what: "mistakes of the kernel",
            roots: &[&["events::on_kernel_fault"]],
            stack: Stack {
                variable: "AREAS",
                others: PAGE,
                share: 4,
                pushed: X86_FRAME,
            },
        },
    ],
    permissions: Permissions {
        exits: &[
            "plain_resume",
            "with_bases_resume",
            "isolated_plain_resume",
            "isolated_with_bases_resume",
        ],
        unknown_jumps: &[],
    },
};

/// The stacks of the images for RISC-V and AArch64, which have the same names.
const PORT_STACK: Stack = Stack {
    variable: "STACK",
    others: PAGE,
    share: 1,
    pushed: 0,
};
const PORT_FAULT_STACK: Stack = Stack {
    variable: "FAULT_STACK",
    others: 0,
    share: 1,
    pushed: 0,
};

const RISCV64: Rules = Rules {
    entries: &[
        Entry {
            what: "system calls, exceptions and interrupts",
            roots: &[SYSTEM_CALLS, &["events::on_trap", "events::on_wake"]],
            stack: PORT_STACK,
        },
        Entry {
            what: "boot",
            roots: &[&["arch::boot::start"]],
            stack: PORT_STACK,
        },
        Entry {
            what: "mistakes of the kernel",
            roots: &[&["events::on_kernel_fault"]],
            stack: PORT_FAULT_STACK,
        },
    ],
    permissions: Permissions {
        exits: &["trap_resume", "trap_idle"],
        unknown_jumps: &[],
    },
};

const AARCH64: Rules = Rules {
    entries: &[
        Entry {
            what: "system calls, exceptions and interrupts",
            roots: &[
                SYSTEM_CALLS,
                &["events::on_exception", "events::on_interrupt"],
            ],
            stack: PORT_STACK,
        },
        Entry {
            what: "boot",
            roots: &[&["arch::boot::start"]],
            stack: PORT_STACK,
        },
        Entry {
            what: "mistakes of the kernel",
            roots: &[&["events::on_fatal"]],
            stack: PORT_FAULT_STACK,
        },
    ],
    permissions: Permissions {
        exits: &["trap_resume", "trap_idle"],
        unknown_jumps: &[(
            "boot_move",
            "to where the image was linked, with another table",
        )],
    },
};

/// One claim about the image, and how it stands.
pub(crate) struct Finding {
    pub(crate) claim: String,
    pub(crate) verdict: Result<String, String>,
}

pub(crate) fn check(image: &Image) -> Vec<Finding> {
    let rules = match image.isa {
        Isa::X86_64 => &X86_64,
        Isa::AArch64 => &AARCH64,
        Isa::RiscV64 => &RISCV64,
    };
    let mut graph = Graph::new(image, rules.permissions);
    let mut findings: Vec<Finding> = rules
        .entries
        .iter()
        .map(|entry| bound(image, &mut graph, entry))
        .collect();
    findings.push(Finding {
        claim: "no recursion, and no call to where the image does not say".into(),
        verdict: if graph.problems().is_empty() {
            Ok(format!("{} functions", graph.functions()))
        } else {
            Err(graph.problems().join("\n"))
        },
    });
    findings
}

fn bound(image: &Image, graph: &mut Graph, entry: &Entry) -> Finding {
    Finding {
        claim: format!("stack of {}", entry.what),
        verdict: fits(image, graph, entry),
    }
}

fn fits(image: &Image, graph: &mut Graph, entry: &Entry) -> Result<String, String> {
    let size = image.size_of(entry.stack.variable);
    let size = size.ok_or_else(|| format!("no variable {}", entry.stack.variable))?;
    let size = (size.saturating_sub(entry.stack.others) / entry.stack.share).cast_signed();
    let mut deepest: Option<Way> = None;
    for root in entry.roots.iter().copied().flatten() {
        let mut named = image.functions().iter().filter(|f| f.name.ends_with(root));
        let function = named.next().ok_or_else(|| format!("no function {root}"))?;
        let way = graph.deepest(function.code.start);
        if deepest
            .as_ref()
            .is_none_or(|deepest| way.bytes > deepest.bytes)
        {
            deepest = Some(way);
        }
    }
    let way = deepest.ok_or("nothing enters here")?;
    let used = way.bytes + entry.stack.pushed;
    let text = format!("{used} of {size} bytes{}", listed(&way));
    if used <= size { Ok(text) } else { Err(text) }
}

fn listed(way: &Way) -> String {
    let mut text = String::new();
    for station in &way.stations {
        let _ = write!(text, "\n  {:>6}  {}", station.bytes, station.name);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples;

    const ENTRY: Entry = Entry {
        what: "a test",
        roots: &[&["caller"]],
        stack: Stack {
            variable: "STACK",
            others: PAGE,
            share: 1,
            pushed: 16,
        },
    };

    fn verdict(size: u64) -> Result<String, String> {
        let mut image = samples::riscv64_chain();
        image.add_label("kernel::arch::trap::STACK", 0x9000, PAGE + size);
        fits(
            &image,
            &mut Graph::new(&image, Permissions::default()),
            &ENTRY,
        )
    }

    #[test]
    fn a_way_fits_to_the_byte() {
        let needed = samples::RISCV64_CHAIN_BYTES.cast_unsigned() + 16;
        assert!(verdict(needed).is_ok());
        let why = verdict(needed - 1).expect_err("one byte is missing");
        assert!(why.contains("callee"), "the way is told: {why}");
    }

    #[test]
    fn what_cannot_be_found_is_no_success() {
        let image = samples::riscv64_chain();
        let mut graph = Graph::new(&image, Permissions::default());
        assert!(fits(&image, &mut graph, &ENTRY).is_err(), "no stack");
        let other = Entry {
            roots: &[&["nobody"]],
            ..ENTRY
        };
        let mut image = samples::riscv64_chain();
        image.add_label("STACK", 0x9000, 1 << 20);
        let mut graph = Graph::new(&image, Permissions::default());
        assert!(fits(&image, &mut graph, &other).is_err(), "no function");
    }
}
