//! From the loader's 32-bit protected mode to Rust in 64-bit mode.
//!
//! The tables built here show the low 4 GiB three times: where they are, in the window on
//! physical memory, and (1 GiB of it) where the kernel is linked. They serve until `paging` has
//! made the real ones; nothing here is used afterwards.

use core::arch::global_asm;
use machine::firmware::loader;

const PRESENT_WRITABLE: u32 = 0x3;
const PRESENT_WRITABLE_LARGE: u32 = 0x83;
const CR4_PAE: u32 = 1 << 5;
const CR0_PG_WP: u32 = 1 << 31 | 1 << 16;
const EFER: u32 = 0xc000_0080;
const EFER_LME: u32 = 1 << 8;
const LONG_MODE_BIT: u32 = 29;
const EFLAGS_ID: u32 = 1 << 21;

global_asm!(
    r#"
    .pushsection .boot.text, "ax", @progbits
    .code32
    .global boot_entry_pvh
    boot_entry_pvh:
        mov eax, {pvh}
    .global boot_entry
    boot_entry:
        cli
        cld
        mov ebp, eax
        mov esi, ebx
        mov esp, offset boot_stack_top

        # CPUID exists if the ID flag can be changed.
        pushfd
        pop eax
        mov ecx, eax
        xor eax, {id}
        push eax
        popfd
        pushfd
        pop eax
        xor eax, ecx
        test eax, {id}
        jz boot_no_long_mode
        mov eax, 0x80000000
        cpuid
        cmp eax, 0x80000001
        jb boot_no_long_mode
        mov eax, 0x80000001
        cpuid
        bt edx, {lm}
        jnc boot_no_long_mode

        # 2048 large pages, then the two levels above them.
        mov edi, offset boot_pd
        mov eax, {large}
        xor edx, edx
    1:  mov [edi], eax
        mov [edi + 4], edx
        add eax, 0x200000
        add edi, 8
        cmp edi, offset boot_pd + 4 * 4096
        jne 1b
        mov eax, offset boot_pd + {pw}
        mov edi, offset boot_pdpt
        mov [edi + 510 * 8], eax
        mov [edi], eax
        add eax, 4096
        mov [edi + 8], eax
        add eax, 4096
        mov [edi + 16], eax
        add eax, 4096
        mov [edi + 24], eax
        mov eax, offset boot_pdpt + {pw}
        mov [boot_pml4], eax
        mov [boot_pml4 + 511 * 8], eax

        mov eax, {pae}
        mov cr4, eax
        mov eax, offset boot_pml4
        mov cr3, eax
        mov ecx, {efer}
        rdmsr
        or eax, {lme}
        wrmsr
        mov eax, cr0
        or eax, {pg_wp}
        mov cr0, eax
        lgdt [boot_gdt_pointer]
        mov eax, 8
        push eax
        mov eax, offset boot_long_mode
        push eax
        retf

    boot_no_long_mode:
        mov esi, offset boot_no_long_mode_text
    2:  mov dx, 0x3fd
    3:  in al, dx
        test al, 0x20
        jz 3b
        mov dx, 0x3f8
        lodsb
        test al, al
        jz 4f
        out dx, al
        jmp 2b
    4:  mov dx, 0xf4
        mov eax, {failed}
        out dx, eax
    5:  cli
        hlt
        jmp 5b

    boot_no_long_mode_text:
        .asciz "linchpin: fatal: this processor has no 64-bit mode\r\n"

    .code64
    boot_long_mode:
        mov eax, 16
        mov ss, eax
        mov ds, eax
        mov es, eax
        xor eax, eax
        mov fs, eax
        mov gs, eax
        movabs rsp, offset {stack} + {stack_size}
        mov edi, ebp
        mov esi, esi
        xor ebp, ebp
        movabs rax, offset {start}
        call rax
        ud2

    .balign 8
    boot_gdt:
        .quad 0
        .quad 0x00209a0000000000
        .quad 0x0000920000000000
    boot_gdt_pointer:
        .short 23
        .long boot_gdt
    .popsection

    .pushsection .boot.data, "aw", @progbits
    .balign 4096
    boot_pml4: .skip 4096
    boot_pdpt: .skip 4096
    boot_pd: .skip 4 * 4096
    .skip 64
    boot_stack_top:
    .popsection
    "#,
    pvh = const loader::PVH_MAGIC,
    id = const EFLAGS_ID,
    lm = const LONG_MODE_BIT,
    large = const PRESENT_WRITABLE_LARGE,
    pw = const PRESENT_WRITABLE,
    pae = const CR4_PAE,
    efer = const EFER,
    lme = const EFER_LME,
    pg_wp = const CR0_PG_WP,
    failed = const crate::fatal::EXIT_FAILED,
    stack = sym super::core_area::BOOT_STACK,
    stack_size = const super::core_area::STACK_SIZE,
    start = sym super::boot::start,
);
