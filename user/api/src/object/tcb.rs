//! Threads.

use crate::cap::{CPtr, Capability, capability};
use crate::error::Result;
use crate::invoke::{invoke, perform, query};
use crate::isa::{
    Frame, REGISTER_COUNT, UserContext, VSpaceRoot, context_from_words, context_to_words,
};
use crate::object::{CNode, Guard, Notification, SchedContext};
use abi::Word;
use abi::invocation::Invocation;

capability! {
    /// A thread.
    Tcb
}

/// What a thread sees: its capabilities and its memory.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Space {
    /// Root of its capability space.
    pub cspace: CNode,
    /// A guard to put on that root; `None` leaves the capability as it is.
    pub guard: Option<Guard>,
    /// Its address space, with an ASID.
    pub vspace: VSpaceRoot,
}

impl Space {
    fn guard_word(&self) -> Word {
        self.guard.map_or(0, Guard::cap_data)
    }
}

/// What [`Tcb::copy_registers`] does, in this order.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct CopyRegisters {
    /// Suspend the source.
    pub suspend_source: bool,
    /// Restart the destination.
    pub resume_destination: bool,
    /// Copy instruction and stack pointer, flags and general registers.
    pub frame: bool,
    /// Copy the rest (x86: `fs_base` and `gs_base`).
    pub integer: bool,
}

impl CopyRegisters {
    fn bits(self) -> Word {
        Word::from(self.suspend_source)
            | Word::from(self.resume_destination) << 1
            | Word::from(self.frame) << 2
            | Word::from(self.integer) << 3
    }
}

/// Flags of a thread.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct TcbFlags(pub Word);

impl TcbFlags {
    /// The thread faults when it uses the FPU.
    pub const FPU_DISABLED: Self = Self(abi::sched::TCB_FLAG_FPU_DISABLED);
}

/// A breakpoint or watchpoint (profiles with the hardware debug API).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Breakpoint {
    /// Address.
    pub address: Word,
    /// 0 data, 1 instruction.
    pub kind: Word,
    /// Bytes watched: 0 for an instruction, else 1, 2, 4 or 8.
    pub size: Word,
    /// 0 read, 1 write, 2 both.
    pub access: Word,
    /// Whether it is armed.
    pub enabled: bool,
}

impl Tcb {
    /// The first `count` registers in the order of [`UserContext`], after suspending the thread if asked.
    ///
    /// # Errors
    /// `IllegalOperation` on the calling thread.
    #[doc(alias = "seL4_TCB_ReadRegisters")]
    pub fn read_registers(self, suspend: bool) -> Result<UserContext> {
        let words = [Word::from(suspend), REGISTER_COUNT as Word];
        let reply = invoke(self, Invocation::TcbReadRegisters, &words, &[])?;
        Ok(context_from_words(core::array::from_fn(|index| {
            reply.word(index)
        })))
    }

    /// Sets all registers (sanitised: a thread gets no privileges this way), then restarts the
    /// thread if asked.
    ///
    /// # Errors
    /// `IllegalOperation` on the calling thread.
    #[doc(alias = "seL4_TCB_WriteRegisters")]
    pub fn write_registers(self, registers: &UserContext, resume: bool) -> Result {
        let mut words = [0; 2 + REGISTER_COUNT];
        let (head, tail) = words.split_at_mut(2);
        head.copy_from_slice(&[Word::from(resume), REGISTER_COUNT as Word]);
        tail.copy_from_slice(&context_to_words(registers));
        perform(self, Invocation::TcbWriteRegisters, &words, &[])
    }

    /// Copies registers from `source` to this thread.
    ///
    /// # Errors
    /// `InvalidCapability {1}` if the source is no thread.
    #[doc(alias = "seL4_TCB_CopyRegisters")]
    pub fn copy_registers(self, source: Tcb, what: CopyRegisters) -> Result {
        perform(
            self,
            Invocation::TcbCopyRegisters,
            &[what.bits()],
            &[source.into()],
        )
    }

    /// Sets capability space, address space, and the IPC buffer: its address (aligned to 1024)
    /// and the frame it is in. Address 0 takes the buffer away.
    ///
    /// # Errors
    /// `IllegalOperation` if the roots are not what they should be, or the frame is none or is
    /// device memory; `AlignmentError` for the address.
    #[doc(alias = "seL4_TCB_Configure")]
    pub fn configure(self, space: Space, buffer: Word, buffer_frame: Frame) -> Result {
        let words = [space.guard_word(), 0, buffer];
        let caps = [
            space.cspace.into(),
            space.vspace.into(),
            buffer_frame.into(),
        ];
        perform(self, Invocation::TcbConfigure, &words, &caps)
    }

    /// Sets the priority, as far as the maximum controlled priority of `authority` allows.
    ///
    /// # Errors
    /// `RangeError {0, maximum}`.
    #[doc(alias = "seL4_TCB_SetPriority")]
    pub fn set_priority(self, authority: Tcb, priority: Word) -> Result {
        perform(
            self,
            Invocation::TcbSetPriority,
            &[priority],
            &[authority.into()],
        )
    }

    /// Sets the maximum controlled priority: what this thread may give to others and itself.
    ///
    /// # Errors
    /// `RangeError {0, maximum of the authority}`.
    #[doc(alias = "seL4_TCB_SetMCPriority")]
    pub fn set_mc_priority(self, authority: Tcb, maximum: Word) -> Result {
        perform(
            self,
            Invocation::TcbSetMcPriority,
            &[maximum],
            &[authority.into()],
        )
    }

    /// Sets maximum controlled priority, priority, scheduling context (null: none) and fault
    /// handler (null: none) in one step.
    ///
    /// # Errors
    /// `RangeError` as above; `IllegalOperation` if thread or scheduling context are bound
    /// elsewhere, or to take the caller's own; `InvalidCapability` with the number of the bad one.
    #[doc(alias = "seL4_TCB_SetSchedParams")]
    pub fn set_sched_params(
        self,
        authority: Tcb,
        maximum: Word,
        priority: Word,
        context: SchedContext,
        fault_handler: CPtr,
    ) -> Result {
        let caps = [authority.into(), context.into(), fault_handler];
        perform(
            self,
            Invocation::TcbSetSchedParams,
            &[maximum, priority],
            &caps,
        )
    }

    /// Sets who hears that the thread's time is over (null: nobody).
    ///
    /// # Errors
    /// `InvalidCapability {1}` unless it is an endpoint with write and a grant right.
    #[doc(alias = "seL4_TCB_SetTimeoutEndpoint")]
    pub fn set_timeout_endpoint(self, handler: CPtr) -> Result {
        perform(self, Invocation::TcbSetTimeoutEndpoint, &[], &[handler])
    }

    /// Sets the IPC buffer alone, as in [`configure`](Self::configure).
    ///
    /// # Errors
    /// As there.
    #[doc(alias = "seL4_TCB_SetIPCBuffer")]
    pub fn set_ipc_buffer(self, buffer: Word, frame: Frame) -> Result {
        perform(
            self,
            Invocation::TcbSetIpcBuffer,
            &[buffer],
            &[frame.into()],
        )
    }

    /// Sets fault handler (null: none), capability space and address space.
    ///
    /// # Errors
    /// `InvalidCapability {1}` for the handler; `IllegalOperation` for the roots.
    #[doc(alias = "seL4_TCB_SetSpace")]
    pub fn set_space(self, fault_handler: CPtr, space: Space) -> Result {
        let caps = [fault_handler, space.cspace.into(), space.vspace.into()];
        perform(
            self,
            Invocation::TcbSetSpace,
            &[space.guard_word(), 0],
            &caps,
        )
    }

    /// Stops the thread, wherever it is.
    ///
    /// # Errors
    /// None but a wrong capability.
    #[doc(alias = "seL4_TCB_Suspend")]
    pub fn suspend(self) -> Result {
        perform(self, Invocation::TcbSuspend, &[], &[])
    }

    /// Starts a stopped thread at its restart address; breaks off what it waits for.
    ///
    /// # Errors
    /// None but a wrong capability.
    #[doc(alias = "seL4_TCB_Resume")]
    pub fn resume(self) -> Result {
        perform(self, Invocation::TcbResume, &[], &[])
    }

    /// From now on signals to `notification` also reach the thread while it waits for a message.
    ///
    /// # Errors
    /// `IllegalOperation` if either is bound already, or somebody waits there.
    #[doc(alias = "seL4_TCB_BindNotification")]
    pub fn bind_notification(self, notification: Notification) -> Result {
        perform(
            self,
            Invocation::TcbBindNotification,
            &[],
            &[notification.into()],
        )
    }

    /// Ends that.
    ///
    /// # Errors
    /// `IllegalOperation` if nothing is bound.
    #[doc(alias = "seL4_TCB_UnbindNotification")]
    pub fn unbind_notification(self) -> Result {
        perform(self, Invocation::TcbUnbindNotification, &[], &[])
    }

    /// Sets the thread register (x86: `fs_base`).
    ///
    /// # Errors
    /// None but a wrong capability.
    #[doc(alias = "seL4_TCB_SetTLSBase")]
    pub fn set_tls_base(self, base: Word) -> Result {
        perform(self, Invocation::TcbSetTlsBase, &[base], &[])
    }

    /// Clears, then sets flags; answers the flags as they are then. Unknown flags are left out.
    ///
    /// # Errors
    /// None but a wrong capability.
    #[doc(alias = "seL4_TCB_SetFlags")]
    pub fn set_flags(self, clear: TcbFlags, set: TcbFlags) -> Result<TcbFlags> {
        query(self, Invocation::TcbSetFlags, &[clear.0, set.0], &[]).map(TcbFlags)
    }
}

/// The hardware debug API.
impl Tcb {
    /// Arms breakpoint `number`.
    ///
    /// # Errors
    /// `InvalidArgument` with the number of what does not fit; `AlignmentError`; `RangeError`;
    /// `NotInProfile`.
    #[doc(alias = "seL4_TCB_SetBreakpoint")]
    pub fn set_breakpoint(self, number: Word, breakpoint: Breakpoint) -> Result {
        let Breakpoint {
            address,
            kind,
            size,
            access,
            ..
        } = breakpoint;
        perform(
            self,
            Invocation::TcbSetBreakpoint,
            &[number, address, kind, size, access],
            &[],
        )
    }

    /// Breakpoint `number` as it is.
    ///
    /// # Errors
    /// `RangeError`; `NotInProfile`.
    #[doc(alias = "seL4_TCB_GetBreakpoint")]
    pub fn breakpoint(self, number: Word) -> Result<Breakpoint> {
        let reply = invoke(self, Invocation::TcbGetBreakpoint, &[number], &[])?;
        let [address, kind, size, access] = reply.words;
        Ok(Breakpoint {
            address,
            kind,
            size,
            access,
            enabled: reply.word(4) != 0,
        })
    }

    /// Disarms breakpoint `number`.
    ///
    /// # Errors
    /// `RangeError`; `NotInProfile`.
    #[doc(alias = "seL4_TCB_UnsetBreakpoint")]
    pub fn unset_breakpoint(self, number: Word) -> Result {
        perform(self, Invocation::TcbUnsetBreakpoint, &[number], &[])
    }

    /// Stops the thread with a debug fault after `instructions` more; 0 ends that. Answers
    /// whether the breakpoint register was used up for it.
    ///
    /// # Errors
    /// `RangeError`; `NotInProfile`.
    #[doc(alias = "seL4_TCB_ConfigureSingleStepping")]
    pub fn single_step(self, number: Word, instructions: Word) -> Result<bool> {
        query(
            self,
            Invocation::TcbConfigureSingleStepping,
            &[number, instructions],
            &[],
        )
        .map(|used| used != 0)
    }
}

/// No thread: for [`CPtr`] places that may be empty.
impl Default for Tcb {
    fn default() -> Self {
        Self::at(CPtr::NULL)
    }
}
