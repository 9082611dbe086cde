//! Invocations: calls that the kernel answers itself.

use crate::cap::{CPtr, Capability};
use crate::error::{Error, Result};
use crate::message::{Message, Received};
use crate::syscalls;
use abi::Word;
use abi::{Invocation, LABELS};

/// The number that an invocation has in this profile; `None` if it has none.
pub fn label(invocation: Invocation) -> Option<Word> {
    LABELS.label(invocation)
}

/// Calls `object` with an invocation, its arguments and capabilities.
///
/// # Errors
/// The error that the kernel answers, or [`Error::NotInProfile`] without asking it.
pub fn invoke(
    object: impl Capability,
    invocation: Invocation,
    words: &[Word],
    caps: &[CPtr],
) -> Result<Received> {
    let label = label(invocation).ok_or(Error::NotInProfile)?;
    let reply = invoke_label(object, label, words, caps);
    match Error::decode(&reply) {
        None => Ok(reply),
        Some(error) => Err(error),
    }
}

/// Calls `object` with any label and hands back the bare reply: for tests of the errors.
pub fn invoke_label(
    object: impl Capability,
    label: Word,
    words: &[Word],
    caps: &[CPtr],
) -> Received {
    syscalls::call(
        object,
        Message::new(label).with_words(words).with_caps(caps),
    )
}

/// As [`invoke`], for invocations that answer nothing but success.
pub(crate) fn perform(
    object: impl Capability,
    invocation: Invocation,
    words: &[Word],
    caps: &[CPtr],
) -> Result {
    invoke(object, invocation, words, caps).map(|_| ())
}

/// As [`invoke`], for invocations that answer one word.
pub(crate) fn query(
    object: impl Capability,
    invocation: Invocation,
    words: &[Word],
    caps: &[CPtr],
) -> Result<Word> {
    invoke(object, invocation, words, caps).map(|reply| reply.words[0])
}
