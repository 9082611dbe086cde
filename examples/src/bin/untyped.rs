//! Untyped memory: all memory that the kernel does not need is given to the root task at boot.
//! User code decides what becomes of each byte, the kernel's own objects included.
#![no_std]
#![no_main]

use user_api::{Frame, FrameSize, ObjectType, SlotWindow, Untyped};
use user_runtime::boot;
use user_runtime::prelude::*;

user_runtime::entry!(main);

fn main(boot: &'static BootInfo) -> Result {
    let mut ram = 0;
    for (untyped, entry) in boot::untypeds(boot).filter(|(_, entry)| entry.is_device == 0) {
        println!(
            "slot {:3}: 2^{:<2} bytes at {:#011x}",
            untyped.cptr().bits(),
            entry.size_bits,
            entry.paddr
        );
        ram += 1_u64 << entry.size_bits;
    }
    println!("{} MiB of RAM in all.", ram >> 20);

    // The smallest that is large enough for what follows.
    let fitting =
        boot::untypeds(boot).filter(|(_, entry)| entry.is_device == 0 && entry.size_bits >= 16);
    let (memory, entry) = fitting
        .min_by_key(|(_, entry)| entry.size_bits)
        .expect("64 KiB somewhere");
    let mut slots = boot.empty.start..;
    let mut slot = move || slots.next().unwrap_or_default();

    // A small piece to play with: an untyped can be cut into untypeds.
    let piece = slot();
    memory.retype(ObjectType::Untyped, 14, SlotWindow::one(root::CNODE, piece))?;
    let piece = Untyped::new(piece);
    println!(
        "\nCut 16 KiB from slot {} (2^{} bytes).",
        memory.cptr().bits(),
        entry.size_bits
    );

    // Objects lie one after the other, each aligned to its size.
    let frames = [slot(), slot()];
    piece.retype(
        FrameSize::Small.object(),
        0,
        SlotWindow::many(root::CNODE, frames[0], 2),
    )?;
    let addresses = [
        Frame::new(frames[0]).physical_address()?,
        Frame::new(frames[1]).physical_address()?,
    ];
    assert_eq!(addresses[1], addresses[0] + 0x1000);
    println!(
        "Two frames, side by side: {:#x} and {:#x}.",
        addresses[0], addresses[1]
    );

    let tcb = slot();
    piece.retype(ObjectType::Tcb, 0, SlotWindow::one(root::CNODE, tcb))?;
    println!(
        "A thread's control block, {} bytes of the same memory.",
        1 << abi::object::TCB_BITS
    );

    // What is left is known exactly.
    let spare = slot();
    let too_much = piece.retype(
        FrameSize::Small.object(),
        0,
        SlotWindow::many(root::CNODE, spare, 2),
    );
    let wanted = Error::NotEnoughMemory {
        available: (1 << 14) - 0x2000 - (1 << abi::object::TCB_BITS),
    };
    assert_eq!(too_much, Err(wanted));
    println!("Two more frames: {wanted}.");

    // Memory that is in use cannot be given to somebody else.
    let copy = root::CNODE
        .absolute(spare)
        .copy_from(root::CNODE.absolute(piece.cptr().bits()), CapRights::ALL);
    assert_eq!(copy, Err(Error::RevokeFirst));
    println!("A copy of the untyped: {}.", Error::RevokeFirst);

    // Revoking takes all of it back, objects and all.
    root::CNODE.absolute(piece.cptr().bits()).revoke()?;
    assert!(
        Frame::new(frames[0]).physical_address().is_err(),
        "the frame is gone"
    );
    piece.retype(ObjectType::Untyped, 14, SlotWindow::one(root::CNODE, spare))?;
    println!("Revoked: frames and thread are gone, all 16 KiB can be used again.");

    // Device memory becomes frames, but never kernel objects.
    let device =
        boot::untypeds(boot).find(|(_, entry)| entry.is_device == 1 && entry.size_bits >= 12);
    let (device, entry) = device.expect("every machine has devices");
    let refused = device.retype(ObjectType::Tcb, 0, SlotWindow::one(root::CNODE, slot()));
    assert_eq!(refused, Err(Error::InvalidArgument { which: 1 }));
    println!(
        "A thread in device memory at {:#x}: {}.",
        entry.paddr,
        refused.expect_err("refused")
    );
    Ok(())
}
