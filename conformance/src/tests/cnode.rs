//! Moving capabilities about: copy, move, mutate, rotate, delete, revoke; guards and depths.

use crate::isa;
use crate::report::{Outcome, check, check_eq};
use crate::world::World;
use abi::{CapRights, ObjectType, Word};
use user_api::{
    CNode, CPtr, Error, Guard, LookupFailure, Rotation, SlotWindow, Tcb, VSPACE_OBJECT,
};
use user_runtime::boot::root;

crate::list!["cnode":
    copies_leave_the_source, copies_are_made_of_copies, moves_empty_the_source, occupied_destinations_are_refused,
    empty_sources_are_missing, roots_that_are_no_cnodes, depths_are_checked, guards_are_checked,
    guards_choose_addresses, short_addresses_reach_inner_slots, long_addresses_do_not, mutate_sets_a_guard,
    guards_that_do_not_fit_are_refused, mutate_and_rotate_refuse_endpoints, rotate_moves_two, rotate_swaps,
    rotate_refuses, uncopyable_capabilities, deleting_nothing, deleting_the_last_capability_ends_the_object,
    deleting_a_copy_keeps_the_object, revoke_takes_all_copies, revoke_spares_the_slot_itself,
    revoke_through_generations, a_cnode_takes_its_contents_along, a_cnode_that_holds_itself, two_cnodes_in_a_ring,
    deep_cnodes, a_cnode_can_hold_its_only_capability,
];

fn missing(depth: Word) -> Result<(), Error> {
    let failure = LookupFailure::MissingCapability { bits_left: depth };
    Err(Error::FailedLookup {
        source: true,
        failure,
    })
}

fn not_found(failure: LookupFailure) -> Result<(), Error> {
    Err(Error::FailedLookup {
        source: false,
        failure,
    })
}

fn copies_leave_the_source(world: &mut World) -> Outcome {
    let endpoint = world.endpoint()?;
    let copy = world.copy(endpoint, CapRights::ALL)?;
    check!(world.occupied(world.path(endpoint))?);
    check!(world.occupied(world.path(copy))?);
    Ok(())
}

fn copies_are_made_of_copies(world: &mut World) -> Outcome {
    let mut cap = world.notification()?;
    for _ in 0..10 {
        cap = world.copy(cap, CapRights::ALL)?;
    }
    cap.signal();
    check_eq!(cap.poll(), 0, "an unbadged signal sets no bit");
    Ok(())
}

fn moves_empty_the_source(world: &mut World) -> Outcome {
    let tcb = world.tcb()?;
    let slot = world.slot();
    root::CNODE.absolute(slot).move_from(world.path(tcb))?;
    check!(!world.occupied(world.path(tcb))?);
    check_eq!(Tcb::new(slot).suspend(), Ok(()));
    Ok(())
}

fn occupied_destinations_are_refused(world: &mut World) -> Outcome {
    let (endpoint, node) = (world.endpoint()?, world.cnode(2)?);
    let (source, place) = (world.path(endpoint), world.path(node));
    check_eq!(
        place.copy_from(source, CapRights::ALL),
        Err(Error::DeleteFirst)
    );
    check_eq!(
        place.mint_from(source, CapRights::ALL, 5),
        Err(Error::DeleteFirst)
    );
    check_eq!(place.move_from(source), Err(Error::DeleteFirst));
    check_eq!(place.mutate_from(source, 0), Err(Error::DeleteFirst));
    check_eq!(
        source.move_from(source),
        Err(Error::DeleteFirst),
        "onto itself"
    );
    Ok(())
}

fn empty_sources_are_missing(world: &mut World) -> Outcome {
    let slots = world.slots(2);
    let (place, nothing) = (root::CNODE.absolute(slots), root::CNODE.absolute(slots + 1));
    check_eq!(place.copy_from(nothing, CapRights::ALL), missing(64));
    check_eq!(place.mint_from(nothing, CapRights::ALL, 5), missing(64));
    check_eq!(place.move_from(nothing), missing(64));
    check_eq!(place.mutate_from(nothing, 0), missing(64));
    let node = world.cnode(4)?;
    check_eq!(
        place.move_from(node.slot(3, 4)),
        missing(4),
        "in a small CNode"
    );
    Ok(())
}

fn roots_that_are_no_cnodes(world: &mut World) -> Outcome {
    let slots = world.slots(2);
    let endpoint = world.endpoint()?;
    let wrong: CNode = endpoint.cptr().cast();
    let place = root::CNODE.absolute(slots);
    let invalid = Err(Error::FailedLookup {
        source: true,
        failure: LookupFailure::InvalidRoot,
    });
    check_eq!(
        place.copy_from(wrong.absolute(1), CapRights::ALL),
        invalid,
        "as the root of a source"
    );
    let empty = CNode::new(slots + 1);
    check_eq!(
        empty.absolute(1).delete(),
        Err(Error::InvalidCapability { which: 0 }),
        "an empty slot, invoked"
    );
    Ok(())
}

fn depths_are_checked(world: &mut World) -> Outcome {
    let node = world.cnode(4)?;
    for depth in [0, 65, 100] {
        check_eq!(
            node.slot(0, depth).delete(),
            Err(Error::RangeError { min: 1, max: 64 }),
            "depth {depth}"
        );
    }
    let short = LookupFailure::DepthMismatch {
        bits_left: 3,
        bits_found: 4,
    };
    check_eq!(node.slot(0, 3).delete(), not_found(short));
    let long = LookupFailure::DepthMismatch {
        bits_left: 4,
        bits_found: 0,
    };
    check_eq!(node.slot(0, 8).delete(), not_found(long));
    check_eq!(node.slot(0, 4).delete(), Ok(()));
    Ok(())
}

fn guards_are_checked(world: &mut World) -> Outcome {
    let plain = world.cnode(4)?;
    let guard = Guard {
        value: 0b101,
        bits: 3,
    };
    let node = world.mint(plain, CapRights::ALL, guard.cap_data())?;
    check_eq!(node.slot(0b101_0011, 7).delete(), Ok(()));
    let wrong = LookupFailure::GuardMismatch {
        bits_left: 7,
        guard_found: 0b101,
        bits_found: 3,
    };
    check_eq!(node.slot(0b100_0011, 7).delete(), not_found(wrong));
    let short = LookupFailure::GuardMismatch {
        bits_left: 2,
        guard_found: 0b101,
        bits_found: 3,
    };
    check_eq!(
        node.slot(0b10, 2).delete(),
        not_found(short),
        "fewer bits than the guard"
    );
    let depth = LookupFailure::DepthMismatch {
        bits_left: 5,
        bits_found: 7,
    };
    check_eq!(node.slot(0b1_0100, 5).delete(), not_found(depth));
    Ok(())
}

fn guards_choose_addresses(world: &mut World) -> Outcome {
    // Two CNodes behind one: the same capability is found by different addresses.
    let outer = world.cnode(1)?;
    let inner = world.cnode(3)?;
    let notification = world.notification()?;
    inner
        .slot(6, 3)
        .copy_from(world.path(notification), CapRights::ALL)?;
    outer.slot(0, 1).mint_from(
        world.path(inner),
        CapRights::ALL,
        Guard {
            value: 0xab,
            bits: 8,
        }
        .cap_data(),
    )?;
    outer.slot(1, 1).mint_from(
        world.path(inner),
        CapRights::ALL,
        Guard { value: 1, bits: 2 }.cap_data(),
    )?;
    let slot = world.slot();
    let place = root::CNODE.absolute(slot);
    for (index, depth) in [(0xab << 3 | 6, 12), (1 << 5 | 1 << 3 | 6, 6)] {
        place.copy_from(outer.slot(index, depth), CapRights::ALL)?;
        place.delete()?;
    }
    let wrong = LookupFailure::GuardMismatch {
        bits_left: 11,
        guard_found: 0xab,
        bits_found: 8,
    };
    let result = place.copy_from(outer.slot(0xaa << 3 | 6, 12), CapRights::ALL);
    check_eq!(
        result,
        Err(Error::FailedLookup {
            source: true,
            failure: wrong
        })
    );
    Ok(())
}

fn short_addresses_reach_inner_slots(world: &mut World) -> Outcome {
    // A depth that ends at the outer node names its slot, even if that holds another CNode.
    let outer = world.cnode(2)?;
    let inner = world.cnode(2)?;
    outer
        .slot(2, 2)
        .copy_from(world.path(inner), CapRights::ALL)?;
    check!(world.occupied(outer.slot(2, 2))?);
    check!(!world.occupied(outer.slot(2 << 2 | 1, 4))?);
    outer.slot(2, 2).delete()?;
    check!(!world.occupied(outer.slot(2, 2))?);
    Ok(())
}

fn long_addresses_do_not(world: &mut World) -> Outcome {
    let outer = world.cnode(2)?;
    outer
        .slot(2, 2)
        .copy_from(world.path(root::TCB), CapRights::ALL)?;
    let left = LookupFailure::DepthMismatch {
        bits_left: 2,
        bits_found: 0,
    };
    check_eq!(
        outer.slot(2 << 2, 4).delete(),
        not_found(left),
        "bits left at a capability that is no CNode"
    );
    Ok(())
}

fn mutate_sets_a_guard(world: &mut World) -> Outcome {
    let plain = world.cnode(4)?;
    let slot = world.slot();
    root::CNODE
        .absolute(slot)
        .mutate_from(world.path(plain), Guard::zeros(60).cap_data())?;
    check!(!world.occupied(world.path(plain))?);
    check_eq!(CNode::new(slot).absolute(3).delete(), Ok(()));
    Ok(())
}

fn guards_that_do_not_fit_are_refused(world: &mut World) -> Outcome {
    let plain = world.cnode(8)?;
    let slot = world.slot();
    let place = root::CNODE.absolute(slot);
    let refused = Err(Error::IllegalOperation);
    check_eq!(
        place.mutate_from(world.path(plain), Guard::zeros(57).cap_data()),
        refused
    );
    check_eq!(
        place.mint_from(
            world.path(plain),
            CapRights::ALL,
            Guard::zeros(57).cap_data()
        ),
        refused
    );
    check_eq!(
        place.mint_from(
            world.path(plain),
            CapRights::ALL,
            Guard::zeros(56).cap_data()
        ),
        Ok(())
    );
    Ok(())
}

fn mutate_and_rotate_refuse_endpoints(world: &mut World) -> Outcome {
    let (endpoint, notification, node) =
        (world.endpoint()?, world.notification()?, world.cnode(2)?);
    let slot = world.slot();
    let place = root::CNODE.absolute(slot);
    for cap in [endpoint.cptr(), notification.cptr()] {
        check_eq!(
            place.mutate_from(world.path(cap), 0),
            Err(Error::IllegalOperation)
        );
        let rotation = Rotation {
            destination: (slot, 64),
            pivot_data: 0,
            pivot: world.path(node),
            source_data: 0,
            source: world.path(cap),
        };
        check_eq!(root::CNODE.rotate(&rotation), Err(Error::IllegalOperation));
        check!(world.occupied(world.path(cap))?);
    }
    Ok(())
}

fn rotate_moves_two(world: &mut World) -> Outcome {
    let (first, second) = (world.tcb()?, world.cnode(3)?);
    let slot = world.slot();
    let rotation = Rotation {
        destination: (slot, 64),
        pivot_data: Guard::zeros(61).cap_data(),
        pivot: world.path(second),
        source_data: 0,
        source: world.path(first),
    };
    root::CNODE.rotate(&rotation)?;
    check!(!world.occupied(world.path(first))?, "the source is empty");
    check_eq!(
        second.cptr().cast::<Tcb>().suspend(),
        Ok(()),
        "the source is where the pivot was"
    );
    check_eq!(
        CNode::new(slot).absolute(7).delete(),
        Ok(()),
        "the pivot is at the destination, with its guard"
    );
    Ok(())
}

fn rotate_swaps(world: &mut World) -> Outcome {
    let (first, second) = (world.tcb()?, world.cnode(3)?);
    let rotation = Rotation {
        destination: (first.cptr().bits(), 64),
        pivot_data: 0,
        pivot: world.path(second),
        source_data: 0,
        source: world.path(first),
    };
    root::CNODE.rotate(&rotation)?;
    check_eq!(second.cptr().cast::<Tcb>().suspend(), Ok(()));
    check_eq!(first.cptr().cast::<CNode>().slot(1, 3).delete(), Ok(()));
    Ok(())
}

fn rotate_refuses(world: &mut World) -> Outcome {
    let (first, second) = (world.tcb()?, world.tcb()?);
    let slots = world.slots(2);
    let base = Rotation {
        destination: (slots, 64),
        pivot_data: 0,
        pivot: world.path(first),
        source_data: 0,
        source: world.path(second),
    };
    let same = Rotation {
        source: base.pivot,
        ..base
    };
    check_eq!(
        root::CNODE.rotate(&same),
        Err(Error::IllegalOperation),
        "pivot and source are one"
    );
    let onto = Rotation {
        destination: (first.cptr().bits(), 64),
        ..base
    };
    check_eq!(
        root::CNODE.rotate(&onto),
        Err(Error::IllegalOperation),
        "pivot and destination are one"
    );
    let third = world.tcb()?;
    let full = Rotation {
        destination: (third.cptr().bits(), 64),
        ..base
    };
    check_eq!(root::CNODE.rotate(&full), Err(Error::DeleteFirst));
    let no_source = Rotation {
        source: root::CNODE.absolute(slots + 1),
        ..base
    };
    check_eq!(root::CNODE.rotate(&no_source), missing(64));
    let no_pivot = Rotation {
        pivot: root::CNODE.absolute(slots + 1),
        ..base
    };
    check_eq!(
        root::CNODE.rotate(&no_pivot),
        not_found(LookupFailure::MissingCapability { bits_left: 64 })
    );
    Ok(())
}

fn uncopyable_capabilities(world: &mut World) -> Outcome {
    check_eq!(
        world.copy(root::IRQ_CONTROL, CapRights::ALL),
        Err(Error::IllegalOperation)
    );
    let table: CPtr = world.make(isa::LAST_TABLE.object(), 0)?;
    check_eq!(
        world.copy(table, CapRights::ALL),
        Err(Error::IllegalOperation),
        "a table that is not mapped"
    );
    let vspace: CPtr = world.make(VSPACE_OBJECT, 0)?;
    check_eq!(
        world.copy(vspace, CapRights::ALL),
        Err(Error::IllegalOperation),
        "an address space without ASID"
    );
    for cap in [
        root::TCB.cptr(),
        root::DOMAIN_SET.cptr(),
        root::ASID_CONTROL.cptr(),
        root::SCHED_CONTEXT.cptr(),
    ] {
        check!(
            world.copy(cap, CapRights::ALL).is_ok(),
            "capability {}",
            cap.bits()
        );
    }
    Ok(())
}

fn deleting_nothing(world: &mut World) -> Outcome {
    let slot = world.slot();
    check_eq!(root::CNODE.absolute(slot).delete(), Ok(()));
    check_eq!(root::CNODE.absolute(slot).revoke(), Ok(()));
    Ok(())
}

fn deleting_the_last_capability_ends_the_object(world: &mut World) -> Outcome {
    let memory = world.untyped(4)?;
    let slots = world.slots(2);
    let place = SlotWindow::one(root::CNODE, slots);
    memory.retype(ObjectType::Endpoint, 0, place)?;
    let (first, second) = (root::CNODE.absolute(slots), root::CNODE.absolute(slots + 1));
    second.copy_from(first, CapRights::ALL)?;
    first.delete()?;
    let again = memory.retype(ObjectType::Endpoint, 0, place);
    check_eq!(
        again,
        Err(Error::NotEnoughMemory { available: 0 }),
        "the copy keeps it"
    );
    second.delete()?;
    memory.retype(ObjectType::Endpoint, 0, place)?;
    Ok(())
}

fn deleting_a_copy_keeps_the_object(world: &mut World) -> Outcome {
    let notification = world.notification()?;
    let copy = world.mint(notification, CapRights::ALL, 4)?;
    copy.signal();
    world.path(copy).delete()?;
    check_eq!(notification.poll(), 4);
    Ok(())
}

fn revoke_takes_all_copies(world: &mut World) -> Outcome {
    let notification = world.notification()?;
    let node = world.cnode(6)?;
    for index in 0..64 {
        node.slot(index, 6)
            .mint_from(world.path(notification), CapRights::ALL, index + 1)?;
    }
    world.path(notification).revoke()?;
    for index in 0..64 {
        check!(!world.occupied(node.slot(index, 6))?, "copy {index}");
    }
    Ok(())
}

fn revoke_spares_the_slot_itself(world: &mut World) -> Outcome {
    let notification = world.notification()?;
    let copy = world.mint(notification, CapRights::ALL, 1)?;
    world.path(notification).revoke()?;
    check!(!world.occupied(world.path(copy))?);
    check!(world.occupied(world.path(notification))?);
    Ok(())
}

fn revoke_through_generations(world: &mut World) -> Outcome {
    let memory = world.untyped(14)?;
    let slots = world.slots(3);
    memory.retype(ObjectType::Untyped, 12, SlotWindow::one(root::CNODE, slots))?;
    let child: user_api::Untyped = CPtr::new(slots).cast();
    child.retype(ObjectType::Tcb, 0, SlotWindow::one(root::CNODE, slots + 1))?;
    root::CNODE
        .absolute(slots + 2)
        .copy_from(root::CNODE.absolute(slots + 1), CapRights::ALL)?;
    // The middle generation goes first; the grandchildren stay children of the eldest.
    root::CNODE.absolute(slots).delete()?;
    check!(world.occupied(root::CNODE.absolute(slots + 1))?);
    world.path(memory).revoke()?;
    for slot in slots..slots + 3 {
        check!(!world.occupied(root::CNODE.absolute(slot))?, "slot {slot}");
    }
    Ok(())
}

fn a_cnode_takes_its_contents_along(world: &mut World) -> Outcome {
    let memory = world.untyped(4)?;
    let slots = world.slots(2);
    let place = SlotWindow::one(root::CNODE, slots);
    memory.retype(ObjectType::Endpoint, 0, place)?;
    let node = world.cnode(5)?;
    node.slot(17, 5).move_from(root::CNODE.absolute(slots))?;
    world.path(node).delete()?;
    memory.retype(ObjectType::Endpoint, 0, place)?;
    Ok(())
}

fn a_cnode_that_holds_itself(world: &mut World) -> Outcome {
    let memory = world.untyped(9)?;
    let slot = world.slot();
    let place = SlotWindow::one(root::CNODE, slot);
    memory.retype(ObjectType::CNode, 4, place)?;
    let node = CNode::new(slot);
    node.slot(3, 4)
        .copy_from(world.path(node), CapRights::ALL)?;
    node.slot(12, 4)
        .copy_from(world.path(node), CapRights::ALL)?;
    // Not the last capability: the one inside keeps it alive, out of reach.
    world.path(node).delete()?;
    check_eq!(
        memory.retype(ObjectType::CNode, 4, place),
        Err(Error::NotEnoughMemory { available: 0 })
    );
    // But the memory it came from reaches everything.
    world.path(memory).revoke()?;
    memory.retype(ObjectType::CNode, 4, place)?;
    Ok(())
}

fn two_cnodes_in_a_ring(world: &mut World) -> Outcome {
    let memory = world.untyped(10)?;
    let slots = world.slots(2);
    let place = SlotWindow::many(root::CNODE, slots, 2);
    memory.retype(ObjectType::CNode, 4, place)?;
    let (first, second) = (CNode::new(slots), CNode::new(slots + 1));
    second
        .slot(0, 4)
        .copy_from(world.path(first), CapRights::ALL)?;
    first
        .slot(0, 4)
        .copy_from(world.path(second), CapRights::ALL)?;
    world.path(first).delete()?;
    world.path(second).delete()?;
    world.path(memory).revoke()?;
    memory.retype(ObjectType::CNode, 4, place)?;
    Ok(())
}

fn deep_cnodes(world: &mut World) -> Outcome {
    // Each CNode is held by the one before only; deleting the first lets go of all.
    for depth in [2, 3, 8, 64] {
        let memory = world.untyped(13)?;
        let slots = world.slots(depth);
        let place = SlotWindow::many(root::CNODE, slots, depth);
        memory.retype(ObjectType::CNode, 2, place)?;
        for number in (1..depth).rev() {
            let inner = CNode::new(slots + number - 1).slot(1, 2);
            inner.move_from(root::CNODE.absolute(slots + number))?;
        }
        root::CNODE.absolute(slots).delete()?;
        // What of the inner ones outlives the outer one (out of reach) is no concern of the API;
        // that their memory can be had back is.
        world.path(memory).revoke()?;
        let whole = memory.retype(ObjectType::Untyped, 13, SlotWindow::one(root::CNODE, slots));
        check_eq!(whole, Ok(()), "depth {depth}");
    }
    Ok(())
}

fn a_cnode_can_hold_its_only_capability(world: &mut World) -> Outcome {
    let memory = world.untyped(9)?;
    let slot = world.slot();
    let place = SlotWindow::one(root::CNODE, slot);
    memory.retype(ObjectType::CNode, 4, place)?;
    let node = CNode::new(slot);
    let inner = node.slot(5, 4);
    inner.copy_from(world.path(node), CapRights::ALL)?;
    inner.delete()?;
    check!(!world.occupied(inner)?);
    // The one in the root CNode goes by way of the one inside, which is then the last.
    inner.move_from(world.path(node))?;
    check!(!world.occupied(world.path(node))?);
    world.path(memory).revoke()?;
    memory.retype(ObjectType::CNode, 4, place)?;
    Ok(())
}
