//! The messages between the parts, by their labels.

use abi::Word;

/// The badge of a driver's interrupt; the badges of messages are the numbers of roles.
pub const INTERRUPT_BADGE: Word = 1 << 32;
/// The label of an answer that refuses.
pub const REFUSED: Word = 1;

/// To the serial driver.
pub mod serial {
    use abi::Word;

    /// Print. Word 0: how many bytes; then the bytes, eight to a word.
    pub const WRITE: Word = 1;
    /// Wait for input. The answer has the same form; `REFUSED` if somebody waits already.
    pub const READ: Word = 2;
    /// Most bytes of a message.
    pub const MOST_BYTES: usize = 240;
    /// Most words of a message.
    pub const MOST_WORDS: usize = 1 + MOST_BYTES / 8;
}

/// To the timer driver.
pub mod timer {
    use abi::Word;

    /// Signal `SIGNAL` every word 0 microseconds, word 1 times. `REFUSED` for periods that the
    /// device cannot count.
    pub const START: Word = 1;
    /// The answer's word 0: how many ticks there were since the system started.
    pub const TICKS: Word = 2;
}

/// To the server.
pub mod server {
    use abi::Word;

    /// Answer with as many words.
    pub const ECHO: Word = 1;
    /// Add the squares of the numbers from 1 to word 0. The answer's word 0 is the sum, word 1
    /// what [`clock`](crate::clock) counted meanwhile.
    pub const SUM: Word = 2;
}

/// What the client asks the server for, in a conversation.
pub const QUESTIONS: [Word; 3] = [10, 1_000, 100_000];

/// To the wanderer.
pub mod wanderer {
    use abi::Word;

    /// Write to each page of [`BEACH`] and read it back. The answer's word 0 is how many pages
    /// held what was written.
    pub const WALK: Word = 1;
    /// Addresses where nothing is mapped, until the pager does it.
    pub const BEACH: core::ops::Range<Word> = 0x2001_0000..0x2001_3000;
}

/// To the pager, besides the faults, whose labels are below this.
pub mod pager {
    use abi::Word;

    /// Take all pages back. The answer's word 0 is how many there were.
    pub const RECLAIM: Word = 0x100;
}
