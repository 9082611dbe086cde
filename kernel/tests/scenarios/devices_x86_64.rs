//! Interrupts and devices of a PC: IO APICs, message-signalled interrupts, IO ports.

use crate::world::objects::{CNODE, DEPTH};
use crate::world::{CPtr, World, error};
use abi::bootinfo::slot;
use abi::error::ErrorCode;
use abi::{Invocation, Word};
use kernel::cap::Cap;
use machine::Irq;
use machine::model::PortWrite;

const IRQ_CONTROL: CPtr = CPtr(slot::IRQ_CONTROL as Word);
const IO_PORT_CONTROL: CPtr = CPtr(slot::IO_PORT_CONTROL as Word);

#[test]
fn a_pin_of_an_io_apic_is_routed() {
    let mut w = World::new();
    let at = w.free_slot();
    let words = [at.0, DEPTH, 0, 11, 1, 1, 20];
    w.root_invokes(
        IRQ_CONTROL,
        Invocation::X86IrqIssueIrqHandlerIoapic,
        &words,
        &[CNODE],
    )
    .expect("GetIOAPIC");
    assert_eq!(w.cap(at), Cap::IrqHandler(Irq(36)));
    let route = w.k.machine.routes()[&Irq(36)];
    assert_eq!((route.ioapic, route.pin), (0, 11));
    assert_eq!(route.trigger, machine::irq::Trigger::Level);
    assert!(!w.k.machine.masked(Irq(36)), "issuing unmasks");
}

#[test]
fn refusals_of_get_ioapic() {
    let mut w = World::new();
    let (at, taken, used) = (w.free_slot(), w.endpoint(), w.irq_handler(7));
    let range = |max| error(ErrorCode::RangeError, &[0, max]);
    let simple = |code| error(code, &[]);
    // index, depth, ioapic, pin, level, polarity, vector
    let cases: [([Word; 7], crate::world::Error); 8] = [
        ([at.0, 64, 0, 0, 0, 0, 108], range(107)),
        ([at.0, 64, 0, 0, 0, 0, 7], simple(ErrorCode::RevokeFirst)),
        (
            [at.0, 0, 0, 0, 0, 0, 1],
            error(ErrorCode::RangeError, &[1, 64]),
        ),
        ([taken.0, 64, 9, 0, 0, 0, 1], simple(ErrorCode::DeleteFirst)),
        ([at.0, 64, 1, 0, 0, 0, 1], range(0)),
        ([at.0, 64, 0, 24, 0, 0, 1], range(23)),
        ([at.0, 64, 0, 0, 2, 0, 1], range(1)),
        ([at.0, 64, 0, 0, 0, 2, 1], range(1)),
    ];
    for (words, expected) in cases {
        let answer = w.root_invokes(
            IRQ_CONTROL,
            Invocation::X86IrqIssueIrqHandlerIoapic,
            &words,
            &[CNODE],
        );
        assert_eq!(answer, Err(expected), "{words:?}");
    }
    assert_ne!(w.cap(used), Cap::Null);
    let get = w.root_invokes(
        IRQ_CONTROL,
        Invocation::IrqIssueIrqHandler,
        &[1, at.0, 64],
        &[CNODE],
    );
    assert_eq!(
        get,
        Err(simple(ErrorCode::IllegalOperation)),
        "this platform wants GetIOAPIC or GetMSI"
    );
}

#[test]
fn refusals_of_get_msi() {
    let mut w = World::new();
    let at = w.free_slot();
    let range = |max| error(ErrorCode::RangeError, &[0, max]);
    // index, depth, bus, device, function, handle, vector
    let cases: [([Word; 7], crate::world::Error); 3] = [
        ([at.0, 64, 256, 32, 8, 0, 1], range(255)),
        ([at.0, 64, 255, 32, 8, 0, 1], range(31)),
        ([at.0, 64, 255, 31, 8, 0, 1], range(7)),
    ];
    for (words, expected) in cases {
        let answer = w.root_invokes(
            IRQ_CONTROL,
            Invocation::X86IrqIssueIrqHandlerMsi,
            &words,
            &[CNODE],
        );
        assert_eq!(answer, Err(expected), "{words:?}");
    }
}

// --- IO ports ------------------------------------------------------------------------------------

fn issue(w: &mut World, first: Word, last: Word) -> Result<CPtr, crate::world::Error> {
    let at = w.free_slot();
    let words = [first, last, at.0, DEPTH];
    w.root_invokes(
        IO_PORT_CONTROL,
        Invocation::X86IoPortControlIssue,
        &words,
        &[CNODE],
    )
    .map(|_| at)
}

#[test]
fn io_ports_are_read_and_written_inside_their_range() {
    let mut w = World::new();
    let ports = issue(&mut w, 0x3f8, 0x3ff).expect("a serial port");
    w.k.machine.script_port(0x3fd, &[0xffff_ff60]);
    let read = w.root_invokes(ports, Invocation::X86IoPortIn8, &[0x3fd], &[]);
    assert_eq!(read, Ok(vec![0x60]), "zero-extended");
    w.root_invokes(ports, Invocation::X86IoPortOut8, &[0x3f8, 0x41], &[])
        .expect("out");
    let written = PortWrite {
        port: 0x3f8,
        bytes: 1,
        value: 0x41,
    };
    assert_eq!(w.k.machine.port_writes().last(), Some(&written));
    let outside = Err(error(ErrorCode::IllegalOperation, &[]));
    assert_eq!(
        w.root_invokes(ports, Invocation::X86IoPortIn8, &[0x3f7], &[]),
        outside
    );
    assert_eq!(
        w.root_invokes(ports, Invocation::X86IoPortIn16, &[0x3ff], &[]),
        outside,
        "the second byte"
    );
    assert_eq!(
        w.root_invokes(ports, Invocation::X86IoPortOut32, &[0x3fd, 0], &[]),
        outside
    );
}

#[test]
fn ranges_of_io_ports_do_not_overlap_until_they_are_given_back() {
    let mut w = World::new();
    let ports = issue(&mut w, 0x60, 0x64).expect("keyboard");
    assert_eq!(
        issue(&mut w, 0x64, 0x64),
        Err(error(ErrorCode::RevokeFirst, &[]))
    );
    assert_eq!(
        issue(&mut w, 0x65, 0x64),
        Err(error(ErrorCode::InvalidArgument, &[1]))
    );
    issue(&mut w, 0x65, 0x65).expect("next to it");
    let copy = w.copy(ports, abi::CapRights::ALL);
    w.delete(ports);
    assert!(issue(&mut w, 0x60, 0x60).is_err(), "a copy is left");
    w.delete(copy);
    issue(&mut w, 0x60, 0x60).expect("free again");
}
