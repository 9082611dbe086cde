//! The registers of a thread as message words.

use abi::Word;
use abi::x86_64::{INITIAL_RFLAGS, UserContext, register};

/// Registers of a thread that others can read and write.
pub const REGISTER_COUNT: usize = register::LENGTH;

/// The registers in the order of the API.
pub fn context_to_words(context: &UserContext) -> [Word; REGISTER_COUNT] {
    let UserContext {
        rip,
        rsp,
        rflags,
        rax,
        rbx,
        rcx,
        rdx,
        rsi,
        rdi,
        rbp,
        r8,
        r9,
        r10,
        r11,
        r12,
        r13,
        r14,
        r15,
        fs_base,
        gs_base,
    } = *context;
    [
        rip, rsp, rflags, rax, rbx, rcx, rdx, rsi, rdi, rbp, r8, r9, r10, r11, r12, r13, r14, r15,
        fs_base, gs_base,
    ]
}

/// The registers from words in the order of the API.
pub fn context_from_words(words: [Word; REGISTER_COUNT]) -> UserContext {
    let [
        rip,
        rsp,
        rflags,
        rax,
        rbx,
        rcx,
        rdx,
        rsi,
        rdi,
        rbp,
        r8,
        r9,
        r10,
        r11,
        r12,
        r13,
        r14,
        r15,
        fs_base,
        gs_base,
    ] = words;
    UserContext {
        rip,
        rsp,
        rflags,
        rax,
        rbx,
        rcx,
        rdx,
        rsi,
        rdi,
        rbp,
        r8,
        r9,
        r10,
        r11,
        r12,
        r13,
        r14,
        r15,
        fs_base,
        gs_base,
    }
}

/// The registers of a thread that is to begin at `ip` as a function with these arguments, its
/// stack growing down from `stack_top` (0: it has none yet).
pub fn starting_context(
    ip: Word,
    arguments: [Word; 3],
    stack_top: Word,
    thread_pointer: Word,
) -> UserContext {
    let [rdi, rsi, rdx] = arguments;
    // A function expects the stack as a call leaves it: 8 below a multiple of 16.
    let rsp = (stack_top & !0xf).saturating_sub(8);
    UserContext {
        rip: ip,
        rsp,
        rflags: INITIAL_RFLAGS,
        rdi,
        rsi,
        rdx,
        fs_base: thread_pointer,
        ..UserContext::default()
    }
}
