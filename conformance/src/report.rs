//! How tests say what they found.

use core::fmt::{self, Write};
use core::panic::Location;
use user_api::Error;
use user_runtime::println;

/// Why a test did not pass.
pub(crate) enum Verdict {
    /// The kernel did something else.
    Failed(Text),
    /// This machine or build cannot show it.
    Skipped(&'static str),
}

/// What a test answers.
pub(crate) type Outcome<T = ()> = Result<T, Verdict>;

/// A short text without a heap; what does not fit is cut.
pub(crate) struct Text {
    bytes: [u8; 240],
    used: usize,
}

impl Text {
    fn new() -> Self {
        Self {
            bytes: [0; 240],
            used: 0,
        }
    }

    fn as_str(&self) -> &str {
        str::from_utf8(&self.bytes[..self.used]).unwrap_or("?")
    }
}

impl Write for Text {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for character in text.chars() {
            let end = self.used + character.len_utf8();
            let Some(place) = self.bytes.get_mut(self.used..end) else {
                break;
            };
            character.encode_utf8(place);
            self.used = end;
        }
        Ok(())
    }
}

/// A failure with this text and the place where it was noticed.
#[track_caller]
pub(crate) fn fail(what: fmt::Arguments<'_>) -> Verdict {
    let mut text = Text::new();
    let place = Location::caller();
    // Writing to a text never fails.
    let _ = write!(
        text,
        "{what} ({}:{})",
        place.file().rsplit('/').next().unwrap_or(""),
        place.line()
    );
    Verdict::Failed(text)
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
            Err(Verdict::Failed(why)) => {
                self.failed += 1;
                println!("test {name} ... FAILED: {}", why.as_str());
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
