//! The threads of tests.
//!
//! A body is a plain function; what it is told and what it found lies in its [`Board`], a row of
//! words that driver and thread share.

use core::sync::atomic::{AtomicU64, Ordering};
use user_api::{CPtr, Capability, Word};
use user_runtime::thread::ThreadArea;

/// How many threads a test may have.
pub(crate) const THREADS: usize = 6;
/// Words of a board.
const WORDS: usize = 32;

const STACK: usize = 16 << 10;

static AREAS: [ThreadArea<STACK>; THREADS] = [const { ThreadArea::new() }; THREADS];
static BOARDS: Boards = Boards([const { Board([const { AtomicU64::new(0) }; WORDS]) }; THREADS]);

/// The boards have pages of their own, so that they can be mapped without anything else.
#[repr(align(4096))]
struct Boards([Board; THREADS]);

/// The addresses of all that threads write: their memory and their boards. Whole pages.
pub(crate) fn writable() -> [core::ops::Range<usize>; 2] {
    let areas = (&raw const AREAS).addr();
    let boards = (&raw const BOARDS).addr();
    [
        areas..areas + size_of_val(&AREAS),
        boards..boards + size_of_val(&BOARDS),
    ]
}

/// Memory for thread number `index`.
pub(crate) fn area(index: usize) -> &'static ThreadArea<STACK> {
    &AREAS[index]
}

/// The board of thread number `index`.
pub(crate) fn board(index: usize) -> &'static Board {
    &BOARDS.0[index]
}

/// What a thread of a test runs.
pub(crate) type Body = fn(&'static Board);

/// Words that driver and thread share. By convention the first ones tell the thread what it
/// needs, and later ones tell the driver what it found.
pub(crate) struct Board([AtomicU64; WORDS]);

impl Board {
    /// Reads a word.
    pub(crate) fn get(&self, index: usize) -> Word {
        self.0[index].load(Ordering::SeqCst)
    }

    /// Writes a word.
    pub(crate) fn set(&self, index: usize, value: Word) {
        self.0[index].store(value, Ordering::SeqCst);
    }

    /// Adds one to a word.
    pub(crate) fn add(&self, index: usize) {
        self.0[index].fetch_add(1, Ordering::SeqCst);
    }

    /// Reads a word as a capability.
    pub(crate) fn cap<C: Capability>(&self, index: usize) -> C {
        CPtr::new(self.get(index)).cast()
    }

    /// Clears all words, then writes the first ones.
    pub(crate) fn fill(&self, words: &[Word]) {
        for (index, place) in self.0.iter().enumerate() {
            place.store(words.get(index).copied().unwrap_or(0), Ordering::SeqCst);
        }
    }
}

/// The word of a board in which every thread's body is kept by the harness.
pub(crate) const BODY: usize = WORDS - 1;

/// First code of every test thread; `index` is its number.
pub(crate) extern "C" fn begin(index: Word) {
    let board = board(index as usize);
    let body = bodies::get(index as usize);
    if let Some(body) = body {
        body(board);
    }
    board.set(BODY, 1);
}

/// Which body each thread runs.
pub(crate) mod bodies {
    use super::{Body, THREADS};
    use core::cell::Cell;

    struct Table([Cell<Option<Body>>; THREADS]);

    // SAFETY: an entry is written by the driver before its thread starts, and only read later.
    #[expect(unsafe_code, reason = "function pointers cannot be kept in atomics")]
    unsafe impl Sync for Table {}

    static TABLE: Table = Table([const { Cell::new(None) }; THREADS]);

    pub(crate) fn set(index: usize, body: Body) {
        TABLE.0[index].set(Some(body));
    }

    pub(crate) fn get(index: usize) -> Option<Body> {
        TABLE.0[index].get()
    }
}
