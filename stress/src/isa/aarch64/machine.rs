//! Instructions that Rust cannot say.

use core::arch::global_asm;

// Whatever happens to the registers on the way, what the compiler wants to find again is on the
// stack, and only `x19` has to come back for that.
global_asm!(
    r#"
    .pushsection .text.stress_syscall, "ax", @progbits
    .global stress_syscall
    stress_syscall:
        stp x29, x30, [sp, #-112]!
        stp x19, x20, [sp, #16]
        stp x21, x22, [sp, #32]
        stp x23, x24, [sp, #48]
        stp x25, x26, [sp, #64]
        stp x27, x28, [sp, #80]
        str x0, [sp, #96]
        mov x19, sp
        ldr x7, [x0]
        ldr x1, [x0, #16]
        ldp x2, x3, [x0, #24]
        ldp x4, x5, [x0, #40]
        ldr x6, [x0, #56]
        ldr x8, [x0, #64]
        ldp x9, x10, [x0, #72]
        ldp x29, x11, [x0, #88]
        ldr x12, [x0, #104]
        msr nzcv, x12
        ldr x0, [x0, #8]
        mov sp, x11
        svc #0
    .global stress_after_syscall
    stress_after_syscall:
        mov sp, x19
        ldr x9, [sp, #96]
        stp x0, x1, [x9, #8]
        stp x2, x3, [x9, #24]
        stp x4, x5, [x9, #40]
        ldp x27, x28, [sp, #80]
        ldp x25, x26, [sp, #64]
        ldp x23, x24, [sp, #48]
        ldp x21, x22, [sp, #32]
        ldp x19, x20, [sp, #16]
        ldp x29, x30, [sp], #112
        ret
    // For threads that somebody has started with any registers: calls without a stack.
    .global stress_stub
    stress_stub:
        movz x9, #0xf42d
        movk x9, #0x5851, lsl #16
        mul x19, x19, x9
        movz x9, #0x7b7e
        movk x9, #0x1405, lsl #16
        add x19, x19, x9
        mov x7, #-1
        and x0, x19, #0xff
        movz x9, #0xfff3
        movk x9, #0x3, lsl #16
        and x1, x19, x9
        ror x2, x19, #7
        and x2, x2, #0xff
        svc #0
        b stress_stub
    .popsection
    "#
);

/// How many ways to fault there are.
pub(crate) const TRAPS: u64 = 24;

// `x1` is the address. Each ends with a return, for those that no fault ended.
global_asm!(
    r#"
    .arch_extension fp
    .arch_extension simd
    .pushsection .text.stress_trap, "ax", @progbits
    .global stress_trap
    stress_trap:
        adr x9, 2f
        add x9, x9, x0, lsl #4
        br x9
    .balign 16
    2:  udf #0
        ret
    .balign 16
        brk #7
        ret
    .balign 16
        ldr x2, [x1]
        ret
    .balign 16
        str x0, [x1]
        ret
    .balign 16
        br x1
    .balign 16
        msr daifset, #15
        ret
    .balign 16
        mrs x2, ttbr0_el1
        ret
    .balign 16
        msr vbar_el1, x1
        ret
    .balign 16
        eret
        ret
    .balign 16
        hvc #0
        ret
    .balign 16
        smc #0
        ret
    .balign 16
        wfi
        ret
    .balign 16
        wfe
        ret
    .balign 16
        mrs x2, cntvct_el0
        ret
    .balign 16
        mrs x2, pmccntr_el0
        ret
    .balign 16
        msr tpidr_el0, x1
        ret
    .balign 16
        dc civac, x1
        ret
    .balign 16
        dc zva, x1
        ret
    .balign 16
        ic ivau, x1
        ret
    .balign 16
        ldaxr x2, [x1]
        ret
    .balign 16
        b 3f
    .balign 16
        fmov d0, x1
        fadd d0, d0, d0
        ret
    .balign 16
        hlt #0xf000
        ret
    .balign 16
        at s1e0r, x1
        ret
    // A stack pointer that is misaligned.
    3:  mov x9, sp
        mov x10, #3
        mov sp, x10
        ldr x10, [sp]
        mov sp, x9
        ret
    .popsection
    "#
);
