//! The first instructions: started by the firmware with the MMU off, as a Linux kernel is, or by
//! a loader that has switched it on (`abi/boot.md` section 2). Both come to the same first byte;
//! the program counter tells them apart.
//!
//! The page tables made here show the window on physical memory and the image. They serve until
//! `paging` has made the real ones.

use super::contract::ARGUMENTS;
use super::trap::{STACK, STACK_BYTES};
use core::arch::global_asm;
use machine::address::PHYSICAL_WINDOW_SIZE;

const VALID: u64 = 1;
const READ: u64 = 1 << 1;
const WRITE: u64 = 1 << 2;
const EXECUTE: u64 = 1 << 3;
const GLOBAL_ACCESSED_DIRTY: u64 = 0b111 << 5;
const DATA: u64 = VALID | READ | WRITE | GLOBAL_ACCESSED_DIRTY;
/// Pages of 2 MiB that the image may have.
const IMAGE_PAGES: u64 = 4;

global_asm!(
    r#"
    .pushsection .boot.header, "ax", @progbits
    .option push
    .option norvc
    .global image_start
        j boot_start
        .word 0
        # Where the image wants to be, from the start of RAM; how long it is with its bss.
        .quad 0x200000
        .quad image_size
        .quad 0
        # Version 0.2 of this header.
        .word 2
        .word 0
        .quad 0
        .ascii "RISCV\0\0\0"
        .ascii "RSC\x05"
        .word 0
    .option pop
    .popsection

    .pushsection .boot.text, "ax", @progbits
    .balign 4
    boot_start:
        csrw sie, zero
        csrci sstatus, 2
        # What came in a0 to a7, and behind it whether a loader was here.
        lla t0, {arguments}
        sd a0, 0(t0)
        sd a1, 8(t0)
        sd a2, 16(t0)
        sd a3, 24(t0)
        sd a4, 32(t0)
        sd a5, 40(t0)
        sd a6, 48(t0)
        sd a7, 56(t0)
        lla s1, image_start
        bltz s1, 1f
        # Addresses are physical, so this is where the image is. Its bss may hold anything.
        sd zero, 64(t0)
        mv s2, s1
        lla t1, bss_start
        lla t2, bss_end
    2:  sd zero, 0(t1)
        addi t1, t1, 8
        bltu t1, t2, 2b
        j 3f
    1:  li t1, 1
        sd t1, 64(t0)
        lla t1, image_physical_base
        ld s2, 0(t1)

        # From here on: s1 the image as it is addressed now, s2 in physical memory, s3 the
        # difference.
    3:  sub s3, s2, s1
        # The window: a page of 1 GiB for each entry of the root from 256 on.
        lla s4, boot_root
        li t1, 256 * 8
        add t1, s4, t1
        li t2, {window_pages}
        li t3, {data}
        li t4, 1 << 28
    4:  sd t3, 0(t1)
        add t3, t3, t4
        addi t1, t1, 8
        addi t2, t2, -1
        bnez t2, 4b
        # The image, 2 MiB into the next GiB, by pages of 2 MiB.
        lla t2, boot_image
        add t3, t2, s3
        srli t3, t3, 2
        ori t3, t3, {valid}
        sd t3, 0(t1)
        srli t3, s2, 2
        ori t3, t3, {all}
        li t1, {image_pages}
        li t4, 1 << 19
    5:  addi t2, t2, 8
        sd t3, 0(t2)
        add t3, t3, t4
        addi t1, t1, -1
        bnez t1, 5b
        # With the MMU on, the next instruction is not where it was: fetching it traps to its
        # new address. By a loader's tables it was there already.
        lla t0, boot_mapped
        sub t0, t0, s1
        li t1, {virtual}
        add t0, t0, t1
        csrw stvec, t0
        add t0, s4, s3
        srli t0, t0, 12
        li t1, 8 << 60
        or t0, t0, t1
        sfence.vma
        csrw satp, t0
    .balign 4
    boot_mapped:
        sfence.vma
        lla sp, {stack}
        li t0, {stack_bytes}
        add sp, sp, t0
        mv a0, s2
        call {start}
        ebreak
    .popsection

    .pushsection .boot.data, "aw", @progbits
    .balign 4096
    boot_root: .skip 4096
    boot_image: .skip 4096
    # Where a loader has put the image. A tool that changes the file's physical addresses
    # changes this too.
    .global image_physical_base
    .type image_physical_base, %object
    .size image_physical_base, 8
    image_physical_base: .quad 0x80200000
    # The device tree of a board whose loader passes none; zero if there is none here.
    .global image_board_tree
    .balign 8
    .type image_board_tree, %object
    .size image_board_tree, {board_tree_bytes}
    image_board_tree: .skip {board_tree_bytes}
    .popsection
    "#,
    arguments = sym ARGUMENTS,
    window_pages = const PHYSICAL_WINDOW_SIZE >> 30,
    data = const DATA,
    all = const DATA | EXECUTE,
    valid = const VALID,
    image_pages = const IMAGE_PAGES,
    virtual = const super::paging::IMAGE,
    stack = sym STACK,
    stack_bytes = const STACK_BYTES,
    board_tree_bytes = const super::contract::BOARD_TREE_BYTES,
    start = sym super::boot::start,
);
