//! The registers of a thread as message words.

use abi::Word;
use abi::riscv64::{UserContext, register};

/// Registers of a thread that others can read and write.
pub const REGISTER_COUNT: usize = register::LENGTH;

/// Names each field once, for both directions.
macro_rules! fields {
    ($($field:ident),* $(,)?) => {
        /// The registers in the order of the API.
        pub fn context_to_words(context: &UserContext) -> [Word; REGISTER_COUNT] {
            let UserContext { $($field),* } = *context;
            [$($field),*]
        }

        /// The registers from words in the order of the API.
        pub fn context_from_words(words: [Word; REGISTER_COUNT]) -> UserContext {
            let [$($field),*] = words;
            UserContext { $($field),* }
        }
    };
}

fields!(
    pc, ra, sp, gp, s0, s1, s2, s3, s4, s5, s6, s7, s8, s9, s10, s11, a0, a1, a2, a3, a4, a5, a6,
    a7, t0, t1, t2, t3, t4, t5, t6, tp,
);

/// The registers of a thread that is to begin at `ip` as a function with these arguments, its
/// stack growing down from `stack_top`.
pub fn starting_context(
    ip: Word,
    arguments: [Word; 3],
    stack_top: Word,
    thread_pointer: Word,
) -> UserContext {
    let [a0, a1, a2] = arguments;
    UserContext {
        pc: ip,
        sp: stack_top & !0xf,
        a0,
        a1,
        a2,
        tp: thread_pointer,
        ..UserContext::default()
    }
}
