//! Invocations of thread capabilities.

use crate::Kernel;
use crate::cap::{Cap, DataUpdate, EndpointCap, PackedCap};
use crate::cdt;
use crate::delete;
use crate::error::{Preempted, SyscallError};
use crate::fpu;
use crate::invocation::{Done, Refusal};
use crate::ipc;
use crate::isa;
use crate::message::Message;
use crate::object::cnode::{self, Slot};
use crate::object::notification::{self, Notification, Signal};
use crate::object::sched_context::{self, SchedContext};
use crate::object::store::Ref;
use crate::object::tcb::debug::DebugInvocation;
use crate::object::tcb::{self, Tcb, TcbSlot};
use crate::sched;
use abi::Word;
use abi::invocation::Invocation;
use abi::ipc_buffer::IPC_BUFFER_BITS;

/// A capability on its way into a slot of a TCB: what, and where it comes from.
#[derive(Clone, Copy, Debug)]
pub struct Install {
    cap: PackedCap,
    source: Ref<Slot>,
}

/// Which registers CopyRegisters transfers.
#[derive(Clone, Copy, Debug)]
pub struct Transfer {
    suspend_source: bool,
    resume_target: bool,
    frame: bool,
    integer: bool,
}

/// What changes about the time of a thread.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum NewTime {
    Unbind,
    Bind(Ref<SchedContext>),
}

/// What is to be done with a thread.
#[derive(Clone, Copy, Debug)]
pub enum TcbInvocation {
    ReadRegisters {
        suspend: bool,
        count: usize,
    },
    WriteRegisters {
        resume: bool,
        count: usize,
    },
    CopyRegisters {
        source: Ref<Tcb>,
        transfer: Transfer,
    },
    SetSpaces {
        fault_handler: Option<Install>,
        cspace: Install,
        vspace: Install,
        buffer: Option<NewBuffer>,
    },
    SetBuffer(NewBuffer),
    SetPriority(u8),
    SetMaxControlledPriority(u8),
    SetSchedParams {
        fault_handler: Install,
        max_controlled: u8,
        priority: u8,
        time: NewTime,
    },
    SetTimeoutHandler(Install),
    BindNotification(Ref<Notification>),
    UnbindNotification,
    SetTlsBase(Word),
    Debug(DebugInvocation),
    SetFlags {
        clear: Word,
        set: Word,
    },
}

/// A new IPC buffer: its address, and its frame unless the address is 0.
#[derive(Clone, Copy, Debug)]
pub struct NewBuffer {
    address: Word,
    frame: Option<Install>,
}

/// The thread that an invocation is about, and the slot it was invoked through.
#[derive(Clone, Copy, Debug)]
pub struct Target {
    pub thread: Ref<Tcb>,
    pub invoked: Ref<Slot>,
}

/// Does what `m` asks of `thread`, whose capability is in `invoked`.
#[inline(never)]
pub fn invoke(
    k: &mut Kernel,
    thread: Ref<Tcb>,
    invoked: Ref<Slot>,
    invocation: Invocation,
    m: &Message,
) -> Result<Done, Refusal> {
    match invocation {
        // These want nothing of the message, and cannot be refused.
        Invocation::TcbSuspend => tcb::suspend(k, thread),
        Invocation::TcbResume => tcb::resume(k, thread),
        _ => {
            let target = Target { thread, invoked };
            return Ok(TcbInvocation::decode(k, thread, invocation, m)?.commit(k, target, m)?);
        }
    }
    Ok(Done::Empty)
}

impl TcbInvocation {
    /// Looks at what `m` asks of `thread`.
    pub fn decode(
        k: &Kernel,
        thread: Ref<Tcb>,
        invocation: Invocation,
        m: &Message,
    ) -> Result<Self, SyscallError> {
        use Invocation as I;
        match invocation {
            I::TcbReadRegisters => decode_read_registers(k, thread, m),
            I::TcbWriteRegisters => decode_write_registers(k, thread, m),
            I::TcbCopyRegisters => decode_copy_registers(k, m),
            I::TcbConfigure => decode_configure(k, thread, m),
            I::TcbSetSpace => decode_set_space(k, thread, m),
            I::TcbSetIpcBuffer => decode_set_buffer(k, m),
            I::TcbSetPriority => decode_priority(k, m).map(Self::SetPriority),
            I::TcbSetMcPriority => decode_priority(k, m).map(Self::SetMaxControlledPriority),
            I::TcbSetSchedParams => decode_sched_params(k, thread, m),
            I::TcbSetTimeoutEndpoint => decode_timeout_handler(k, m),
            I::TcbBindNotification => decode_bind_notification(k, thread, m),
            I::TcbUnbindNotification => match k[thread].bound_notification {
                Some(_) => Ok(Self::UnbindNotification),
                None => Err(SyscallError::IllegalOperation),
            },
            I::TcbSetTlsBase if m.length < 1 => Err(SyscallError::TruncatedMessage),
            I::TcbSetTlsBase => Ok(Self::SetTlsBase(m.word(k, 0))),
            I::TcbSetFlags if m.length < 2 => Err(SyscallError::TruncatedMessage),
            I::TcbSetFlags => Ok(Self::SetFlags {
                clear: m.word(k, 0),
                set: m.word(k, 1),
            }),
            _ => DebugInvocation::decode(k, invocation, m).map(Self::Debug),
        }
    }

    /// Does it.
    pub fn commit(self, k: &mut Kernel, target: Target, m: &Message) -> Result<Done, Preempted> {
        let thread = target.thread;
        match self {
            Self::ReadRegisters { suspend, count } => {
                return Ok(read_registers(k, thread, suspend, count, m));
            }
            Self::WriteRegisters { resume, count } => write_registers(k, thread, resume, count, m),
            Self::CopyRegisters { source, transfer } => copy_registers(k, source, thread, transfer),
            Self::SetSpaces {
                fault_handler,
                cspace,
                vspace,
                buffer,
            } => {
                if let Some(handler) = fault_handler {
                    install(k, target, TcbSlot::FaultHandler, handler)?;
                }
                install(k, target, TcbSlot::CSpace, cspace)?;
                install(k, target, TcbSlot::VSpace, vspace)?;
                k.asids.spaces_changed();
                if let Some(buffer) = buffer {
                    set_buffer(k, target, buffer)?;
                }
            }
            Self::SetBuffer(buffer) => set_buffer(k, target, buffer)?,
            Self::SetPriority(priority) => tcb::set_priority(k, thread, priority),
            Self::SetMaxControlledPriority(priority) => {
                k[thread].max_controlled_priority = priority
            }
            Self::SetSchedParams {
                fault_handler,
                max_controlled,
                priority,
                time,
            } => {
                install(k, target, TcbSlot::FaultHandler, fault_handler)?;
                k[thread].max_controlled_priority = max_controlled;
                tcb::set_priority(k, thread, priority);
                set_time(k, thread, time);
            }
            Self::SetTimeoutHandler(handler) => {
                install(k, target, TcbSlot::TimeoutHandler, handler)?
            }
            Self::BindNotification(notification) => notification::bind_tcb(k, notification, thread),
            Self::UnbindNotification => notification::unbind_tcb(k, thread),
            Self::SetTlsBase(base) => tcb::set_tls_base(k, thread, base),
            Self::Debug(invocation) => return Ok(invocation.commit(k, thread, m)),
            Self::SetFlags { clear, set } => {
                let flags = k[thread].flags & !clear | set & abi::sched::TCB_FLAG_MASK;
                k[thread].flags = flags;
                if flags & abi::sched::TCB_FLAG_FPU_DISABLED != 0 {
                    fpu::forbid(k, thread);
                }
                return Ok(Done::reply(k, m, &[flags]));
            }
        }
        Ok(Done::Empty)
    }
}

// --- Registers ----------------------------------------------------------------------------------

fn decode_read_registers(
    k: &Kernel,
    thread: Ref<Tcb>,
    m: &Message,
) -> Result<TcbInvocation, SyscallError> {
    if m.length < 2 {
        return Err(SyscallError::TruncatedMessage);
    }
    let (flags, count) = (m.word(k, 0), m.word(k, 1));
    let max = isa::REGISTERS as u64;
    if !(1..=max).contains(&count) {
        return Err(SyscallError::RangeError { min: 1, max });
    }
    if thread == m.sender {
        return Err(SyscallError::IllegalOperation);
    }
    Ok(TcbInvocation::ReadRegisters {
        suspend: flags & 1 != 0,
        count: count as usize,
    })
}

fn read_registers(
    k: &mut Kernel,
    thread: Ref<Tcb>,
    suspend: bool,
    count: usize,
    m: &Message,
) -> Done {
    if suspend {
        tcb::suspend(k, thread);
    }
    let registers = k[thread.context()].registers();
    Done::reply(k, m, registers.get(..count).unwrap_or(&registers))
}

fn decode_write_registers(
    k: &Kernel,
    thread: Ref<Tcb>,
    m: &Message,
) -> Result<TcbInvocation, SyscallError> {
    if m.length < 2 {
        return Err(SyscallError::TruncatedMessage);
    }
    let (flags, count) = (m.word(k, 0), m.word(k, 1));
    if (m.length.saturating_sub(2) as u64) < count {
        return Err(SyscallError::TruncatedMessage);
    }
    if thread == m.sender {
        return Err(SyscallError::IllegalOperation);
    }
    let count = count.min(isa::REGISTERS as u64) as usize;
    Ok(TcbInvocation::WriteRegisters {
        resume: flags & 1 != 0,
        count,
    })
}

fn write_registers(k: &mut Kernel, thread: Ref<Tcb>, resume: bool, count: usize, m: &Message) {
    let mut words = [0; isa::REGISTERS];
    for (n, word) in (2..usize::MAX).zip(words.iter_mut().take(count)) {
        *word = m.word(k, n);
    }
    let context = &mut k[thread.context()];
    match words.get(..count) {
        Some(some) if count < words.len() => (0..count)
            .zip(some)
            .for_each(|(n, word)| context.write_register(n, *word)),
        _ => context.set_registers(words),
    }
    k[thread.context()].continue_at_fault_ip();
    if resume {
        tcb::resume(k, thread);
    }
    if k.current() == Some(thread) {
        sched::reschedule(k);
    }
}

fn decode_copy_registers(k: &Kernel, m: &Message) -> Result<TcbInvocation, SyscallError> {
    let (1.., Some(slot)) = (m.length, m.cap(0)) else {
        return Err(SyscallError::TruncatedMessage);
    };
    let Cap::Tcb(source) = k[slot].cap() else {
        return Err(SyscallError::InvalidCapability(1));
    };
    let flags = m.word(k, 0);
    let transfer = Transfer {
        suspend_source: flags & 1 != 0,
        resume_target: flags & 2 != 0,
        frame: flags & 4 != 0,
        integer: flags & 8 != 0,
    };
    Ok(TcbInvocation::CopyRegisters { source, transfer })
}

fn copy_registers(k: &mut Kernel, source: Ref<Tcb>, target: Ref<Tcb>, transfer: Transfer) {
    if transfer.suspend_source {
        tcb::suspend(k, source);
    }
    if transfer.resume_target {
        tcb::resume(k, target);
    }
    let from = k[source.context()];
    let to = &mut k[target.context()];
    if transfer.frame {
        (0..isa::FRAME_REGISTERS).for_each(|n| to.write_register(n, from.register(n)));
        to.continue_at_fault_ip();
    }
    if transfer.integer {
        (isa::FRAME_REGISTERS..isa::REGISTERS).for_each(|n| to.write_register(n, from.register(n)));
    }
    if k.current() == Some(target) {
        sched::reschedule(k);
    }
}

// --- Spaces and buffer ----------------------------------------------------------------------------

fn decode_configure(
    k: &Kernel,
    thread: Ref<Tcb>,
    m: &Message,
) -> Result<TcbInvocation, SyscallError> {
    let (3.., Some(cspace), Some(vspace), Some(frame)) = (m.length, m.cap(0), m.cap(1), m.cap(2))
    else {
        return Err(SyscallError::TruncatedMessage);
    };
    let buffer = decode_buffer(k, m.word(k, 2), frame)?;
    let (cspace, vspace) =
        decode_spaces(k, thread, (cspace, m.word(k, 0)), (vspace, m.word(k, 1)))?;
    Ok(TcbInvocation::SetSpaces {
        fault_handler: None,
        cspace,
        vspace,
        buffer: Some(buffer),
    })
}

fn decode_set_space(
    k: &Kernel,
    thread: Ref<Tcb>,
    m: &Message,
) -> Result<TcbInvocation, SyscallError> {
    let (2.., Some(handler), Some(cspace), Some(vspace)) = (m.length, m.cap(0), m.cap(1), m.cap(2))
    else {
        return Err(SyscallError::TruncatedMessage);
    };
    let (cspace, vspace) =
        decode_spaces(k, thread, (cspace, m.word(k, 0)), (vspace, m.word(k, 1)))?;
    let fault_handler = decode_handler(k, handler, 1)?;
    Ok(TcbInvocation::SetSpaces {
        fault_handler: Some(fault_handler),
        cspace,
        vspace,
        buffer: None,
    })
}

fn decode_set_buffer(k: &Kernel, m: &Message) -> Result<TcbInvocation, SyscallError> {
    let (1.., Some(frame)) = (m.length, m.cap(0)) else {
        return Err(SyscallError::TruncatedMessage);
    };
    decode_buffer(k, m.word(k, 0), frame).map(TcbInvocation::SetBuffer)
}

fn decode_buffer(k: &Kernel, address: Word, slot: Ref<Slot>) -> Result<NewBuffer, SyscallError> {
    if address == 0 {
        return Ok(NewBuffer {
            address,
            frame: None,
        });
    }
    let cap = cnode::copy_of(k, slot, k[slot].packed())?;
    if cap.frame().is_none_or(|frame| frame.device) {
        return Err(SyscallError::IllegalOperation);
    }
    if address & ((1 << IPC_BUFFER_BITS) - 1) != 0 {
        return Err(SyscallError::AlignmentError);
    }
    Ok(NewBuffer {
        address,
        frame: Some(Install { cap, source: slot }),
    })
}

fn decode_spaces(
    k: &Kernel,
    thread: Ref<Tcb>,
    (cspace, cspace_data): (Ref<Slot>, Word),
    (vspace, vspace_data): (Ref<Slot>, Word),
) -> Result<(Install, Install), SyscallError> {
    if long_running(k, thread.slot(TcbSlot::CSpace))
        || long_running(k, thread.slot(TcbSlot::VSpace))
    {
        return Err(SyscallError::IllegalOperation);
    }
    let cspace_cap = derive_with_data(k, cspace, cspace_data)?;
    if cspace_cap.cnode().is_none() {
        return Err(SyscallError::IllegalOperation);
    }
    let vspace_cap = derive_with_data(k, vspace, vspace_data)?;
    if vspace_cap.vspace().is_none_or(|root| root.asid.is_none()) {
        return Err(SyscallError::IllegalOperation);
    }
    Ok((
        Install {
            cap: cspace_cap,
            source: cspace,
        },
        Install {
            cap: vspace_cap,
            source: vspace,
        },
    ))
}

fn derive_with_data(k: &Kernel, slot: Ref<Slot>, data: Word) -> Result<PackedCap, SyscallError> {
    let cap = k[slot].packed();
    let cap = match data {
        0 => cap,
        data => {
            let changed = cap.with_data(data, DataUpdate::Copy);
            changed.unwrap_or(PackedCap::NULL)
        }
    };
    cnode::copy_of(k, slot, cap)
}

/// Whether deleting what is in `slot` would be long: it is the last capability to something
/// that holds others.
#[doc(alias = "slotCapLongRunningDelete")]
fn long_running(k: &Kernel, slot: Ref<Slot>) -> bool {
    matches!(k[slot].cap(), Cap::Tcb(_) | Cap::Zombie(_) | Cap::CNode(_)) && cdt::is_final(k, slot)
}

/// A capability that can handle faults, or none. `number` is its place in the message.
fn decode_handler(k: &Kernel, slot: Ref<Slot>, number: Word) -> Result<Install, SyscallError> {
    let cap = k[slot].packed();
    let valid = match cap.endpoint() {
        Some(EndpointCap { rights, .. }) => {
            rights.write() && (rights.grant() || rights.grant_reply())
        }
        None => cap.is_null(),
    };
    if valid {
        Ok(Install { cap, source: slot })
    } else {
        Err(SyscallError::InvalidCapability(number))
    }
}

fn decode_timeout_handler(k: &Kernel, m: &Message) -> Result<TcbInvocation, SyscallError> {
    let slot = m.cap(0).ok_or(SyscallError::TruncatedMessage)?;
    decode_handler(k, slot, 1).map(TcbInvocation::SetTimeoutHandler)
}

/// Replaces the capability in a slot of the target. Deleting the old one can be long, and can
/// delete the new one, or the target, on the way.
#[doc(alias = "installTCBCap")]
#[inline(never)]
fn install(k: &mut Kernel, target: Target, slot: TcbSlot, new: Install) -> Result<(), Preempted> {
    let slot = target.thread.slot(slot);
    delete::delete(k, slot)?;
    if still_valid(k, target, new) && !new.cap.is_null() {
        cdt::insert(k, new.cap, new.source, slot);
    }
    Ok(())
}

fn still_valid(k: &Kernel, target: Target, new: Install) -> bool {
    k[target.invoked].cap() == Cap::Tcb(target.thread)
        && k[new.source].packed().same_object(new.cap)
}

fn set_buffer(k: &mut Kernel, target: Target, new: NewBuffer) -> Result<(), Preempted> {
    let thread = target.thread;
    delete::delete(k, thread.slot(TcbSlot::Buffer))?;
    k[thread].buffer = new.address;
    if let Some(frame) = new.frame {
        install(k, target, TcbSlot::Buffer, frame)?;
    }
    tcb::remember_buffer(k, thread);
    if k.current() == Some(thread) {
        sched::reschedule(k);
    }
    Ok(())
}

// --- Priority and time ------------------------------------------------------------------------------

/// The highest priority that the thread in `slot` lets others have.
fn authority(k: &Kernel, slot: Ref<Slot>) -> Result<u8, SyscallError> {
    match k[slot].cap() {
        Cap::Tcb(thread) => Ok(k[thread].max_controlled_priority),
        _ => Err(SyscallError::InvalidCapability(1)),
    }
}

fn within(priority: Word, max: u8) -> Result<u8, SyscallError> {
    let max = Word::from(max);
    if priority > max {
        Err(SyscallError::RangeError { min: 0, max })
    } else {
        Ok(priority as u8)
    }
}

fn decode_priority(k: &Kernel, m: &Message) -> Result<u8, SyscallError> {
    let (1.., Some(slot)) = (m.length, m.cap(0)) else {
        return Err(SyscallError::TruncatedMessage);
    };
    within(m.word(k, 0), authority(k, slot)?)
}

fn decode_sched_params(
    k: &Kernel,
    thread: Ref<Tcb>,
    m: &Message,
) -> Result<TcbInvocation, SyscallError> {
    let (2.., Some(slot), Some(time), Some(handler)) = (m.length, m.cap(0), m.cap(1), m.cap(2))
    else {
        return Err(SyscallError::TruncatedMessage);
    };
    let authority = authority(k, slot)?;
    let max_controlled = within(m.word(k, 0), authority)?;
    let priority = within(m.word(k, 1), authority)?;
    let time = decode_time(k, thread, time, m)?;
    let fault_handler = decode_handler(k, handler, 3)?;
    Ok(TcbInvocation::SetSchedParams {
        fault_handler,
        max_controlled,
        priority,
        time,
    })
}

fn decode_time(
    k: &Kernel,
    thread: Ref<Tcb>,
    slot: Ref<Slot>,
    m: &Message,
) -> Result<NewTime, SyscallError> {
    match k[slot].cap() {
        Cap::SchedContext(c) => {
            let sc = c.sched_context;
            let other_sc = k[thread].sched_context.is_some_and(|bound| bound != sc);
            let other_tcb = k[sc].tcb.is_some_and(|bound| bound != thread);
            let too_early =
                sched_context::blocked(k[thread].state) && !sched_context::released(k, sc);
            if other_sc || other_tcb || too_early {
                return Err(SyscallError::IllegalOperation);
            }
            Ok(NewTime::Bind(sc))
        }
        Cap::Null if thread == m.sender => Err(SyscallError::IllegalOperation),
        Cap::Null => Ok(NewTime::Unbind),
        _ => Err(SyscallError::InvalidCapability(2)),
    }
}

fn set_time(k: &mut Kernel, thread: Ref<Tcb>, time: NewTime) {
    match time {
        NewTime::Bind(sc) if k[thread].sched_context.is_none() && k[sc].tcb.is_none() => {
            sched_context::bind_tcb(k, sc, thread);
        }
        NewTime::Bind(_) => {}
        NewTime::Unbind => {
            if let Some(sc) = k[thread].sched_context {
                sched_context::unbind_tcb(k, sc);
            }
        }
    }
}

// --- Notifications ------------------------------------------------------------------------------------

fn decode_bind_notification(
    k: &Kernel,
    thread: Ref<Tcb>,
    m: &Message,
) -> Result<TcbInvocation, SyscallError> {
    let slot = m.cap(0).ok_or(SyscallError::TruncatedMessage)?;
    if k[thread].bound_notification.is_some() {
        return Err(SyscallError::IllegalOperation);
    }
    match k[slot].cap() {
        Cap::Notification(c) if c.rights.read() => {
            let notification = &k[c.notification];
            if notification.bound_tcb.is_some() || notification.signal == Signal::Waiting {
                return Err(SyscallError::IllegalOperation);
            }
            Ok(TcbInvocation::BindNotification(c.notification))
        }
        _ => Err(SyscallError::IllegalOperation),
    }
}

impl Done {
    /// Answers the sender with `words`, if it wants an answer.
    pub(crate) fn reply(k: &mut Kernel, m: &Message, words: &[Word]) -> Done {
        if m.call {
            ipc::reply_from_kernel(k, m.sender, 0, words);
        }
        Done::Replied
    }
}
