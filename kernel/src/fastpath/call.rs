//! A call to a server that waits.

use super::{Words, runs_next, usual_time};
use crate::Kernel;
use crate::cap::EndpointCap;
use crate::object::endpoint::{self, Waiting};
use crate::object::reply::{self, Reply};
use crate::object::sched_context::{self, SchedContext};
use crate::object::store::Ref;
use crate::object::tcb::{Tcb, ThreadState};
use crate::sched;

/// A call to a server that waits.
pub(super) struct Call {
    cap: EndpointCap,
    server: Ref<Tcb>,
    reply: Ref<Reply>,
    /// The caller's time, if the server has none.
    lent: Option<Ref<SchedContext>>,
    words: Words,
}

impl Call {
    /// Who is called.
    #[inline(always)]
    pub(super) fn server(&self) -> Ref<Tcb> {
        self.server
    }

    /// A call through `cap`.
    #[inline(always)]
    pub(super) fn plan<const SHORT: bool>(
        k: &Kernel,
        thread: Ref<Tcb>,
        cap: EndpointCap,
    ) -> Option<Self> {
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
        if !runs_next(k, thread, server) {
            return None;
        }
        let lent = match k[server].sched_context {
            None => Some(k[thread].sched_context?),
            Some(own) if !SHORT && usual_time(k, own) => None,
            Some(_) => return None,
        };
        let words = Words::plan::<SHORT>(k, thread, server)?;
        Some(Self {
            cap,
            server,
            reply,
            lent,
            words,
        })
    }

    #[inline(always)]
    pub(super) fn commit<const SHORT: bool>(self, k: &mut Kernel, thread: Ref<Tcb>) -> Ref<Tcb> {
        let Self {
            cap,
            server,
            reply,
            lent,
            words,
        } = self;
        endpoint::remove(k, cap.endpoint, server);
        words.commit(k, thread, server, cap.badge);
        k[reply].tcb = Some(thread);
        k[thread].state = ThreadState::BlockedOnReply { reply };
        k[server].state = ThreadState::Running;
        match lent {
            Some(time) => {
                reply::push_on_stack(k, reply, time);
                sched_context::hand_over(k, time, thread, server);
                k.node_mut().current = Some(server);
            }
            None if SHORT => {}
            None => sched::run_instead(k, server),
        }
        server
    }
}
