//! What the root task is told, read conveniently.

use abi::Word;
use abi::bootinfo::{BootInfo, BootInfoHeader, UntypedDesc};
use core::sync::atomic::{AtomicPtr, Ordering};
use user_api::{SchedControl, Untyped};

/// The fixed capabilities of the root task, typed.
pub mod root {
    use abi::Word;
    use abi::bootinfo as slot;
    use user_api::{
        AsidControl, AsidPool, CNode, DomainSet, Frame, IrqControl, SchedContext, Space, Tcb,
        VSpaceRoot,
    };

    pub use crate::isa::root::*;

    /// The root task's only thread.
    pub const TCB: Tcb = Tcb::new(slot::INIT_TCB as Word);
    /// Root of its capability space.
    pub const CNODE: CNode = CNode::new(slot::INIT_CNODE as Word);
    /// Its address space.
    pub const VSPACE: VSpaceRoot = VSpaceRoot::new(slot::INIT_VSPACE as Word);
    /// Hands out interrupts.
    pub const IRQ_CONTROL: IrqControl = IrqControl::new(slot::IRQ_CONTROL as Word);
    /// Makes ASID pools.
    pub const ASID_CONTROL: AsidControl = AsidControl::new(slot::ASID_CONTROL as Word);
    /// The first ASID pool.
    pub const ASID_POOL: AsidPool = AsidPool::new(slot::INIT_ASID_POOL as Word);
    /// The frame of BootInfo.
    pub const BOOT_INFO_FRAME: Frame = Frame::new(slot::BOOT_INFO_FRAME as Word);
    /// The frame of the IPC buffer.
    pub const IPC_BUFFER_FRAME: Frame = Frame::new(slot::INIT_IPC_BUFFER as Word);
    /// Sets domains.
    pub const DOMAIN_SET: DomainSet = DomainSet::new(slot::DOMAIN as Word);
    /// The time that the root task runs on.
    pub const SCHED_CONTEXT: SchedContext = SchedContext::new(slot::INIT_SC as Word);
    /// What threads of the root task's own space see.
    pub const SPACE: Space = Space {
        cspace: CNODE,
        guard: None,
        vspace: VSPACE,
    };
}

/// The last slots of `empty`, which this crate keeps: for the exit device and the serial port,
/// and what has to be taken to reach them.
pub const RESERVED_SLOTS: Word = 3;

static BOOT_INFO: AtomicPtr<BootInfo> = AtomicPtr::new(core::ptr::null_mut());

pub(crate) fn remember(boot: &'static BootInfo) {
    BOOT_INFO.store((&raw const *boot).cast_mut(), Ordering::Relaxed);
}

/// BootInfo, if this program is a root task.
pub fn info() -> Option<&'static BootInfo> {
    // SAFETY: null, or from a `&'static BootInfo`.
    unsafe { BOOT_INFO.load(Ordering::Relaxed).as_ref() }
}

/// Reserved slot `number`, counted from the last slot of the root CNode.
pub(crate) fn reserved_slot(number: Word) -> Option<Word> {
    Some(info()?.empty.end - 1 - number)
}

/// The SchedControl capability of core `node`.
pub fn sched_control(boot: &BootInfo, node: Word) -> Option<SchedControl> {
    let slot = boot.sched_control.start + node;
    (slot < boot.sched_control.end).then_some(SchedControl::new(slot))
}

/// The untyped memory: capability and description.
pub fn untypeds(boot: &BootInfo) -> impl Iterator<Item = (Untyped, UntypedDesc)> + '_ {
    (boot.untyped.start..boot.untyped.end)
        .map(Untyped::new)
        .zip(boot.untyped_list.iter().copied())
}

/// One chunk of the extra region.
#[derive(Clone, Copy, Debug)]
pub struct Chunk {
    /// What it is: one of [`abi::bootinfo::header`].
    pub id: Word,
    /// Its contents, without the header.
    pub contents: &'static [u8],
}

/// The chunks of the extra region, which lies behind the page of BootInfo.
pub fn extra(boot: &'static BootInfo) -> impl Iterator<Item = Chunk> {
    let start = (&raw const *boot).cast::<u8>();
    let length = boot.extra_len as usize;
    // SAFETY: the kernel maps `extra_len` bytes behind the page of BootInfo, and nobody writes them.
    let mut rest = unsafe {
        core::slice::from_raw_parts(
            start.wrapping_add(1 << abi::bootinfo::BOOT_INFO_FRAME_BITS),
            length,
        )
    };
    core::iter::from_fn(move || {
        let (id, after) = rest.split_first_chunk::<8>()?;
        let (length, _) = after.split_first_chunk::<8>()?;
        let length = usize::try_from(u64::from_le_bytes(*length)).ok()?;
        let chunk = rest.get(size_of::<BootInfoHeader>()..length)?;
        let id = u64::from_le_bytes(*id);
        rest = rest.get(length..)?;
        Some(Chunk {
            id,
            contents: chunk,
        })
    })
}

/// The frequency of the time-stamp counter in MHz (x86), as the kernel found it.
pub fn tsc_mhz(boot: &'static BootInfo) -> Option<u32> {
    let chunk =
        extra(boot).find(|chunk| chunk.id == abi::bootinfo::header::X86_TSC_FREQ as Word)?;
    chunk
        .contents
        .first_chunk()
        .map(|bytes| u32::from_le_bytes(*bytes))
}
