//! Instructions that Rust cannot say.

use core::arch::global_asm;

// Whatever happens to the registers on the way, what the compiler wants to find again is on the
// stack, and only `s1` has to come back for that.
global_asm!(
    r#"
    .pushsection .text.stress_syscall, "ax", @progbits
    .global stress_syscall
    stress_syscall:
        addi sp, sp, -112
        sd ra, 0(sp)
        sd s0, 8(sp)
        sd s1, 16(sp)
        sd s2, 24(sp)
        sd s3, 32(sp)
        sd s4, 40(sp)
        sd s5, 48(sp)
        sd s6, 56(sp)
        sd s7, 64(sp)
        sd s8, 72(sp)
        sd s9, 80(sp)
        sd s10, 88(sp)
        sd s11, 96(sp)
        sd a0, 104(sp)
        mv s1, sp
        ld a7, 0(a0)
        ld a1, 16(a0)
        ld a2, 24(a0)
        ld a3, 32(a0)
        ld a4, 40(a0)
        ld a5, 48(a0)
        ld a6, 56(a0)
        ld t0, 64(a0)
        ld t1, 72(a0)
        ld t2, 80(a0)
        ld s0, 88(a0)
        ld t3, 96(a0)
        ld t4, 104(a0)
        ld a0, 8(a0)
        mv sp, t3
        ecall
    .global stress_after_syscall
    stress_after_syscall:
        mv sp, s1
        ld t0, 104(sp)
        sd a0, 8(t0)
        sd a1, 16(t0)
        sd a2, 24(t0)
        sd a3, 32(t0)
        sd a4, 40(t0)
        sd a5, 48(t0)
        ld ra, 0(sp)
        ld s0, 8(sp)
        ld s1, 16(sp)
        ld s2, 24(sp)
        ld s3, 32(sp)
        ld s4, 40(sp)
        ld s5, 48(sp)
        ld s6, 56(sp)
        ld s7, 64(sp)
        ld s8, 72(sp)
        ld s9, 80(sp)
        ld s10, 88(sp)
        ld s11, 96(sp)
        addi sp, sp, 112
        ret
    # For threads that somebody has started with any registers: calls without a stack.
    .global stress_stub
    stress_stub:
        li t1, 0x5851f42d
        mul s1, s1, t1
        li t1, 0x14057b7e
        add s1, s1, t1
        li a7, -1
        andi a0, s1, 0xff
        li t1, 0x3fff3
        and a1, s1, t1
        srli a2, s1, 7
        andi a2, a2, 0xff
        ecall
        j stress_stub
    .popsection
    "#
);

/// How many ways to fault there are.
pub(crate) const TRAPS: u64 = 24;

// `a1` is the address. Each ends with a return, for those that no fault ended.
global_asm!(
    r#"
    .pushsection .text.stress_trap, "ax", @progbits
    .option push
    .option norvc
    .option arch, +d
    .global stress_trap
    .balign 4
    stress_trap:
        lla t0, 2f
        slli t1, a0, 4
        add t0, t0, t1
        jr t0
    .balign 16
    2:  unimp
        ret
    .balign 16
        ebreak
        ret
    .balign 16
        ld t0, 0(a1)
        ret
    .balign 16
        sd a0, 0(a1)
        ret
    .balign 16
        jr a1
    .balign 16
        csrr t0, satp
        ret
    .balign 16
        csrw sstatus, a1
        ret
    .balign 16
        csrw stvec, a1
        ret
    .balign 16
        sret
        ret
    .balign 16
        mret
        ret
    .balign 16
        wfi
        ret
    .balign 16
        sfence.vma
        ret
    .balign 16
        rdcycle t0
        ret
    .balign 16
        rdinstret t0
        ret
    .balign 16
        fence.i
        ret
    .balign 16
        lr.d t0, (a1)
        ret
    .balign 16
        amoadd.d t0, t0, (a1)
        ret
    .balign 16
        mv tp, a1
        ret
    .balign 16
        fmv.d.x f0, a1
        fadd.d f0, f0, f0
        ret
    .balign 16
        fscsr zero, a1
        ret
    .balign 16
        .word 0xffffffff
        ret
    .balign 16
        .word 0
        ret
    .balign 16
        csrr t0, mhartid
        ret
    .balign 16
        ebreak
        unimp
        ret
    .option pop
    .popsection
    "#
);
