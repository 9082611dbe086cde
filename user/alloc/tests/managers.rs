//! The managers against a kernel that says yes to everything and records what it was asked.

use abi::{CapRights, Invocation, ObjectType, Word};
use linchpin_user_alloc::elf::Defect;
use linchpin_user_alloc::{AllocError, Allocator, Block, Memory, Program, Slots};
use user_api::sys::Exit;
use user_api::sys::mock::{answer, take_record};
use user_api::{CNode, CPtr, Error, Untyped};

fn slots() -> Slots<4> {
    Slots::new(CNode::new(2), 100, 100 + 200)
}

fn block(slot: Word, bits: usize, address: Word, device: bool) -> Block {
    Block {
        untyped: Untyped::new(slot),
        bits,
        address,
        device,
    }
}

fn refuse() {
    let label = abi::ErrorCode::IllegalOperation.number();
    answer(Exit {
        info: abi::MessageInfo::new(label, 0, 0, 0).0,
        ..Exit::default()
    });
}

/// The number of the ISA in ELF files.
const fn machine() -> u8 {
    match abi::ISA {
        abi::Isa::X86_64 => 62,
        abi::Isa::AArch64 => 183,
        abi::Isa::RiscV64 => 243,
    }
}

#[test]
fn slots_are_handed_out_once_and_come_back() {
    let mut slots = slots();
    let all: Vec<Word> = core::iter::from_fn(|| slots.take().ok()).collect();
    assert_eq!(all, (100..300).collect::<Vec<_>>());
    assert_eq!(slots.take(), Err(AllocError::NoSlots));
    slots.give(150);
    slots.give(7);
    assert_eq!((slots.free(), slots.take()), (1, Ok(150)));
}

#[test]
fn a_row_skips_what_is_in_use() {
    let mut slots = slots();
    for _ in 0..5 {
        slots.take().expect("free");
    }
    slots.give(101);
    assert_eq!(slots.take_row(3).map(|row| row.offset), Ok(105));
    assert_eq!(slots.take_row(1).map(|row| row.offset), Ok(101));
    assert_eq!(slots.take_row(193), Err(AllocError::NoSlots));
    assert_eq!(slots.take_row(192).map(|row| row.offset), Ok(108));
}

#[test]
fn memory_is_halved_down_to_what_is_wanted() {
    let (mut slots, mut memory) = (slots(), Memory::<32>::new());
    memory.give(block(50, 20, 0x10_0000, false)).expect("room");
    let taken = memory.take(&mut slots, 12).expect("there is memory");
    assert_eq!((taken.bits, taken.address), (12, 0x10_0000));
    assert_eq!(take_record().len(), 8);
    assert_eq!(memory.free_ram(), (1 << 20) - (1 << 12));
    let again = memory.take(&mut slots, 12).expect("the other half");
    assert_eq!(again.address, 0x10_1000);
    assert!(take_record().is_empty(), "halves that exist are used first");
    assert_eq!(
        memory.take(&mut slots, 21),
        Err(AllocError::NoMemory { bits: 21 })
    );
}

#[test]
fn device_memory_is_only_had_by_address() {
    let (mut slots, mut memory) = (slots(), Memory::<32>::new());
    memory.give(block(50, 28, 0xf000_0000, true)).expect("room");
    assert_eq!(
        memory.take(&mut slots, 12),
        Err(AllocError::NoMemory { bits: 12 })
    );
    let page = memory.take_at(&mut slots, 0xfed0_0123, 12).expect("inside");
    assert_eq!((page.address, page.device), (0xfed0_0000, true));
    assert_eq!(
        memory.take_at(&mut slots, 0xfed0_0000, 12),
        Err(AllocError::NoMemory { bits: 12 })
    );
}

#[test]
fn nothing_is_lost_when_the_kernel_refuses() {
    let (mut slots, mut memory) = (slots(), Memory::<32>::new());
    memory.give(block(50, 20, 0x10_0000, false)).expect("room");
    refuse();
    assert_eq!(
        memory.take(&mut slots, 12),
        Err(AllocError::Kernel(Error::IllegalOperation))
    );
    assert_eq!((memory.free_ram(), slots.free()), (1 << 20, 200));
}

#[test]
fn objects_come_and_go() {
    let mut allocator = Allocator {
        slots: slots(),
        memory: Memory::<32>::new(),
    };
    allocator
        .memory
        .give(block(50, 10, 0, false))
        .expect("room");
    let object = allocator
        .object::<CPtr>(ObjectType::CNode, 5)
        .expect("1 KiB is enough");
    assert_eq!(allocator.memory.free_ram(), 0);
    take_record();
    allocator.destroy(object).expect("the kernel agrees");
    let revoke = take_record()[0].entry;
    let label = abi::LABELS
        .label(Invocation::CNodeRevoke)
        .expect("always there");
    assert_eq!(
        (abi::MessageInfo(revoke.info).label(), revoke.words[0]),
        (label, 50)
    );
    assert_eq!(
        (allocator.memory.free_ram(), allocator.slots.free()),
        (1 << 10, 200)
    );
    let copy = allocator
        .copy(CPtr::new(3), CapRights::READ)
        .expect("a slot is free");
    allocator.forget(copy).expect("the kernel agrees");
    assert_eq!(allocator.slots.free(), 200);
}

#[test]
fn files_that_are_no_programs_are_refused() {
    let parse = |bytes: &[u8]| Program::parse(bytes).map(|program| program.entry);
    assert_eq!(parse(b"\x7fELF"), Err(Defect::Short));
    assert_eq!(parse(b"#!/bin/sh\n"), Err(Defect::NotElf));
    let mut file = vec![0_u8; 64 + 56];
    file[..6].copy_from_slice(b"\x7fELF\x02\x01");
    assert_eq!(parse(&file), Err(Defect::NotForHere));
    file[16] = 2;
    file[18] = machine();
    file[24] = 9;
    assert_eq!(parse(&file), Ok(9));
    file[32] = 64;
    file[56] = 1;
    file[64] = 1;
    file[64 + 40] = 1;
    assert_eq!(parse(&file), Ok(9));
    file[64 + 32] = 2;
    assert_eq!(parse(&file), Err(Defect::BadSegment));
    file[56] = 2;
    file[64 + 32] = 0;
    assert_eq!(parse(&file), Err(Defect::Short));
}
