//! The first instructions: with the MMU off, as a Linux kernel is started, at EL2 or EL1; or by
//! a loader that has switched it on (`abi/boot.md` section 2). The first byte is where the
//! former begins, the file's entry is where the latter does.
//!
//! The page tables made here show the image, where it is linked and (its first 2 MiB) where it
//! is. They serve until `paging` has made the real ones.

use super::contract::{ARGUMENTS, BOARD_TREE_BYTES};
use super::paging::{BLOCK_OF_MEMORY, MEMORY_TYPES, TABLE, TRANSLATION};
use super::trap::{STACK, STACK_BYTES};
use core::arch::global_asm;

/// Blocks of 2 MiB that the image may have.
const IMAGE_BLOCKS: u64 = 2;
/// What must be 1 in SCTLR_EL1, and nothing else: all off.
const ALL_OFF: u64 = 0x30d0_0800;
/// MMU and both caches.
const MMU_AND_CACHES: u64 = 1 << 12 | 1 << 2 | 1;
/// EL1 on its own stack pointer, all interrupts masked.
const TO_EL1: u64 = 0x3c5;

global_asm!(
    r#"
    .pushsection .boot.header, "ax", @progbits
    .global image_start
    image_start:
        b boot_direct
        .word 0
        # Offset from a multiple of 2 MiB; how long the image is with its bss; little endian,
        # pages of 4 KiB, anywhere in memory.
        .quad 0
        .quad image_size
        .quad 0xa
        .quad 0, 0, 0
        .ascii "ARM\x64"
        .word 0
    .popsection

    .pushsection .boot.text, "ax", @progbits
    boot_direct:
        msr daifset, #15
        mov x21, x0
        mrs x9, CurrentEL
        cmp x9, #8
        b.ne 1f

        # EL2 lets EL1 have everything, and is not heard of again.
        mov x9, #1 << 31
        msr hcr_el2, x9
        mrs x9, cnthctl_el2
        orr x9, x9, #3
        msr cnthctl_el2, x9
        msr cntvoff_el2, xzr
        mov x9, #0x33ff
        msr cptr_el2, x9
        msr hstr_el2, xzr
        msr vttbr_el2, xzr
        mrs x9, mdcr_el2
        and x9, x9, #31
        msr mdcr_el2, x9
        mrs x9, midr_el1
        msr vpidr_el2, x9
        mrs x9, mpidr_el1
        msr vmpidr_el2, x9
        mrs x9, id_aa64pfr0_el1
        ubfx x9, x9, #24, #4
        cbz x9, 2f
        # ICC_SRE_EL2 and ICH_HCR_EL2.
        mrs x9, s3_4_c12_c9_5
        orr x9, x9, #8
        orr x9, x9, #1
        msr s3_4_c12_c9_5, x9
        isb
        msr s3_4_c12_c11_0, xzr
    2:  ldr x9, ={all_off}
        msr sctlr_el1, x9
        mov x9, #{to_el1}
        msr spsr_el2, x9
        adr x9, 1f
        msr elr_el2, x9
        eret

    1:  ldr x9, ={all_off}
        msr sctlr_el1, x9
        isb
        adrp x20, image_start

        adrp x0, boot_tables
        add x1, x0, #6 * 4096
        mov x2, x0
    3:  stp xzr, xzr, [x2], #16
        cmp x2, x1
        b.ne 3b

        # Where it is: one block.
        mov x10, #{block}
        orr x10, x10, x20
        add x3, x0, #4096
        orr x4, x3, #{table}
        ubfx x5, x20, #39, #9
        str x4, [x0, x5, lsl #3]
        add x6, x3, #4096
        orr x4, x6, #{table}
        ubfx x5, x20, #30, #9
        str x4, [x3, x5, lsl #3]
        ubfx x5, x20, #21, #9
        str x10, [x6, x5, lsl #3]

        # Where it is linked: the last GiB.
        add x7, x6, #4096
        add x3, x7, #4096
        orr x4, x3, #{table}
        str x4, [x7, #511 * 8]
        add x6, x3, #4096
        orr x4, x6, #{table}
        str x4, [x3, #511 * 8]
        mov x5, #0
    4:  str x10, [x6, x5, lsl #3]
        add x10, x10, #0x200000
        add x5, x5, #1
        cmp x5, #{image_blocks}
        b.ne 4b

        # The caches may remember what was there before.
        dmb sy
        mov x2, x0
    5:  dc ivac, x2
        add x2, x2, #16
        cmp x2, x1
        b.ne 5b
        dsb sy

        msr ttbr0_el1, x0
        msr ttbr1_el1, x7
        ldr x9, ={memory_types}
        msr mair_el1, x9
        ldr x9, ={translation}
        mrs x10, id_aa64mmfr0_el1
        and x10, x10, #15
        mov x11, #5
        cmp x10, x11
        csel x10, x10, x11, lo
        bfi x9, x10, #32, #3
        msr tcr_el1, x9
        isb
        tlbi vmalle1
        ic iallu
        dsb sy
        isb
        ldr x9, ={all_off} + {mmu_and_caches}
        msr sctlr_el1, x9
        isb
        ldr x9, =boot_mapped
        br x9

    boot_mapped:
        adrp x9, {arguments}
        add x9, x9, :lo12:{arguments}
        str x21, [x9]
        str xzr, [x9, #48]
        b boot_common

    .global boot_loaded
    boot_loaded:
        msr daifset, #15
        adrp x9, {arguments}
        add x9, x9, :lo12:{arguments}
        stp x0, x1, [x9]
        stp x2, x3, [x9, #16]
        stp x4, x5, [x9, #32]
        mov x10, #1
        str x10, [x9, #48]

    boot_common:
        msr spsel, #1
        adrp x9, {stack}
        add x9, x9, :lo12:{stack}
        ldr x10, ={stack_bytes}
        add sp, x9, x10
        adrp x9, bss_start
        adrp x10, window_end
    6:  stp xzr, xzr, [x9], #16
        cmp x9, x10
        b.ne 6b
        adrp x9, image_start
        at s1e1r, x9
        isb
        mrs x0, par_el1
        and x0, x0, #0xfffffffff000
        mov x29, xzr
        mov x30, xzr
        bl {start}
        brk #0

    # paging::move_to: x0 to x4 are the new TTBR1, TTBR0, TCR, MAIR and SCTLR; x5 is where the
    # label below is in physical memory. TTBR0 shows that place.
    .global boot_move
    boot_move:
        dsb ish
        msr ttbr0_el1, x1
        isb
        tlbi vmalle1
        dsb ish
        isb
        br x5
    .global boot_moving
    boot_moving:
        msr ttbr1_el1, x0
        msr tcr_el1, x2
        msr mair_el1, x3
        isb
        tlbi vmalle1
        ic iallu
        dsb ish
        isb
        msr sctlr_el1, x4
        isb
        ret
        .ltorg
    .popsection

    .pushsection .boot.data, "aw", @progbits
    .balign 4096
    boot_tables: .skip 6 * 4096
    # The device tree of a board whose loader passes none; zero if there is none here.
    .global image_board_tree
    .type image_board_tree, %object
    .size image_board_tree, {board_tree_bytes}
    image_board_tree: .skip {board_tree_bytes}
    .popsection
    "#,
    arguments = sym ARGUMENTS,
    all_off = const ALL_OFF,
    mmu_and_caches = const MMU_AND_CACHES,
    to_el1 = const TO_EL1,
    block = const BLOCK_OF_MEMORY,
    table = const TABLE,
    image_blocks = const IMAGE_BLOCKS,
    memory_types = const MEMORY_TYPES,
    translation = const TRANSLATION,
    stack = sym STACK,
    stack_bytes = const STACK_BYTES,
    board_tree_bytes = const BOARD_TREE_BYTES,
    start = sym super::boot::start,
);
