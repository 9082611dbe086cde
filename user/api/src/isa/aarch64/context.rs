//! The registers of a thread as message words.

use abi::aarch64::{UserContext, initial_spsr, register};
use abi::{FLAVOUR, Word};

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
    pc,
    sp,
    spsr,
    x0,
    x1,
    x2,
    x3,
    x4,
    x5,
    x6,
    x7,
    x8,
    x16,
    x17,
    x18,
    x29,
    x30,
    x9,
    x10,
    x11,
    x12,
    x13,
    x14,
    x15,
    x19,
    x20,
    x21,
    x22,
    x23,
    x24,
    x25,
    x26,
    x27,
    x28,
    tpidr_el0,
    tpidrro_el0,
);

/// The registers of a thread that is to begin at `ip` as a function with these arguments, its
/// stack growing down from `stack_top`.
pub fn starting_context(
    ip: Word,
    arguments: [Word; 3],
    stack_top: Word,
    thread_pointer: Word,
) -> UserContext {
    let [x0, x1, x2] = arguments;
    UserContext {
        pc: ip,
        sp: stack_top & !0xf,
        spsr: initial_spsr(FLAVOUR),
        x0,
        x1,
        x2,
        tpidr_el0: thread_pointer,
        ..UserContext::default()
    }
}
