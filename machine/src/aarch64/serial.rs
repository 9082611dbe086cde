//! The PL011 serial port, polled.

const DATA: usize = 0x00;
const FLAGS: usize = 0x18;
const TRANSMIT_FULL: u32 = 1 << 5;
/// A port that stays busy this long is not there.
const PATIENCE: u32 = 1 << 20;

/// One serial port, as firmware has set it up.
#[derive(Clone, Copy, Debug)]
pub struct Serial {
    base: usize,
}

impl Serial {
    /// The port whose registers are mapped at `base`.
    ///
    /// # Safety
    /// They stay mapped there, as device memory.
    pub const unsafe fn at(base: u64) -> Self {
        Self {
            base: base as usize,
        }
    }

    /// Writes `byte`; a line feed brings its carriage return.
    pub fn put(self, byte: u8) {
        if byte == b'\n' {
            self.put_raw(b'\r');
        }
        self.put_raw(byte);
    }

    fn put_raw(self, byte: u8) {
        for _ in 0..PATIENCE {
            // SAFETY: the registers are mapped, see `at`.
            if unsafe { self.register(FLAGS).read_volatile() } & TRANSMIT_FULL == 0 {
                break;
            }
        }
        // SAFETY: as before.
        unsafe { self.register(DATA).write_volatile(byte.into()) };
    }

    fn register(self, offset: usize) -> *mut u32 {
        core::ptr::with_exposed_provenance_mut(self.base.wrapping_add(offset))
    }
}
