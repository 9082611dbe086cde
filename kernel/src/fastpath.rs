//! Plans for what is done most: a call to a waiting server, its reply and next receive, a
//! signal, a poll. The same sentences as the slow path's, spoken quickly: `plan` looks whether
//! all is as usual, `commit` does what the slow path would have done, by the same primitives.
//!
//! Property: from any state, [`entry::enter`] and [`entry::enter_slow`] end in the same state
//! ([`check::twins`]); the worlds of the host tests assert it at every system call.
//!
//! [`check::twins`]: crate::check::twins
//!
//! [`entry::enter`]: crate::entry::enter
//! [`entry::enter_slow`]: crate::entry::enter_slow

use crate::Kernel;
use crate::cap::EndpointCap;
use crate::cspace;
use crate::ipc;
use crate::kernel::{DOMAINS, NODES};
use crate::message::{self, Buffer};
use crate::object::endpoint::{self, Endpoint, Waiting};
use crate::object::notification::{Notification, Signal};
use crate::object::reply::{self, Next, Reply};
use crate::object::sched_context::{self, SchedContext};
use crate::object::store::Ref;
use crate::object::tcb::{self, Access, Tcb, ThreadState};
use crate::sched;
use abi::Word;
use abi::message::{MESSAGE_REGISTERS, MessageInfo};
use abi::syscall::Syscall;

const SEND: i64 = Syscall::Send.number();
const NB_SEND: i64 = Syscall::NbSend.number();
const CALL: i64 = Syscall::Call.number();
const REPLY_RECV: i64 = Syscall::ReplyRecv.number();
const NB_WAIT: i64 = Syscall::NbWait.number();

/// Makes the system call of `thread`, the current one, if it is one of the usual ones and
/// nothing unusual is in its way. The thread that runs then: it is Running.
#[inline(always)]
pub(crate) fn try_call(k: &mut Kernel, thread: Ref<Tcb>, number: i64) -> Option<Ref<Tcb>> {
    if !sched::quick(k) {
        return None;
    }
    match number {
        CALL => Call::plan(k, thread).map(|plan| plan.commit(k, thread)),
        REPLY_RECV => ReplyRecv::plan(k, thread).map(|plan| plan.commit(k, thread)),
        SEND | NB_SEND => Flag::plan(k, thread).map(|plan| plan.commit(k, thread)),
        NB_WAIT => Poll::plan(k, thread).map(|plan| plan.commit(k, thread)),
        _ => None,
    }
}

/// Whether `next` runs as soon as `current` no longer does.
#[inline(always)]
fn runs_next(k: &Kernel, current: Ref<Tcb>, next: Ref<Tcb>) -> bool {
    let tcb = &k[next];
    let here = (DOMAINS == 1 || usize::from(tcb.domain) == k.schedule.current_domain())
        && (NODES == 1 || usize::from(tcb.core) == k.core);
    // Nobody who is ready is more important than the current thread.
    here && (tcb.priority >= k[current].priority || sched::none_above(k, tcb.priority))
}

/// A message that is words only.
#[derive(Clone, Copy)]
struct Words {
    info: MessageInfo,
    length: usize,
    /// Where the words beyond the registers are, and go.
    buffers: Option<(Buffer, Buffer)>,
}

impl Words {
    #[inline(always)]
    fn plan(k: &Kernel, from: Ref<Tcb>, to: Ref<Tcb>) -> Option<Self> {
        let info = MessageInfo(k[from.context()].message_info());
        if info.extra_caps() != 0 {
            return None;
        }
        let info = info.without_caps();
        let length = info.length();
        if length <= MESSAGE_REGISTERS {
            return Some(Self {
                info,
                length,
                buffers: None,
            });
        }
        let buffers = tcb::buffer(k, from, Access::Read).zip(tcb::buffer(k, to, Access::ReadWrite));
        let length = message::clipped_length(info, buffers.is_some());
        Some(Self {
            info: MessageInfo::new(info.label(), 0, 0, length),
            length,
            buffers,
        })
    }

    #[inline(always)]
    fn commit(self, k: &mut Kernel, from: Ref<Tcb>, to: Ref<Tcb>, badge: Word) {
        let words = k[from.context()].message_registers();
        let context = &mut k[to.context()];
        context.set_badge(badge);
        context.set_message_info(self.info.0);
        if self.length >= MESSAGE_REGISTERS {
            context.set_message_registers(words);
        } else if self.length > 0 {
            for (n, word) in (0..self.length).zip(words) {
                context.set_message_register(n, word);
            }
        }
        if let Some((from, to)) = self.buffers {
            for n in MESSAGE_REGISTERS..self.length {
                let word = from.word(k, n);
                to.set_word(k, n, word);
            }
        }
    }
}

/// A call to a passive server that waits.
struct Call {
    cap: EndpointCap,
    server: Ref<Tcb>,
    reply: Ref<Reply>,
    time: Ref<SchedContext>,
    words: Words,
}

impl Call {
    #[inline(always)]
    fn plan(k: &Kernel, thread: Ref<Tcb>) -> Option<Self> {
        let slot = cspace::find(k, thread, k[thread.context()].capability())?;
        let cap = k[slot].endpoint()?;
        let answerable = cap.rights.grant() || cap.rights.grant_reply();
        if !cap.rights.write() || !answerable || k[cap.endpoint].waiting != Waiting::Receivers {
            return None;
        }
        let server = k[cap.endpoint].queue.first()?;
        let ThreadState::BlockedOnReceive {
            reply: Some(reply), ..
        } = k[server].state
        else {
            return None;
        };
        let time = k[thread].sched_context?;
        if k[server].sched_context.is_some() || !runs_next(k, thread, server) {
            return None;
        }
        let words = Words::plan(k, thread, server)?;
        Some(Self {
            cap,
            server,
            reply,
            time,
            words,
        })
    }

    #[inline(always)]
    fn commit(self, k: &mut Kernel, thread: Ref<Tcb>) -> Ref<Tcb> {
        let Self {
            cap,
            server,
            reply,
            time,
            words,
        } = self;
        endpoint::remove(k, cap.endpoint, server);
        words.commit(k, thread, server, cap.badge);
        k[reply].tcb = Some(thread);
        k[thread].state = ThreadState::BlockedOnReply { reply };
        reply::push_on_stack(k, reply, time);
        sched_context::hand_over(k, time, thread, server);
        k[server].state = ThreadState::Running;
        k.node_mut().current = Some(server);
        server
    }
}

/// The answer to a caller whose time this is, and the wait for the next one.
struct ReplyRecv {
    reply: Ref<Reply>,
    caller: Ref<Tcb>,
    time: Ref<SchedContext>,
    endpoint: Ref<Endpoint>,
    words: Words,
}

impl ReplyRecv {
    #[inline(always)]
    fn plan(k: &Kernel, thread: Ref<Tcb>) -> Option<Self> {
        let context = &k[thread.context()];
        let (reply, from) = (context.reply_capability(), context.capability());
        let reply = k[cspace::find(k, thread, reply)?].reply()?.reply;
        let caller = k[reply].tcb?;
        let time = k[thread].sched_context?;
        let usual = matches!(k[caller].state, ThreadState::BlockedOnReply { .. })
            && k[caller].fault.is_none()
            && k[caller].sched_context.is_none()
            && k[reply].next == Next::Head(time);
        if !usual {
            return None;
        }
        debug_assert!(
            sched_context::released(k, time),
            "the current thread runs on time that it does not have"
        );
        let cap = k[cspace::find(k, thread, from)?].endpoint()?;
        if !cap.rights.read()
            || k[cap.endpoint].waiting == Waiting::Senders
            || !hears_nothing(k, thread)
        {
            return None;
        }
        if !runs_next(k, thread, caller) {
            return None;
        }
        let words = Words::plan(k, thread, caller)?;
        Some(Self {
            reply,
            caller,
            time,
            endpoint: cap.endpoint,
            words,
        })
    }

    #[inline(always)]
    fn commit(self, k: &mut Kernel, thread: Ref<Tcb>) -> Ref<Tcb> {
        let Self {
            reply,
            caller,
            time,
            endpoint,
            words,
        } = self;
        reply::pop_for(k, reply, time, thread);
        words.commit(k, thread, caller, 0);
        sched_context::hand_over(k, time, thread, caller);
        k[caller].state = ThreadState::Running;
        k[thread].state = ThreadState::BlockedOnReceive {
            endpoint,
            reply: Some(reply),
        };
        endpoint::push_receiver(k, endpoint, thread);
        k.node_mut().current = Some(caller);
        caller
    }
}

/// Whether the notification bound to `thread`, if any, has nothing to tell it and nothing to
/// take back from it.
#[inline(always)]
fn hears_nothing(k: &Kernel, thread: Ref<Tcb>) -> bool {
    match k[thread].bound_notification {
        None => true,
        Some(bound) => {
            let bound = &k[bound];
            !matches!(bound.signal, Signal::Active(_)) && bound.sched_context.is_none()
        }
    }
}

/// A signal that nobody is woken by.
struct Flag {
    notification: Ref<Notification>,
    badge: Word,
}

impl Flag {
    #[inline(always)]
    fn plan(k: &Kernel, thread: Ref<Tcb>) -> Option<Self> {
        let context = &k[thread.context()];
        if MessageInfo(context.message_info()).extra_caps() != 0 {
            return None;
        }
        let cap = k[cspace::find(k, thread, context.capability())?].notification()?;
        let notification = cap.notification;
        let before = match k[notification].signal {
            Signal::Active(badge) => badge,
            Signal::Idle if !listens(k, k[notification].bound_tcb) => 0,
            _ => return None,
        };
        let badge = before | cap.badge;
        cap.rights.write().then_some(Self {
            notification,
            badge,
        })
    }

    #[inline(always)]
    fn commit(self, k: &mut Kernel, thread: Ref<Tcb>) -> Ref<Tcb> {
        k[self.notification].signal = Signal::Active(self.badge);
        thread
    }
}

#[inline(always)]
fn listens(k: &Kernel, bound: Option<Ref<Tcb>>) -> bool {
    bound.is_some_and(|tcb| matches!(k[tcb].state, ThreadState::BlockedOnReceive { .. }))
}

/// A look whether there was a signal.
struct Poll {
    notification: Ref<Notification>,
}

impl Poll {
    #[inline(always)]
    fn plan(k: &Kernel, thread: Ref<Tcb>) -> Option<Self> {
        let slot = cspace::find(k, thread, k[thread.context()].capability())?;
        let cap = k[slot].notification()?;
        let bound = k[cap.notification].bound_tcb;
        let usual = cap.rights.read()
            && bound.is_none_or(|tcb| tcb == thread)
            && k[thread].sched_context.is_some();
        usual.then_some(Self {
            notification: cap.notification,
        })
    }

    #[inline(always)]
    fn commit(self, k: &mut Kernel, thread: Ref<Tcb>) -> Ref<Tcb> {
        crate::object::notification::wait(k, thread, self.notification, ipc::Blocking::No);
        thread
    }
}
