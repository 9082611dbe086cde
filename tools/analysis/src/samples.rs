//! Small images for tests: good ones, and ones that must be refused.

use crate::image::{Image, Isa};

const BASE: u64 = 0x20_0000;
/// What `riscv64_chain` needs: 32 bytes, then 2032 and 8192.
pub(crate) const RISCV64_CHAIN_BYTES: i64 = 32 + 2032 + 8192;

/// One function.
pub(crate) fn one(isa: Isa, code: &[u8]) -> Image {
    functions(isa, code, &[("sample", 0..code.len() as u64)])
}

fn functions(isa: Isa, code: &[u8], named: &[(&str, std::ops::Range<u64>)]) -> Image {
    let mut image = Image::new(isa);
    image.add_part(BASE, code, true);
    for (name, range) in named {
        image.add_function(name, BASE + range.start..BASE + range.end);
    }
    image
}

/// A caller, and a callee whose frame is too large for one instruction.
pub(crate) fn riscv64_chain() -> Image {
    let code = [
        0x01, 0x11, // addi sp, sp, -32
        0x06, 0xec, // sd ra, 24(sp)
        0x97, 0x00, 0x00, 0x00, 0xe7, 0x80, 0xe0, 0x00, // call callee, 14 bytes on
        0xe2, 0x60, // ld ra, 24(sp)
        0x05, 0x61, // addi sp, sp, 32
        0x82, 0x80, // ret
        0x13, 0x01, 0x01, 0x81, // addi sp, sp, -2032
        0x09, 0x65, // lui a0, 2
        0x33, 0x01, 0xa1, 0x40, // sub sp, sp, a0
        0x82, 0x80, // ret
    ];
    functions(
        Isa::RiscV64,
        &code,
        &[("caller", 0..18), ("callee", 18..30)],
    )
}

pub(crate) fn aarch64_chain() -> Image {
    let code = [
        0xfd, 0x7b, 0xbe, 0xa9, // stp x29, x30, [sp, #-32]!
        0x03, 0x00, 0x00, 0x94, // bl callee
        0xfd, 0x7b, 0xc2, 0xa8, // ldp x29, x30, [sp], #32
        0xc0, 0x03, 0x5f, 0xd6, // ret
        0xff, 0x07, 0x40, 0xd1, // sub sp, sp, #1, lsl #12
        0xff, 0x43, 0x00, 0xd1, // sub sp, sp, #16
        0xc0, 0x03, 0x5f, 0xd6, // ret
    ];
    functions(
        Isa::AArch64,
        &code,
        &[("caller", 0..16), ("callee", 16..28)],
    )
}

/// A frame, a call through a constant in memory, and a callee that saves a register.
pub(crate) fn x86_64_chain() -> Image {
    let code = [
        0x53, // push rbx
        0x48, 0x81, 0xec, 0, 1, 0, 0, // sub rsp, 256
        0xff, 0x15, 0xf2, 0x0f, 0, 0, // call [rip + 0xff2]
        0x48, 0x81, 0xc4, 0, 1, 0, 0,    // add rsp, 256
        0x5b, // pop rbx
        0xc3, // ret
        0x55, // push rbp
        0x5d, // pop rbp
        0xc3, // ret
    ];
    let mut image = functions(Isa::X86_64, &code, &[("caller", 0..23), ("callee", 23..26)]);
    image.add_part(BASE + 0x1000, &(BASE + 23).to_le_bytes(), false);
    image
}

/// Two functions; one calls the other, which jumps back at its end.
pub(crate) fn x86_64_recursion() -> Image {
    let code = [
        0xe8, 1, 0, 0, 0,    // call odd
        0xc3, // ret
        0xeb, 0xf8, // jmp even
    ];
    functions(Isa::X86_64, &code, &[("even", 0..6), ("odd", 6..8)])
}

const RISCV64_TABLE: [u8; 24] = [
    0x0e, 0x05, // slli a0, a0, 3
    0x97, 0x05, 0x00, 0x00, // auipc a1, 0
    0x93, 0x85, 0xe5, 0x7f, // addi a1, a1, 0x7fe
    0xaa, 0x95, // add a1, a1, a0
    0x8c, 0x61, // ld a1, 0(a1)
    0x82, 0x85, // jr a1
    0x82, 0x80, // ret
    0x39, 0x71, // addi sp, sp, -64
    0x21, 0x61, // addi sp, sp, 64
    0x82, 0x80, // ret
];

fn with_riscv64_table(mut image: Image) -> Image {
    let entries = [BASE + 16, BASE + 18].map(u64::to_le_bytes).concat();
    image.add_part(BASE + 0x800, &entries, false);
    image
}

/// A jump to one of two cases.
pub(crate) fn riscv64_table() -> Image {
    with_riscv64_table(one(Isa::RiscV64, &RISCV64_TABLE))
}

/// The same code, but what the table leads to are other functions.
pub(crate) fn riscv64_function_table() -> Image {
    let named = [("sample", 0..16), ("first", 16..18), ("second", 18..24)];
    with_riscv64_table(functions(Isa::RiscV64, &RISCV64_TABLE, &named))
}

/// The same in the form that compilers use on AArch64: a byte for each case.
pub(crate) fn aarch64_table() -> Image {
    let code = [
        0x29, 0x01, 0x00, 0x10, // adr x9, table
        0x8a, 0x00, 0x00, 0x10, // adr x10, one
        0x2b, 0x69, 0x68, 0x38, // ldrb w11, [x9, x8]
        0x4a, 0x09, 0x0b, 0x8b, // add x10, x10, x11, lsl #2
        0x40, 0x01, 0x1f, 0xd6, // br x10
        0xc0, 0x03, 0x5f, 0xd6, // one: ret
        0xff, 0x03, 0x01, 0xd1, // two: sub sp, sp, #64
        0xff, 0x03, 0x01, 0x91, // add sp, sp, #64
        0xc0, 0x03, 0x5f, 0xd6, // ret
    ];
    let mut image = one(Isa::AArch64, &code);
    image.add_part(BASE + 36, &[0, 1], false);
    image
}
