//! Floating-point and vector state. While the live registers are not the running thread's, each use
//! traps.

use super::cpuid::{self, Features};
use super::registers;
use core::arch::asm;

const CR0_MONITOR: u64 = 1 << 1;
const CR0_EMULATE: u64 = 1 << 2;
const CR0_TASK_SWITCHED: u64 = 1 << 3;
const CR0_NUMERIC_ERROR: u64 = 1 << 5;
const CR4_FXSR: u64 = 1 << 9;
const CR4_SIMD_EXCEPTIONS: u64 = 1 << 10;
const CR4_XSAVE: u64 = 1 << 18;

/// Bytes of the FXSAVE area, and of the header that XSAVE puts behind it.
const LEGACY_BYTES: usize = 512;
const HEADER_BYTES: usize = 64;
const X87_AND_SSE: u64 = 0b11;
/// Extensions in the order in which they are worth having: each is a set of components that
/// may only be enabled together, after all before it.
const EXTENSIONS: [u64; 2] = [1 << 2, 0b111 << 5];

const CONTROL_WORD: u16 = 0x37f;
const MXCSR: u32 = 0x1f80;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Format {
    Fxsave,
    Xsave,
    Xsaveopt,
}

/// How the state is saved, and whether its use is allowed now.
#[derive(Clone, Copy, Debug)]
pub struct Fpu {
    format: Format,
    enabled: bool,
}

impl Fpu {
    /// FXSAVE; not in use.
    pub const fn new() -> Self {
        Self {
            format: Format::Fxsave,
            enabled: false,
        }
    }

    /// Enables what the processor has and `room` bytes can hold; its use traps.
    pub fn start(features: &Features, room: usize) -> Self {
        let cr0 =
            registers::cr0() & !CR0_EMULATE | CR0_MONITOR | CR0_NUMERIC_ERROR | CR0_TASK_SWITCHED;
        // SAFETY: kernel code uses no floating point; every 64-bit processor has the bits.
        unsafe { registers::set_cr0(cr0) };
        let mut cr4 = registers::cr4() | CR4_FXSR | CR4_SIMD_EXCEPTIONS;
        let components = components(features, room);
        if components != 0 {
            cr4 |= CR4_XSAVE;
        }
        // SAFETY: FXSR and SSE were checked at boot, XSAVE in `components`.
        unsafe { registers::set_cr4(cr4) };
        if components == 0 {
            return Self {
                format: Format::Fxsave,
                enabled: false,
            };
        }
        // SAFETY: CR4.OSXSAVE is set; the processor has these components.
        unsafe { registers::set_xcr0(components) };
        Self {
            format: if features.xsaveopt {
                Format::Xsaveopt
            } else {
                Format::Xsave
            },
            enabled: false,
        }
    }

    /// Lets user space use the registers, or makes each use trap.
    #[inline(always)]
    pub fn enable(&mut self, enabled: bool) {
        if self.enabled != enabled {
            self.enabled = enabled;
            set_trap(!enabled);
        }
    }

    /// Saves the live registers at `area`.
    ///
    /// # Safety
    /// Their use does not trap. `area` is a thread's FPU area: writable, large enough, aligned to 64
    /// bytes.
    #[inline]
    pub unsafe fn save(&self, area: *mut u8) {
        match self.format {
            // SAFETY: the caller's promise.
            Format::Fxsave => unsafe {
                asm!("fxsave64 [{}]", in(reg) area, options(nostack, preserves_flags))
            },
            // SAFETY: the caller's promise; all enabled components are asked for.
            Format::Xsave => unsafe {
                asm!("xsave64 [{}]", in(reg) area, in("eax") u32::MAX, in("edx") u32::MAX, options(nostack, preserves_flags));
            },
            // SAFETY: as before; the area was written by nobody since it was last restored from.
            Format::Xsaveopt => unsafe {
                asm!("xsaveopt64 [{}]", in(reg) area, in("eax") u32::MAX, in("edx") u32::MAX, options(nostack, preserves_flags));
            },
        }
    }

    /// Loads the registers from `area`.
    ///
    /// # Safety
    /// Their use does not trap. `area` is a thread's FPU area, written by `save` or `initialise`.
    #[inline]
    pub unsafe fn restore(&self, area: *const u8) {
        match self.format {
            // SAFETY: the caller's promise.
            Format::Fxsave => unsafe {
                asm!("fxrstor64 [{}]", in(reg) area, options(nostack, readonly, preserves_flags))
            },
            // SAFETY: the caller's promise.
            _ => unsafe {
                asm!("xrstor64 [{}]", in(reg) area, in("eax") u32::MAX, in("edx") u32::MAX, options(nostack, readonly, preserves_flags));
            },
        }
    }

    /// Writes the state of a new thread to `area`, which is all zero.
    ///
    /// # Safety
    /// `area` is a thread's FPU area.
    pub unsafe fn initialise(area: *mut u8) {
        // SAFETY: the control word is at the start of the area.
        unsafe { area.cast::<u16>().write(CONTROL_WORD) };
        // SAFETY: the area is larger than 28 bytes.
        let mxcsr = unsafe { area.add(24) };
        // SAFETY: MXCSR is there, aligned.
        unsafe { mxcsr.cast::<u32>().write(MXCSR) };
    }
}

impl Default for Fpu {
    fn default() -> Self {
        Self::new()
    }
}

fn set_trap(trap: bool) {
    if trap {
        // SAFETY: kernel code uses no floating point.
        unsafe { registers::set_cr0(registers::cr0() | CR0_TASK_SWITCHED) };
    } else {
        // SAFETY: as before.
        unsafe { asm!("clts", options(nomem, nostack, preserves_flags)) };
    }
}

/// The largest set of state components that fits into `room` bytes; 0 if XSAVE cannot be used.
fn components(features: &Features, room: usize) -> u64 {
    const BASE: usize = LEGACY_BYTES + HEADER_BYTES;
    if !features.xsave || room < BASE {
        return 0;
    }
    let main = cpuid::leaf(0xd, 0);
    let supported = u64::from(main.eax) | u64::from(main.edx) << 32;
    let mut chosen = X87_AND_SSE;
    for extension in EXTENSIONS {
        let wanted = chosen | extension;
        if supported & wanted != wanted || end_of(extension) > room {
            break;
        }
        chosen = wanted;
    }
    chosen
}

/// Where the last of `components` ends in the area.
fn end_of(components: u64) -> usize {
    let ends = (2..32)
        .filter(|number| components.wrapping_shr(*number) & 1 != 0)
        .map(|number| {
            let place = cpuid::leaf(0xd, number);
            place.ebx.saturating_add(place.eax) as usize
        });
    ends.max().unwrap_or(0)
}
