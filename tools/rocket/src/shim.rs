//! The instructions. `tools/rocket/testbench.cpp` is the machine around them.

use core::arch::global_asm;

/// The test bench loads kernel and device tree there.
const KERNEL: u64 = 0x8020_0000;
const TREE: u64 = 0x8700_0000;
/// The core's timer.
const COMPARATOR: u64 = 0x0200_4000;
const TIME: u64 = 0x0200_bff8;
/// The test bench's devices.
const SERIAL: u64 = 0x1000_0000;
const EXIT: u64 = 0x1000_2000;

const TIMER_EXTENSION: u64 = 0x5449_4d45;
/// Exceptions that the supervisor handles: all but its own calls and illegal instructions.
const EXCEPTIONS: u64 = 0xb1fb;
const INTERRUPTS: u64 = 0x222;
/// `mstatus`: the supervisor is who is returned to; the FPU can be used.
const TO_SUPERVISOR: u64 = 0x0800;
const FPU: u64 = 0x6000;
const PREVIOUS_MODE: u64 = 0x1800;
/// `rdtime` without its destination.
const READ_TIME: u64 = 0xc010_2073;
const DESTINATION: u64 = 0xf80;

#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    loop {}
}

global_asm!(
    r#"
    .pushsection .text.shim, "ax", @progbits
    .option arch, +zicsr
    .global shim_start
    shim_start:
        csrr a0, mhartid
    1:  bnez a0, 1b
        lla t0, shim_trap
        csrw mtvec, t0
        lla t0, shim_saved
        csrw mscratch, t0
        # All memory, for everybody.
        li t0, -1
        csrw pmpaddr0, t0
        li t0, 0x1f
        csrw pmpcfg0, t0
        li t0, {exceptions}
        csrw medeleg, t0
        li t0, {interrupts}
        csrw mideleg, t0
        # All counters run, and everybody may read them.
        li t0, -1
        csrw mcounteren, t0
        li t0, 7
        csrw scounteren, t0
        csrw mcountinhibit, zero
        li t0, {previous_mode}
        csrc mstatus, t0
        li t0, {to_supervisor} | {fpu}
        csrs mstatus, t0
        li t0, {kernel}
        csrw mepc, t0
        li a1, {tree}
        mret

    .balign 4
    shim_trap:
        csrrw sp, mscratch, sp
        # A destination may be x0.
        sd zero, 0(sp)
        sd x1, 8(sp)
        .irp r, 3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31
        sd x\r, 8*\r(sp)
        .endr
        csrr t0, mscratch
        sd t0, 16(sp)
        csrr t0, mcause
        bltz t0, shim_timer
        li t1, 9
        beq t0, t1, shim_call
        li t1, 2
        beq t0, t1, shim_illegal
        j shim_end

    # The timer has rung: the supervisor is told, and it rings no more until it is set again.
    shim_timer:
        li t0, 1 << 7
        csrc mie, t0
        li t0, 1 << 5
        csrs mip, t0
        j shim_leave

    shim_call:
        csrr t0, mepc
        addi t0, t0, 4
        csrw mepc, t0
        beqz a7, 2f
        li t0, {timer_extension}
        beq a7, t0, 2f
        li t0, 0x10
        beq a7, t0, 3f
        li t0, 1
        beq a7, t0, 4f
        li t0, 8
        beq a7, t0, shim_end
        # Not known here.
        li t0, -2
        sd t0, 80(sp)
        j shim_leave
    2:  li t0, {comparator}
        sd a0, 0(t0)
        li t0, 1 << 5
        csrc mip, t0
        li t0, 1 << 7
        csrs mie, t0
        sd zero, 80(sp)
        j shim_leave
    # Of its functions only the question for an extension has an answer other than 0.
    3:  li t0, {timer_extension}
        xor t1, a0, t0
        seqz t1, t1
        addi t2, a6, -3
        seqz t2, t2
        and t1, t1, t2
        sd zero, 80(sp)
        sd t1, 88(sp)
        j shim_leave
    4:  li t0, {serial}
        sb a0, 0(t0)
        sd zero, 80(sp)
        j shim_leave

    shim_illegal:
        csrr t0, mtval
        li t1, {destination}
        and t2, t0, t1
        not t1, t1
        and t0, t0, t1
        li t1, {read_time}
        slli t0, t0, 32
        srli t0, t0, 32
        bne t0, t1, shim_supervisor
        li t0, {time}
        ld t0, 0(t0)
        # The number of the destination times 128; a register has 8 bytes.
        srli t2, t2, 4
        add t2, t2, sp
        sd t0, 0(t2)
        csrr t0, mepc
        addi t0, t0, 4
        csrw mepc, t0
        j shim_leave

    # As the core itself would have trapped to supervisor mode.
    shim_supervisor:
        csrr t0, mepc
        csrw sepc, t0
        csrr t0, mtval
        csrw stval, t0
        csrr t0, mcause
        csrw scause, t0
        csrr t0, mstatus
        # Where it comes from: SPP is bit 8, the low bit of MPP is 11.
        srli t1, t0, 11
        andi t1, t1, 1
        slli t1, t1, 8
        # Whether interrupts were on: SIE is bit 1, SPIE bit 5.
        andi t2, t0, 2
        slli t2, t2, 4
        or t1, t1, t2
        li t2, 0x122
        not t2, t2
        and t0, t0, t2
        or t0, t0, t1
        li t1, {previous_mode}
        not t1, t1
        and t0, t0, t1
        li t1, {to_supervisor}
        or t0, t0, t1
        csrw mstatus, t0
        csrr t0, stvec
        csrw mepc, t0

    shim_leave:
        ld t0, 16(sp)
        csrw mscratch, t0
        ld x1, 8(sp)
        .irp r, 3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31
        ld x\r, 8*\r(sp)
        .endr
        csrrw sp, mscratch, sp
        mret

    shim_end:
        li t1, {exit}
        sd t0, 0(t1)
    5:  j 5b
    .popsection

    .pushsection .data.shim, "aw", @progbits
    .balign 8
    shim_saved: .skip 256
    .popsection
    "#,
    kernel = const KERNEL,
    tree = const TREE,
    comparator = const COMPARATOR,
    time = const TIME,
    serial = const SERIAL,
    exit = const EXIT,
    timer_extension = const TIMER_EXTENSION,
    exceptions = const EXCEPTIONS,
    interrupts = const INTERRUPTS,
    to_supervisor = const TO_SUPERVISOR,
    fpu = const FPU,
    previous_mode = const PREVIOUS_MODE,
    read_time = const READ_TIME,
    destination = const DESTINATION,
);
