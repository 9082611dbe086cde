//! Domains: a fixed partition of time between sets of threads. (`abi/semantics-tcb-sched.md` 5.)

use crate::Kernel;
use crate::cap::Cap;
use crate::error::SyscallError;
use crate::kernel::DOMAINS;
use crate::message::Message;
use crate::object::store::Ref;
use crate::object::tcb::Tcb;
use crate::ready;
use crate::sched;
use abi::PROFILE;
use abi::invocation::Invocation;
use abi::sched::DOMAIN_DURATION_BITS;
use machine::{Machine, Ticks};

/// Entries of the schedule; the last one always marks the end.
pub const ENTRIES: usize = PROFILE.num_domain_schedules;
const MAX_DURATION: Ticks = (1 << DOMAIN_DURATION_BITS) - 1;

/// A slice of time for a domain.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub struct Entry {
    pub domain: u8,
    /// 0: the end of the schedule.
    pub duration: Ticks,
}

/// The schedule, and where in it we are.
#[derive(Clone, PartialEq, Debug)]
pub struct Schedule {
    entries: [Entry; ENTRIES],
    /// Where the schedule begins anew.
    start: usize,
    /// The running entry; `None` before the first switch after a new start was set.
    index: Option<usize>,
    current: u8,
    /// What is left of the running slice.
    pub remaining: Ticks,
}

impl Schedule {
    /// Domain 0 for ever.
    pub const fn new() -> Self {
        let mut entries = [Entry {
            domain: 0,
            duration: 0,
        }; ENTRIES];
        if let Some(first) = entries.first_mut() {
            first.duration = MAX_DURATION;
        }
        Self {
            entries,
            start: 0,
            index: Some(0),
            current: 0,
            remaining: MAX_DURATION,
        }
    }

    /// The domain whose threads run now. Always below the number of domains.
    #[inline(always)]
    pub fn current_domain(&self) -> usize {
        if DOMAINS == 1 {
            0
        } else {
            usize::from(self.current)
        }
    }

    /// Where we are in the schedule, for reports.
    pub fn index(&self) -> Option<usize> {
        self.index
    }

    /// The entries, for reports.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// Where the schedule begins anew, for reports.
    pub fn start(&self) -> usize {
        self.start
    }

    fn entry(&self, index: usize) -> Option<Entry> {
        self.entries
            .get(index)
            .copied()
            .filter(|entry| entry.duration != 0)
    }
}

impl Default for Schedule {
    fn default() -> Self {
        Self::new()
    }
}

/// Whether the slice of the current domain is over. With one domain it never is.
#[inline(always)]
pub(crate) fn expired(k: &Kernel) -> bool {
    DOMAINS > 1 && k.schedule.remaining == 0
}

/// The next slice begins.
#[doc(alias = "nextDomain")]
pub fn next(k: &mut Kernel) {
    let schedule = &mut k.schedule;
    let following = schedule
        .index
        .map_or(schedule.start, |index| index.wrapping_add(1));
    let index = if schedule.entry(following).is_some() {
        following
    } else {
        schedule.start
    };
    if let Some(entry) = schedule.entry(index) {
        schedule.index = Some(index);
        schedule.remaining = entry.duration;
        if core::mem::replace(&mut schedule.current, entry.domain) != entry.domain {
            k.machine.domain_changed();
        }
    }
    k.work = 0;
    k.node_mut().reprogram = true;
}

/// What is to be done with domains.
#[derive(Clone, Copy, Debug)]
pub enum DomainInvocation {
    Set { thread: Ref<Tcb>, domain: u8 },
    Configure { index: usize, entry: Entry },
    SetStart { index: usize },
}

impl DomainInvocation {
    /// Looks at what `m` asks of the domain capability.
    pub fn decode(k: &Kernel, invocation: Invocation, m: &Message) -> Result<Self, SyscallError> {
        match invocation {
            Invocation::DomainSetSet => decode_set(k, m),
            Invocation::DomainScheduleConfigure => decode_configure(k, m),
            Invocation::DomainScheduleSetStart => decode_set_start(k, m),
            _ => Err(SyscallError::IllegalOperation),
        }
    }

    /// Does it.
    pub fn commit(self, k: &mut Kernel) {
        match self {
            Self::Set { thread, domain } => set_domain(k, thread, domain),
            Self::Configure { index, entry } => {
                if let Some(place) = k.schedule.entries.get_mut(index) {
                    *place = entry;
                }
            }
            Self::SetStart { index } => {
                k.schedule.start = index;
                k.schedule.index = None;
                k.schedule.remaining = 0;
                if DOMAINS == 1 {
                    // One domain never switches: the slice just begins.
                    next(k);
                }
                sched::reschedule(k);
            }
        }
    }
}

fn set_domain(k: &mut Kernel, thread: Ref<Tcb>, domain: u8) {
    ready::dequeue(k, thread);
    k[thread].domain = domain;
    if k.schedulable(thread) {
        ready::enqueue_first(k, thread);
    }
    if k.current() == Some(thread) {
        sched::reschedule(k);
    }
}

fn decode_set(k: &Kernel, m: &Message) -> Result<DomainInvocation, SyscallError> {
    if m.length < 1 {
        return Err(SyscallError::TruncatedMessage);
    }
    let domain = m.word(k, 0) & 0xff;
    if domain >= DOMAINS as u64 {
        return Err(SyscallError::InvalidArgument(0));
    }
    let slot = m.cap(0).ok_or(SyscallError::TruncatedMessage)?;
    match k[slot].cap() {
        Cap::Tcb(thread) => Ok(DomainInvocation::Set {
            thread,
            domain: domain as u8,
        }),
        _ => Err(SyscallError::InvalidArgument(1)),
    }
}

fn decode_configure(k: &Kernel, m: &Message) -> Result<DomainInvocation, SyscallError> {
    if m.length < 3 {
        return Err(SyscallError::TruncatedMessage);
    }
    let (index, domain, duration) = (m.word(k, 0), m.word(k, 1) & 0xff, m.word(k, 2));
    if index >= (ENTRIES - 1) as u64 {
        return Err(SyscallError::RangeError {
            min: 0,
            max: (ENTRIES - 2) as u64,
        });
    }
    if domain >= DOMAINS as u64 {
        return Err(SyscallError::RangeError {
            min: 0,
            max: (DOMAINS - 1) as u64,
        });
    }
    if duration > MAX_DURATION {
        return Err(SyscallError::InvalidArgument(2));
    }
    if duration == 0 && domain != 0 {
        return Err(SyscallError::InvalidArgument(1));
    }
    let index = index as usize;
    if duration == 0 && index == k.schedule.start {
        return Err(SyscallError::InvalidArgument(2));
    }
    Ok(DomainInvocation::Configure {
        index,
        entry: Entry {
            domain: domain as u8,
            duration: duration.saturating_mul(k.machine.ticks_per_count()),
        },
    })
}

fn decode_set_start(k: &Kernel, m: &Message) -> Result<DomainInvocation, SyscallError> {
    if m.length < 1 {
        return Err(SyscallError::TruncatedMessage);
    }
    let index = m.word(k, 0);
    if index >= ENTRIES as u64 {
        return Err(SyscallError::RangeError {
            min: 0,
            max: (ENTRIES - 1) as u64,
        });
    }
    let index = index as usize;
    if k.schedule.entry(index).is_none() {
        return Err(SyscallError::InvalidArgument(0));
    }
    Ok(DomainInvocation::SetStart { index })
}
