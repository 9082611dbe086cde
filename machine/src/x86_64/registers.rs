//! Control registers, model-specific registers and the few instructions around them.

use core::arch::asm;

/// Model-specific registers, by the names of the processor manuals.
pub mod msr {
    #![expect(missing_docs, reason = "the manuals' names")]
    pub const APIC_BASE: u32 = 0x1b;
    pub const SPEC_CTRL: u32 = 0x48;
    pub const PRED_CMD: u32 = 0x49;
    pub const ARCH_CAPABILITIES: u32 = 0x10a;
    pub const PAT: u32 = 0x277;
    pub const TSC_DEADLINE: u32 = 0x6e0;
    pub const X2APIC: u32 = 0x800;
    pub const EFER: u32 = 0xc000_0080;
    pub const STAR: u32 = 0xc000_0081;
    pub const LSTAR: u32 = 0xc000_0082;
    pub const CSTAR: u32 = 0xc000_0083;
    pub const FMASK: u32 = 0xc000_0084;
    pub const FS_BASE: u32 = 0xc000_0100;
    pub const GS_BASE: u32 = 0xc000_0101;
    pub const KERNEL_GS_BASE: u32 = 0xc000_0102;
}

/// Reads a model-specific register.
///
/// # Safety
/// The processor has the register.
#[inline(always)]
pub unsafe fn read_msr(register: u32) -> u64 {
    let (low, high): (u32, u32);
    // SAFETY: the caller says that it exists; reading has no effect on memory.
    unsafe {
        asm!("rdmsr", in("ecx") register, out("eax") low, out("edx") high, options(nomem, nostack, preserves_flags))
    };
    u64::from(high) << 32 | u64::from(low)
}

/// Writes a model-specific register.
///
/// # Safety
/// The processor has the register, the value is one it accepts, and whatever the change does
/// to the running code is intended.
#[inline(always)]
pub unsafe fn write_msr(register: u32, value: u64) {
    // The two halves: truncation is meant.
    let (low, high) = (value as u32, (value >> 32) as u32);
    // SAFETY: the caller's promise.
    unsafe {
        asm!("wrmsr", in("ecx") register, in("eax") low, in("edx") high, options(nostack, preserves_flags))
    };
}

/// Sets user mode's FS base, which is canonical, where FSGSBASE exists.
pub fn set_fs_base(base: u64) {
    // SAFETY: the kernel does not use FS.
    unsafe { asm!("wrfsbase {}", in(reg) base, options(nostack, preserves_flags)) };
}

/// The time-stamp counter.
#[inline(always)]
pub fn timestamp() -> u64 {
    // SAFETY: every 64-bit processor has it.
    unsafe { core::arch::x86_64::_rdtsc() }
}

macro_rules! control_register {
    ($read:ident, $write:ident, $name:literal) => {
        #[doc = concat!("Reads ", $name, ".")]
        #[inline(always)]
        pub fn $read() -> u64 {
            let value: u64;
            // SAFETY: reading a control register at privilege level 0 has no effect.
            unsafe { asm!(concat!("mov {}, ", $name), out(reg) value, options(nomem, nostack, preserves_flags)) };
            value
        }

        #[doc = concat!("Writes ", $name, ".")]
        ///
        /// # Safety
        /// The processor has the features that the bits name, and memory stays mapped where
        /// running code needs it.
        #[inline(always)]
        pub unsafe fn $write(value: u64) {
            // SAFETY: the caller's promise.
            unsafe { asm!(concat!("mov ", $name, ", {}"), in(reg) value, options(nostack, preserves_flags)) };
        }
    };
}

control_register!(cr0, set_cr0, "cr0");
control_register!(cr3, set_cr3, "cr3");
control_register!(cr4, set_cr4, "cr4");

/// The address of the last page fault.
#[inline(always)]
pub fn cr2() -> u64 {
    let value: u64;
    // SAFETY: reading has no effect.
    unsafe { asm!("mov {}, cr2", out(reg) value, options(nomem, nostack, preserves_flags)) };
    value
}

// Accesses to registers that may not exist: the fault handler of the image knows the two
// instructions by their labels and continues at `guarded_msr_failed`.
core::arch::global_asm!(
    ".global guarded_msr_read_at, guarded_msr_write_at, guarded_msr_failed",
    "guarded_msr_read:",
    "mov ecx, edi",
    "guarded_msr_read_at:",
    "rdmsr",
    "shl rdx, 32",
    "or rax, rdx",
    "mov edx, 1",
    "ret",
    "guarded_msr_write:",
    "mov ecx, edi",
    "mov rax, rsi",
    "mov rdx, rsi",
    "shr rdx, 32",
    "guarded_msr_write_at:",
    "wrmsr",
    "mov edx, 1",
    "ret",
    "guarded_msr_failed:",
    "xor eax, eax",
    "xor edx, edx",
    "ret",
);

/// What a guarded access answers.
#[repr(C)]
struct Guarded {
    value: u64,
    worked: u64,
}

unsafe extern "sysv64" {
    fn guarded_msr_read(register: u32) -> Guarded;
    fn guarded_msr_write(register: u32, value: u64) -> Guarded;
}

/// Reads a model-specific register that may not exist.
pub fn try_read_msr(register: u32) -> Option<u64> {
    // SAFETY: reading has no effect on memory, and a fault is answered by the label above.
    let Guarded { value, worked } = unsafe { guarded_msr_read(register) };
    (worked != 0).then_some(value)
}

/// Writes a model-specific register that may not exist, or not take the value. Whether it did.
///
/// # Safety
/// Whatever the register does to the running code is intended: user space of a benchmark build
/// is trusted with that.
pub unsafe fn try_write_msr(register: u32, value: u64) -> bool {
    // SAFETY: the caller's promise; a fault is answered by the label above.
    unsafe { guarded_msr_write(register, value) }.worked != 0
}

/// Writes back and empties all caches.
pub fn flush_caches() {
    // SAFETY: memory keeps its contents.
    unsafe { asm!("wbinvd", options(nostack, preserves_flags)) };
}

/// Takes what the last debug exception was about (DR6), and clears it.
pub fn take_debug_status() -> u64 {
    let status: u64;
    // SAFETY: reading has no effect.
    unsafe { asm!("mov {}, dr6", out(reg) status, options(nomem, nostack, preserves_flags)) };
    // SAFETY: clearing the status only forgets it; the bits that are always one stay so.
    unsafe {
        asm!("mov dr6, {}", in(reg) 0xffff_0ff0_u64, options(nomem, nostack, preserves_flags))
    };
    status
}

/// Watches `addresses` as `control` (DR7) says. The caller passes user addresses only.
pub fn load_breakpoints(addresses: [u64; 4], control: u64) {
    let [a, b, c, d] = addresses;
    // SAFETY: while DR7 is 0 nothing is watched; the addresses are user space's, so that the
    // kernel's own accesses never match.
    unsafe {
        asm!(
            "mov dr7, {zero}",
            "mov dr0, {a}",
            "mov dr1, {b}",
            "mov dr2, {c}",
            "mov dr3, {d}",
            "mov dr7, {control}",
            zero = in(reg) 0_u64,
            a = in(reg) a,
            b = in(reg) b,
            c = in(reg) c,
            d = in(reg) d,
            control = in(reg) control | 1 << 10,
            options(nomem, nostack, preserves_flags)
        );
    }
}

/// Sets an extended control register.
///
/// # Safety
/// `CR4.OSXSAVE` is set and the processor supports the features named.
pub unsafe fn set_xcr0(value: u64) {
    let (low, high) = (value as u32, (value >> 32) as u32);
    // SAFETY: the caller's promise.
    unsafe {
        asm!("xsetbv", in("ecx") 0, in("eax") low, in("edx") high, options(nomem, nostack, preserves_flags))
    };
}

/// Stops this processor for good.
pub fn stop() -> ! {
    loop {
        // SAFETY: with interrupts off, nothing of ours runs again.
        unsafe { asm!("cli", "hlt", options(nomem, nostack)) };
    }
}
