//! Processes: a program in an address space and a capability space of its own.

use crate::allocator::Allocator;
use crate::elf::{Program, Segment};
use crate::space::AddressSpace;
use crate::{AllocError, Result};
use abi::{CapRights, ObjectType, Word};
use core::ptr::with_exposed_provenance_mut;
use user_api::{
    AsidPool, Attributes, CNode, CPtr, Capability, Frame, FrameSize, Guard, MissingTable, SlotPath,
    Space, Tcb, VSpaceRoot, starting_context,
};

const PAGE: Word = 1 << abi::object::PAGE_BITS;

/// Where the loader maps a frame for a moment, to fill it: an address in our own address space
/// with nothing there.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Window {
    /// Our own address space.
    pub space: AddressSpace,
    /// One free page in it.
    pub address: Word,
}

/// What a process is made of.
#[derive(Clone, Copy, Debug)]
pub struct ProcessSpec<'a> {
    /// Its program.
    pub program: Program<'a>,
    /// Handed to its `main`.
    pub argument: Word,
    /// log2 of the slots of its capability space.
    pub cnode_bits: usize,
    /// Addresses for its IPC buffer and whatever its creator maps; not the program's own.
    pub free: (Word, Word),
}

/// A process that is loaded and has one thread, without priority, time and fault handler:
/// [`Tcb::set_sched_params`], then [`Tcb::resume`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Process {
    /// Its thread.
    pub tcb: Tcb,
    /// Its memory.
    pub space: AddressSpace,
    /// Its capability space.
    pub cnode: CNode,
    /// log2 of the slots of that.
    pub cnode_bits: usize,
    /// The address of its IPC buffer.
    pub ipc_buffer: Word,
}

impl Process {
    /// Loads a program.
    ///
    /// # Errors
    /// Those of the allocator and the kernel; `NotAProgram`.
    pub fn load<const W: usize, const B: usize>(
        allocator: &mut Allocator<W, B>,
        pool: AsidPool,
        window: Window,
        spec: &ProcessSpec<'_>,
    ) -> Result<Self> {
        let mut space = AddressSpace::create(allocator, pool, spec.free.0..spec.free.1)?;
        furnish(allocator, &space, spec)?;
        for segment in spec.program.segments() {
            load_segment(
                allocator,
                &space,
                window,
                &segment.map_err(AllocError::NotAProgram)?,
            )?;
        }
        let cnode: CNode = allocator.make(ObjectType::CNode, spec.cnode_bits)?;
        let buffer_frame: Frame = allocator.make(FrameSize::Small.object(), 0)?;
        let ipc_buffer = space.map(
            allocator,
            buffer_frame,
            FrameSize::Small,
            CapRights::READ_WRITE,
            Attributes::DEFAULT,
        )?;
        let tcb: Tcb = allocator.make(ObjectType::Tcb, 0)?;
        let guard = Guard::zeros(64 - spec.cnode_bits);
        tcb.configure(
            Space {
                cspace: cnode,
                guard: Some(guard),
                vspace: space.root,
            },
            ipc_buffer,
            buffer_frame,
        )?;
        let arguments = [spec.argument, ipc_buffer, 0];
        let registers = starting_context(spec.program.entry, arguments, 0, 0);
        tcb.write_registers(&registers, false)?;
        Ok(Self {
            tcb,
            space,
            cnode,
            cnode_bits: spec.cnode_bits,
            ipc_buffer,
        })
    }

    /// The slot of the process's capability space with this address.
    pub const fn slot(&self, index: Word) -> SlotPath {
        self.cnode.slot(index, self.cnode_bits as Word)
    }

    /// Gives the process a copy of one of our capabilities, at this address of its space.
    ///
    /// # Errors
    /// What the kernel answers.
    pub fn grant<const W: usize, const B: usize>(
        &self,
        allocator: &Allocator<W, B>,
        cap: impl Capability,
        index: Word,
        rights: CapRights,
    ) -> Result {
        Ok(self
            .slot(index)
            .copy_from(allocator.slots.path(cap.cptr().bits()), rights)?)
    }

    /// As [`grant`](Self::grant), with a badge.
    ///
    /// # Errors
    /// What the kernel answers.
    pub fn grant_badged<const W: usize, const B: usize>(
        &self,
        allocator: &Allocator<W, B>,
        cap: impl Capability,
        index: Word,
        rights: CapRights,
        badge: Word,
    ) -> Result {
        Ok(self
            .slot(index)
            .mint_from(allocator.slots.path(cap.cptr().bits()), rights, badge)?)
    }

    /// The root of its address space.
    pub const fn vspace(&self) -> VSpaceRoot {
        self.space.root
    }
}

/// Installs the tables that the program and the IPC buffer need. [`AddressSpace::map_at`] would find
/// them missing one by one; in a new address space we know, and need not ask.
fn furnish<const W: usize, const B: usize>(
    allocator: &mut Allocator<W, B>,
    space: &AddressSpace,
    spec: &ProcessSpec<'_>,
) -> Result {
    let segments = || spec.program.segments().flatten();
    for table in MissingTable::DOWNWARDS {
        let span = |address: Word| address >> table.span_bits();
        let wanted = segments()
            .map(|segment| (segment.address, segment.address + (segment.size - 1)))
            .chain([(spec.free.0, spec.free.0)]);
        // Segments ascend; where a file does it otherwise, mapping asks.
        let mut next = 0;
        for (first, last) in wanted {
            for number in span(first).max(next)..=span(last) {
                let cap: CPtr = allocator.make(table.object(), 0)?;
                table.install(cap, space.root, number << table.span_bits())?;
                next = number + 1;
            }
        }
    }
    Ok(())
}

fn load_segment<const W: usize, const B: usize>(
    allocator: &mut Allocator<W, B>,
    space: &AddressSpace,
    window: Window,
    segment: &Segment<'_>,
) -> Result {
    let rights = if segment.writable {
        CapRights::READ_WRITE
    } else {
        CapRights::READ
    };
    let first = segment.address & !(PAGE - 1);
    let end = segment.address + segment.size;
    for page in (first..end).step_by(PAGE as usize) {
        let frame: Frame = allocator.make(FrameSize::Small.object(), 0)?;
        window.fill(allocator, frame, page, segment)?;
        space.map_at(allocator, frame, page, rights, Attributes::DEFAULT)?;
    }
    Ok(())
}

impl Window {
    /// Copies into `frame` what the segment has for the page at `page`.
    fn fill<const W: usize, const B: usize>(
        self,
        allocator: &mut Allocator<W, B>,
        frame: Frame,
        page: Word,
        segment: &Segment<'_>,
    ) -> Result {
        let from = page.saturating_sub(segment.address) as usize;
        let into = segment.address.saturating_sub(page);
        let length = (PAGE - into) as usize;
        let rest = segment.contents.get(from..).unwrap_or_default();
        let bytes = &rest[..rest.len().min(length)];
        if bytes.is_empty() {
            return Ok(());
        }
        self.space.map_at(
            allocator,
            frame,
            self.address,
            CapRights::READ_WRITE,
            Attributes::DEFAULT,
        )?;
        let target = with_exposed_provenance_mut::<u8>((self.address + into) as usize);
        // SAFETY: the frame is mapped at the window, `into + bytes.len()` is at most a page, and
        // nothing else is there.
        unsafe { target.copy_from_nonoverlapping(bytes.as_ptr(), bytes.len()) };
        Ok(frame.unmap()?)
    }

    /// Writes a word into a frame of somebody else, at a byte offset aligned to words: to hand
    /// over something before it runs.
    ///
    /// # Errors
    /// Those of mapping.
    ///
    /// # Panics
    /// If the offset is not aligned or not inside a page.
    pub fn poke<const W: usize, const B: usize>(
        self,
        allocator: &mut Allocator<W, B>,
        frame: Frame,
        offset: Word,
        value: Word,
    ) -> Result {
        assert!(offset.is_multiple_of(8) && offset < PAGE);
        self.space.map_at(
            allocator,
            frame,
            self.address,
            CapRights::READ_WRITE,
            Attributes::DEFAULT,
        )?;
        let target = with_exposed_provenance_mut::<Word>((self.address + offset) as usize);
        // SAFETY: inside the frame that is mapped at the window, aligned.
        unsafe { target.write_volatile(value) };
        Ok(frame.unmap()?)
    }
}
