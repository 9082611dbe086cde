//! The attackers: calls without sense, of which many have a chance to mean something.
//!
//! An attacker uses its stack, its IPC buffer, its board and the read-only part of the image, and
//! nothing else: no console, no thread-local storage, no panic that could be told.

use crate::alphabet::{self, Arg};
use crate::isa::{FLAGS, Registers, SELDOM, STRANGE_FLAGS};
use crate::layout::{self, Kind, PAGE, PLAYGROUND, RADIX};
use crate::machine;
use abi::ipc_buffer::{CAPS_OR_BADGES, MSG, RECEIVE_CNODE, RECEIVE_DEPTH, RECEIVE_INDEX};
use abi::{LABELS, MessageInfo, OBJECT_TYPES, Syscall, Word};
use core::sync::atomic::{AtomicU64, Ordering};

/// Numbers from a seed (splitmix64).
pub(crate) struct Numbers(u64);

impl Numbers {
    pub(crate) const fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// Less than `limit`, which is small.
    pub(crate) fn below(&mut self, limit: u64) -> u64 {
        (self.next() >> 32).wrapping_mul(limit) >> 32
    }

    /// True once in `n` times.
    fn once_in(&mut self, n: u64) -> bool {
        self.below(n) == 0
    }

    fn of<T: Copy + Default>(&mut self, list: &[T]) -> T {
        let index = self.below(list.len() as u64) as usize;
        list.get(index).copied().unwrap_or_default()
    }
}

/// First code of an attacker.
pub(crate) extern "C" fn begin(id: Word, seed: Word) -> ! {
    let mut attacker = Attacker {
        id: id as usize % layout::ATTACKERS,
        numbers: Numbers::new(seed),
        kind: Kind::Any,
    };
    loop {
        attacker.count(0);
        attacker.act();
    }
}

struct Attacker {
    id: usize,
    numbers: Numbers,
    /// The kind of capability that the current call is about.
    kind: Kind,
}

impl Attacker {
    /// One more in a word of the board: 0 calls begun, 1 invocations that succeeded.
    fn count(&self, word: usize) {
        let board =
            core::ptr::with_exposed_provenance::<AtomicU64>(layout::board(self.id) as usize);
        // SAFETY: the supervisor has mapped the board there; if somebody has unmapped it, the
        // attacker faults, as it may.
        let place = unsafe { &*board.wrapping_add(word) };
        place.fetch_add(1, Ordering::Relaxed);
    }

    fn act(&mut self) {
        match self.numbers.below(100) {
            0..=36 => self.invoke(Syscall::Call),
            // A call with a capability that is not there is a fault; this is not.
            37..=66 => self.invoke(Syscall::NbSend),
            67..=70 => {
                let by = [
                    Syscall::Send,
                    Syscall::Send,
                    Syscall::NbSendRecv,
                    Syscall::NbSendWait,
                    Syscall::ReplyRecv,
                    Syscall::Call,
                ];
                let index = self.numbers.below(by.len() as u64) as usize;
                self.invoke(by.get(index).copied().unwrap_or(Syscall::Call));
            }
            71..=88 => self.talk(),
            89 => {
                self.call(Syscall::Yield.number() as u64, Registers::default());
            }
            90..=94 => {
                let mut registers = self.noise();
                registers.cap = self.cptr();
                let length = self.numbers.below(14) as usize;
                let label = self.numbers.below(LABELS.count() + 3);
                registers.info = MessageInfo::new(label, 0, length % 4, length).0;
                let number = self.number();
                self.call(number, registers);
            }
            95..=98 => {
                let (number, registers) = (self.number(), self.noise());
                self.call(number, registers);
            }
            _ => {
                let at = self.address();
                machine::trap(self.numbers.next() >> 8, at);
            }
        }
    }

    /// Invokes something.
    fn invoke(&mut self, by: Syscall) {
        let index = self.numbers.below(alphabet::operations() as u64) as usize;
        let Some(operation) = alphabet::operation(index) else {
            return;
        };
        let moving = self.numbers.below(Kind::MOVING.len() as u64) as usize;
        self.kind = Kind::MOVING.get(moving).copied().unwrap_or(Kind::Any);
        let mut words = [0; 24];
        for (word, arg) in words.iter_mut().zip(operation.words) {
            *word = self.word(*arg);
        }
        let mut caps = [0; 3];
        for (cap, kind) in caps.iter_mut().zip(operation.caps) {
            *cap = self.pick(*kind);
        }
        let mut length = operation.words.len();
        let mut extra = operation.caps.len();
        let mut label = LABELS.label(operation.invocation).unwrap_or(0);
        match self.numbers.below(24) {
            0 => length = self.numbers.below(128) as usize,
            1 => extra = self.numbers.below(4) as usize,
            2 => label = self.numbers.below(LABELS.count() + 2),
            3..=5 => {
                let place = self.numbers.below(length.max(1) as u64) as usize;
                if let Some(word) = words.get_mut(place) {
                    *word = self.weird();
                }
            }
            6 => {
                let place = self.numbers.below(3) as usize;
                if let Some(cap) = caps.get_mut(place) {
                    *cap = self.cptr();
                }
            }
            _ => {}
        }
        let service = self.pick(operation.service);
        let info = MessageInfo::new(label, 0, extra, length).0;
        let answer = self.send(by, service, info, &words, &caps);
        if by == Syscall::Call && MessageInfo(answer).label() == 0 {
            self.count(1);
        }
    }

    /// Sends to, and receives from, whoever there is.
    fn talk(&mut self) {
        const CALLS: [Syscall; 16] = [
            Syscall::Call,
            Syscall::Call,
            Syscall::Send,
            Syscall::NbSend,
            Syscall::NbSend,
            Syscall::NbSend,
            Syscall::NbSendRecv,
            Syscall::NbSendWait,
            Syscall::NbRecv,
            Syscall::NbRecv,
            Syscall::NbWait,
            Syscall::NbWait,
            Syscall::Recv,
            Syscall::Recv,
            Syscall::Wait,
            Syscall::ReplyRecv,
        ];
        let index = self.numbers.below(CALLS.len() as u64) as usize;
        let by = CALLS.get(index).copied().unwrap_or(Syscall::Yield);
        let kind = match self.numbers.below(4) {
            0 | 1 => Kind::Endpoint,
            2 => Kind::Notification,
            _ => Kind::Reply,
        };
        let to = self.pick(kind);
        let length = self.numbers.below(8) as usize;
        let extra = self.numbers.of(&[0, 0, 0, 0, 1, 1, 2, 3]);
        let words: [Word; 24] = core::array::from_fn(|_| self.numbers.next() >> 1);
        let caps = core::array::from_fn(|_| self.cptr());
        let label = if self.numbers.once_in(3) { 0 } else { 1 };
        let info = MessageInfo::new(label, 0, extra, length).0;
        self.send(by, to, info, &words, &caps);
    }

    fn send(
        &mut self,
        by: Syscall,
        to: Word,
        info: Word,
        words: &[Word; 24],
        caps: &[Word; 3],
    ) -> Word {
        let [w0, w1, w2, w3, ..] = *words;
        for (index, word) in words.iter().enumerate().skip(4) {
            self.write(MSG + index, *word);
        }
        for (index, cap) in caps.iter().enumerate() {
            self.write(CAPS_OR_BADGES + index, *cap);
        }
        let receive = [self.pick(Kind::Root), self.pick(Kind::Any), 64];
        for (place, word) in [RECEIVE_CNODE, RECEIVE_INDEX, RECEIVE_DEPTH]
            .into_iter()
            .zip(receive)
        {
            let word = if self.numbers.once_in(16) {
                self.weird()
            } else {
                word
            };
            self.write(place, word);
        }
        let (reply, endpoint) = (self.pick(Kind::Reply), self.pick(Kind::Endpoint));
        // The combined calls receive from the first register's capability and send to another's.
        let (first, second, last) = match by {
            Syscall::NbSendRecv => (endpoint, reply, to),
            Syscall::NbSendWait => (endpoint, to, reply),
            _ => (to, reply, endpoint),
        };
        let registers = Registers {
            cap: first,
            info,
            words: [w0, w1, w2, w3],
            reply: second,
            destination: last,
            ..Registers::default()
        };
        self.call(by.number() as u64, registers)
    }

    /// Makes the call; what comes back as the message's description.
    fn call(&mut self, number: u64, mut registers: Registers) -> Word {
        registers.number = number;
        registers.stack = self.numbers.next();
        registers.flags = FLAGS;
        if self.numbers.once_in(32) {
            registers.flags |= self.numbers.of(&STRANGE_FLAGS);
            if self.numbers.once_in(32) {
                registers.flags |= SELDOM;
            }
        }
        machine::syscall(&mut registers);
        registers.info
    }

    fn write(&self, index: usize, word: Word) {
        let place = layout::buffer(self.id) + (index * size_of::<Word>()) as Word;
        let place = core::ptr::with_exposed_provenance_mut::<Word>(place as usize);
        // SAFETY: a word of the attacker's own buffer; if somebody has unmapped it, the attacker
        // faults, as it may.
        unsafe { place.write_volatile(word) };
    }

    /// All registers at random.
    fn noise(&mut self) -> Registers {
        Registers {
            number: 0,
            cap: self.weird(),
            info: self.weird(),
            words: core::array::from_fn(|_| self.weird()),
            reply: self.cptr(),
            destination: self.cptr(),
            others: core::array::from_fn(|_| self.weird()),
            stack: 0,
            flags: 0,
        }
    }

    /// A system call's number, mostly one that exists. Not the calls that stop the machine:
    /// that is what `DebugHalt` is for, and `DebugNameThread` without a thread.
    fn number(&mut self) -> u64 {
        let number = match self.numbers.below(32) {
            0 => self.weird().cast_signed(),
            1 => -12 - self.numbers.below(30).cast_signed(),
            _ => -1 - self.numbers.below(11).cast_signed(),
        };
        let stops = [Syscall::DebugHalt, Syscall::DebugNameThread];
        // These print, for long or what nobody wants to read.
        let prints = [
            Syscall::DebugSnapshot,
            Syscall::DebugDumpScheduler,
            Syscall::DebugPutChar,
        ];
        let is = |calls: &[Syscall]| calls.iter().any(|call| call.number() == number);
        let prints = is(&prints) && !self.numbers.once_in(64);
        if is(&stops) || prints {
            Syscall::Yield.number() as u64
        } else {
            number as u64
        }
    }

    /// A slot where such a capability may be.
    fn pick(&mut self, kind: Kind) -> Word {
        let (first, count) = kind.slots();
        if kind == Kind::Any {
            let moving = self.numbers.below(Kind::MOVING.len() as u64) as usize;
            let kind = Kind::MOVING.get(moving).copied().unwrap_or(Kind::Frame);
            return self.pick(kind);
        }
        let among = if self.numbers.below(8) < 5 {
            kind.full()
        } else {
            count
        };
        first + self.numbers.below(among)
    }

    /// An address in the capability space.
    fn cptr(&mut self) -> Word {
        match self.numbers.below(16) {
            0 => self.weird(),
            1 => 0,
            2 => self.numbers.below(1 << RADIX),
            _ => self.pick(Kind::Any),
        }
    }

    /// A word that code is easily surprised by.
    fn weird(&mut self) -> Word {
        match self.numbers.below(8) {
            0 | 1 => self.numbers.next(),
            2 => self.numbers.below(16),
            3 => 1 << self.numbers.below(64),
            4 => u64::MAX << self.numbers.below(64),
            5 => self.address(),
            6 => self.numbers.below(1 << RADIX),
            _ => self.numbers.next() >> self.numbers.below(64),
        }
    }

    /// An address in memory, or where none can be.
    fn address(&mut self) -> Word {
        let list = [
            0,
            PLAYGROUND + self.numbers.below(16) * PAGE,
            PLAYGROUND + self.numbers.next() % (64 << 20),
            layout::buffer(self.id),
            layout::board(self.id) + PAGE,
            0x40_0000,
            0x7fff_ffff_f000,
            0x7fff_ffff_ffff,
            0x8000_0000_0000,
            0xffff_8000_0000_0000,
            0xffff_ff80_0000_0000,
            0xffff_ffff_8000_0000,
            u64::MAX - 7,
            1 << 47,
            self.numbers.next(),
        ];
        self.numbers.of(&list)
    }

    fn word(&mut self, arg: Arg) -> Word {
        match arg {
            Arg::Full => self.pick(self.kind),
            Arg::Empty => {
                let (first, count) = self.kind.slots();
                let full = self.kind.full();
                first + full + self.numbers.below(count - full)
            }
            Arg::Depth => 64,
            Arg::ShortDepth => 1 + self.numbers.below(5),
            Arg::Among(list) => self.numbers.of(list),
            Arg::Badge => self.numbers.of(&[0, 1, 2, 3, 0, 0x4000, 0xe3, 1 << 63]),
            Arg::Small => self.numbers.below(6),
            Arg::Flag => self.numbers.below(2),
            Arg::Priority => 90 + self.numbers.below(16),
            Arg::Time => self.numbers.of(&[10, 20, 100, 1_000, 1_000, 5_000, 10_000]),
            Arg::Page => match self.numbers.below(8) {
                0 => self.address(),
                n => PLAYGROUND + n * PAGE,
            },
            Arg::Type => {
                let known = self.kind.object();
                let number = known.and_then(|(object, _)| OBJECT_TYPES.number(object));
                number.unwrap_or_else(|| self.numbers.below(OBJECT_TYPES.count() + 1))
            }
            Arg::Size => {
                let sizes = self.kind.object().map_or([4, 12], |(_, sizes)| sizes);
                self.numbers.of(&sizes).into()
            }
            Arg::Zero => 0,
            Arg::Buffer => {
                let at = layout::buffer(self.id);
                self.numbers
                    .of(&[at, at, at, 0, PLAYGROUND, at + 0x400, at + 8])
            }
            Arg::Registers => self.numbers.of(&[1, 1, 2, 3, 18, 20, 20, 25]),
            Arg::Code => match self.numbers.below(4) {
                0 => self.address(),
                1 => self.numbers.next(),
                _ => machine::stub(),
            },
            Arg::Word => self.weird(),
        }
    }
}
