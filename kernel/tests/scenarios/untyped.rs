//! Untyped memory becomes objects, and comes back.

use crate::world::objects::CNODE;
use crate::world::{CPtr, WAKE, World, arch, error, msg};
use abi::error::{ErrorCode, LookupFailureKind};
use abi::rights::CapRights;
use abi::{Invocation, LABELS, OBJECT_TYPES, ObjectType, Syscall, Word};
use kernel::cap::Cap;
use machine::{KernelAddress, Machine, PhysicalAddress};

/// log2 of the bytes of the largest untyped.
const MAX: Word = abi::object::MAX_UNTYPED_BITS as Word;

fn watermark(w: &World, untyped: CPtr) -> u64 {
    match w.cap(untyped) {
        Cap::Untyped(c) => c.watermark,
        other => panic!("{other:?}"),
    }
}

fn region(w: &World, at: CPtr) -> (PhysicalAddress, u64) {
    w.cap(at).region().expect("an object in memory")
}

#[test]
fn objects_are_carved_upwards_and_aligned_to_their_size() {
    let mut w = World::new();
    let untyped = w.untyped(16);
    let (base, _) = region(&w, untyped);
    let at = w.free_slots(3);
    w.try_retype(untyped, ObjectType::Endpoint, 0, at, 1)
        .expect("16 bytes");
    w.try_retype(untyped, ObjectType::Notification, 0, CPtr(at.0 + 1), 1)
        .expect("64 bytes");
    w.try_retype(untyped, arch::SMALL_PAGE, 0, CPtr(at.0 + 2), 1)
        .expect("4096 bytes");
    assert_eq!(region(&w, at), (base, 16));
    assert_eq!(
        region(&w, CPtr(at.0 + 1)),
        (PhysicalAddress(base.0 + 64), 64)
    );
    assert_eq!(
        region(&w, CPtr(at.0 + 2)),
        (PhysicalAddress(base.0 + 4096), 4096)
    );
    assert_eq!(watermark(&w, untyped), 8192);
}

#[test]
#[cfg_attr(miri, ignore = "needs a machine with much memory")]
fn a_large_frame_is_aligned_to_its_size() {
    let mut w = World::new();
    let (untyped, at) = (w.untyped(22), w.free_slots(2));
    w.try_retype(untyped, ObjectType::Endpoint, 0, at, 1)
        .expect("16 bytes");
    w.try_retype(untyped, arch::LARGE_PAGE, 0, CPtr(at.0 + 1), 1)
        .expect("2 MiB");
    let (base, _) = region(&w, untyped);
    assert_eq!(
        region(&w, CPtr(at.0 + 1)),
        (PhysicalAddress(base.0 + (2 << 20)), 2 << 20)
    );
}

#[test]
fn many_objects_come_in_address_order() {
    let mut w = World::new();
    let untyped = w.untyped(12);
    let at = w.free_slots(256);
    w.try_retype(untyped, ObjectType::Endpoint, 0, at, 256)
        .expect("the whole page");
    let (base, _) = region(&w, untyped);
    for n in 0..256 {
        assert_eq!(
            region(&w, CPtr(at.0 + n)),
            (PhysicalAddress(base.0 + n * 16), 16)
        );
    }
}

#[test]
fn memory_is_used_up_and_the_error_says_how_much_is_left() {
    let mut w = World::new();
    let untyped = w.untyped(12);
    let at = w.free_slots(4);
    w.try_retype(untyped, ObjectType::Untyped, 11, at, 1)
        .expect("half");
    w.try_retype(untyped, ObjectType::Endpoint, 0, CPtr(at.0 + 1), 1)
        .expect("a bit");
    let full = w.try_retype(untyped, ObjectType::Untyped, 11, CPtr(at.0 + 2), 1);
    assert_eq!(full, Err(error(ErrorCode::NotEnoughMemory, &[2048 - 16])));
    w.try_retype(untyped, ObjectType::Untyped, 10, CPtr(at.0 + 2), 1)
        .expect("a quarter");
}

#[test]
fn when_the_last_child_is_gone_all_memory_is_free_again() {
    let mut w = World::new();
    let untyped = w.untyped(12);
    let at = w.free_slots(2);
    w.try_retype(untyped, ObjectType::Untyped, 12, at, 1)
        .expect("all of it");
    let full = w.try_retype(untyped, ObjectType::Endpoint, 0, CPtr(at.0 + 1), 1);
    assert_eq!(full, Err(error(ErrorCode::NotEnoughMemory, &[0])));
    w.delete(at);
    w.try_retype(untyped, ObjectType::Untyped, 12, at, 1)
        .expect("all of it again");
}

#[test]
fn new_frames_are_zero_whatever_the_memory_held() {
    let mut w = World::new();
    let untyped = w.untyped(13);
    let at = w.free_slot();
    w.try_retype(untyped, arch::SMALL_PAGE, 0, at, 1)
        .expect("a frame");
    let word = KernelAddress::of(w.frame_address(at)).plus(800);
    w.k.machine.store(word, 0xdead);
    w.delete(at);
    w.try_retype(untyped, arch::SMALL_PAGE, 0, at, 1)
        .expect("the same frame");
    assert_eq!(KernelAddress::of(w.frame_address(at)).plus(800), word);
    assert_eq!(w.k.machine.load(word), 0);
}

#[test]
fn new_objects_are_new_whatever_the_memory_held() {
    let mut w = World::new();
    let untyped = w.untyped(13);
    let at = w.free_slots(2);
    w.try_retype(untyped, arch::SMALL_PAGE, 0, at, 2)
        .expect("two frames");
    for n in 0..2 {
        let base = KernelAddress::of(w.frame_address(CPtr(at.0 + n)));
        (0..512).for_each(|i| w.k.machine.store(base.plus(i * 8), u64::MAX));
    }
    w.delete(at);
    w.delete(CPtr(at.0 + 1));
    for object in [
        ObjectType::Tcb,
        arch::TABLES[0],
        arch::TABLES[1],
        ObjectType::Notification,
    ] {
        w.try_retype(untyped, object, 0, at, 1).expect("an object");
        w.delete(at);
    }
    for sized in [(ObjectType::CNode, 7), (ObjectType::SchedContext, 12)] {
        w.try_retype(untyped, sized.0, sized.1, at, 1)
            .expect("an object");
        w.delete(at);
    }
}

#[test]
fn capabilities_go_to_any_cnode_that_the_address_leads_to() {
    let mut w = World::new();
    let (untyped, node) = (w.untyped(12), w.cnode(4));
    let number = OBJECT_TYPES.number(ObjectType::Endpoint).expect("exists");
    // By address from the root CNode, to slots 7 and 8 of the CNode.
    let words = [number, 0, node.0, 64, 7, 2];
    w.root_invokes(untyped, Invocation::UntypedRetype, &words, &[CNODE])
        .expect("retype");
    let Cap::CNode(c) = w.cap(node) else {
        panic!("a CNode")
    };
    assert!(matches!(w.k[c.slot(7)].cap(), Cap::Endpoint(_)));
    assert!(matches!(w.k[c.slot(8)].cap(), Cap::Endpoint(_)));
    // Directly: depth 0 means the given root itself.
    let words = [number, 0, 0, 0, 15, 1];
    w.root_invokes(untyped, Invocation::UntypedRetype, &words, &[node])
        .expect("retype");
    assert!(matches!(w.k[c.slot(15)].cap(), Cap::Endpoint(_)));
}

#[test]
fn a_copy_of_an_untyped_takes_all_its_memory() {
    let mut w = World::new();
    let untyped = w.untyped(12);
    let copy = w.copy(untyped, CapRights::ALL);
    let at = w.free_slot();
    assert_eq!(
        w.try_retype(untyped, ObjectType::Endpoint, 0, at, 1),
        Err(error(ErrorCode::NotEnoughMemory, &[0]))
    );
    w.try_retype(copy, ObjectType::Endpoint, 0, at, 1)
        .expect("from the copy");
    let to = w.free_slot();
    let words = [to.0, 64, untyped.0, 64, CapRights::ALL.0];
    let again = w.root_invokes(CNODE, Invocation::CNodeCopy, &words, &[CNODE]);
    assert_eq!(again, Err(error(ErrorCode::RevokeFirst, &[])));
}

#[test]
fn an_untyped_that_is_copied_while_a_retype_gave_way_is_full() {
    let mut w = World::new();
    let thread = w.thread();
    let (untyped, at) = (w.untyped(17), w.free_slot());
    let number = OBJECT_TYPES.number(ObjectType::CNode).expect("exists");
    let retype = LABELS.label(Invocation::UntypedRetype).expect("exists");
    let message = msg(retype)
        .words(&[number, 12, 0, 0, at.0, 1])
        .caps(&[CNODE]);
    w.prepare(thread, untyped, &message);
    w.k.machine.raise_at_ask(1, WAKE);
    w.syscall(thread, Syscall::Call);
    w.root_wakes_if_it_can();
    let cleared = |w: &World| match w.cap(untyped) {
        Cap::Untyped(cap) => (cap.watermark, cap.cleared),
        other => panic!("{other:?}"),
    };
    assert_eq!(cleared(&w), (0, 1));
    w.copy(untyped, CapRights::ALL);
    assert_eq!(cleared(&w), (1 << 17, 0));
    w.root_sleeps();
    let answer = Err(error(ErrorCode::NotEnoughMemory, &[0]));
    assert_eq!(w.answer(thread), answer, "when it goes on");
}

/// An untyped of 128 KiB that was used and is free again, and slots for as many frames.
fn used_memory(w: &mut World) -> (CPtr, CPtr) {
    let (untyped, at) = (w.untyped(17), w.free_slots(32));
    w.try_retype(untyped, arch::SMALL_PAGE, 0, at, 32)
        .expect("frames");
    for frame in (0..32).map(|n| CPtr(at.0 + n)) {
        let base = KernelAddress::of(w.frame_address(frame));
        w.k.machine.store(base, u64::MAX);
        w.delete(frame);
    }
    (untyped, at)
}

fn assert_new(w: &World, at: CPtr, frames: Word) {
    for n in 0..frames {
        let base = KernelAddress::of(w.frame_address(CPtr(at.0 + n)));
        assert_eq!(w.k.machine.load(base), 0, "frame {n}");
    }
}

#[test]
fn what_comes_before_the_first_whole_piece_is_cleared_too() {
    let mut w = World::new();
    let (untyped, at) = used_memory(&mut w);
    let ep = w.free_slot();
    w.try_retype(untyped, ObjectType::Endpoint, 0, ep, 1)
        .expect("a bit");
    // From 4 KiB on: pieces are of 32 KiB.
    w.try_retype(untyped, arch::SMALL_PAGE, 0, at, 16)
        .expect("frames");
    assert_new(&w, at, 16);
}

/// Frames of 36 KiB in all are cleared by a piece of 32 KiB and one of 4 KiB.
#[test]
fn a_retype_that_gave_way_in_its_last_piece_has_cleared_no_more_than_it_needed() {
    let mut w = World::new();
    let thread = w.thread();
    let (untyped, at) = used_memory(&mut w);
    let number = OBJECT_TYPES.number(arch::SMALL_PAGE).expect("exists");
    let retype = LABELS.label(Invocation::UntypedRetype).expect("exists");
    let message = msg(retype)
        .words(&[number, 0, 0, 0, at.0, 9])
        .caps(&[CNODE]);
    w.prepare(thread, untyped, &message);
    w.k.machine.raise_at_ask(2, WAKE);
    w.syscall(thread, Syscall::Call);
    w.k.machine.drop_script();
    // Whether it is done or goes on later: what is made now is new.
    w.as_root(|w| {
        (0..9).for_each(|n| w.delete(CPtr(at.0 + n)));
        w.try_retype(untyped, arch::SMALL_PAGE, 0, at, 16)
            .expect("frames");
    });
    assert_new(&w, at, 16);
}

#[test]
fn refusals_of_retype() {
    let mut w = World::new();
    let (untyped, node, ep) = (w.untyped(16), w.cnode(4), w.endpoint());
    let types = OBJECT_TYPES.count();
    let number = |object| OBJECT_TYPES.number(object).expect("exists");
    let (untyped_type, endpoint) = (number(ObjectType::Untyped), number(ObjectType::Endpoint));
    let (cnode, sc) = (number(ObjectType::CNode), number(ObjectType::SchedContext));
    let argument = |n: Word| error(ErrorCode::InvalidArgument, &[n]);
    let range = |min, max| error(ErrorCode::RangeError, &[min, max]);
    let missing = |depth| {
        error(
            ErrorCode::FailedLookup,
            &[0, LookupFailureKind::MissingCapability.number(), depth],
        )
    };
    // Type, size, address, depth, offset, count; and the error.
    let cases: [([Word; 6], crate::world::Error); 15] = [
        ([types, 0, 0, 0, 0, 1], argument(0)),
        ([untyped_type, 64, 0, 0, 0, 1], range(0, MAX)),
        ([untyped_type, MAX + 1, 0, 0, 0, 1], range(0, MAX)),
        (
            [untyped_type, MAX, 0, 0, 0, 1],
            error(ErrorCode::NotEnoughMemory, &[1 << 16]),
        ),
        ([cnode, 0, 0, 0, 0, 1], argument(1)),
        ([cnode, MAX - 4, 0, 0, 0, 1], range(0, MAX)),
        ([untyped_type, 3, 0, 0, 0, 1], argument(1)),
        ([sc, 6, 0, 0, 0, 1], argument(1)),
        ([endpoint, 0, 3, 4, 0, 1], missing(4)),
        ([endpoint, 0, 0, 0, 16, 1], range(0, 15)),
        ([endpoint, 0, 0, 0, 0, 0], range(1, 256)),
        ([endpoint, 0, 0, 0, 0, 257], range(1, 256)),
        ([endpoint, 0, 0, 0, 8, 9], range(1, 8)),
        (
            [untyped_type, 16, 0, 0, 0, 2],
            error(ErrorCode::NotEnoughMemory, &[1 << 16]),
        ),
        // The first check that fails wins.
        ([types, 64, 0, 65, 16, 0], argument(0)),
    ];
    for (words, expected) in cases {
        let answer = w.root_invokes(untyped, Invocation::UntypedRetype, &words, &[node]);
        assert_eq!(answer, Err(expected), "{words:?}");
    }
    let short = w.root_invokes(
        untyped,
        Invocation::UntypedRetype,
        &[endpoint, 0, 0, 0, 0],
        &[node],
    );
    assert_eq!(short, Err(error(ErrorCode::TruncatedMessage, &[])));
    let no_root = w.root_invokes(
        untyped,
        Invocation::UntypedRetype,
        &[endpoint, 0, 0, 0, 0, 1],
        &[],
    );
    assert_eq!(no_root, Err(error(ErrorCode::TruncatedMessage, &[])));
    let words = [endpoint, 0, 0, 0, 0, 1];
    let no_node = w.root_invokes(untyped, Invocation::UntypedRetype, &words, &[ep]);
    assert_eq!(no_node, Err(missing(0)));
    w.copy_into(ep, node, 3, 4);
    let words = [endpoint, 0, 0, 0, 2, 2];
    let taken = w.root_invokes(untyped, Invocation::UntypedRetype, &words, &[node]);
    assert_eq!(taken, Err(error(ErrorCode::DeleteFirst, &[])));
}

#[test]
fn device_memory_becomes_frames_and_smaller_untypeds_only() {
    let mut w = World::new();
    let Some(device) = w.device_untyped(13) else {
        panic!("the machine has device memory")
    };
    let at = w.free_slots(2);
    let refused = w.try_retype(device, ObjectType::Endpoint, 0, at, 1);
    assert_eq!(refused, Err(error(ErrorCode::InvalidArgument, &[1])));
    w.try_retype(device, arch::SMALL_PAGE, 0, at, 1)
        .expect("a frame");
    w.try_retype(device, ObjectType::Untyped, 12, CPtr(at.0 + 1), 1)
        .expect("an untyped");
    let Cap::Frame(frame) = w.cap(at) else {
        panic!("a frame")
    };
    assert!(frame.device);
}
