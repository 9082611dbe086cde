//! Calls to explore with.

use crate::model::Request;
use abi::Word;
use abi::invocation::{Invocation, LABELS};
use abi::object::{OBJECT_TYPES, ObjectType};
use abi::syscall::Syscall;

/// An invocation by Call.
pub fn invoke(cap: Word, invocation: Invocation, words: &[Word], caps: &[Word]) -> Request {
    Request {
        syscall: Syscall::Call.number(),
        cap,
        reply: 0,
        destination: 0,
        label: LABELS.label(invocation).unwrap_or(Word::MAX >> 12),
        words: words.to_vec(),
        caps: caps.to_vec(),
    }
}

/// The operations on slots of the CNode of `2^radix` slots whose capability is in slot `own` of
/// itself, between any two of `slots`.
pub fn cnode(
    own: Word,
    radix: Word,
    slots: &[Word],
    rights: &[Word],
    badges: &[Word],
) -> Vec<Request> {
    let mut calls = vec![];
    for &slot in slots {
        let words = [slot, radix];
        calls.push(invoke(own, Invocation::CNodeDelete, &words, &[]));
        calls.push(invoke(own, Invocation::CNodeRevoke, &words, &[]));
        for &from in slots {
            let two = |extra: &[Word]| [&[slot, radix, from, radix], extra].concat();
            calls.push(invoke(own, Invocation::CNodeMove, &two(&[]), &[own]));
            for &right in rights {
                calls.push(invoke(own, Invocation::CNodeCopy, &two(&[right]), &[own]));
            }
            for &badge in badges {
                calls.push(invoke(
                    own,
                    Invocation::CNodeMint,
                    &two(&[15, badge]),
                    &[own],
                ));
            }
        }
    }
    calls
}

/// Mutate and Rotate between any of `slots`.
pub fn rotate(own: Word, radix: Word, slots: &[Word], data: Word) -> Vec<Request> {
    let mut calls = vec![];
    for &to in slots {
        for &from in slots {
            let words = [to, radix, from, radix, data];
            calls.push(invoke(own, Invocation::CNodeMutate, &words, &[own]));
            for &pivot in slots {
                let words = [to, radix, data, pivot, radix, data, from, radix];
                calls.push(invoke(own, Invocation::CNodeRotate, &words, &[own, own]));
            }
        }
    }
    calls
}

/// Retype of the untyped in each of `untypeds` to each of `kinds`, at each of `offsets` of the
/// CNode in `node`.
pub fn retype(
    untypeds: &[Word],
    node: Word,
    offsets: &[Word],
    counts: &[Word],
    kinds: &[(ObjectType, Word)],
) -> Vec<Request> {
    let mut calls = vec![];
    for &untyped in untypeds {
        for &(kind, bits) in kinds {
            let number = OBJECT_TYPES.number(kind).unwrap_or(Word::MAX);
            for &offset in offsets {
                for &count in counts {
                    let words = [number, bits, 0, 0, offset, count];
                    calls.push(invoke(untyped, Invocation::UntypedRetype, &words, &[node]));
                }
            }
        }
    }
    calls
}

/// A system call that sends or receives.
pub fn talk(syscall: Syscall, cap: Word, reply: Word, destination: Word) -> Request {
    Request {
        syscall: syscall.number(),
        cap,
        reply,
        destination,
        label: 0,
        words: vec![],
        caps: vec![],
    }
}

/// The same with a message.
pub fn saying(request: Request, label: Word, words: &[Word], caps: &[Word]) -> Request {
    Request {
        label,
        words: words.to_vec(),
        caps: caps.to_vec(),
        ..request
    }
}
