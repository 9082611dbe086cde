//! The defects. Those called "an interrupt ..." are none: they show that an interrupt comes at each place
//! where the kernel looks for one.

use abi::Isa;

/// A defect: one of `changes` fits the file, and the scope that must find it.
pub(crate) struct Defect {
    pub(crate) name: &'static str,
    pub(crate) file: &'static str,
    pub(crate) changes: &'static [Change],
    pub(crate) scope: &'static str,
    /// Where a scope of that depth can find it.
    pub(crate) isas: &'static [Isa],
}

/// The scope of a profile with several domains, which the kernel is compiled for once more.
pub(crate) const DOMAINS: &str = "domains";

const ALL: &[Isa] = &[Isa::X86_64, Isa::AArch64, Isa::RiscV64];
const X86_64: &[Isa] = &[Isa::X86_64];

/// What is right in a place, and what is wrong: both expressions, or both statements.
pub(crate) struct Change {
    /// Text that the file has once, and that has `right` once.
    pub(crate) around: &'static str,
    pub(crate) right: &'static str,
    pub(crate) wrong: &'static str,
}

pub(crate) const DEFECTS: &[Defect] = &[
    Defect {
        name: "a link is not mended when a waiter leaves the queue",
        file: "kernel/src/queue.rs",
        changes: &[Change {
            around: "links.previous = previous;",
            right: "links.previous = previous;",
            wrong: "links.previous = links.previous;",
        }],
        scope: "messages_between_three",
        isas: ALL,
    },
    Defect {
        name: "a link is not cleared when a waiter leaves the queue",
        file: "kernel/src/queue.rs",
        changes: &[Change {
            around: "= k[thread].links.take() else",
            right: "k[thread].links.take()",
            wrong: "k[thread].links",
        }],
        scope: "messages_between_three",
        isas: ALL,
    },
    Defect {
        name: "the watermark is reset with a live child",
        file: "kernel/src/object/untyped.rs",
        changes: &[Change {
            around: "if cdt::untyped_has_children(k, slot) {",
            right: "cdt::untyped_has_children(k, slot)",
            wrong: "cap.bits >= 8 && cdt::untyped_has_children(k, slot)",
        }],
        scope: "derivation",
        isas: ALL,
    },
    Defect {
        name: "rights are not masked",
        file: "kernel/src/cap.rs",
        changes: &[Change {
            around: "Self(self.0 & bits)",
            right: "self.0 & bits",
            wrong: "self.0",
        }],
        scope: "derivation",
        isas: ALL,
    },
    Defect {
        name: "an index is not checked",
        file: "kernel/src/object/untyped.rs",
        changes: &[Change {
            around: "if offset >= slots {",
            right: "offset >= slots",
            wrong: "offset > slots",
        }],
        scope: "derivation",
        isas: ALL,
    },
    Defect {
        name: "the last capability is taken for last though another comes before it",
        file: "kernel/src/cdt.rs",
        changes: &[Change {
            around: "!elsewhere(links.previous()) && !elsewhere(links.next())",
            right: "!elsewhere(links.previous()) && !elsewhere(links.next())",
            wrong: "!elsewhere(links.next())",
        }],
        scope: "derivation",
        isas: ALL,
    },
    Defect {
        name: "a call that gave way is not made again",
        file: "kernel/src/invocation.rs",
        changes: &[Change {
            around: "        return Err(Preempted);\n    }\n    // The operation may",
            right: "return Err(Preempted);",
            wrong: "k[thread].state = ThreadState::Running; return Ok(());",
        }],
        scope: "everything_ends",
        isas: ALL,
    },
    Defect {
        name: "a revoked slot is looked at after its CNode has ended",
        file: "kernel/src/delete.rs",
        changes: &[Change {
            around: "slot.address().bits().wrapping_sub(first.bits()) >= len",
            right: "slot.address().bits().wrapping_sub(first.bits()) >= len",
            wrong: "true",
        }],
        scope: "everything_ends",
        isas: ALL,
    },
    Defect {
        name: "time that was lent does not come back with the answer",
        file: "kernel/src/object/reply.rs",
        changes: &[Change {
            around: "if k[caller].sched_context.is_none() {",
            right: "k[caller].sched_context.is_none()",
            wrong: "k[caller].sched_context.is_none() && k[caller].priority > 100",
        }],
        scope: "messages_between_three",
        isas: ALL,
    },
    Defect {
        name: "who comes later stands before its equals",
        file: "kernel/src/ipc.rs",
        changes: &[Change {
            around: "k[other].priority < priority",
            right: "k[other].priority < priority",
            wrong: "k[other].priority <= priority",
        }],
        scope: "messages_between_three",
        isas: ALL,
    },
    Defect {
        name: "capabilities travel without the right to grant",
        file: "kernel/src/ipc.rs",
        changes: &[Change {
            around: "if can_grant && info.extra_caps() > 0 {",
            right: "can_grant && info.extra_caps() > 0",
            wrong: "info.extra_caps() > 0",
        }],
        scope: "capabilities_by_message",
        isas: ALL,
    },
    Defect {
        name: "a second signal forgets the first",
        file: "kernel/src/object/notification.rs",
        changes: &[Change {
            around: "Signal::Active(old | badge)",
            right: "old | badge",
            wrong: "old & badge",
        }],
        scope: "signals",
        isas: ALL,
    },
    Defect {
        name: "a second signal forgets the first, on the fast way",
        file: "kernel/src/fastpath/send.rs",
        changes: &[Change {
            around: "Signal::Active(before | cap.badge)",
            right: "before | cap.badge",
            wrong: "before & cap.badge",
        }],
        scope: "signals",
        isas: ALL,
    },
    Defect {
        name: "time that a notification lent is not given back",
        file: "kernel/src/object/sched_context.rs",
        changes: &[Change {
            around: "        k[tcb].sched_context = None;\n        k[sc].tcb = None;",
            right: "k[tcb].sched_context = None;\n        k[sc].tcb = None;",
            wrong: "k[sc].tcb = k[sc].tcb;",
        }],
        scope: "signals",
        isas: ALL,
    },
    Defect {
        name: "the sum of the refills is not kept",
        file: "kernel/src/refill.rs",
        changes: &[Change {
            around: "                amount: used,\n            });\n        }\n        self.merge",
            right: "used",
            wrong: "used / 2",
        }],
        scope: "budgets",
        isas: ALL,
    },
    Defect {
        name: "the timer does not know who waits for time",
        file: "kernel/src/timer.rs",
        changes: &[Change {
            around: "let mut at = node.release.alarm();",
            right: "node.release.alarm()",
            wrong: "Ticks::MAX",
        }],
        scope: "budgets",
        isas: ALL,
    },
    Defect {
        name: "a stale ASID: what it named stays in the translation cache",
        file: "kernel/src/object/asid.rs",
        changes: &[Change {
            around: "k.machine.set_space(Space::KERNEL);\n    k.machine.invalidate_asid(asid);",
            right: "k.machine.invalidate_asid(asid);",
            wrong: "",
        }],
        scope: "address_spaces",
        isas: ALL,
    },
    Defect {
        name: "a stale ASID: a thread goes on in an address space that was taken from it",
        file: "kernel/src/delete.rs",
        changes: &[Change {
            around: "Cap::VSpace(_) if !last => k.asids.spaces_changed(),",
            right: "k.asids.spaces_changed()",
            wrong: "()",
        }],
        scope: "address_spaces",
        isas: ALL,
    },
    Defect {
        name: "a stale ASID: a thread runs in the address space that has taken it over",
        file: "kernel/src/object/asid.rs",
        changes: &[Change {
            around: "}) if names(k, asid, root) =>",
            right: "names(k, asid, root)",
            wrong: "super::asid::root(k, asid).is_some()",
        }],
        scope: "address_spaces",
        isas: ALL,
    },
    Defect {
        name: "a page that was unmapped stays in the translation cache",
        file: "kernel/src/isa/{isa}/vspace.rs",
        changes: &[
            Change {
                around: "        k.machine.store(entry, 0);\n        k.machine.invalidate_page(mapping.asid, mapping.address);",
                right: "k.machine.invalidate_page(mapping.asid, mapping.address);",
                wrong: "",
            },
            Change {
                around: "        k.machine.store(leaf.at, 0);\n        k.machine.invalidate_page(mapping.asid, mapping.address);",
                right: "k.machine.invalidate_page(mapping.asid, mapping.address);",
                wrong: "",
            },
        ],
        scope: "address_spaces",
        isas: ALL,
    },
    Defect {
        name: "the pages of a table that was unmapped stay in the translation cache",
        file: "kernel/src/isa/{isa}/vspace.rs",
        changes: &[Change {
            around: "k.machine.invalidate_asid(mapping.asid);",
            right: "k.machine.invalidate_asid(mapping.asid);",
            wrong: "",
        }],
        scope: "address_spaces",
        isas: ALL,
    },
    Defect {
        name: "who unmaps a page unmaps the one that has taken its place",
        file: "kernel/src/isa/{isa}/vspace.rs",
        changes: &[
            Change {
                around: "is_page && address == frame.base.0)",
                right: "address == frame.base.0",
                wrong: "true",
            },
            Change {
                around: "self.bits == frame.size.bits() && self.value & ADDRESS == frame.base.0",
                right: "self.value & ADDRESS == frame.base.0",
                wrong: "true",
            },
            Change {
                around: "!is_table(found.value) && target(found.value) == frame.base;",
                right: "target(found.value) == frame.base",
                wrong: "true",
            },
        ],
        scope: "a_page_takes_the_place_of_another",
        // On RISC-V nothing is mapped over something else.
        isas: &[Isa::X86_64, Isa::AArch64],
    },
    Defect {
        name: "a page is mapped with more rights than its capability has",
        file: "kernel/src/isa/{isa}/vspace.rs",
        changes: &[Change {
            around: "frame.rights.masked(CapRights(rights))",
            right: "frame.rights.masked(CapRights(rights))",
            wrong: "VmRights::ReadWrite.masked(CapRights(rights))",
        }],
        scope: "address_spaces",
        isas: ALL,
    },
    Defect {
        name: "a line that was delivered is not quiet",
        file: "kernel/src/object/irq.rs",
        changes: &[Change {
            around: "k.machine.interrupt_delivered(irq);",
            right: "k.machine.interrupt_delivered(irq);",
            wrong: "k.machine.end_of_interrupt(irq);",
        }],
        scope: "interrupts",
        isas: ALL,
    },
    Defect {
        name: "a line whose last handler has gone still interrupts",
        file: "kernel/src/object/irq.rs",
        changes: &[Change {
            around: "k.irqs.set_state(irq, IrqState::Inactive);\n    k.machine.mask(irq);",
            right: "k.machine.mask(irq);",
            wrong: "",
        }],
        scope: "interrupts",
        isas: ALL,
    },
    Defect {
        name: "a handler that goes leaves its notification behind",
        file: "kernel/src/object/irq.rs",
        changes: &[Change {
            around: "let slot = k.irqs.slot(irq);\n    delete::delete_simple(k, slot);\n}",
            right: "delete::delete_simple(k, slot);",
            wrong: "let _ = slot;",
        }],
        scope: "interrupts",
        isas: ALL,
    },
    Defect {
        name: "a handler hears by a capability that cannot signal",
        file: "kernel/src/object/irq.rs",
        changes: &[Change {
            around: "Cap::Notification(c) if c.rights.write() => {",
            right: "c.rights.write()",
            wrong: "c.rights.read()",
        }],
        scope: "interrupts",
        isas: ALL,
    },
    Defect {
        name: "a priority above what the authority may give",
        file: "kernel/src/object/tcb/invoke.rs",
        changes: &[Change {
            around: "if priority > max {",
            right: "priority > max",
            wrong: "priority > max.saturating_add(1)",
        }],
        scope: "threads",
        isas: ALL,
    },
    Defect {
        name: "a thread reads its own registers",
        file: "kernel/src/object/tcb/invoke.rs",
        changes: &[Change {
            around: "    if thread == m.sender {\n        return Err(SyscallError::IllegalOperation);\n    }\n    Ok(TcbInvocation::ReadRegisters {",
            right: "thread == m.sender",
            wrong: "false && thread == m.sender",
        }],
        scope: "threads",
        isas: ALL,
    },
    Defect {
        name: "a thread that is stopped goes on with the call that it had finished",
        file: "kernel/src/object/tcb.rs",
        changes: &[Change {
            around: "k[thread.context()].set_fault_ip(next);\n    }\n    set_state",
            right: "k[thread.context()].set_fault_ip(next);",
            wrong: "let _ = next;",
        }],
        scope: "threads",
        isas: ALL,
    },
    Defect {
        name: "lent time comes back to a caller that ends",
        file: "kernel/src/object/tcb.rs",
        changes: &[Change {
            around: "crate::object::reply::abandon(k, reply, thread);",
            right: "crate::object::reply::abandon(k, reply, thread);",
            wrong: "crate::object::reply::unlink(k, reply, thread);",
        }],
        scope: "threads",
        isas: X86_64,
    },
    Defect {
        name: "who yields to a thread that ends is not answered",
        file: "kernel/src/object/tcb.rs",
        changes: &[Change {
            around: "crate::object::sched_context::end_yields_to(k, sc);",
            right: "crate::object::sched_context::end_yields_to(k, sc);",
            wrong: "",
        }],
        scope: "threads",
        isas: X86_64,
    },
    Defect {
        name: "an answer of refusal lets a thread go on after an exception",
        file: "kernel/src/fault.rs",
        changes: &[Change {
            around: "write_register(register, word);\n    }\n    info.label() == 0",
            right: "info.label() == 0",
            wrong: "info.label() < 2",
        }],
        scope: "faults",
        isas: ALL,
    },
    Defect {
        name: "an answer to a fault sets one register more than it has words",
        file: "kernel/src/fault.rs",
        changes: &[Change {
            around: "registers.enumerate().take(length)",
            right: "length",
            wrong: "length + 1",
        }],
        scope: "faults",
        isas: ALL,
    },
    Defect {
        name: "a thread of another domain runs",
        file: "kernel/src/sched.rs",
        changes: &[Change {
            around: "domain != k.schedule.current_domain() ||",
            right: "domain != k.schedule.current_domain()",
            wrong: "false",
        }],
        scope: DOMAINS,
        isas: X86_64,
    },
    Defect {
        name: "a thread stays in the queue of the domain that it has left",
        file: "kernel/src/object/domain.rs",
        changes: &[Change {
            around: "ready::dequeue(k, thread);\n    k[thread].domain = domain;",
            right: "ready::dequeue(k, thread);",
            wrong: "",
        }],
        scope: DOMAINS,
        isas: X86_64,
    },
    Defect {
        name: "a slice of a domain lasts for ever",
        file: "kernel/src/time.rs",
        changes: &[Change {
            around: "let remaining = k.schedule.remaining.saturating_sub(passed);",
            right: "k.schedule.remaining.saturating_sub(passed)",
            wrong: "k.schedule.remaining",
        }],
        scope: DOMAINS,
        isas: X86_64,
    },
    Defect {
        name: "an interrupt while a notification ends",
        file: "kernel/src/object/notification.rs",
        changes: &[Change {
            around: "k.preemption_point()?;",
            right: "k.preemption_point()?;",
            wrong: "if k.preemption_point().is_err() { panic!(\"an interrupt here\") }",
        }],
        scope: "everything_ends",
        isas: ALL,
    },
    Defect {
        name: "an interrupt while an endpoint ends",
        file: "kernel/src/object/endpoint.rs",
        changes: &[Change {
            around: "k.preemption_point()?;",
            right: "k.preemption_point()?;",
            wrong: "if k.preemption_point().is_err() { panic!(\"an interrupt here\") }",
        }],
        scope: "everything_ends",
        isas: ALL,
    },
    Defect {
        name: "an interrupt while memory is cleared",
        file: "kernel/src/object/untyped.rs",
        changes: &[Change {
            around: "k.preemption_point_after((CHUNK >> PROFILE.reset_chunk_bits) as u32)?;",
            right: "k.preemption_point_after((CHUNK >> PROFILE.reset_chunk_bits) as u32)?;",
            wrong: "if k.preemption_point_after((CHUNK >> PROFILE.reset_chunk_bits) as u32).is_err() { panic!(\"an interrupt here\") }",
        }],
        scope: "much_memory",
        isas: ALL,
    },
    Defect {
        name: "an interrupt while a slot is deleted",
        file: "kernel/src/delete.rs",
        changes: &[Change {
            around: "reduce(k, slot, zombie)?;\n        }\n        k.preemption_point()?;",
            right: "k.preemption_point()?;",
            wrong: "if k.preemption_point().is_err() { panic!(\"an interrupt here\") }",
        }],
        scope: "everything_ends",
        isas: ALL,
    },
    Defect {
        name: "an interrupt while a slot is revoked",
        file: "kernel/src/delete.rs",
        changes: &[Change {
            around: "delete(k, child)?;\n        k.preemption_point()?;",
            right: "k.preemption_point()?;",
            wrong: "if k.preemption_point().is_err() { panic!(\"an interrupt here\") }",
        }],
        scope: "everything_ends",
        isas: ALL,
    },
    Defect {
        name: "an interrupt while what ends inside another is deleted",
        file: "kernel/src/delete.rs",
        changes: &[Change {
            around: "swap_out(k, slot, zombie);\n        }\n        k.preemption_point()?;",
            right: "k.preemption_point()?;",
            wrong: "if k.preemption_point().is_err() { panic!(\"an interrupt here\") }",
        }],
        scope: "everything_ends",
        isas: ALL,
    },
];
