//! Address spaces: tables, frames of all sizes, rights, and who sees what.

use super::ipc::fault_handler;
use super::retype::map;
use super::{peek, poke};
use crate::isa;
use crate::report::{Outcome, check, check_eq, fail, skip};
use crate::threads::Board;
use crate::world::{FREE_ADDRESS, Start, World};
use abi::{CapRights, ErrorCode, Word};
use user_api::{
    Attributes, CPtr, Endpoint, Error, Fault, Frame, FrameSize, LookupFailure, MissingTable,
    PageTable, Reply, SlotWindow, Space, VSPACE_OBJECT, VSpaceRoot,
};
use user_runtime::boot::{self, root};
use user_runtime::image;

crate::list!["vspace":
    missing_tables_are_named, a_page_keeps_what_is_written, large_pages, huge_pages_map, aliases_show_one_memory,
    one_capability_maps_once, remapping_changes_rights, rights_of_the_capability_count,
    without_reading_there_is_no_access, unmapping_ends_access, unmapping_twice, a_moved_frame_stays_mapped,
    deleting_a_frame_unmaps_it, deleting_a_copy_keeps_the_mapping, deleting_a_table_unmaps_its_pages,
    unmapping_a_table_unmaps_its_pages, tables_that_were_unmapped_map_again, tables_with_copies_stay,
    a_second_page_replaces_the_first, large_over_small_is_refused, small_under_large_is_refused,
    addresses_are_checked, alignment_is_checked, frames_are_executable, frames_of_devices, attributes,
    the_same_address_elsewhere, a_thread_in_another_space, deleting_a_space_in_use, revoking_a_frame_unmaps_copies,
    physical_addresses_are_stable,
];

const PAGE: Word = 1 << abi::object::PAGE_BITS;
const LARGE: Word = 1 << abi::object::LARGE_PAGE_BITS;
const HUGE: Word = 1 << abi::object::HUGE_PAGE_BITS;
const RW: CapRights = CapRights::READ_WRITE;

fn map_plain(frame: Frame, address: Word, rights: CapRights) -> Result<(), Error> {
    frame.map(root::VSPACE, address, rights, Attributes::DEFAULT)
}

fn missing(bits: Word) -> Result<(), Error> {
    let failure = LookupFailure::MissingCapability { bits_left: bits };
    Err(Error::FailedLookup {
        source: false,
        failure,
    })
}

/// Whether a thread can read and write an address; the driver must not fault itself.
struct Prober {
    endpoint: Endpoint,
    handler: Endpoint,
    reply: Reply,
}

impl Prober {
    fn new(world: &mut World) -> Outcome<Self> {
        let (endpoint, handler, reply) = fault_handler(world)?;
        Ok(Self {
            endpoint,
            handler,
            reply,
        })
    }

    fn access(
        &self,
        world: &mut World,
        body: crate::threads::Body,
        words: &[Word],
    ) -> Outcome<Option<Word>> {
        let start = Start {
            fault_handler: self.handler.cptr(),
            ..Start::below()
        };
        let thread = world.thread(start, body, words)?;
        world.settle()?;
        let message = self.endpoint.nb_recv(self.reply);
        let answer = match (thread.is_done(), message.badge) {
            (true, 0) => Some(thread.board.get(8)),
            (false, badge) if badge != 0 => match Fault::decode(&message) {
                Some(Fault::Vm { .. }) => None,
                other => return Err(fail(format_args!("{other:?}"))),
            },
            (done, badge) => return Err(fail(format_args!("done: {done}, fault badge {badge}"))),
        };
        world.path(thread.tcb).delete()?;
        world.forget_last_thread();
        Ok(answer)
    }

    fn read(&self, world: &mut World, address: Word) -> Outcome<Option<Word>> {
        let body = |board: &'static Board| board.set(8, peek(board.get(0) as usize));
        self.access(world, body, &[address])
    }

    fn can_write(&self, world: &mut World, address: Word) -> Outcome<bool> {
        let body = |board: &'static Board| poke(board.get(0) as usize, 0x3333);
        Ok(self.access(world, body, &[address])?.is_some())
    }
}

fn missing_tables_are_named(world: &mut World) -> Outcome {
    let frame = world.frame(FrameSize::Small)?;
    for table in MissingTable::DOWNWARDS {
        let bits = table.span_bits() as Word;
        let result = map_plain(frame, FREE_ADDRESS, RW);
        check_eq!(result, missing(bits));
        let made: CPtr = world.make(table.object(), 0)?;
        table.install(made, root::VSPACE, FREE_ADDRESS)?;
    }
    check_eq!(map_plain(frame, FREE_ADDRESS, RW), Ok(()));
    Ok(())
}

fn a_page_keeps_what_is_written(world: &mut World) -> Outcome {
    let frame = world.frame(FrameSize::Small)?;
    map(world, frame, FREE_ADDRESS, RW)?;
    for offset in (0..PAGE).step_by(8) {
        poke((FREE_ADDRESS + offset) as usize, offset * 3);
    }
    for offset in (0..PAGE).step_by(8) {
        check_eq!(peek((FREE_ADDRESS + offset) as usize), offset * 3);
    }
    Ok(())
}

fn large_pages(world: &mut World) -> Outcome {
    let frame = world.frame(FrameSize::Large)?;
    check!(frame.physical_address()?.is_multiple_of(LARGE));
    map(world, frame, FREE_ADDRESS, RW)?;
    for offset in [0, 8, PAGE, LARGE / 2, LARGE - 8] {
        check_eq!(peek((FREE_ADDRESS + offset) as usize), 0);
        poke((FREE_ADDRESS + offset) as usize, offset + 1);
    }
    for offset in [0, 8, PAGE, LARGE / 2, LARGE - 8] {
        check_eq!(peek((FREE_ADDRESS + offset) as usize), offset + 1);
    }
    check_eq!(frame.unmap(), Ok(()));
    let prober = Prober::new(world)?;
    check_eq!(prober.read(world, FREE_ADDRESS + LARGE / 2)?, None);
    Ok(())
}

fn huge_pages_map(world: &mut World) -> Outcome {
    if !isa::HUGE_PAGES {
        skip!("the profile has no huge pages");
    }
    let Some((memory, entry)) = boot::untypeds(world.boot).find(|(_, entry)| entry.size_bits >= 30)
    else {
        skip!("no gigabyte in one piece");
    };
    check!(entry.is_device == 1 || entry.size_bits >= 30);
    let slot = world.slot();
    memory.retype(
        FrameSize::Huge.object(),
        0,
        SlotWindow::one(root::CNODE, slot),
    )?;
    let frame = Frame::new(slot);
    // Where the root itself maps gigabytes, nothing is missing.
    let wanted = if isa::TOP_BITS as usize == abi::object::HUGE_PAGE_BITS {
        Ok(())
    } else {
        missing(MissingTable::DOWNWARDS[0].span_bits() as Word)
    };
    check_eq!(map_plain(frame, FREE_ADDRESS, RW), wanted);
    map(world, frame, FREE_ADDRESS, RW)?;
    check_eq!(
        map_plain(frame, FREE_ADDRESS, CapRights::READ),
        Ok(()),
        "the same place again"
    );
    // A table for a part of it has no place.
    let Some(under) = MissingTable::DOWNWARDS
        .into_iter()
        .find(|table| table.span_bits() == abi::object::HUGE_PAGE_BITS)
    else {
        return Ok(());
    };
    let table: CPtr = world.make(under.object(), 0)?;
    let result = under.install(table, root::VSPACE, FREE_ADDRESS + LARGE);
    check_eq!(result, Err(Error::DeleteFirst));
    frame.unmap()?;
    let result = under.install(table, root::VSPACE, FREE_ADDRESS + LARGE);
    check_eq!(result, Ok(()));
    check_eq!(
        map_plain(frame, FREE_ADDRESS, RW),
        Err(isa::over_a_table(21)),
        "over a table"
    );
    check_eq!(
        map_plain(frame, FREE_ADDRESS + LARGE, RW),
        Err(Error::AlignmentError)
    );
    Ok(())
}

fn aliases_show_one_memory(world: &mut World) -> Outcome {
    let frame = world.frame(FrameSize::Small)?;
    let alias = world.copy(frame, CapRights::ALL)?;
    map(world, frame, FREE_ADDRESS, RW)?;
    map(world, alias, FREE_ADDRESS + 4 * PAGE, RW)?;
    poke(FREE_ADDRESS as usize, 5);
    check_eq!(peek((FREE_ADDRESS + 4 * PAGE) as usize), 5);
    poke((FREE_ADDRESS + 4 * PAGE) as usize + 8, 6);
    check_eq!(peek(FREE_ADDRESS as usize + 8), 6);
    Ok(())
}

fn one_capability_maps_once(world: &mut World) -> Outcome {
    let frame = world.frame(FrameSize::Small)?;
    map(world, frame, FREE_ADDRESS, RW)?;
    check_eq!(
        map_plain(frame, FREE_ADDRESS + PAGE, RW),
        Err(Error::InvalidArgument { which: 0 })
    );
    frame.unmap()?;
    check_eq!(map_plain(frame, FREE_ADDRESS + PAGE, RW), Ok(()));
    Ok(())
}

fn remapping_changes_rights(world: &mut World) -> Outcome {
    let frame = world.frame(FrameSize::Small)?;
    let prober = Prober::new(world)?;
    map(world, frame, FREE_ADDRESS, RW)?;
    check!(prober.can_write(world, FREE_ADDRESS)?);
    map_plain(frame, FREE_ADDRESS, CapRights::READ)?;
    check!(!prober.can_write(world, FREE_ADDRESS)?);
    check_eq!(prober.read(world, FREE_ADDRESS)?, Some(0x3333));
    map_plain(frame, FREE_ADDRESS, RW)?;
    check!(prober.can_write(world, FREE_ADDRESS)?);
    Ok(())
}

fn rights_of_the_capability_count(world: &mut World) -> Outcome {
    let frame = world.frame(FrameSize::Small)?;
    let reader = world.copy(frame, CapRights::READ)?;
    let prober = Prober::new(world)?;
    map(world, reader, FREE_ADDRESS, RW)?;
    check_eq!(prober.read(world, FREE_ADDRESS)?, Some(0));
    check!(
        !prober.can_write(world, FREE_ADDRESS)?,
        "the capability allows reading only"
    );
    Ok(())
}

fn without_reading_there_is_no_access(world: &mut World) -> Outcome {
    let frame = world.frame(FrameSize::Small)?;
    let prober = Prober::new(world)?;
    map(world, frame, FREE_ADDRESS, CapRights::NONE)?;
    check_eq!(prober.read(world, FREE_ADDRESS)?, None);
    map_plain(frame, FREE_ADDRESS, CapRights::WRITE)?;
    check!(
        !prober.can_write(world, FREE_ADDRESS)?,
        "writing without reading"
    );
    Ok(())
}

fn unmapping_ends_access(world: &mut World) -> Outcome {
    let frame = world.frame(FrameSize::Small)?;
    let prober = Prober::new(world)?;
    map(world, frame, FREE_ADDRESS, RW)?;
    check_eq!(prober.read(world, FREE_ADDRESS)?, Some(0));
    frame.unmap()?;
    check_eq!(prober.read(world, FREE_ADDRESS)?, None);
    Ok(())
}

fn unmapping_twice(world: &mut World) -> Outcome {
    let frame = world.frame(FrameSize::Small)?;
    check_eq!(frame.unmap(), Ok(()), "never mapped");
    map(world, frame, FREE_ADDRESS, RW)?;
    check_eq!((frame.unmap(), frame.unmap()), (Ok(()), Ok(())));
    Ok(())
}

fn a_moved_frame_stays_mapped(world: &mut World) -> Outcome {
    let frame = world.frame(FrameSize::Small)?;
    let prober = Prober::new(world)?;
    map(world, frame, FREE_ADDRESS, RW)?;
    let source = world.path(frame);
    let moved: Frame = world.fill(|slot| slot.move_from(source))?;
    check_eq!(prober.read(world, FREE_ADDRESS)?, Some(0));
    moved.unmap()?;
    check_eq!(prober.read(world, FREE_ADDRESS)?, None);
    Ok(())
}

fn deleting_a_frame_unmaps_it(world: &mut World) -> Outcome {
    let frame = world.frame(FrameSize::Small)?;
    let prober = Prober::new(world)?;
    map(world, frame, FREE_ADDRESS, RW)?;
    world.path(frame).delete()?;
    check_eq!(prober.read(world, FREE_ADDRESS)?, None);
    Ok(())
}

fn deleting_a_copy_keeps_the_mapping(world: &mut World) -> Outcome {
    let frame = world.frame(FrameSize::Small)?;
    let copy = world.copy(frame, CapRights::ALL)?;
    let prober = Prober::new(world)?;
    map(world, frame, FREE_ADDRESS, RW)?;
    world.path(copy).delete()?;
    check_eq!(prober.read(world, FREE_ADDRESS)?, Some(0));
    Ok(())
}

/// Maps a page with tables of its own, so that the last table can be taken away.
fn with_own_table(world: &mut World) -> Outcome<(Frame, PageTable)> {
    let frame = world.frame(FrameSize::Small)?;
    let mut table = CPtr::NULL;
    while let Err(error) = map_plain(frame, FREE_ADDRESS, RW) {
        let missing = MissingTable::from_error(error).ok_or(error)?;
        table = world.make(missing.object(), 0)?;
        missing.install(table, root::VSPACE, FREE_ADDRESS)?;
    }
    Ok((frame, table.cast()))
}

fn deleting_a_table_unmaps_its_pages(world: &mut World) -> Outcome {
    let (frame, table) = with_own_table(world)?;
    let prober = Prober::new(world)?;
    check_eq!(prober.read(world, FREE_ADDRESS)?, Some(0));
    world.path(table).delete()?;
    check_eq!(prober.read(world, FREE_ADDRESS)?, None);
    check_eq!(map_plain(frame, FREE_ADDRESS, RW), missing(21));
    check_eq!(frame.unmap(), Ok(()));
    Ok(())
}

fn unmapping_a_table_unmaps_its_pages(world: &mut World) -> Outcome {
    let (frame, table) = with_own_table(world)?;
    let prober = Prober::new(world)?;
    table.unmap()?;
    check_eq!(prober.read(world, FREE_ADDRESS)?, None);
    check_eq!(frame.unmap(), Ok(()), "its mapping is gone already");
    check_eq!(table.unmap(), Ok(()), "twice");
    Ok(())
}

fn tables_that_were_unmapped_map_again(world: &mut World) -> Outcome {
    let (frame, table) = with_own_table(world)?;
    let prober = Prober::new(world)?;
    poke(FREE_ADDRESS as usize, 1);
    table.unmap()?;
    table.map(root::VSPACE, FREE_ADDRESS + LARGE, Attributes::DEFAULT)?;
    check_eq!(
        prober.read(world, FREE_ADDRESS + LARGE)?,
        None,
        "it is empty now"
    );
    frame.unmap()?;
    map_plain(frame, FREE_ADDRESS + LARGE, RW)?;
    check_eq!(prober.read(world, FREE_ADDRESS + LARGE)?, Some(1));
    Ok(())
}

fn tables_with_copies_stay(world: &mut World) -> Outcome {
    let (_, table) = with_own_table(world)?;
    let copy = world.copy(table, CapRights::ALL)?;
    let prober = Prober::new(world)?;
    check_eq!(table.unmap(), Err(Error::RevokeFirst));
    check_eq!(copy.unmap(), Err(Error::RevokeFirst));
    world.path(table).delete()?;
    check_eq!(
        prober.read(world, FREE_ADDRESS)?,
        Some(0),
        "the copy holds it"
    );
    check_eq!(copy.unmap(), Ok(()));
    Ok(())
}

fn a_second_page_replaces_the_first(world: &mut World) -> Outcome {
    let (first, second) = (
        world.frame(FrameSize::Small)?,
        world.frame(FrameSize::Small)?,
    );
    let prober = Prober::new(world)?;
    map(world, first, FREE_ADDRESS, RW)?;
    poke(FREE_ADDRESS as usize, 1);
    if isa::A_PAGE_REPLACES_ANOTHER {
        map(world, second, FREE_ADDRESS, RW)?;
    } else {
        let wanted = Err(Error::DeleteFirst);
        check_eq!(map_plain(second, FREE_ADDRESS, RW), wanted);
        check_eq!(prober.read(world, FREE_ADDRESS)?, Some(1));
        first.unmap()?;
        map(world, second, FREE_ADDRESS, RW)?;
    }
    check_eq!(prober.read(world, FREE_ADDRESS)?, Some(0));
    check_eq!(first.unmap(), Ok(()), "the first has nothing to unmap");
    check_eq!(prober.read(world, FREE_ADDRESS)?, Some(0));
    second.unmap()?;
    check_eq!(prober.read(world, FREE_ADDRESS)?, None);
    Ok(())
}

fn large_over_small_is_refused(world: &mut World) -> Outcome {
    let large = world.frame(FrameSize::Large)?;
    with_own_table(world)?;
    check_eq!(
        map_plain(large, FREE_ADDRESS, RW),
        Err(isa::over_a_table(12))
    );
    check_eq!(map_plain(large, FREE_ADDRESS + LARGE, RW), Ok(()));
    Ok(())
}

fn small_under_large_is_refused(world: &mut World) -> Outcome {
    let large = world.frame(FrameSize::Large)?;
    map(world, large, FREE_ADDRESS, RW)?;
    let frame = world.frame(FrameSize::Small)?;
    check_eq!(map_plain(frame, FREE_ADDRESS, RW), missing(21));
    let table: PageTable = world.make(isa::LAST_TABLE.object(), 0)?;
    check_eq!(
        table.map(root::VSPACE, FREE_ADDRESS, Attributes::DEFAULT),
        Err(Error::DeleteFirst)
    );
    Ok(())
}

fn addresses_are_checked(world: &mut World) -> Outcome {
    let (small, large) = (
        world.frame(FrameSize::Small)?,
        world.frame(FrameSize::Large)?,
    );
    let outside = Err(Error::InvalidArgument { which: 0 });
    for address in isa::OUTSIDE {
        check_eq!(map_plain(small, address, RW), outside, "{address:#x}");
        check_eq!(map_plain(large, address, RW), outside, "{address:#x}");
    }
    check_eq!(
        map_plain(small, isa::USER_TOP - HUGE, RW),
        missing(MissingTable::DOWNWARDS[0].span_bits() as Word),
        "the last that are the user's"
    );
    Ok(())
}

fn alignment_is_checked(world: &mut World) -> Outcome {
    let (small, large) = (
        world.frame(FrameSize::Small)?,
        world.frame(FrameSize::Large)?,
    );
    for offset in [1, 8, PAGE / 2] {
        check_eq!(
            map_plain(small, FREE_ADDRESS + offset, RW),
            Err(Error::AlignmentError)
        );
    }
    check_eq!(
        map_plain(large, FREE_ADDRESS + PAGE, RW),
        Err(Error::AlignmentError)
    );
    Ok(())
}

fn frames_are_executable(world: &mut World) -> Outcome {
    let frame = world.frame(FrameSize::Small)?;
    map(world, frame, FREE_ADDRESS, RW)?;
    poke(FREE_ADDRESS as usize, u64::from_le_bytes(isa::ANSWER_42));
    isa::before_executing(FREE_ADDRESS);
    check_eq!(isa::call(FREE_ADDRESS), 0x2a);
    Ok(())
}

fn frames_of_devices(world: &mut World) -> Outcome {
    // To the kernel a device is whatever is not RAM for sure.
    let low =
        boot::untypeds(world.boot).find(|(_, entry)| entry.is_device == 1 && entry.paddr == 0);
    let Some((memory, entry)) = low else {
        skip!("no device memory at address 0")
    };
    if entry.size_bits < 13 {
        skip!("too little device memory at address 0");
    }
    let slots = world.slots(2);
    memory.retype(
        FrameSize::Small.object(),
        0,
        SlotWindow::many(root::CNODE, slots, 2),
    )?;
    let frame = Frame::new(slots + 1);
    check_eq!(frame.physical_address()?, PAGE);
    map(world, frame, FREE_ADDRESS, RW)?;
    let tcb = world.tcb()?;
    check_eq!(
        tcb.set_ipc_buffer(0x1000, frame),
        Err(Error::IllegalOperation),
        "as an IPC buffer"
    );
    Ok(())
}

fn attributes(world: &mut World) -> Outcome {
    let frame = world.frame(FrameSize::Small)?;
    map(world, frame, FREE_ADDRESS, RW)?;
    for (number, attribute) in (0..isa::ATTRIBUTES).map(Attributes).enumerate() {
        frame.map(root::VSPACE, FREE_ADDRESS, RW, attribute)?;
        poke(FREE_ADDRESS as usize, number as u64);
        check_eq!(
            peek(FREE_ADDRESS as usize),
            number as u64,
            "attribute {number}"
        );
    }
    Ok(())
}

/// An address space with an ASID.
fn new_space(world: &mut World) -> Outcome<VSpaceRoot> {
    let space: VSpaceRoot = world.make(VSPACE_OBJECT, 0)?;
    root::ASID_POOL.assign(space)?;
    Ok(space)
}

/// Maps a frame in any address space.
fn map_in(
    world: &mut World,
    space: VSpaceRoot,
    frame: Frame,
    address: Word,
    rights: CapRights,
) -> Outcome {
    while let Err(error) = frame.map(space, address, rights, Attributes::DEFAULT) {
        let missing = MissingTable::from_error(error).ok_or(error)?;
        let table: CPtr = world.make(missing.object(), 0)?;
        missing.install(table, space, address)?;
    }
    Ok(())
}

/// Maps this program in another address space; what threads do not write, for reading only.
fn map_image(world: &mut World, space: VSpaceRoot) -> Outcome {
    for address in image::range().step_by(PAGE as usize) {
        let Some(frame) = image::frame_of(world.boot, address) else {
            return Err(fail(format_args!("no frame at {address:#x}")));
        };
        let own = crate::threads::writable()
            .iter()
            .any(|range| range.contains(&address));
        let rights = if own { RW } else { CapRights::READ };
        let copy = world.copy(frame, rights)?;
        map_in(world, space, copy, address as Word, rights)?;
    }
    Ok(())
}

fn the_same_address_elsewhere(world: &mut World) -> Outcome {
    let space = new_space(world)?;
    let (ours, theirs) = (
        world.frame(FrameSize::Small)?,
        world.frame(FrameSize::Small)?,
    );
    map(world, ours, FREE_ADDRESS, RW)?;
    poke(FREE_ADDRESS as usize, 1);
    map_in(world, space, theirs, FREE_ADDRESS, RW)?;
    check_eq!(peek(FREE_ADDRESS as usize), 1);
    check_eq!(
        map_plain(theirs, FREE_ADDRESS, RW),
        Err(Error::InvalidCapability { which: 1 }),
        "mapped elsewhere"
    );
    Ok(())
}

fn a_thread_in_another_space(world: &mut World) -> Outcome {
    let space = new_space(world)?;
    map_image(world, space)?;
    let (ours, theirs) = (
        world.frame(FrameSize::Small)?,
        world.frame(FrameSize::Small)?,
    );
    map(world, ours, FREE_ADDRESS, RW)?;
    map_in(world, space, theirs, FREE_ADDRESS, RW)?;
    let body = |board: &'static Board| {
        for _ in 0..100 {
            poke(FREE_ADDRESS as usize, peek(FREE_ADDRESS as usize) + 1);
        }
        board.set(8, peek(FREE_ADDRESS as usize));
    };
    let thread = world.thread(
        Start {
            resume: false,
            ..Start::below()
        },
        body,
        &[],
    )?;
    thread.tcb.set_space(
        CPtr::NULL,
        Space {
            vspace: space,
            ..root::SPACE
        },
    )?;
    poke(FREE_ADDRESS as usize, 7);
    thread.tcb.resume()?;
    world.settle()?;
    check_eq!((thread.is_done(), thread.board.get(8)), (true, 100));
    check_eq!(peek(FREE_ADDRESS as usize), 7);
    let window = world.copy(theirs, CapRights::READ)?;
    map(world, window, FREE_ADDRESS + PAGE, CapRights::READ)?;
    check_eq!(peek((FREE_ADDRESS + PAGE) as usize), 100);
    Ok(())
}

fn deleting_a_space_in_use(world: &mut World) -> Outcome {
    let space = new_space(world)?;
    map_image(world, space)?;
    let (endpoint, handler, reply) = fault_handler(world)?;
    let start = Start {
        resume: false,
        fault_handler: handler.cptr(),
        ..Start::below()
    };
    let thread = world.thread(start, super::tcb::counter, &[])?;
    thread.tcb.set_space(
        handler.cptr(),
        Space {
            vspace: space,
            ..root::SPACE
        },
    )?;
    thread.tcb.resume()?;
    world.wait_for(1_000, || thread.board.get(8) > 100)?;
    world.path(space).revoke()?;
    world.path(space).delete()?;
    // The thread's own copy keeps the space alive; without it the next instruction faults.
    world.path(thread.tcb).delete()?;
    let count = thread.board.get(8);
    world.settle()?;
    check_eq!(thread.board.get(8), count);
    check_eq!(endpoint.nb_recv(reply).badge, 0);
    Ok(())
}

fn revoking_a_frame_unmaps_copies(world: &mut World) -> Outcome {
    let memory = world.untyped(12)?;
    let slot = world.slot();
    memory.retype(
        FrameSize::Small.object(),
        0,
        SlotWindow::one(root::CNODE, slot),
    )?;
    let frame = Frame::new(slot);
    let prober = Prober::new(world)?;
    for number in 1..4 {
        let copy = world.copy(frame, CapRights::ALL)?;
        map(world, copy, FREE_ADDRESS + number * PAGE, RW)?;
    }
    world.path(memory).revoke()?;
    for number in 1..4 {
        check_eq!(prober.read(world, FREE_ADDRESS + number * PAGE)?, None);
    }
    Ok(())
}

fn physical_addresses_are_stable(world: &mut World) -> Outcome {
    let frame = world.frame(FrameSize::Small)?;
    let address = frame.physical_address()?;
    let copy = world.copy(frame, CapRights::READ)?;
    map(world, frame, FREE_ADDRESS, RW)?;
    check_eq!(
        (frame.physical_address(), copy.physical_address()),
        (Ok(address), Ok(address))
    );
    let reply = user_api::invoke::invoke_label(frame, Word::MAX >> 12, &[], &[]);
    check_eq!(reply.label(), ErrorCode::IllegalOperation.number());
    Ok(())
}
