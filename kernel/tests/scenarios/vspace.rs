//! Address spaces: page tables, frames, ASIDs, and what the processor may have cached of them.

use crate::world::objects::{CNODE, DEPTH};
use crate::world::{CPtr, Thread, World, error};
use abi::bootinfo::slot;
use abi::error::{ErrorCode, LookupFailureKind};
use abi::rights::CapRights;
use abi::{Invocation, ObjectType, Word};
use kernel::cap::Cap;
use machine::VirtualAddress;
use machine::model::Invalidation;

const ASID_CONTROL: CPtr = CPtr(slot::ASID_CONTROL as Word);
const ASID_POOL: CPtr = CPtr(slot::INIT_ASID_POOL as Word);
/// Where things are mapped, unless a test has a reason.
const AT: Word = 0x7000_0000_0000 >> 8;

/// An address space with tables down to the lowest level for [`AT`].
struct Space {
    root: CPtr,
    tables: [CPtr; 3],
}

const LEVELS: [(ObjectType, Invocation, Invocation); 3] = [
    (
        ObjectType::X86Pdpt,
        Invocation::X86PdptMap,
        Invocation::X86PdptUnmap,
    ),
    (
        ObjectType::X86PageDirectory,
        Invocation::X86PageDirectoryMap,
        Invocation::X86PageDirectoryUnmap,
    ),
    (
        ObjectType::X86PageTable,
        Invocation::X86PageTableMap,
        Invocation::X86PageTableUnmap,
    ),
];

fn root(w: &mut World) -> CPtr {
    let root = w.object(ObjectType::X86Pml4, 0);
    w.root_invokes(ASID_POOL, Invocation::X86AsidPoolAssign, &[], &[root])
        .expect("Assign");
    root
}

fn space(w: &mut World) -> Space {
    let root = root(w);
    let tables = LEVELS.map(|(object, map, _)| {
        let table = w.object(object, 0);
        w.root_invokes(table, map, &[AT, 0], &[root])
            .expect("table");
        table
    });
    Space { root, tables }
}

fn map(
    w: &mut World,
    frame: CPtr,
    at: Word,
    rights: CapRights,
    root: CPtr,
) -> crate::world::calls::Answer {
    w.root_invokes(frame, Invocation::X86PageMap, &[at, rights.0, 0], &[root])
}

fn unmap(w: &mut World, frame: CPtr) {
    w.root_invokes(frame, Invocation::X86PageUnmap, &[], &[])
        .expect("Unmap always succeeds");
}

/// `thread` gets another address space, and keeps the shared CSpace.
fn enter_space(w: &mut World, thread: Thread, root: CPtr) {
    let caps = [CPtr::NULL, CNODE, root];
    w.root_invokes(thread.tcb, Invocation::TcbSetSpace, &[0, 0], &caps)
        .expect("SetSpace");
}

fn missing(bits_left: Word) -> crate::world::Error {
    error(
        ErrorCode::FailedLookup,
        &[0, LookupFailureKind::MissingCapability.number(), bits_left],
    )
}

/// What a thread in `root` finds at `at`: the page, and whether it may write.
fn seen(w: &World, root: CPtr, at: Word) -> Option<(u64, bool)> {
    let Cap::VSpace(c) = w.cap(root) else {
        panic!("an address space")
    };
    w.k.machine
        .walk(c.root.physical(), VirtualAddress(at))
        .map(|t| (t.physical.0, t.writable))
}

fn asid(w: &World, root: CPtr) -> u16 {
    match w.cap(root) {
        Cap::VSpace(c) => c.asid.expect("an ASID"),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_mapped_frame_is_seen_with_its_rights() {
    let mut w = World::new();
    let (s, frame) = (space(&mut w), w.frame());
    let base = w.frame_address(frame).0;
    map(&mut w, frame, AT, CapRights::READ_WRITE, s.root).expect("Map");
    assert_eq!(seen(&w, s.root, AT + 8), Some((base + 8, true)));
    // Mapping it again at the same place changes the rights.
    map(&mut w, frame, AT, CapRights::READ, s.root).expect("again");
    assert_eq!(seen(&w, s.root, AT), Some((base, false)));
    map(&mut w, frame, AT, CapRights::NONE, s.root).expect("again");
    assert_eq!(seen(&w, s.root, AT), None, "for the kernel only");
    unmap(&mut w, frame);
    assert_eq!(seen(&w, s.root, AT), None);
    unmap(&mut w, frame);
}

#[test]
fn a_mapping_has_no_more_rights_than_the_frame_capability() {
    let mut w = World::new();
    let (s, frame) = (space(&mut w), w.frame());
    let read_only = w.copy(frame, CapRights::READ);
    map(&mut w, read_only, AT, CapRights::ALL, s.root).expect("Map");
    assert!(matches!(seen(&w, s.root, AT), Some((_, false))));
}

#[test]
fn a_frame_capability_maps_once_and_copies_map_elsewhere() {
    let mut w = World::new();
    let (s, other, frame) = (space(&mut w), space(&mut w), w.frame());
    let rights = CapRights::READ_WRITE;
    map(&mut w, frame, AT, rights, s.root).expect("Map");
    let argument = Err(error(ErrorCode::InvalidArgument, &[0]));
    assert_eq!(map(&mut w, frame, AT + 0x1000, rights, s.root), argument);
    let capability = Err(error(ErrorCode::InvalidCapability, &[1]));
    assert_eq!(map(&mut w, frame, AT, rights, other.root), capability);
    let copy = w.copy(frame, CapRights::ALL);
    map(&mut w, copy, AT, rights, other.root).expect("the copy");
    assert_eq!(seen(&w, s.root, AT), seen(&w, other.root, AT));
    w.delete(frame);
    assert_eq!(
        seen(&w, s.root, AT),
        None,
        "deleting a capability ends its mapping"
    );
    assert!(seen(&w, other.root, AT).is_some());
}

#[test]
fn mapping_over_another_frame_replaces_it() {
    let mut w = World::new();
    let s = space(&mut w);
    let [old, new] = [w.frame(), w.frame()];
    map(&mut w, old, AT, CapRights::ALL, s.root).expect("Map");
    map(&mut w, new, AT, CapRights::ALL, s.root).expect("over it");
    let base = w.frame_address(new).0;
    assert_eq!(seen(&w, s.root, AT), Some((base, true)));
    // The old capability has lost its mapping, and does not end the new one.
    unmap(&mut w, old);
    assert_eq!(seen(&w, s.root, AT), Some((base, true)));
}

#[test]
fn missing_tables_are_named_by_the_bits_they_resolve() {
    let mut w = World::new();
    let (root, frame) = (root(&mut w), w.frame());
    let mut expected = vec![39, 30, 21];
    let mut tables = LEVELS.iter();
    loop {
        let answer = map(&mut w, frame, AT, CapRights::ALL, root);
        let Some(bits) = (!expected.is_empty()).then(|| expected.remove(0)) else {
            assert_eq!(answer, Ok(vec![]));
            break;
        };
        assert_eq!(answer, Err(missing(bits)));
        let (object, map_table, _) = tables.next().expect("three levels");
        let table = w.object(*object, 0);
        w.root_invokes(table, *map_table, &[AT, 0], &[root])
            .expect("table");
    }
}

#[test]
fn large_and_huge_pages() {
    let mut w = World::with(&machine::model::Config {
        ram: vec![(machine::PhysicalAddress(0x10_0000), 64 << 20)],
        ..machine::model::Config::default()
    });
    let s = space(&mut w);
    let large = w.object(ObjectType::X86LargePage, 0);
    let base = w.frame_address(large).0;
    let over_table = map(&mut w, large, AT, CapRights::ALL, s.root);
    assert_eq!(
        over_table,
        Err(error(ErrorCode::DeleteFirst, &[])),
        "a page table is there"
    );
    let beside = AT + (1 << 21);
    assert_eq!(
        map(&mut w, large, beside + 0x1000, CapRights::ALL, s.root),
        Err(error(ErrorCode::AlignmentError, &[]))
    );
    map(&mut w, large, beside, CapRights::ALL, s.root).expect("Map");
    assert_eq!(
        seen(&w, s.root, beside + 0x12_3456),
        Some((base + 0x12_3456, true))
    );
    // A page table does not fit where a large page is.
    let table = w.object(ObjectType::X86PageTable, 0);
    let taken = w.root_invokes(table, Invocation::X86PageTableMap, &[beside, 0], &[s.root]);
    assert_eq!(taken, Err(error(ErrorCode::DeleteFirst, &[])));
    w.delete(large);
    assert_eq!(seen(&w, s.root, beside), None);
}

#[test]
fn refusals_of_map() {
    let mut w = World::new();
    let (s, frame) = (space(&mut w), w.frame());
    let unassigned = w.object(ObjectType::X86Pml4, 0);
    let top = abi::x86_64::USER_MAX;
    let capability = |n| Err(error(ErrorCode::InvalidCapability, &[n]));
    let argument = |n| Err(error(ErrorCode::InvalidArgument, &[n]));
    let all = CapRights::ALL;
    assert_eq!(map(&mut w, frame, AT, all, unassigned), capability(1));
    assert_eq!(map(&mut w, frame, AT, all, CNODE), capability(1));
    assert_eq!(map(&mut w, frame, top + 1, all, s.root), argument(0));
    assert_eq!(
        map(&mut w, frame, top - 0xfff + 1, all, s.root),
        argument(0),
        "its end"
    );
    assert_eq!(
        map(&mut w, frame, AT + 8, all, s.root),
        Err(error(ErrorCode::AlignmentError, &[]))
    );
    let short = w.root_invokes(frame, Invocation::X86PageMap, &[AT, 3], &[s.root]);
    assert_eq!(short, Err(error(ErrorCode::TruncatedMessage, &[])));
    let table = s.tables[0];
    let again = w.root_invokes(table, Invocation::X86PdptMap, &[AT, 0], &[s.root]);
    assert_eq!(again, capability(0), "mapped already");
    let second = w.object(ObjectType::X86Pdpt, 0);
    let taken = w.root_invokes(second, Invocation::X86PdptMap, &[AT, 0], &[s.root]);
    assert_eq!(taken, Err(error(ErrorCode::DeleteFirst, &[])));
    let beyond = w.root_invokes(second, Invocation::X86PdptMap, &[top + 1, 0], &[s.root]);
    assert_eq!(beyond, argument(0));
}

#[test]
fn a_table_is_unmapped_through_its_last_capability() {
    let mut w = World::new();
    let (s, frame) = (space(&mut w), w.frame());
    map(&mut w, frame, AT, CapRights::ALL, s.root).expect("Map");
    let table = s.tables[2];
    let copy = w.copy(table, CapRights::ALL);
    let unmap_table =
        |w: &mut World, table| w.root_invokes(table, Invocation::X86PageTableUnmap, &[], &[]);
    assert_eq!(
        unmap_table(&mut w, table),
        Err(error(ErrorCode::RevokeFirst, &[]))
    );
    w.delete(copy);
    assert_eq!(unmap_table(&mut w, table), Ok(vec![]));
    assert_eq!(seen(&w, s.root, AT), None);
    // The table is empty, and can be mapped somewhere else.
    let elsewhere = AT + (1 << 21);
    w.root_invokes(
        table,
        Invocation::X86PageTableMap,
        &[elsewhere, 0],
        &[s.root],
    )
    .expect("elsewhere");
    assert_eq!(seen(&w, s.root, elsewhere), None);
    // The frame's mapping is a memory of what was there.
    unmap(&mut w, frame);
    map(&mut w, frame, elsewhere, CapRights::ALL, s.root).expect("elsewhere too");
}

#[test]
fn unmapped_tables_cannot_be_copied() {
    let mut w = World::new();
    let table = w.object(ObjectType::X86PageTable, 0);
    let to = w.free_slot();
    let words = [to.0, DEPTH, table.0, DEPTH, CapRights::ALL.0];
    let refused = w.root_invokes(CNODE, Invocation::CNodeCopy, &words, &[CNODE]);
    assert_eq!(refused, Err(error(ErrorCode::IllegalOperation, &[])));
}

#[test]
fn a_deleted_address_space_leaves_capabilities_that_do_nothing() {
    let mut w = World::new();
    let (s, frame) = (space(&mut w), w.frame());
    map(&mut w, frame, AT, CapRights::ALL, s.root).expect("Map");
    let old = asid(&w, s.root);
    w.delete(s.root);
    assert!(
        w.k.machine
            .invalidations()
            .contains(&Invalidation::Asid(old))
    );
    unmap(&mut w, frame);
    // The number is given again; the old tables do not touch the new space.
    let new = space(&mut w);
    assert_eq!(asid(&w, new.root), old);
    map(&mut w, frame, AT, CapRights::ALL, new.root).expect("Map");
    for table in s.tables {
        w.delete(table);
    }
    assert!(seen(&w, new.root, AT).is_some());
}

#[test]
fn a_change_of_a_mapping_is_forgotten_by_the_translation_cache() {
    let mut w = World::new();
    let (s, frame) = (space(&mut w), w.frame());
    let thread = w.thread();
    enter_space(&mut w, thread, s.root);
    map(&mut w, frame, AT, CapRights::READ_WRITE, s.root).expect("Map");
    w.run(thread);
    let Cap::VSpace(c) = w.cap(s.root) else {
        panic!("an address space")
    };
    assert_eq!(w.k.machine.root().0, Some(c.root.physical()));
    let touch = |w: &mut World| {
        w.k.machine
            .translate(VirtualAddress(AT))
            .map(|t| t.writable)
    };
    assert_eq!(touch(&mut w), Some(true));
    map(&mut w, frame, AT, CapRights::READ, s.root).expect("fewer rights");
    w.run(thread);
    assert_eq!(touch(&mut w), Some(false));
    unmap(&mut w, frame);
    w.run(thread);
    assert_eq!(touch(&mut w), None);
    map(&mut w, frame, AT, CapRights::READ, s.root).expect("Map");
    w.run(thread);
    assert_eq!(touch(&mut w), Some(false));
    w.root_invokes(s.tables[2], Invocation::X86PageTableUnmap, &[], &[])
        .expect("Unmap");
    w.run(thread);
    assert_eq!(
        touch(&mut w),
        None,
        "walks through the table are forgotten too"
    );
}

#[test]
fn the_address_space_of_a_running_thread_may_go_away() {
    let mut w = World::new();
    let (untyped, at, thread) = (w.untyped(12), w.free_slot(), w.thread());
    w.try_retype(untyped, ObjectType::X86Pml4, 0, at, 1)
        .expect("a root");
    w.root_invokes(ASID_POOL, Invocation::X86AsidPoolAssign, &[], &[at])
        .expect("Assign");
    enter_space(&mut w, thread, at);
    w.run(thread);
    let Cap::VSpace(c) = w.cap(at) else {
        panic!("an address space")
    };
    w.delete(at);
    assert!(w.is_current(thread));
    assert_eq!(
        w.k.machine.root().0,
        Some(c.root.physical()),
        "the thread's own capability keeps it"
    );
    w.revoke(untyped);
    assert!(w.is_current(thread));
    assert_ne!(
        w.k.machine.root().0,
        Some(c.root.physical()),
        "the kernel's own, in which nothing is mapped"
    );
}

// --- ASIDs ---------------------------------------------------------------------------------------

#[test]
fn an_address_space_is_assigned_once() {
    let mut w = World::new();
    let s = root(&mut w);
    let again = w.root_invokes(ASID_POOL, Invocation::X86AsidPoolAssign, &[], &[s]);
    assert_eq!(again, Err(error(ErrorCode::InvalidCapability, &[1])));
    let none = w.root_invokes(ASID_POOL, Invocation::X86AsidPoolAssign, &[], &[]);
    assert_eq!(none, Err(error(ErrorCode::TruncatedMessage, &[])));
}

#[test]
fn pools_are_made_from_pages_of_untyped_memory() {
    let mut w = World::new();
    let (untyped, at) = (w.untyped(12), w.free_slot());
    let make = |w: &mut World, untyped, at: CPtr| {
        w.root_invokes(
            ASID_CONTROL,
            Invocation::X86AsidControlMakePool,
            &[at.0, DEPTH],
            &[untyped, CNODE],
        )
    };
    make(&mut w, untyped, at).expect("MakePool");
    let vspace = w.object(ObjectType::X86Pml4, 0);
    w.root_invokes(at, Invocation::X86AsidPoolAssign, &[], &[vspace])
        .expect("Assign");
    assert_eq!(asid(&w, vspace), 512, "the first of the second pool");
    assert_eq!(
        make(&mut w, untyped, at),
        Err(error(ErrorCode::RevokeFirst, &[])),
        "in use"
    );
    let (large, ep, other) = (w.untyped(13), w.endpoint(), w.untyped(12));
    let capability = Err(error(ErrorCode::InvalidCapability, &[1]));
    assert_eq!(make(&mut w, large, at), capability, "not a page");
    assert_eq!(make(&mut w, ep, at), capability);
    assert_eq!(
        make(&mut w, other, at),
        Err(error(ErrorCode::DeleteFirst, &[])),
        "the slot is taken"
    );
}

#[test]
fn there_are_eight_pools() {
    let mut w = World::new();
    for n in 0..8 {
        let (untyped, at) = (w.untyped(12), w.free_slot());
        let answer = w.root_invokes(
            ASID_CONTROL,
            Invocation::X86AsidControlMakePool,
            &[at.0, DEPTH],
            &[untyped, CNODE],
        );
        let expected = if n < 7 {
            Ok(vec![])
        } else {
            Err(error(ErrorCode::DeleteFirst, &[]))
        };
        assert_eq!(answer, expected, "pool {n} beside the root task's");
    }
}

#[test]
fn deleting_a_pool_takes_the_asids_of_its_address_spaces() {
    let mut w = World::new();
    let (untyped, pool) = (w.untyped(12), w.free_slot());
    w.root_invokes(
        ASID_CONTROL,
        Invocation::X86AsidControlMakePool,
        &[pool.0, DEPTH],
        &[untyped, CNODE],
    )
    .expect("MakePool");
    let vspace = w.object(ObjectType::X86Pml4, 0);
    w.root_invokes(pool, Invocation::X86AsidPoolAssign, &[], &[vspace])
        .expect("Assign");
    let frame = w.frame();
    w.delete(pool);
    let invalid_root = LookupFailureKind::InvalidRoot.number();
    assert_eq!(
        map(&mut w, frame, AT, CapRights::ALL, vspace),
        Err(error(ErrorCode::FailedLookup, &[0, invalid_root]))
    );
    assert!(
        w.k.machine
            .invalidations()
            .contains(&Invalidation::Asid(512))
    );
    w.delete(vspace);
}

#[test]
#[cfg_attr(miri, ignore = "repeats hundreds of times what other scenarios do")]
fn a_pool_has_no_more_than_its_asids() {
    let mut w = World::new();
    let mut given = 0;
    let error = loop {
        let vspace = w.object(ObjectType::X86Pml4, 0);
        match w.root_invokes(ASID_POOL, Invocation::X86AsidPoolAssign, &[], &[vspace]) {
            Ok(_) => given += 1,
            Err(error) => break error,
        }
        // The address of the memory does not matter; the number of spaces does.
        assert!(given < 512);
    };
    // One is the root task's; number 0 is never given.
    assert_eq!((given, error.code), (510, ErrorCode::DeleteFirst));
}

#[test]
fn the_address_of_a_frame_can_be_asked_for() {
    let mut w = World::new();
    let frame = w.frame();
    let base = w.frame_address(frame).0;
    assert_eq!(
        w.root_invokes(frame, Invocation::X86PageGetAddress, &[], &[]),
        Ok(vec![base])
    );
}
