//! Floating-point registers. While they are not the running thread's, they are off, and each use
//! traps. They are saved only if they have changed since they were loaded.

use super::csr::{self, status};
use core::arch::asm;

/// What is known of the registers.
#[derive(Clone, Copy, Debug)]
pub struct Fpu {
    present: bool,
    enabled: bool,
    /// They had changed when they were last switched off.
    dirty: bool,
}

impl Fpu {
    /// None.
    pub const fn absent() -> Self {
        Self {
            present: false,
            enabled: false,
            dirty: false,
        }
    }

    /// Looks whether there are any, and switches them off.
    pub fn start() -> Self {
        // SAFETY: kernel code uses no floating point.
        unsafe { csr::raise_sstatus(status::FS) };
        let present = csr::sstatus() & status::FS != 0;
        set(0);
        Self {
            present,
            ..Self::absent()
        }
    }

    /// Whether there are any.
    pub fn present(&self) -> bool {
        self.present
    }

    /// Whether user mode may use them now.
    #[inline(always)]
    pub fn enabled(&self) -> bool {
        self.enabled
    }

    /// Lets user mode use them, or makes each use trap.
    #[inline]
    pub fn enable(&mut self, enabled: bool) {
        if self.enabled == enabled || !self.present {
            return;
        }
        self.enabled = enabled;
        if enabled {
            set(self.state());
        } else {
            self.note_changes();
            set(0);
        }
    }

    /// What user mode is to find, and changes from now on are told by.
    fn state(&self) -> u64 {
        if self.dirty {
            status::FS
        } else {
            status::FS_CLEAN
        }
    }

    fn note_changes(&mut self) {
        self.dirty |= csr::sstatus() & status::FS == status::FS;
    }

    /// Saves them at `from`, if they have changed and somebody wants them; loads them from `to`, and
    /// lets user mode use them.
    ///
    /// # Safety
    /// `from` and `to` are threads' FPU areas: 33 words.
    #[inline]
    pub unsafe fn switch(&mut self, from: Option<*mut u64>, to: *const u64) {
        if !self.present {
            return;
        }
        if self.enabled {
            self.note_changes();
        }
        // SAFETY: kernel code uses no floating point.
        unsafe { csr::raise_sstatus(status::FS) };
        if let Some(area) = from
            && self.dirty
        {
            // SAFETY: switched on in the line above, and the caller's promise.
            unsafe { save(area) };
        }
        // SAFETY: as before.
        unsafe { restore(to) };
        self.dirty = false;
        self.enabled = true;
        // SAFETY: as before. From dirty to clean.
        unsafe { csr::lower_sstatus(status::FS & !status::FS_CLEAN) };
    }
}

impl Default for Fpu {
    fn default() -> Self {
        Self::absent()
    }
}

fn set(state: u64) {
    // SAFETY: kernel code uses no floating point.
    unsafe { csr::lower_sstatus(status::FS & !state) };
    // SAFETY: as before.
    unsafe { csr::raise_sstatus(state) };
}

macro_rules! each_register {
    ($instruction:literal) => {
        concat!(
            ".irp n, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31\n",
            $instruction,
            " f\\n, \\n * 8({area})\n",
            ".endr"
        )
    };
}

/// # Safety
/// The registers are on; `area` holds 33 words.
#[inline]
unsafe fn save(area: *mut u64) {
    // SAFETY: the caller's promise.
    unsafe {
        asm!(
            ".option push",
            ".option arch, +d",
            each_register!("fsd"),
            "frcsr {scratch}",
            "sd {scratch}, 256({area})",
            ".option pop",
            area = in(reg) area,
            scratch = out(reg) _,
            options(nostack, preserves_flags),
        );
    }
}

/// # Safety
/// As for [`save`].
#[inline]
unsafe fn restore(area: *const u64) {
    // SAFETY: the caller's promise. The compiler has no use for these registers.
    unsafe {
        asm!(
            ".option push",
            ".option arch, +d",
            each_register!("fld"),
            "ld {scratch}, 256({area})",
            "fscsr {scratch}",
            ".option pop",
            area = in(reg) area,
            scratch = out(reg) _,
            options(nostack, readonly, preserves_flags),
        );
    }
}

/// Whether `instruction` touches the floating-point registers or their control register.
pub fn is_floating_point(instruction: u32) -> bool {
    const LOAD: u32 = 0x07;
    const STORE: u32 = 0x27;
    const FUSED: [u32; 4] = [0x43, 0x47, 0x4b, 0x4f];
    const OPERATION: u32 = 0x53;
    const SYSTEM: u32 = 0x73;
    if instruction & 3 != 3 {
        // Compressed: C.FLD, C.FSD and their forms for the stack.
        return instruction & 1 == 0 && matches!(instruction >> 13 & 7, 1 | 5);
    }
    match instruction & 0x7f {
        LOAD | STORE | OPERATION => true,
        // `fflags`, `frm`, `fcsr`, by any of the register instructions.
        SYSTEM => instruction >> 12 & 3 != 0 && matches!(instruction >> 20, 1..=3),
        opcode => FUSED.contains(&opcode),
    }
}
