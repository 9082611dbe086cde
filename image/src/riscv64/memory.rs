//! Copying and clearing memory: what compiled code calls for more than a few words. The compiler's
//! own functions go word by word.

use core::arch::global_asm;

global_asm!(
    r#"
    .pushsection .text.memory, "ax", @progbits
    .balign 64
    .global memcpy
    .type memcpy, @function
    memcpy:
        mv a3, a0
        or a4, a0, a1
        andi a4, a4, 7
        bnez a4, 4f
        addi a2, a2, -32
        bltz a2, 2f
    1:  ld a4, 0(a1)
        ld a5, 8(a1)
        ld a6, 16(a1)
        ld a7, 24(a1)
        addi a1, a1, 32
        sd a4, 0(a3)
        sd a5, 8(a3)
        sd a6, 16(a3)
        sd a7, 24(a3)
        addi a3, a3, 32
        addi a2, a2, -32
        bgez a2, 1b
    2:  addi a2, a2, 24
        bltz a2, 3f
        ld a4, 0(a1)
        sd a4, 0(a3)
        addi a1, a1, 8
        addi a3, a3, 8
        addi a2, a2, -32
        j 2b
    3:  addi a2, a2, 8
    4:  beqz a2, 6f
        add a2, a2, a1
    5:  lbu a4, 0(a1)
        addi a1, a1, 1
        sb a4, 0(a3)
        addi a3, a3, 1
        bne a1, a2, 5b
    6:  ret
    .size memcpy, . - memcpy

    .balign 64
    .global memset
    .type memset, @function
    memset:
        mv a3, a0
        andi a4, a0, 7
        bnez a4, 4f
        andi a1, a1, 0xff
        slli a4, a1, 8
        or a1, a1, a4
        slli a4, a1, 16
        or a1, a1, a4
        slli a4, a1, 32
        or a1, a1, a4
        addi a2, a2, -64
        bltz a2, 2f
    1:  sd a1, 0(a3)
        sd a1, 8(a3)
        sd a1, 16(a3)
        sd a1, 24(a3)
        sd a1, 32(a3)
        sd a1, 40(a3)
        sd a1, 48(a3)
        sd a1, 56(a3)
        addi a3, a3, 64
        addi a2, a2, -64
        bgez a2, 1b
    2:  addi a2, a2, 56
        bltz a2, 3f
        sd a1, 0(a3)
        addi a3, a3, 8
        addi a2, a2, -64
        j 2b
    3:  addi a2, a2, 8
    4:  beqz a2, 6f
        add a2, a2, a3
    5:  sb a1, 0(a3)
        addi a3, a3, 1
        bne a3, a2, 5b
    6:  ret
    .size memset, . - memset
    .popsection
    "#
);
