//! How tests say what they found.

use core::fmt::{self, Write};
use core::panic::Location;
use core::sync::atomic::{AtomicU8, AtomicUsize, Ordering};
use user_api::Error;
use user_runtime::{print, println};

/// Why a test did not pass.
#[derive(Debug)]
pub(crate) enum Verdict {
    /// The kernel did something else; [`WHY`] tells what.
    Failed,
    /// This machine or build cannot show it.
    Skipped(&'static str),
}

/// What a test answers.
pub(crate) type Outcome<T = ()> = Result<T, Verdict>;

/// The text of the last failure. Only the driver writes and reads it.
static WHY: Text = Text {
    bytes: [const { AtomicU8::new(0) }; 240],
    used: AtomicUsize::new(0),
};

/// A short text without a heap; what does not fit is cut.
struct Text {
    bytes: [AtomicU8; 240],
    used: AtomicUsize,
}

impl Text {
    fn print(&self) {
        let bytes = self
            .bytes
            .each_ref()
            .map(|byte| byte.load(Ordering::Relaxed));
        let used = self.used.load(Ordering::Relaxed);
        let text = bytes.get(..used).unwrap_or_default();
        print!(
            "{}",
            str::from_utf8(text).unwrap_or("(a text that was cut inside a character)")
        );
    }
}

impl Write for &Text {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for byte in text.bytes() {
            let used = self.used.load(Ordering::Relaxed);
            let Some(place) = self.bytes.get(used) else {
                break;
            };
            place.store(byte, Ordering::Relaxed);
            self.used.store(used + 1, Ordering::Relaxed);
        }
        Ok(())
    }
}

/// A failure with this text and the place where it was noticed.
#[track_caller]
pub(crate) fn fail(what: fmt::Arguments<'_>) -> Verdict {
    let place = Location::caller();
    let file = place.file().rsplit('/').next().unwrap_or("");
    WHY.used.store(0, Ordering::Relaxed);
    // Writing to a text never fails.
    let _ = write!(&mut &WHY, "{what} ({file}:{})", place.line());
    Verdict::Failed
}

impl From<Error> for Verdict {
    #[track_caller]
    fn from(error: Error) -> Self {
        fail(format_args!("unexpected error {error:?}"))
    }
}

/// Something must hold.
macro_rules! check {
    ($condition:expr) => {
        $crate::report::check!($condition, "not so: {}", stringify!($condition))
    };
    ($condition:expr, $($why:tt)+) => {
        if !$condition {
            return Err($crate::report::fail(format_args!($($why)+)));
        }
    };
}

/// Two values must be equal.
macro_rules! check_eq {
    ($found:expr, $wanted:expr) => {
        $crate::report::check_eq!($found, $wanted, "{}", stringify!($found))
    };
    ($found:expr, $wanted:expr, $($what:tt)+) => {{
        let (found, wanted) = ($found, $wanted);
        if found != wanted {
            return Err($crate::report::fail(format_args!("{}: {found:?}, not {wanted:?}", format_args!($($what)+))));
        }
    }};
}

/// The test cannot show anything here.
macro_rules! skip {
    ($why:literal) => {
        return Err($crate::report::Verdict::Skipped($why))
    };
}
pub(crate) use {check, check_eq, skip};

/// Counts outcomes and prints their lines.
#[derive(Default)]
pub(crate) struct Tally {
    passed: u32,
    failed: u32,
    skipped: u32,
}

impl Tally {
    /// One test is over.
    pub(crate) fn count(&mut self, name: &str, outcome: &Outcome) {
        match outcome {
            Ok(()) => {
                self.passed += 1;
                println!("test {name} ... ok");
            }
            Err(Verdict::Failed) => {
                self.failed += 1;
                print!("test {name} ... FAILED: ");
                WHY.print();
                println!();
            }
            Err(Verdict::Skipped(why)) => {
                self.skipped += 1;
                println!("test {name} ... skipped: {why}");
            }
        }
    }

    /// All are over: the closing line, and the exit code.
    pub(crate) fn close(self) -> u32 {
        let Self {
            passed,
            failed,
            skipped,
        } = self;
        println!("conformance: {passed} passed, {failed} failed, {skipped} skipped");
        u32::from(failed > 0 || passed == 0)
    }
}
