//! Capabilities: copied, minted, moved, revoked, deleted; CNodes and how addresses are resolved.

use crate::world::objects::{CNODE, DEPTH};
use crate::world::{CPtr, Message, World, error};
use abi::cnode::CNodeCapData;
use abi::error::{ErrorCode, LookupFailureKind};
use abi::rights::CapRights;
use abi::{Invocation, ObjectType, Word};
use kernel::cap::{Cap, VmRights};
use kernel::object::tcb::ThreadState;

fn endpoint_rights(w: &World, at: CPtr) -> (bool, bool, bool, bool) {
    match w.cap(at) {
        Cap::Endpoint(c) => (
            c.rights.read(),
            c.rights.write(),
            c.rights.grant(),
            c.rights.grant_reply(),
        ),
        other => panic!("{other:?}"),
    }
}

fn badge(w: &World, at: CPtr) -> Word {
    match w.cap(at) {
        Cap::Endpoint(c) => c.badge,
        Cap::Notification(c) => c.badge,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_copy_has_no_more_rights_than_asked_for_and_no_more_than_its_source() {
    let mut w = World::new();
    let ep = w.endpoint();
    let write = w.copy(ep, CapRights::WRITE);
    assert_eq!(endpoint_rights(&w, write), (false, true, false, false));
    let all_of_that = w.copy(write, CapRights::ALL);
    assert_eq!(
        endpoint_rights(&w, all_of_that),
        (false, true, false, false)
    );
    let frame = w.frame();
    let read_only = w.copy(frame, CapRights::READ);
    let Cap::Frame(frame) = w.cap(read_only) else {
        panic!("a frame")
    };
    assert_eq!((frame.rights, frame.mapping), (VmRights::ReadOnly, None));
}

#[test]
fn a_badge_is_given_once() {
    let mut w = World::new();
    let ep = w.endpoint();
    let badged = w.badged(ep, 42);
    assert_eq!(badge(&w, badged), 42);
    let to = w.free_slot();
    let refused = Err(error(ErrorCode::IllegalOperation, &[]));
    assert_eq!(w.try_mint(badged, to, CapRights::ALL, 43), refused);
    assert_eq!(
        w.try_mint(badged, to, CapRights::ALL, 0),
        refused,
        "not even the badge zero"
    );
    let copy = w.copy(badged, CapRights::ALL);
    assert_eq!(badge(&w, copy), 42);
    let unbadged = w.badged(ep, 0);
    assert_eq!(badge(&w, unbadged), 0);
}

#[test]
fn mutate_never_changes_a_badge() {
    let mut w = World::new();
    let (ep, to) = (w.endpoint(), w.free_slot());
    let refused = w.root_invokes(
        CNODE,
        Invocation::CNodeMutate,
        &[to.0, DEPTH, ep.0, DEPTH, 5],
        &[CNODE],
    );
    assert_eq!(refused, Err(error(ErrorCode::IllegalOperation, &[])));
}

#[test]
fn a_move_leaves_an_empty_slot_and_keeps_the_place_in_the_tree() {
    let mut w = World::new();
    let ep = w.endpoint();
    let badged = w.badged(ep, 1);
    let to = w.free_slot();
    w.move_cap(badged, to);
    assert_eq!((w.cap(badged), badge(&w, to)), (Cap::Null, 1));
    w.revoke(ep);
    assert_eq!(w.cap(to), Cap::Null, "still a child of the endpoint");
}

#[test]
fn mutate_sets_the_guard_of_a_cnode() {
    let mut w = World::new();
    let (node, to) = (w.cnode(4), w.free_slot());
    let guard = CNodeCapData::new(0b101, 3).0;
    w.root_invokes(
        CNODE,
        Invocation::CNodeMutate,
        &[to.0, DEPTH, node.0, DEPTH, guard],
        &[CNODE],
    )
    .expect("mutate");
    let Cap::CNode(node) = w.cap(to) else {
        panic!("a CNode")
    };
    assert_eq!((node.guard, node.guard_bits, node.radix), (0b101, 3, 4));
}

#[test]
fn a_guard_that_leaves_no_room_for_the_radix_is_refused() {
    let mut w = World::new();
    let (node, to) = (w.cnode(4), w.free_slot());
    let mint =
        |w: &mut World, bits| w.try_mint(node, to, CapRights::ALL, CNodeCapData::new(0, bits).0);
    assert_eq!(
        mint(&mut w, 61),
        Err(error(ErrorCode::IllegalOperation, &[]))
    );
    assert_eq!(mint(&mut w, 60), Ok(vec![]));
}

#[test]
fn rotate_moves_two_capabilities_at_once() {
    let mut w = World::new();
    let (source, pivot, to) = (w.cnode(1), w.untyped(5), w.free_slot());
    let (at_source, at_pivot) = (w.cap(source), w.cap(pivot));
    w.rotate(to, pivot, source).expect("rotate");
    assert_eq!(
        (w.cap(to), w.cap(pivot), w.cap(source)),
        (at_pivot, at_source, Cap::Null)
    );
}

#[test]
fn rotate_swaps_when_destination_and_source_are_the_same() {
    let mut w = World::new();
    let (a, b) = (w.cnode(1), w.untyped(5));
    let (at_a, at_b) = (w.cap(a), w.cap(b));
    w.rotate(a, b, a).expect("swap");
    assert_eq!((w.cap(a), w.cap(b)), (at_b, at_a));
    // Also when they are neighbours in the derivation list, in both orders.
    w.rotate(b, a, b).expect("swap back");
    assert_eq!((w.cap(a), w.cap(b)), (at_a, at_b));
}

// --- Revoke and delete -------------------------------------------------------------------------

#[test]
fn revoking_an_endpoint_deletes_every_badged_copy() {
    let mut w = World::new();
    let ep = w.endpoint();
    let [one, two] = [w.badged(ep, 1), w.badged(ep, 2)];
    let copy_of_one = w.copy(one, CapRights::ALL);
    w.revoke(ep);
    for gone in [one, two, copy_of_one] {
        assert_eq!(w.cap(gone), Cap::Null);
    }
    assert_ne!(w.cap(ep), Cap::Null);
}

#[test]
fn revoking_a_badged_capability_deletes_its_copies_only() {
    let mut w = World::new();
    let ep = w.endpoint();
    let [one, other_one] = [w.badged(ep, 1), w.badged(ep, 1)];
    let copy = w.copy(one, CapRights::ALL);
    let copy_of_copy = w.copy(copy, CapRights::WRITE);
    w.revoke(one);
    assert_eq!((w.cap(copy), w.cap(copy_of_copy)), (Cap::Null, Cap::Null));
    assert_eq!(badge(&w, other_one), 1, "minted for itself");
    assert_eq!(badge(&w, one), 1);
}

#[test]
fn a_copy_whose_source_is_gone_is_not_revoked_through_another_with_the_same_badge() {
    let mut w = World::new();
    let ep = w.endpoint();
    let [one, other_one] = [w.badged(ep, 1), w.badged(ep, 1)];
    let copies = [w.copy(one, CapRights::ALL), w.copy(one, CapRights::ALL)];
    w.delete(one);
    w.revoke(other_one);
    assert_eq!(copies.map(|copy| badge(&w, copy)), [1, 1]);
    // Nor when the first of them goes as well.
    w.delete(copies[0]);
    w.delete(copies[1]);
    w.revoke(ep);
    assert_eq!(w.cap(other_one), Cap::Null);
}

#[test]
fn revoking_a_plain_copy_deletes_nothing() {
    let mut w = World::new();
    let ep = w.endpoint();
    let copy = w.copy(ep, CapRights::ALL);
    let copy_of_copy = w.copy(copy, CapRights::ALL);
    w.revoke(copy);
    assert_ne!(w.cap(copy_of_copy), Cap::Null);
    w.revoke(ep);
    assert_eq!(w.cap(copy_of_copy), Cap::Null);
}

#[test]
fn revoking_an_untyped_ends_everything_made_from_it() {
    let mut w = World::new();
    let untyped = w.untyped(14);
    let at = w.free_slots(4);
    let inner = CPtr(at.0 + 1);
    w.try_retype(untyped, ObjectType::Endpoint, 0, at, 1)
        .expect("endpoint");
    w.try_retype(untyped, ObjectType::Untyped, 12, inner, 1)
        .expect("untyped");
    w.try_retype(inner, ObjectType::Tcb, 0, CPtr(at.0 + 2), 1)
        .expect("thread");
    w.try_retype(untyped, ObjectType::CNode, 2, CPtr(at.0 + 3), 1)
        .expect("CNode");
    let thread = w.thread();
    w.wait(thread, at);
    w.revoke(untyped);
    for n in 0..4 {
        assert_eq!(w.cap(CPtr(at.0 + n)), Cap::Null);
    }
    assert_eq!(
        w.state(thread),
        ThreadState::Inactive,
        "its endpoint went away under it"
    );
}

#[test]
fn whom_a_revoke_wakes_goes_on_though_a_thread_ends_after_it() {
    let mut w = World::new();
    let (untyped, at) = (w.untyped(14), w.free_slots(2));
    let ep = CPtr(at.0 + 1);
    w.try_retype(untyped, ObjectType::Tcb, 0, at, 1)
        .expect("thread");
    w.try_retype(untyped, ObjectType::Endpoint, 0, ep, 1)
        .expect("endpoint");
    let waiter = w.thread();
    w.wait(waiter, ep);
    // What was made last is deleted first: the waiter is woken, and then the thread ends.
    w.revoke(untyped);
    assert_eq!(
        w.state(waiter),
        ThreadState::Inactive,
        "it has asked for its endpoint again"
    );
}

#[test]
fn deleting_an_empty_slot_succeeds() {
    let mut w = World::new();
    let empty = w.free_slot();
    w.delete(empty);
}

#[test]
fn deleting_a_cnode_deletes_what_is_in_it() {
    let mut w = World::new();
    let (ep, node, thread) = (w.endpoint(), w.cnode(3), w.thread());
    w.wait(thread, ep);
    w.move_into(ep, node, 5, 3);
    assert!(w.is_blocked(thread));
    w.delete(node);
    // That was the last capability to the endpoint.
    assert_eq!(w.state(thread), ThreadState::Inactive);
}

#[test]
fn a_cnode_with_another_capability_to_it_stays() {
    let mut w = World::new();
    let (ep, node) = (w.endpoint(), w.cnode(3));
    let copy = w.copy(node, CapRights::ALL);
    w.copy_into(ep, node, 2, 3);
    w.delete(node);
    let Cap::CNode(c) = w.cap(copy) else {
        panic!("a CNode")
    };
    assert_eq!(w.k[c.slot(2)].cap(), w.cap(ep));
}

#[test]
fn a_cnode_that_contains_itself_can_be_deleted() {
    let mut w = World::new();
    let node = w.cnode(2);
    w.copy_into(node, node, 1, 2);
    w.move_into(node, node, 0, 2);
    // Nobody outside has it now; only a copy made through its own slots could be deleted.
    let inside = w.cnode(2);
    w.copy_into(inside, inside, 3, 2);
    w.delete(inside);
    assert_eq!(w.cap(inside), Cap::Null);
}

#[test]
fn cnodes_that_contain_each_other_can_be_deleted() {
    let mut w = World::new();
    let (a, b, ep) = (w.cnode(2), w.cnode(2), w.endpoint());
    w.copy_into(a, b, 3, 2);
    w.copy_into(b, a, 0, 2);
    w.move_into(ep, b, 1, 2);
    w.delete(a);
    w.delete(b);
    assert_eq!((w.cap(a), w.cap(b)), (Cap::Null, Cap::Null));
}

#[test]
fn revoking_the_parent_of_a_nest_of_cnodes_ends_it_all() {
    let mut w = World::new();
    let untyped = w.untyped(13);
    let at = w.free_slots(3);
    let [a, b, c] = [0, 1, 2].map(|n| CPtr(at.0 + n));
    w.try_retype(untyped, ObjectType::CNode, 1, at, 3)
        .expect("CNodes");
    // Each holds the next one's only capability, and the last one the first one's.
    w.copy_into(a, c, 1, 1);
    w.move_into(c, b, 1, 1);
    w.move_into(b, a, 0, 1);
    w.revoke(untyped);
    assert_eq!(w.cap(a), Cap::Null);
    // All memory is free: one object as large as the untyped fits.
    w.try_retype(untyped, ObjectType::Untyped, 13, c, 1)
        .expect("the whole memory");
}

#[test]
fn a_zombie_that_is_swapped_out_of_its_slot_ends_there() {
    for first in [0, 1] {
        let mut w = World::new();
        let (untyped, at) = (w.untyped(8), w.free_slots(2));
        w.try_retype(untyped, ObjectType::CNode, 1, at, 2)
            .expect("CNodes");
        // The only capability to each is in the other: to one in its first slot, to the other in the
        // last. Who ends first is found by the other's end where that has to begin.
        let [a, b] = [first, 1 - first].map(|n| CPtr(at.0 + n));
        w.copy_into(a, b, 1, 1);
        w.move_into(b, a, 0, 1);
        w.delete(a);
        w.revoke(untyped);
        w.try_retype(untyped, ObjectType::Untyped, 8, at, 1)
            .expect("the whole memory");
    }
}

#[test]
fn deleting_a_thread_stops_it_and_frees_what_it_held() {
    let mut w = World::new();
    let (thread, ep, node) = (w.thread(), w.endpoint(), w.cnode(4));
    w.set_cspace(thread, node, 4, CPtr::NULL);
    w.delete(thread.tcb);
    w.delete(thread.sc);
    // Nothing of the thread is in the way of the CNode's end.
    w.delete(node);
    let other = w.thread();
    w.nb_send(other, ep, []);
    assert_eq!(w.state(other), ThreadState::Running);
}

#[test]
fn a_thread_can_delete_itself() {
    let mut w = World::new();
    let (thread, other) = w.pair();
    w.run(thread);
    w.prepare(
        thread,
        CNODE,
        &crate::world::msg(delete_label()).words(&[thread.tcb.0, DEPTH]),
    );
    w.set_syscall(thread, abi::Syscall::Call.number());
    w.settle();
    assert_eq!(w.cap(thread.tcb), Cap::Null);
    assert!(w.is_current(other));
}

fn delete_label() -> Word {
    abi::LABELS.label(Invocation::CNodeDelete).expect("exists")
}

// --- Addresses ---------------------------------------------------------------------------------

/// A thread with a CSpace of two levels: 4 slots at the top, 8 below its slot 2.
fn two_levels(w: &mut World) -> (crate::world::Thread, CPtr, CPtr) {
    let thread = w.thread();
    let (top, below) = (w.cnode(2), w.cnode(3));
    let guarded = w.free_slot();
    // The lower CNode takes what is left: 64 - 2 - 3 bits of guard.
    w.try_mint(
        below,
        guarded,
        CapRights::ALL,
        CNodeCapData::new(0b11, 59).0,
    )
    .expect("mint");
    w.copy_into(guarded, top, 2, 2);
    let top_without_guard = w.free_slot();
    w.try_mint(top, top_without_guard, CapRights::ALL, 0)
        .expect("mint");
    w.set_cspace_with_guard(thread, top_without_guard, 0);
    (thread, top, below)
}

#[test]
fn an_address_leads_through_the_levels_of_a_cspace() {
    for slow in [false, true] {
        let mut w = World::new();
        w.slow = slow;
        let (thread, _, below) = two_levels(&mut w);
        let n = w.notification();
        let badged = w.badged(n, 5);
        w.copy_into(badged, below, 6, 3);
        let address = CPtr(0b10 << 62 | 0b11 << 3 | 6);
        w.nb_wait(thread, address);
        w.signal(thread, address);
        w.nb_wait(thread, address);
        assert_eq!(w.badge(thread), 5);
    }
}

#[test]
fn an_address_that_is_used_up_names_a_cnode_and_not_what_is_in_it() {
    let mut w = World::new();
    let (thread, _, below) = two_levels(&mut w);
    let (node, ep) = (w.cnode(2), w.endpoint());
    w.copy_into(ep, node, 1, 2);
    w.copy_into(node, below, 6, 3);
    let address = CPtr(0b10 << 62 | 0b11 << 3 | 6);
    let deleted = w.invoke(thread, address, Invocation::CNodeDelete, &[1, 2], &[]);
    assert_eq!(deleted, Ok(vec![]));
    let Cap::CNode(node) = w.cap(node) else {
        panic!("a CNode")
    };
    assert_eq!(w.k[node.slot(1)].cap(), Cap::Null);
}

#[test]
fn a_guard_is_compared_and_is_no_part_of_the_index() {
    let mut w = World::new();
    let thread = w.thread();
    let (node, n) = (w.cnode(3), w.notification());
    let badged = w.badged(n, 5);
    w.copy_into(badged, node, 6, 3);
    w.set_cspace_with_guard(thread, node, CNodeCapData::new(0b101, 61).0);
    w.signal(thread, CPtr(0b101 << 3 | 6));
    w.nb_wait(thread, CPtr(0b101 << 3 | 6));
    assert_eq!(w.badge(thread), 5);
    w.wait(thread, CPtr(0b111 << 3 | 6));
    assert_eq!(
        w.state(thread),
        ThreadState::Inactive,
        "a fault that nobody handles"
    );
}

#[test]
fn a_failed_lookup_says_what_was_wrong() {
    let mut w = World::new();
    let (thread, _, _) = two_levels(&mut w);
    let (handler, ep) = (w.thread(), w.endpoint());
    w.set_fault_handler_only(thread, ep);
    let fault = |w: &mut World, address: Word| {
        w.wait(handler, ep);
        w.run(thread);
        w.send(thread, CPtr(address), []);
        let words = w.received(handler).words;
        w.resume(thread);
        w.run(handler);
        // IP, address, phase; what follows is the failure.
        assert_eq!(words[1..3], [address, 0]);
        words[3..].to_vec()
    };
    let guard = LookupFailureKind::GuardMismatch.number();
    assert_eq!(fault(&mut w, 0b10 << 62 | 6), [guard, 62, 0b11, 59]);
}

#[test]
fn operations_on_slots_need_an_address_of_exactly_the_right_length() {
    let mut w = World::new();
    let node = w.cnode(4);
    let lookup = |kind: LookupFailureKind, words: &[Word]| {
        let mut all = vec![0, kind.number()];
        all.extend(words);
        Err(error(ErrorCode::FailedLookup, &all))
    };
    let delete = |w: &mut World, cnode: CPtr, index: Word, depth: Word| {
        w.root_invokes(cnode, Invocation::CNodeDelete, &[index, depth], &[])
    };
    let range = Err(error(ErrorCode::RangeError, &[1, 64]));
    assert_eq!(delete(&mut w, node, 0, 0), range);
    assert_eq!(delete(&mut w, node, 0, 65), range);
    assert_eq!(delete(&mut w, node, 0, 4), Ok(vec![]));
    assert_eq!(
        delete(&mut w, node, 0, 3),
        lookup(LookupFailureKind::DepthMismatch, &[3, 4])
    );
    assert_eq!(
        delete(&mut w, node, 0, 6),
        lookup(LookupFailureKind::DepthMismatch, &[2, 0])
    );
}

/// CNodes of 2 bits and of `rest` bits, the second in slot 0 of the first, and what is in slot 0
/// of that.
fn nested(w: &mut World, rest: Word) -> (CPtr, CPtr) {
    let (top, below, ep) = (w.cnode(2), w.cnode(3), w.endpoint());
    w.copy_into(ep, below, 0, 3);
    let guarded = w.free_slot();
    let guard = CNodeCapData::new(0, (rest - 3) as _).0;
    w.try_mint(below, guarded, CapRights::ALL, guard)
        .expect("mint");
    w.move_into(guarded, top, 0, 2);
    (top, ep)
}

#[test]
fn an_operation_on_slots_reaches_through_two_levels() {
    for rest in [3, 40, 62] {
        let mut w = World::new();
        let (top, ep) = nested(&mut w, rest);
        let to = w.free_slot();
        let words = [to.0, DEPTH, 0, 2 + rest];
        w.root_invokes(CNODE, Invocation::CNodeMove, &words, &[top])
            .expect("the slot below");
        assert_eq!(w.cap(to), w.cap(ep), "2 bits and {rest}");
    }
}

#[test]
fn no_address_has_more_than_64_bits_though_cnodes_would_take_them() {
    let mut w = World::new();
    let (top, _) = nested(&mut w, 63);
    let delete = w.root_invokes(top, Invocation::CNodeDelete, &[0, 65], &[]);
    assert_eq!(delete, Err(error(ErrorCode::RangeError, &[1, 64])));
}

#[test]
fn a_cnode_that_takes_a_whole_address_takes_no_shorter_one() {
    let mut w = World::new();
    let ep = w.endpoint();
    let delete = w.root_invokes(CNODE, Invocation::CNodeDelete, &[ep.0, 63], &[]);
    let depth = LookupFailureKind::DepthMismatch.number();
    assert_eq!(
        delete,
        Err(error(ErrorCode::FailedLookup, &[0, depth, 63, 64]))
    );
}

#[test]
fn a_cspace_shared_by_two_threads_is_one() {
    let mut w = World::new();
    let (a, b) = w.pair();
    let node = w.cnode(3);
    w.set_cspace(a, node, 3, CPtr::NULL);
    w.set_cspace(b, node, 3, CPtr::NULL);
    let (ep, reply) = (w.endpoint(), w.reply_object());
    w.copy_into(ep, node, 1, 3);
    w.copy_into(reply, node, 2, 3);
    w.recv(a, CPtr(1), CPtr(2));
    w.send(b, CPtr(1), [7]);
    assert_eq!(w.received(a), Message::from([7]));
}
