//! What the firmware in machine mode does for supervisor mode (RISC-V SBI).

use core::arch::asm;

const LEGACY_SET_TIMER: u64 = 0;
const LEGACY_PUT_CHAR: u64 = 1;
const LEGACY_SHUTDOWN: u64 = 8;

const BASE: u64 = 0x10;
const BASE_PROBE: u64 = 3;
const TIME: u64 = 0x5449_4d45;
const CONSOLE: u64 = 0x4442_434e;
const CONSOLE_WRITE_BYTE: u64 = 2;
const RESET: u64 = 0x5352_5354;

/// Function `function` of extension `extension`: an error (0 is none) and a value.
fn call(extension: u64, function: u64, arguments: [u64; 2]) -> (u64, u64) {
    let [first, second] = arguments;
    let (error, value);
    // SAFETY: the firmware keeps all registers but these two, and writes no memory of ours.
    unsafe {
        asm!(
            "ecall",
            in("a7") extension,
            in("a6") function,
            inlateout("a0") first => error,
            inlateout("a1") second => value,
            options(nostack, preserves_flags),
        );
    }
    (error, value)
}

/// Which extensions the firmware has. Firmware older than version 0.2 has the legacy ones only,
/// and answers questions about others with an error.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Sbi {
    time: bool,
    console: bool,
}

impl Sbi {
    /// The legacy extensions.
    pub const LEGACY: Self = Self {
        time: false,
        console: false,
    };

    /// Asks the firmware.
    pub fn probe() -> Self {
        let has = |extension| matches!(call(BASE, BASE_PROBE, [extension, 0]), (0, 1..));
        Self {
            time: has(TIME),
            console: has(CONSOLE),
        }
    }

    /// Raises the timer interrupt at `deadline`, and takes back one that waits.
    pub fn set_timer(self, deadline: u64) {
        let extension = if self.time { TIME } else { LEGACY_SET_TIMER };
        call(extension, 0, [deadline, 0]);
    }

    /// Writes a byte to the firmware's console.
    pub fn put(self, byte: u8) {
        if self.console {
            call(CONSOLE, CONSOLE_WRITE_BYTE, [byte.into(), 0]);
        } else {
            call(LEGACY_PUT_CHAR, 0, [byte.into(), 0]);
        }
    }
}

/// Switches the machine off, if the firmware can.
pub fn shut_down(failed: bool) {
    call(RESET, 0, [0, failed.into()]);
    call(LEGACY_SHUTDOWN, 0, [0, 0]);
}
