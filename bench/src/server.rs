//! The other side of an IPC: a thread that answers every call with as many words as it was sent, and deletes
//! the capability that may have come with them.

use crate::bench::{Area, Bench, HIGHER, OURS, Thread, with_fpu};
use crate::isa;
use abi::{ObjectType, Word};
use core::sync::atomic::{AtomicU64, Ordering};
use user_alloc::Result;
use user_api::{CPtr, Endpoint, Message, Reply, Space, ipc_buffer, syscalls};
use user_runtime::boot::root;

/// What a server has to know, in memory that both address spaces have.
struct Place {
    endpoint: AtomicU64,
    reply: AtomicU64,
    /// Where capabilities arrive.
    slot: AtomicU64,
    area: Area,
}

/// Where a server is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Where {
    /// In an address space of its own.
    Other,
    /// In ours.
    Same,
    /// In ours; it uses the FPU for every answer.
    SameWithFpu,
}

impl Where {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Other => "other",
            Self::Same | Self::SameWithFpu => "same",
        }
    }
}

static PLACES: [Place; 3] = [const {
    Place {
        endpoint: AtomicU64::new(0),
        reply: AtomicU64::new(0),
        slot: AtomicU64::new(0),
        area: Area::new(),
    }
}; 3];

/// A server that waits for calls.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Server {
    pub(crate) place: Where,
    pub(crate) endpoint: Endpoint,
    pub(crate) thread: Thread,
}

/// Whose time a server runs on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Time {
    /// Its callers'.
    Passive,
    /// Its own.
    Active,
}

impl Time {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Passive => "passive",
            Self::Active => "active",
        }
    }
}

impl Server {
    /// Starts one, passive and with our own priority.
    pub(crate) fn start(bench: &mut Bench, place: Where, space: Space) -> Result<Self> {
        let memory = &PLACES[place as usize];
        let endpoint: Endpoint = bench.allocator.make(ObjectType::Endpoint, 0)?;
        let reply: Reply = bench.allocator.make(ObjectType::Reply, 0)?;
        memory
            .endpoint
            .store(endpoint.cptr().bits(), Ordering::Relaxed);
        memory.reply.store(reply.cptr().bits(), Ordering::Relaxed);
        let slot = bench.allocator.slot()?;
        memory.slot.store(slot.index, Ordering::Relaxed);
        let function = match place {
            Where::Other | Where::Same => serve,
            Where::SameWithFpu => serve_with_fpu as extern "C" fn(Word),
        };
        let thread = bench.thread(&memory.area, space, function, place as Word, HIGHER)?;
        if place == Where::SameWithFpu {
            with_fpu(thread.tcb)?;
        }
        // It runs until it waits.
        thread.tcb.resume()?;
        let server = Self {
            place,
            endpoint,
            thread,
        };
        server.priority(OURS)?;
        server.time(Time::Active, Time::Passive)?;
        Ok(server)
    }

    pub(crate) fn priority(&self, priority: Word) -> user_api::Result {
        self.thread.tcb.set_priority(root::TCB, priority)
    }

    /// Gives it other time than before.
    pub(crate) fn time(&self, before: Time, now: Time) -> user_api::Result {
        match (before, now) {
            (Time::Active, Time::Passive) => self.thread.context.unbind(),
            (Time::Passive, Time::Active) => self.thread.context.bind(self.thread.tcb),
            _ => Ok(()),
        }
    }

    /// A call with a capability, and its answer.
    pub(crate) fn call_with(&self, cap: CPtr) {
        let message = Message::default().with_caps(&[cap]);
        self.endpoint.call(message);
    }

    /// A call with so many words, whatever they are, and its answer.
    #[inline(always)]
    pub(crate) fn call(&self, words: usize) {
        let message = Message {
            length: words,
            ..Message::default()
        };
        self.endpoint.call(message);
    }
}

extern "C" fn serve(place: Word) {
    let memory = &PLACES[place as usize];
    let endpoint = Endpoint::new(memory.endpoint.load(Ordering::Relaxed));
    let reply = Reply::new(memory.reply.load(Ordering::Relaxed));
    let slot = root::CNODE.absolute(memory.slot.load(Ordering::Relaxed));
    ipc_buffer::set_receive_path(slot);
    let mut call = syscalls::recv(endpoint, reply);
    loop {
        if call.info.extra_caps() != 0 && call.info.caps_unwrapped() == 0 {
            // The slot has to be empty for the next. That cannot fail.
            let _ = slot.delete();
        }
        let answer = Message {
            label: 0,
            words: call.words,
            length: call.length(),
            caps: 0,
        };
        call = syscalls::reply_recv(endpoint, answer, reply);
    }
}

extern "C" fn serve_with_fpu(place: Word) {
    let memory = &PLACES[place as usize];
    let endpoint = Endpoint::new(memory.endpoint.load(Ordering::Relaxed));
    let reply = Reply::new(memory.reply.load(Ordering::Relaxed));
    syscalls::recv(endpoint, reply);
    loop {
        isa::use_fpu();
        syscalls::reply_recv(endpoint, Message::default(), reply);
    }
}
