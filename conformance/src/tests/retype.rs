//! Making objects.

use crate::isa;
use crate::report::{Outcome, check, check_eq, fail};
use crate::world::{FREE_ADDRESS, MEMORY_BITS, World};
use abi::{ISA, OBJECT_TYPES, ObjectType, PROFILE, Word};
use user_api::{
    Attributes, CPtr, CapRights, Error, Frame, FrameSize, LookupFailure, MissingTable, SlotWindow,
    Untyped,
};
use user_runtime::boot::root;

crate::list!["retype":
    every_type, types_of_iommus_and_guests, the_watermark_moves_by_the_size, objects_are_aligned_to_their_size, free_memory_is_reported,
    fan_out, a_full_untyped_refuses, revoke_makes_all_of_it_free, deleting_the_last_child_makes_it_free,
    addresses_ascend, frames_are_cleared, windows_are_checked, nothing_is_made_in_part, into_another_cnode,
    sizes_are_checked, numbers_are_checked, devices_become_frames_only, children_forbid_a_copy,
    a_copy_takes_the_memory, untyped_of_untyped,
];

const PAGE: usize = 1 << abi::object::PAGE_BITS;

fn size_argument(object: ObjectType) -> usize {
    match object {
        ObjectType::CNode => 4,
        ObjectType::SchedContext => 8,
        ObjectType::Untyped => 6,
        _ => 0,
    }
}

fn bytes(object: ObjectType) -> usize {
    1 << object.size_bits(ISA, &PROFILE).unwrap_or(match object {
        ObjectType::CNode => 4 + abi::object::SLOT_BITS,
        other => size_argument(other),
    })
}

fn small_types() -> impl Iterator<Item = ObjectType> {
    core_types().filter(|object| bytes(*object) <= PAGE)
}

/// The types of the profile, without those of devices' and guests' address spaces.
fn core_types() -> impl Iterator<Item = ObjectType> {
    let here = |object: &ObjectType| OBJECT_TYPES.number(*object).is_some() && !is_special(*object);
    ObjectType::ALL.iter().copied().filter(here)
}

fn is_special(object: ObjectType) -> bool {
    isa::SPECIAL.contains(&object)
}

/// What `memory` says is left, in bytes: asks for more than there can be.
fn left(memory: Untyped, slot: Word) -> Outcome<Word> {
    match memory.retype(
        ObjectType::Untyped,
        abi::object::MAX_UNTYPED_BITS,
        SlotWindow::one(root::CNODE, slot),
    ) {
        Err(Error::NotEnoughMemory { available }) => Ok(available),
        other => Err(fail(format_args!("a request for everything: {other:?}"))),
    }
}

fn every_type(world: &mut World) -> Outcome {
    for object in core_types().filter(|object| *object != FrameSize::Huge.object()) {
        let cap: CPtr = world.make(object, size_argument(object))?;
        check!(
            world.occupied(world.path(cap))?,
            "{} left its slot empty",
            object.name()
        );
    }
    Ok(())
}

fn types_of_iommus_and_guests(world: &mut World) -> Outcome {
    let special =
        |object: &&ObjectType| is_special(**object) && OBJECT_TYPES.number(**object).is_some();
    if ObjectType::ALL.iter().filter(special).count() == 0 {
        crate::report::skip!("the profile has none");
    }
    for &object in ObjectType::ALL.iter().filter(special) {
        let cap: CPtr = world.make(object, 0)?;
        check!(
            world.occupied(world.path(cap))?,
            "{} left its slot empty",
            object.name()
        );
    }
    Ok(())
}

fn the_watermark_moves_by_the_size(world: &mut World) -> Outcome {
    for object in small_types() {
        let memory = world.untyped(14)?;
        let slots = world.slots(2);
        memory.retype(
            object,
            size_argument(object),
            SlotWindow::one(root::CNODE, slots),
        )?;
        check_eq!(
            left(memory, slots + 1)?,
            (1 << 14) - bytes(object) as Word,
            "{}",
            object.name()
        );
    }
    Ok(())
}

fn objects_are_aligned_to_their_size(world: &mut World) -> Outcome {
    let memory = world.untyped(14)?;
    let slots = world.slots(4);
    memory.retype(ObjectType::Endpoint, 0, SlotWindow::one(root::CNODE, slots))?;
    check_eq!(left(memory, slots + 3)?, (1 << 14) - 16);
    memory.retype(
        ObjectType::Untyped,
        12,
        SlotWindow::one(root::CNODE, slots + 1),
    )?;
    check_eq!(left(memory, slots + 3)?, (1 << 14) - 2 * 4096);
    memory.retype(
        ObjectType::Endpoint,
        0,
        SlotWindow::one(root::CNODE, slots + 2),
    )?;
    check_eq!(left(memory, slots + 3)?, (1 << 14) - 2 * 4096 - 16);
    Ok(())
}

fn free_memory_is_reported(world: &mut World) -> Outcome {
    let memory = world.untyped(10)?;
    let slots = world.slots(3);
    check_eq!(left(memory, slots)?, 1 << 10);
    let all = SlotWindow::many(root::CNODE, slots, 3);
    check_eq!(
        memory.retype(ObjectType::Untyped, 9, all),
        Err(Error::NotEnoughMemory { available: 1 << 10 })
    );
    Ok(())
}

fn fan_out(world: &mut World) -> Outcome {
    let limit = PROFILE.retype_fan_out_limit as Word;
    let first = world.slots(limit + 1);
    let window = |count| SlotWindow::many(root::CNODE, first, count);
    let range = Err(Error::RangeError { min: 1, max: limit });
    check_eq!(
        world
            .memory
            .retype(ObjectType::Endpoint, 0, window(limit + 1)),
        range
    );
    check_eq!(
        world.memory.retype(ObjectType::Endpoint, 0, window(0)),
        range
    );
    world
        .memory
        .retype(ObjectType::Endpoint, 0, window(limit))?;
    check!(world.occupied(root::CNODE.absolute(first))?);
    check!(world.occupied(root::CNODE.absolute(first + limit - 1))?);
    check!(!world.occupied(root::CNODE.absolute(first + limit))?);
    Ok(())
}

fn a_full_untyped_refuses(world: &mut World) -> Outcome {
    let memory = world.untyped(5)?;
    let slots = world.slots(3);
    memory.retype(
        ObjectType::Endpoint,
        0,
        SlotWindow::many(root::CNODE, slots, 2),
    )?;
    let more = memory.retype(
        ObjectType::Endpoint,
        0,
        SlotWindow::one(root::CNODE, slots + 2),
    );
    check_eq!(more, Err(Error::NotEnoughMemory { available: 0 }));
    Ok(())
}

fn revoke_makes_all_of_it_free(world: &mut World) -> Outcome {
    let memory = world.untyped(12)?;
    let slots = world.slots(9);
    memory.retype(
        ObjectType::Untyped,
        9,
        SlotWindow::many(root::CNODE, slots, 8),
    )?;
    Untyped::new(slots).retype(
        ObjectType::Endpoint,
        0,
        SlotWindow::one(root::CNODE, slots + 8),
    )?;
    world.path(memory).revoke()?;
    for slot in slots..slots + 9 {
        check!(!world.occupied(root::CNODE.absolute(slot))?, "slot {slot}");
    }
    memory.retype(
        FrameSize::Small.object(),
        0,
        SlotWindow::one(root::CNODE, slots),
    )?;
    Ok(())
}

fn deleting_the_last_child_makes_it_free(world: &mut World) -> Outcome {
    let memory = world.untyped(6)?;
    let slots = world.slots(5);
    memory.retype(
        ObjectType::Endpoint,
        0,
        SlotWindow::many(root::CNODE, slots, 4),
    )?;
    for slot in slots..slots + 3 {
        root::CNODE.absolute(slot).delete()?;
    }
    let full = Err(Error::NotEnoughMemory { available: 0 });
    check_eq!(
        memory.retype(ObjectType::Endpoint, 0, SlotWindow::one(root::CNODE, slots)),
        full,
        "one child left"
    );
    root::CNODE.absolute(slots + 3).delete()?;
    memory.retype(
        ObjectType::Endpoint,
        0,
        SlotWindow::many(root::CNODE, slots, 4),
    )?;
    Ok(())
}

fn addresses_ascend(world: &mut World) -> Outcome {
    let memory = world.untyped(15)?;
    let slots = world.slots(8);
    memory.retype(
        FrameSize::Small.object(),
        0,
        SlotWindow::many(root::CNODE, slots, 8),
    )?;
    let first = Frame::new(slots).physical_address()?;
    check!(first.is_multiple_of(1 << 15));
    for number in 0..8 {
        check_eq!(
            Frame::new(slots + number).physical_address()?,
            first + number * PAGE as Word
        );
    }
    Ok(())
}

/// Maps a frame of the driver's own, with tables from the world's memory.
pub(crate) fn map(world: &mut World, frame: Frame, address: Word, rights: CapRights) -> Outcome {
    loop {
        match frame.map(root::VSPACE, address, rights, Attributes::DEFAULT) {
            Ok(()) => return Ok(()),
            Err(error) => {
                let missing = MissingTable::from_error(error).ok_or(error)?;
                let table: CPtr = world.make(missing.object(), 0)?;
                missing.install(table, root::VSPACE, address)?;
            }
        }
    }
}

fn frames_are_cleared(world: &mut World) -> Outcome {
    // Memory that was a CNode full of capabilities, then a frame written by user code.
    let memory = world.untyped(12)?;
    let slot = world.slot();
    let place = SlotWindow::one(root::CNODE, slot);
    memory.retype(ObjectType::CNode, 7, place)?;
    for index in 0..128 {
        user_api::CNode::new(slot)
            .slot(index, 7)
            .copy_from(world.path(root::TCB), CapRights::ALL)?;
    }
    for _ in 0..2 {
        world.path(memory).revoke()?;
        memory.retype(FrameSize::Small.object(), 0, place)?;
        map(world, Frame::new(slot), FREE_ADDRESS, CapRights::READ_WRITE)?;
        for offset in (0..PAGE).step_by(8) {
            let found = super::peek(FREE_ADDRESS as usize + offset);
            check_eq!(found, 0, "byte {offset}");
            super::poke(FREE_ADDRESS as usize + offset, 0x5a5a_5a5a);
        }
    }
    Ok(())
}

fn windows_are_checked(world: &mut World) -> Outcome {
    let node = world.cnode(4)?;
    let make = |offset, count| {
        world.memory.retype(
            ObjectType::Endpoint,
            0,
            SlotWindow::many(node, offset, count),
        )
    };
    check_eq!(make(16, 1), Err(Error::RangeError { min: 0, max: 15 }));
    check_eq!(make(14, 3), Err(Error::RangeError { min: 1, max: 2 }));
    check_eq!(make(14, 2), Ok(()));
    check_eq!(make(15, 1), Err(Error::DeleteFirst));
    let missing = |depth| {
        let failure = LookupFailure::MissingCapability { bits_left: depth };
        Err(Error::FailedLookup {
            source: false,
            failure,
        })
    };
    let endpoint = world.endpoint()?;
    let window = SlotWindow {
        node_index: endpoint.cptr().bits(),
        node_depth: 64,
        ..SlotWindow::one(root::CNODE, 0)
    };
    check_eq!(
        world.memory.retype(ObjectType::Endpoint, 0, window),
        missing(64),
        "a node that is an endpoint"
    );
    Ok(())
}

fn nothing_is_made_in_part(world: &mut World) -> Outcome {
    let node = world.cnode(4)?;
    let memory = world.untyped(12)?;
    node.slot(7, 4)
        .copy_from(world.path(root::TCB), CapRights::ALL)?;
    let result = memory.retype(ObjectType::Endpoint, 0, SlotWindow::many(node, 4, 8));
    check_eq!(result, Err(Error::DeleteFirst));
    for index in (0..16).filter(|&index| index != 7) {
        check!(!world.occupied(node.slot(index, 4))?, "slot {index}");
    }
    let slot = world.slot();
    check_eq!(left(memory, slot)?, 1 << 12);
    Ok(())
}

fn into_another_cnode(world: &mut World) -> Outcome {
    let outer = world.cnode(3)?;
    let inner = world.cnode(2)?;
    let memory = world.memory;
    outer
        .slot(5, 3)
        .copy_from(world.path(inner), CapRights::ALL)?;
    // By way of the outer one: three bits choose the inner node.
    let window = SlotWindow {
        root: outer,
        node_index: 5,
        node_depth: 3,
        offset: 1,
        count: 2,
    };
    memory.retype(ObjectType::Endpoint, 0, window)?;
    let found: [bool; 4] = [
        world.occupied(inner.slot(0, 2))?,
        world.occupied(inner.slot(1, 2))?,
        world.occupied(inner.slot(2, 2))?,
        world.occupied(inner.slot(3, 2))?,
    ];
    check_eq!(found, [false, true, true, false]);
    Ok(())
}

fn sizes_are_checked(world: &mut World) -> Outcome {
    let slot = world.slot();
    let max = abi::object::MAX_UNTYPED_BITS;
    let make = |object, bits| {
        world
            .memory
            .retype(object, bits, SlotWindow::one(root::CNODE, slot))
    };
    let range = Err(Error::RangeError {
        min: 0,
        max: max as Word,
    });
    check_eq!(make(ObjectType::Untyped, max + 1), range);
    check_eq!(make(ObjectType::Untyped, 64), range);
    check_eq!(
        make(ObjectType::Untyped, 3),
        Err(Error::InvalidArgument { which: 1 })
    );
    check_eq!(
        make(ObjectType::CNode, 0),
        Err(Error::InvalidArgument { which: 1 })
    );
    check_eq!(
        make(ObjectType::SchedContext, 6),
        Err(Error::InvalidArgument { which: 1 })
    );
    check_eq!(make(ObjectType::Untyped, 4), Ok(()));
    Ok(())
}

fn numbers_are_checked(world: &mut World) -> Outcome {
    let Some(label) = user_api::invoke::label(abi::Invocation::UntypedRetype) else {
        return Ok(());
    };
    let slot = world.slot();
    for number in [OBJECT_TYPES.count(), OBJECT_TYPES.count() + 1, Word::MAX] {
        let words = [number, 12, 0, 0, slot, 1];
        let reply =
            user_api::invoke::invoke_label(world.memory, label, &words, &[root::CNODE.into()]);
        check_eq!(
            Error::decode(&reply),
            Some(Error::InvalidArgument { which: 0 }),
            "type {number}"
        );
    }
    Ok(())
}

fn devices_become_frames_only(world: &mut World) -> Outcome {
    let device = user_runtime::boot::untypeds(world.boot)
        .find(|(_, entry)| entry.is_device == 1 && (12..=21).contains(&entry.size_bits));
    let Some((memory, entry)) = device else {
        crate::report::skip!("no small device memory")
    };
    let slots = world.slots(2);
    for object in small_types() {
        let made = memory.retype(
            object,
            size_argument(object),
            SlotWindow::one(root::CNODE, slots),
        );
        let allowed = object == ObjectType::Untyped || object == FrameSize::Small.object();
        let wanted = if allowed {
            Ok(())
        } else {
            Err(Error::InvalidArgument { which: 1 })
        };
        check_eq!(made, wanted, "{}", object.name());
        if object == FrameSize::Small.object() {
            check_eq!(
                Frame::new(slots).physical_address()? >> entry.size_bits,
                entry.paddr >> entry.size_bits
            );
        }
        root::CNODE.absolute(slots).delete()?;
    }
    Ok(())
}

fn children_forbid_a_copy(world: &mut World) -> Outcome {
    let memory = world.untyped(8)?;
    let slot = world.slot();
    memory.retype(ObjectType::Endpoint, 0, SlotWindow::one(root::CNODE, slot))?;
    check_eq!(world.copy(memory, CapRights::ALL), Err(Error::RevokeFirst));
    root::CNODE.absolute(slot).delete()?;
    check!(world.copy(memory, CapRights::ALL).is_ok());
    Ok(())
}

fn a_copy_takes_the_memory(world: &mut World) -> Outcome {
    let memory = world.untyped(8)?;
    let slot = world.slot();
    let copy = world.copy(memory, CapRights::ALL)?;
    check_eq!(left(memory, slot)?, 0, "left in the original");
    check_eq!(left(copy, slot)?, 1 << 8, "left in the copy");
    world.path(memory).revoke()?;
    check!(!world.occupied(world.path(copy))?, "the copy is a child");
    check_eq!(left(memory, slot)?, 1 << 8);
    Ok(())
}

fn untyped_of_untyped(world: &mut World) -> Outcome {
    let mut memory = world.untyped(MEMORY_BITS - 3)?;
    let outermost = memory;
    for bits in (4..MEMORY_BITS - 3).rev() {
        let slot = world.slot();
        memory.retype(
            ObjectType::Untyped,
            bits,
            SlotWindow::one(root::CNODE, slot),
        )?;
        memory = Untyped::new(slot);
    }
    let slot = world.slot();
    memory.retype(ObjectType::Endpoint, 0, SlotWindow::one(root::CNODE, slot))?;
    world.path(outermost).revoke()?;
    check!(
        !world.occupied(root::CNODE.absolute(slot))?,
        "revoke reaches the innermost"
    );
    Ok(())
}
