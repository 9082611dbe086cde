//! Meeting a server that waits: by a call, or by a fault.

use super::{Any, Shape, runs_next, usual_time};
use crate::Kernel;
use crate::cap::EndpointCap;
use crate::fault::{self, Fault};
use crate::object::endpoint::{self, Endpoint, Waiting};
use crate::object::reply::{self, Reply};
use crate::object::sched_context::{self, SchedContext};
use crate::object::store::Ref;
use crate::object::tcb::{Tcb, TcbSlot, ThreadState};
use crate::turn;

/// A thread that wants an answer, and a server that waits.
#[derive(Clone, Copy)]
pub(super) struct Meeting {
    endpoint: Ref<Endpoint>,
    pub(super) server: Ref<Tcb>,
    reply: Ref<Reply>,
    /// The thread's time, if the server has none.
    lent: Option<Ref<SchedContext>>,
}

impl Meeting {
    /// Of `thread`, by a call through `cap`.
    #[inline(always)]
    pub(super) fn by_call<S: Shape>(
        k: &Kernel,
        thread: Ref<Tcb>,
        cap: EndpointCap,
    ) -> Option<Self> {
        if !cap.rights.write() {
            return None;
        }
        Self::plan::<S>(k, thread, cap)
    }

    /// Of `thread`, through `cap`.
    #[inline(always)]
    fn plan<S: Shape>(k: &Kernel, thread: Ref<Tcb>, cap: EndpointCap) -> Option<Self> {
        let EndpointCap {
            endpoint, rights, ..
        } = cap;
        let answerable = rights.grant() || rights.grant_reply();
        if !answerable || k[endpoint].waiting != Waiting::Receivers {
            return None;
        }
        let server = k[endpoint].queue.first()?;
        let ThreadState::BlockedOnReceive {
            reply: Some(reply), ..
        } = k[server].state
        else {
            return None;
        };
        if !runs_next(k, thread, server) || (S::SHORT && !endpoint::is_alone(k, server)) {
            return None;
        }
        let lent = match k[server].sched_context {
            None => Some(k[thread].sched_context?),
            Some(own) if !S::SHORT && usual_time(k, own) => None,
            Some(_) => return None,
        };
        Some(Self {
            endpoint,
            server,
            reply,
            lent,
        })
    }

    /// The thread waits, the server runs.
    #[inline(always)]
    pub(super) fn commit<S: Shape>(self, k: &mut Kernel, thread: Ref<Tcb>) {
        let Self {
            endpoint,
            server,
            reply,
            lent,
        } = self;
        if S::SHORT {
            endpoint::remove_only(k, endpoint, server);
        } else {
            endpoint::remove(k, endpoint, server);
        }
        k[reply].tcb = Some(thread);
        k[thread].state = ThreadState::BlockedOnReply { reply };
        k[server].state = ThreadState::Running;
        match lent {
            Some(time) => {
                reply::push_on_stack(k, reply, time);
                sched_context::hand_over(k, time, thread, server);
                k.node_mut().current = Some(server);
            }
            None if S::SHORT => {}
            None => turn::run_instead(k, server),
        }
    }
}

/// A fault that a handler waits for.
pub(super) struct Faulted {
    meeting: Meeting,
    handler: EndpointCap,
    fault: Fault,
}

impl Faulted {
    #[inline(always)]
    pub(super) fn plan(k: &Kernel, thread: Ref<Tcb>, fault: Fault) -> Option<Self> {
        let handler = k[thread.slot(TcbSlot::FaultHandler)].endpoint()?;
        Some(Self {
            meeting: Meeting::plan::<Any>(k, thread, handler)?,
            handler,
            fault,
        })
    }

    /// Who runs then.
    #[inline(always)]
    pub(super) fn commit(self, k: &mut Kernel, thread: Ref<Tcb>) -> Ref<Tcb> {
        let server = self.meeting.server;
        k[thread].fault = Some(self.fault);
        fault::describe(k, self.fault, thread, server, self.handler.badge);
        self.meeting.commit::<Any>(k, thread);
        server
    }
}
