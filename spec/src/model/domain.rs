//! Domains: threads of which run in turns of their own, whatever their priorities.
//!
//! With one domain nothing is counted: its turn has no end.

use super::call::Args;
use super::time::LEAST;
use super::{Cap, Error, Place, State};
use abi::PROFILE;
use abi::Word;
use abi::invocation::Invocation as I;
use abi::sched::DOMAIN_DURATION_BITS;

/// How many domains there are.
const DOMAINS: Word = PROFILE.num_domains as Word;
/// How many entries the schedule has; the last is always an end.
const ENTRIES: Word = PROFILE.num_domain_schedules as Word;
/// What is left of a turn is not worth a switch if it is less than the kernel itself may need.
const TOO_LITTLE: u64 = LEAST / 2;

fn within(value: Word, most: Word) -> Result<(), Error> {
    match value <= most {
        true => Ok(()),
        false => Err(Error::RangeError(0, most)),
    }
}

impl State {
    /// Whether it is the turn of the domain of `at`.
    pub fn has_its_turn(&self, at: Place) -> bool {
        self.thread(at)
            .is_some_and(|thread| thread.domain == self.turns.domain)
    }

    /// What is left of the turn, if it has an end.
    pub fn left_of_turn(&self) -> Option<u64> {
        (DOMAINS > 1).then_some(self.turns.left)
    }

    /// Whether the next turn is to begin.
    pub fn turn_is_over(&self) -> bool {
        self.left_of_turn() == Some(0)
    }

    /// So much time passes.
    pub fn spend_turn(&mut self, passed: u64) {
        if DOMAINS > 1 {
            let left = self.turns.left.saturating_sub(passed);
            self.turns.left = if left < TOO_LITTLE { 0 } else { left };
        }
    }

    /// The turn of the next entry begins; behind the last one, that of the first.
    pub fn next_turn(&mut self) {
        let turns = &mut self.turns;
        let next = turns.entry.map_or(turns.start, |entry| entry + 1);
        let entry = match turns.schedule.contains_key(&next) {
            true => next,
            false => turns.start,
        };
        if let Some((domain, duration)) = turns.schedule.get(&entry) {
            (turns.domain, turns.left) = (*domain, *duration);
            turns.entry = Some(entry);
        }
        self.settle = true;
    }

    /// An operation of the capability to domains.
    pub fn invoke_domains(&mut self, invocation: I, args: &Args) -> Result<(), Error> {
        match invocation {
            I::DomainSetSet => {
                let [domain] = args.words()?;
                let domain = domain % 256;
                if domain >= DOMAINS {
                    return Err(Error::InvalidArgument(0));
                }
                let Some(Cap::Thread { at }) = self.cap(args.cap(0)?) else {
                    return Err(Error::InvalidArgument(1));
                };
                self.join(at, domain as u8);
            }
            I::DomainScheduleConfigure => {
                let [entry, domain, duration] = args.words()?;
                let domain = domain % 256;
                within(entry, ENTRIES - 2)?;
                within(domain, DOMAINS - 1)?;
                if duration >> DOMAIN_DURATION_BITS != 0 {
                    return Err(Error::InvalidArgument(2));
                }
                match duration {
                    0 if domain != 0 => return Err(Error::InvalidArgument(1)),
                    0 if entry == self.turns.start => return Err(Error::InvalidArgument(2)),
                    0 => self.turns.schedule.remove(&entry),
                    _ => self.turns.schedule.insert(entry, (domain as u8, duration)),
                };
            }
            I::DomainScheduleSetStart => {
                let [entry] = args.words()?;
                within(entry, ENTRIES - 1)?;
                if !self.turns.schedule.contains_key(&entry) {
                    return Err(Error::InvalidArgument(0));
                }
                self.turns.start = entry;
                self.turns.entry = None;
                self.turns.left = 0;
                if DOMAINS == 1 {
                    self.next_turn();
                }
                self.choose_anew();
            }
            _ => return Err(Error::IllegalOperation),
        }
        Ok(())
    }

    /// `at` runs in the turns of `domain` from now on.
    fn join(&mut self, at: Place, domain: u8) {
        self.stand_aside(at);
        if let Some(thread) = self.thread_mut(at) {
            thread.domain = domain;
        }
        if self.schedulable(at) {
            self.stand_first(at);
        }
        if self.current == Some(at) {
            self.choose_anew();
        }
    }
}
