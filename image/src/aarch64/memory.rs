//! Copying and clearing memory: what compiled code calls for more than a few words. The compiler's
//! own functions go word by word. Memory is not a device's and the MMU is on, so that nothing need
//! be aligned.

use core::arch::global_asm;

global_asm!(
    r#"
    .pushsection .text.memory, "ax", @progbits
    .balign 64
    .global memcpy
    .type memcpy, %function
    memcpy:
        mov x3, x0
        subs x2, x2, #32
        b.lo 2f
    1:  ldp x4, x5, [x1], #16
        ldp x6, x7, [x1], #16
        stp x4, x5, [x3], #16
        stp x6, x7, [x3], #16
        subs x2, x2, #32
        b.hs 1b
    2:  tbz x2, #4, 3f
        ldp x4, x5, [x1], #16
        stp x4, x5, [x3], #16
    3:  tbz x2, #3, 4f
        ldr x4, [x1], #8
        str x4, [x3], #8
    4:  tbz x2, #2, 5f
        ldr w4, [x1], #4
        str w4, [x3], #4
    5:  tbz x2, #1, 6f
        ldrh w4, [x1], #2
        strh w4, [x3], #2
    6:  tbz x2, #0, 7f
        ldrb w4, [x1]
        strb w4, [x3]
    7:  ret
    .size memcpy, . - memcpy

    .balign 64
    .global memset
    .type memset, %function
    memset:
        mov x3, x0
        and x1, x1, #0xff
        orr x1, x1, x1, lsl #8
        orr x1, x1, x1, lsl #16
        orr x1, x1, x1, lsl #32
        subs x2, x2, #32
        b.lo 2f
    1:  stp x1, x1, [x3], #16
        stp x1, x1, [x3], #16
        subs x2, x2, #32
        b.hs 1b
    2:  tbz x2, #4, 3f
        stp x1, x1, [x3], #16
    3:  tbz x2, #3, 4f
        str x1, [x3], #8
    4:  tbz x2, #2, 5f
        str w1, [x3], #4
    5:  tbz x2, #1, 6f
        strh w1, [x3], #2
    6:  tbz x2, #0, 7f
        strb w1, [x3]
    7:  ret
    .size memset, . - memset
    .popsection
    "#
);
