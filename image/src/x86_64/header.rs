//! What loaders look for in the first pages of the file: the Multiboot 1 header (with address
//! fields, so that an ELF64 is acceptable), the Multiboot 2 header, and the PVH note.

use core::arch::global_asm;

const MULTIBOOT1_MAGIC: u32 = 0x1bad_b002;
/// Modules on page boundaries, memory map wanted, address fields present.
const MULTIBOOT1_FLAGS: u32 = 1 << 0 | 1 << 1 | 1 << 16;
const MULTIBOOT2_MAGIC: u32 = 0xe852_50d6;
const MULTIBOOT2_LENGTH: u32 = 16 + 16 + 16 + 8;

global_asm!(
    r#"
    .pushsection .boot.header, "a", @progbits
    .balign 8
    multiboot1_header:
        .long {mb1_magic}
        .long {mb1_flags}
        .long {mb1_checksum}
        .long multiboot1_header
        .long image_start
        .long load_end
        .long image_end
        .long boot_entry

    .balign 8
    multiboot2_header:
        .long {mb2_magic}
        .long 0
        .long {mb2_length}
        .long {mb2_checksum}
        # Information request: command line and modules are useful, the memory map is needed.
        .short 1, 0
        .long 12
        .long 6
        .long 0
        # Entry address.
        .short 3, 0
        .long 12
        .long boot_entry
        .long 0
        # End.
        .short 0, 0
        .long 8
    .popsection

    .pushsection .note.pvh, "a", @note
    .balign 4
        .long 4
        .long 8
        .long 18
        .asciz "Xen"
        .quad boot_entry_pvh
    .popsection
    "#,
    mb1_magic = const MULTIBOOT1_MAGIC,
    mb1_flags = const MULTIBOOT1_FLAGS,
    // The three words add up to zero: wrapping is the point.
    mb1_checksum = const 0u32.wrapping_sub(MULTIBOOT1_MAGIC).wrapping_sub(MULTIBOOT1_FLAGS),
    mb2_magic = const MULTIBOOT2_MAGIC,
    mb2_length = const MULTIBOOT2_LENGTH,
    mb2_checksum = const 0u32.wrapping_sub(MULTIBOOT2_MAGIC).wrapping_sub(MULTIBOOT2_LENGTH),
);
