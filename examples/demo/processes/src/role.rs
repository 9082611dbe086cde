//! Who is who: the number that tells a process from the others wherever it appears, as badge of
//! its messages to the console and of its faults.

use abi::Word;

/// A process of the demo system.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum Role {
    /// Drives the serial line.
    Serial = 1,
    /// Drives the timer.
    Timer,
    /// Handles everybody's faults; repairs the wanderer's.
    Pager,
    /// Touches memory that is not there.
    Wanderer,
    /// Answers the client, on the client's time.
    Server,
    /// Asks the server.
    Client,
    /// Spins with little time.
    Thrifty,
    /// Spins with all the time it can get.
    Greedy,
    /// Reaches for memory that is not its own.
    Trespasser,
}

impl Role {
    /// All, in the order of their numbers.
    pub const ALL: [Self; 9] = [
        Self::Serial,
        Self::Timer,
        Self::Pager,
        Self::Wanderer,
        Self::Server,
        Self::Client,
        Self::Thrifty,
        Self::Greedy,
        Self::Trespasser,
    ];

    /// Its number.
    pub const fn badge(self) -> Word {
        self as Word
    }

    /// Whose number this is.
    pub fn of_badge(badge: Word) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.badge() == badge)
    }

    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Serial => "serial",
            Self::Timer => "timer",
            Self::Pager => "pager",
            Self::Wanderer => "wanderer",
            Self::Server => "server",
            Self::Client => "client",
            Self::Thrifty => "thrifty",
            Self::Greedy => "greedy",
            Self::Trespasser => "trespasser",
        }
    }

    /// What it is for, in a few words.
    pub const fn purpose(self) -> &'static str {
        match self {
            Self::Serial => "drives the serial line by its interrupt",
            Self::Timer => "drives the timer by its interrupt",
            Self::Pager => "handles faults, repairs the wanderer's",
            Self::Wanderer => "touches memory that is not there",
            Self::Server => "passive: runs on its callers' time",
            Self::Client => "asks the server",
            Self::Thrifty => "spins, throttled by its budget",
            Self::Greedy => "spins with what time is left",
            Self::Trespasser => "reaches for memory that is not its own",
        }
    }
}
