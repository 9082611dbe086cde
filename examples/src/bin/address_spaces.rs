//! Address spaces: user code maps frames, brings the page tables itself, and repairs the faults.
#![no_std]
#![no_main]

use core::ptr::with_exposed_provenance_mut;
use core::sync::atomic::{AtomicU64, Ordering};
use user_alloc::{AddressSpace, AllocError, Allocator};
use user_api::{
    AsidPool, Attributes, Budget, Endpoint, Fault, Frame, FrameSize, MissingTable, ObjectType,
    Reply, SchedContext, Space, Tcb,
};
use user_runtime::boot::{self, RESERVED_SLOTS};
use user_runtime::image;
use user_runtime::prelude::*;
use user_runtime::thread::{Beginning, ThreadArea};

user_runtime::entry!(main);

/// An address that nobody uses, far above the program.
const HERE: Word = linchpin_examples::isa::FAR;
const PAGE: Word = 0x1000;

fn main(boot: &'static BootInfo) -> user_alloc::Result {
    let mut allocator: Allocator = Allocator::from_boot(boot, RESERVED_SLOTS)?;
    root::TCB.set_priority(root::TCB, 100)?;
    let frame: Frame = allocator.make(FrameSize::Small.object(), 0)?;

    step_by_step(&mut allocator, frame)?;
    one_frame_twice(&mut allocator, frame)?;
    a_pager(boot, &mut allocator)?;
    another_space(boot, &mut allocator)
}

/// Reads a word of memory that was mapped.
fn peek(address: Word) -> u64 {
    // SAFETY: the caller has mapped it; nothing of Rust's is there.
    unsafe { with_exposed_provenance_mut::<u64>(address as usize).read_volatile() }
}

/// Writes a word of memory that was mapped.
fn poke(address: Word, value: u64) {
    // SAFETY: as for reading.
    unsafe { with_exposed_provenance_mut::<u64>(address as usize).write_volatile(value) }
}

/// The kernel never makes a page table by itself: it says which one is missing.
fn step_by_step(allocator: &mut Allocator, frame: Frame) -> user_alloc::Result {
    while let Err(error) = frame.map(
        root::VSPACE,
        HERE,
        CapRights::READ_WRITE,
        Attributes::DEFAULT,
    ) {
        let missing = MissingTable::from_error(error).ok_or(AllocError::Kernel(error))?;
        println!("Mapping at {HERE:#x}: {error}, so we add a {missing:?}.");
        let table: CPtr = allocator.make(missing.object(), 0)?;
        missing.install(table, root::VSPACE, HERE)?;
    }
    assert_eq!(peek(HERE), 0, "new memory is clear");
    poke(HERE, 0x1234);
    println!("Mapped; it holds what we write: {:#x}.", peek(HERE));
    Ok(())
}

/// A second capability to the same frame can be mapped at a second address.
fn one_frame_twice(allocator: &mut Allocator, frame: Frame) -> user_alloc::Result {
    let alias = allocator.copy(frame, CapRights::READ)?;
    alias.map(
        root::VSPACE,
        HERE + PAGE,
        CapRights::READ,
        Attributes::DEFAULT,
    )?;
    poke(HERE, 0x5678);
    assert_eq!(peek(HERE + PAGE), 0x5678);
    println!(
        "The same frame at {:#x}, read-only: {:#x} there too.",
        HERE + PAGE,
        peek(HERE + PAGE)
    );
    let twice = frame.map(
        root::VSPACE,
        HERE + 2 * PAGE,
        CapRights::READ,
        Attributes::DEFAULT,
    );
    println!(
        "One capability, two places: {}.",
        twice.expect_err("each capability maps once")
    );
    Ok(())
}

static FAULTER: ThreadArea<16384> = ThreadArea::new();
static FOUND: AtomicU64 = AtomicU64::new(0);

/// Writes and reads eight pages, none of which is there.
extern "C" fn touch(start: Word) {
    for page in 0..8 {
        poke(start + page * PAGE, page);
        FOUND.fetch_add(peek(start + page * PAGE), Ordering::SeqCst);
    }
}

/// A thread's faults are messages; whoever answers them is its pager.
fn a_pager(boot: &'static BootInfo, allocator: &mut Allocator) -> user_alloc::Result {
    let (endpoint, reply): (Endpoint, Reply) = (
        allocator.make(ObjectType::Endpoint, 0)?,
        allocator.make(ObjectType::Reply, 0)?,
    );
    let region = HERE + 0x10 * PAGE;
    let tcb: Tcb = allocator.make(ObjectType::Tcb, 0)?;
    FAULTER.prepare(
        boot,
        root::SPACE,
        Beginning {
            tcb,
            function: touch,
            argument: region,
        },
    )?;
    give_time(boot, allocator, tcb, endpoint.cptr())?;
    tcb.resume()?;
    let space = AddressSpace::manage(root::VSPACE, region..region + 8 * PAGE);
    for _ in 0..8 {
        let message = endpoint.recv(reply);
        let Some(Fault::Vm { address, .. }) = Fault::decode(&message) else {
            panic!("another fault")
        };
        println!("A fault at {address:#x}: here is a page for it.");
        space.populate(
            allocator,
            address & !(PAGE - 1)..(address | (PAGE - 1)) + 1,
            CapRights::READ_WRITE,
        )?;
        reply.send(Message::restart());
    }
    root::TCB.set_priority(root::TCB, 1)?;
    root::TCB.set_priority(root::TCB, 100)?;
    assert_eq!(FOUND.load(Ordering::SeqCst), (0..8).sum());
    println!("The thread never noticed: it read back all that it wrote.");
    Ok(())
}

fn give_time(
    boot: &BootInfo,
    allocator: &mut Allocator,
    tcb: Tcb,
    handler: CPtr,
) -> user_alloc::Result {
    let context: SchedContext = allocator.make(ObjectType::SchedContext, 8)?;
    boot::sched_control(boot, 0)
        .expect("there is a core")
        .configure(context, Budget::round_robin(5_000))?;
    tcb.set_sched_params(root::TCB, 0, 50, context, handler)?;
    Ok(())
}

static STRANGER: ThreadArea<16384> = ThreadArea::new();

/// Adds one to the word at `address`, in whatever address space it runs.
extern "C" fn increment(address: Word) {
    poke(address, peek(address) + 1);
}

/// In a second address space the same address means other memory. Our program is mapped there
/// too, page by page, so that a thread can run in it.
fn another_space(boot: &'static BootInfo, allocator: &mut Allocator) -> user_alloc::Result {
    let pool: AsidPool = root::ASID_POOL;
    let space = AddressSpace::create(allocator, pool, HERE..HERE + PAGE)?;
    for address in image::range().step_by(PAGE as usize) {
        let frame = image::frame_of(boot, address).expect("our own pages have frames");
        let shared = allocator.copy(frame, CapRights::READ_WRITE)?;
        space.map_at(
            allocator,
            shared,
            address as Word,
            CapRights::READ_WRITE,
            Attributes::DEFAULT,
        )?;
    }
    let private: Frame = allocator.make(FrameSize::Small.object(), 0)?;
    space.map_at(
        allocator,
        private,
        HERE,
        CapRights::READ_WRITE,
        Attributes::DEFAULT,
    )?;

    let tcb: Tcb = allocator.make(ObjectType::Tcb, 0)?;
    let theirs = Space {
        vspace: space.root,
        ..root::SPACE
    };
    STRANGER.prepare(
        boot,
        theirs,
        Beginning {
            tcb,
            function: increment,
            argument: HERE,
        },
    )?;
    give_time(boot, allocator, tcb, CPtr::NULL)?;
    poke(HERE, 41);
    tcb.resume()?;
    root::TCB.set_priority(root::TCB, 1)?;
    let window = allocator.copy(private, CapRights::READ)?;
    window.map(
        root::VSPACE,
        HERE + 3 * PAGE,
        CapRights::READ,
        Attributes::DEFAULT,
    )?;
    assert_eq!((peek(HERE), peek(HERE + 3 * PAGE)), (41, 1));
    println!(
        "A thread elsewhere wrote to {HERE:#x}: ours is still {}, theirs is {}.",
        41, 1
    );
    Ok(())
}
