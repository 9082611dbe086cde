//! Capabilities: how a program holds authority, passes less of it on, and takes it back.
//!
//! A capability lies in a slot of a CNode; a number (a `CPtr`) only says which slot. The root
//! task starts with a CNode full of them. Nothing else in the system gives it any authority.
#![no_std]
#![no_main]

use user_alloc::Allocator;
use user_api::{CNode, Guard, Notification, ObjectType};
use user_runtime::boot::RESERVED_SLOTS;
use user_runtime::prelude::*;

user_runtime::entry!(main);

fn main(boot: &'static BootInfo) -> user_alloc::Result {
    let mut allocator: Allocator = Allocator::from_boot(boot, RESERVED_SLOTS)?;
    println!(
        "The kernel left slots {} to {} empty.",
        boot.empty.start,
        boot.empty.end - 1
    );

    // An object is made from untyped memory; what we get is a capability to it.
    let object = allocator.object::<Notification>(ObjectType::Notification, 0)?;
    let notification = object.cap;
    println!(
        "Made a notification; its capability is in slot {}.",
        notification.cptr().bits()
    );

    copies_and_badges(&mut allocator, notification)?;
    rights(&mut allocator, notification)?;
    moving(&mut allocator, notification)?;
    a_cspace_of_our_own(&mut allocator, notification)?;

    // Revoking reaches everything that was ever derived, wherever it went.
    let lent = allocator.mint(notification, CapRights::ALL, 1 << 5)?;
    allocator.slots.path(notification.cptr().bits()).revoke()?;
    lent.signal();
    assert_eq!(notification.poll(), 0);
    println!("Revoked: what was derived from the notification is gone, wherever it was.");

    // Deleting the last capability deletes the object; its memory can be used again.
    allocator.destroy(object)?;
    println!("Deleted: the notification's memory is free again.");
    Ok(())
}

/// A badge tells the holder of the original which copy was used.
fn copies_and_badges(allocator: &mut Allocator, notification: Notification) -> user_alloc::Result {
    let red = allocator.mint(notification, CapRights::ALL, 0b01)?;
    let blue = allocator.mint(notification, CapRights::ALL, 0b10)?;
    red.signal();
    assert_eq!(notification.poll(), 0b01);
    red.signal();
    blue.signal();
    assert_eq!(notification.poll(), 0b11);
    println!(
        "Two badged copies signal: {:#04b} arrives, the badges of both.",
        0b11
    );

    // A badge cannot be changed or taken off.
    let again = allocator.mint(red, CapRights::ALL, 0b10);
    assert_eq!(again, Err(Error::IllegalOperation.into()));
    println!(
        "A second badge on the same copy: refused ({}).",
        Error::IllegalOperation
    );
    Ok(())
}

/// A copy may have fewer rights, never more.
fn rights(allocator: &mut Allocator, notification: Notification) -> user_alloc::Result {
    let reader = allocator.copy(notification, CapRights::READ)?;
    let ambitious = allocator.mint(reader, CapRights::ALL, 0b100)?;
    ambitious.signal();
    assert_eq!(notification.poll(), 0);
    println!("A copy of a read-only copy asks for all rights; its signal does not arrive.");
    Ok(())
}

/// Moving keeps capability and descent, and empties the old slot.
fn moving(allocator: &mut Allocator, notification: Notification) -> user_alloc::Result {
    let badged = allocator.mint(notification, CapRights::ALL, 0b1000)?;
    let from = allocator.slots.path(badged.cptr().bits());
    let moved: Notification = allocator.derive(|slot| slot.move_from(from))?;
    badged.signal();
    assert_eq!(notification.poll(), 0, "there is nothing in the old slot");
    moved.signal();
    assert_eq!(notification.poll(), 0b1000);
    println!(
        "Moved from slot {} to {}: only the new one works.",
        badged.cptr().bits(),
        moved.cptr().bits()
    );
    Ok(())
}

/// CNodes hold CNodes: address bits choose a slot at each level, and a guard must match.
fn a_cspace_of_our_own(
    allocator: &mut Allocator,
    notification: Notification,
) -> user_alloc::Result {
    let outer: CNode = allocator.make(ObjectType::CNode, 2)?;
    let inner: CNode = allocator.make(ObjectType::CNode, 4)?;
    let own = allocator.slots.path(notification.cptr().bits());
    inner.slot(9, 4).mint_from(own, CapRights::ALL, 0b1_0000)?;
    let guard = Guard {
        value: 0xa,
        bits: 4,
    };
    outer.slot(3, 2).mint_from(
        allocator.slots.path(inner.cptr().bits()),
        CapRights::ALL,
        guard.cap_data(),
    )?;

    // 2 bits for the outer slot, 4 of guard, 4 for the inner slot.
    let address = 0b11_1010_1001;
    let found: Notification =
        allocator.derive(|slot| slot.copy_from(outer.slot(address, 10), CapRights::ALL))?;
    found.signal();
    assert_eq!(notification.poll(), 0b1_0000);
    println!("Address {address:#b} leads through slot 3, past guard 0xa, to slot 9.");

    let astray = allocator
        .derive::<CPtr>(|slot| slot.copy_from(outer.slot(0b11_1011_1001, 10), CapRights::ALL));
    println!(
        "Another guard leads nowhere: {:?}",
        astray.expect_err("the guard differs")
    );
    Ok(())
}
