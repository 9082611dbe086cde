//! Boot, in order: who started us, the device tree, the root task, the kernel's address space,
//! the machine, then the kernel core's own boot.

use super::contract::{self, BOARD_TREE_BYTES, Contract, Starter};
use super::devices;
use super::symbols;
use super::{debug, paging, root_task, trap, window};
use crate::arch::CORES;
use crate::console::Voice;
use crate::fatal::{fatal, fatal_text};
use crate::lock;
use crate::once::Once;
use crate::tree::{self, MAX_SPANS, Span};
use crate::{options, syscalls};
use abi::PROFILE;
use abi::bootinfo::header;
use core::cell::UnsafeCell;
use core::ops::Range;
use kernel::Kernel;
use kernel::boot::{ExtraChunk, Platform, UserImage};
use kernel::object::irq::IrqTable;
use machine::firmware::fdt::Tree;
use machine::firmware::loader::CommandLine;
use machine::riscv64::{Features, Riscv, Setup};
use machine::{KernelAddress, PhysicalAddress};

/// Where Rust begins, on the kernel stack and the boot page tables. The image is at
/// `physical_base`.
pub(super) extern "C" fn start(physical_base: u64) -> ! {
    symbols::set_physical_base(physical_base);
    trap::install();
    if abi::FLAVOUR.printing() {
        Voice.text("Bootstrapping kernel\n");
    }
    let contract = match contract::starter() {
        Starter::Firmware { hart, tree } => {
            let tree = if tree == 0 {
                board_tree()
            } else {
                passed_tree(tree)
            };
            use_exit_device(&tree);
            root_task::load(&tree, hart)
        }
        Starter::Loader(contract) => contract,
    };
    run(&contract)
}

/// The tree that firmware has left at `at`.
fn passed_tree<'a>(at: u64) -> Tree<'a> {
    // SAFETY: it stays where it is until it has been copied.
    let head = unsafe { window::bytes(Span::new(at, at.saturating_add(8))) };
    let size = match Tree::size(head) {
        Ok(size) => size as u64,
        Err(error) => fatal_text(error.text()),
    };
    // SAFETY: as before.
    checked(unsafe { window::bytes(Span::new(at, at.saturating_add(size))) })
}

fn checked(bytes: &[u8]) -> Tree<'_> {
    match Tree::new(bytes) {
        Ok(tree) => tree,
        Err(error) => fatal_text(error.text()),
    }
}

unsafe extern "C" {
    safe static image_board_tree: [u8; BOARD_TREE_BYTES];
}

/// The loader's tree, or our own for want of one.
fn tree_of(contract: &Contract) -> Tree<'static> {
    if contract.tree.size() > 0 {
        // SAFETY: the tree's memory is reserved, and nobody writes there.
        return checked(unsafe { window::bytes(contract.tree) });
    }
    board_tree()
}

/// The tree that was linked in.
fn board_tree() -> Tree<'static> {
    // The tool writes this into the file: the compiler must not believe the zeroes it sees.
    let board: &[u8] = core::hint::black_box(&image_board_tree);
    if Tree::size(board).is_err() {
        fatal_text("no device tree: none was passed, and this kernel has none of its own");
    }
    checked(board)
}

/// What the kernel core is told, and slots for the interrupts: too large for a stack.
struct Findings {
    memory: [Range<PhysicalAddress>; MAX_SPANS],
    kept: [Range<PhysicalAddress>; MAX_SPANS],
}

static FINDINGS: Once<Findings> = Once::new(Findings {
    memory: [const { PhysicalAddress(0)..PhysicalAddress(0) }; MAX_SPANS],
    kept: [const { PhysicalAddress(0)..PhysicalAddress(0) }; MAX_SPANS],
});

/// Memory that only the kernel core reaches, through the window.
#[repr(C, align(4096))]
struct IrqSlots(UnsafeCell<[u8; IrqTable::SLOT_BYTES as usize]>);

// SAFETY: never reached by this name.
unsafe impl Sync for IrqSlots {}

static IRQ_SLOTS: IrqSlots = IrqSlots(UnsafeCell::new([0; IrqTable::SLOT_BYTES as usize]));

fn run(contract: &Contract) -> ! {
    let Some(findings) = FINDINGS.take() else {
        fatal_text("started twice")
    };
    let tree = tree_of(contract);
    use_exit_device(&tree);
    let mut memory = devices::memory(&tree, symbols::image());
    let mut kept = devices::kept(&tree);
    kept.push(contract.tree.pages());
    let line = CommandLine::of(tree.command_line());
    let others = [symbols::image(), contract.image, contract.tree.pages()];
    tree::start_watch(&line, &mut memory, &mut kept, &others);
    if memory.truncated || kept.truncated {
        fatal_text("the device tree lists more memory regions than the kernel keeps");
    }
    start_machine(&tree, contract.hart);
    if let Some(level) = options::log_level(&line) {
        lock::acquire(0).log = level;
    }
    let chunk = ExtraChunk {
        id: header::FDT as u64,
        bytes: tree.bytes(),
    };
    let image = symbols::image();
    let platform = Platform {
        kernel_image: PhysicalAddress(image.start)..PhysicalAddress(image.end),
        boot_memory_end: symbols::boot_end(),
        memory: memory.ranges(&mut findings.memory),
        devices: kept.ranges(&mut findings.kept),
        user_image: UserImage {
            physical: PhysicalAddress(contract.image.start)..PhysicalAddress(contract.image.end),
            virtual_start: contract.image.start.wrapping_sub(contract.offset),
            entry: contract.entry,
        },
        // A tree of our own was not passed, so it is not passed on.
        extra: if contract.tree.size() > 0 {
            core::slice::from_ref(&chunk)
        } else {
            &[]
        },
        cores: CORES as u64,
    };
    enter(&platform)
}

fn use_exit_device(tree: &Tree<'_>) {
    if let Some(at) = devices::exit_device(tree) {
        debug::set_exit_device(at);
    }
}

fn start_machine(tree: &Tree<'_>, hart: u64) {
    let baked = Some(PROFILE.timer_frequency_hz).filter(|frequency| *frequency > 0);
    let Some(timebase) = devices::timebase(tree, hart).or(baked) else {
        fatal_text("device tree: no timebase-frequency")
    };
    let setup = Setup {
        timebase,
        plic: devices::plic(tree, hart),
        kernel_root: paging::start(),
    };
    let slots = symbols::physical((&raw const IRQ_SLOTS).addr() as u64);
    let slots = KernelAddress::of(PhysicalAddress(slots));
    let mut kernel = lock::install(Kernel::new(Riscv::new(), slots));
    // SAFETY: this is the one time; the page tables show the devices.
    unsafe { kernel.machine.start(&setup) };
    if abi::FLAVOUR.printing() {
        report(&kernel.machine.features(), &setup, hart);
    }
}

fn report(features: &Features, setup: &Setup, hart: u64) {
    let yes = |yes: bool| if yes { "yes" } else { "no" };
    Voice
        .text("linchpin: hart ")
        .number(hart)
        .text(", timebase ")
        .number(setup.timebase)
        .text(" Hz, ASIDs up to ")
        .number(features.tags)
        .text(", Sstc ")
        .text(yes(features.comparator))
        .text(", floating point ")
        .text(yes(features.floating_point))
        .text(", interrupt controller ")
        .text(yes(setup.plic.is_some()))
        .text("\n");
}

fn enter(platform: &Platform<'_>) -> ! {
    let mut kernel = lock::acquire(0);
    let resume = match kernel::boot::boot(&mut kernel, platform) {
        Ok(resume) => resume,
        Err(error) => fatal(|voice| {
            let details = error.details().into_iter().flatten();
            details.fold(voice.text(error.text()), |voice, (what, number)| {
                voice.text(what).hex(number)
            })
        }),
    };
    if abi::FLAVOUR.printing() {
        Voice.text("Booting all finished, dropped to user space\n");
    }
    trap::prepare();
    syscalls::leave(kernel, resume)
}
