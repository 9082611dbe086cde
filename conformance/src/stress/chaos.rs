//! Numbers without a plan, but the same ones for the same seed; most of them nearly right, so
//! that they get past the first check.

use crate::world::FREE_ADDRESS;
use abi::Word;

/// A source of numbers (xorshift).
pub(crate) struct Chaos(u64);

impl Chaos {
    /// From a seed; any but 0.
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed.max(1))
    }

    /// What to begin with next time, to go on from here.
    pub(crate) fn state(&self) -> u64 {
        self.0
    }

    /// Any number.
    pub(crate) fn any(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    /// A number below `limit`.
    pub(crate) fn below(&mut self, limit: u64) -> u64 {
        self.any() % limit
    }

    /// Whether a chance of one in `times` comes up.
    pub(crate) fn one_in(&mut self, times: u64) -> bool {
        self.below(times) == 0
    }

    /// A word that may mean something: a slot, a size, a type, an address, a limit.
    pub(crate) fn word(&mut self) -> Word {
        match self.below(12) {
            0..4 => self.below(64),
            4 => self.below(400),
            5 => 64,
            6 => FREE_ADDRESS + self.below(1 << 12) * 0x1000,
            7 => 1 << self.below(64),
            8 => (1 << self.below(64)) - 1,
            9 => Word::MAX - self.below(3),
            10 => 8 * self.below(32),
            _ => self.any(),
        }
    }

    /// The address of a capability: mostly one of the first `slots`.
    pub(crate) fn cap(&mut self, slots: Word) -> Word {
        if self.one_in(20) {
            self.word()
        } else {
            self.below(slots)
        }
    }
}
