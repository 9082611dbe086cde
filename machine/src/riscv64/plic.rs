//! The platform-level interrupt controller: lines with numbers, of which a hart claims one and
//! completes it when it has been dealt with.

use crate::Irq;

/// Lines that the kernel has numbers for, with line 0, which does not exist.
pub const LINES: usize = 96;

const ENABLE: u64 = 0x2000;
const ENABLE_STRIDE: u64 = 0x80;
const CONTEXT: u64 = 0x20_0000;
const CONTEXT_STRIDE: u64 = 0x1000;
const CLAIM: u64 = 4;

/// Any priority above the threshold, which is 0: the kernel has no use for more.
const PRIORITY: u32 = 1;

/// When a delivered interrupt is completed at the controller.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Completion {
    /// As soon as its handler has been told: lines that behave like edges, as QEMU's do.
    AtDelivery,
    /// When its handler acknowledges it.
    AtAcknowledgement,
}

/// The controller, as one hart's supervisor mode sees it.
#[derive(Clone, Copy, Debug)]
pub struct Plic {
    /// Where its registers are mapped; 0: there is none.
    base: u64,
    context: u64,
    completion: Completion,
    /// A bit for each line that may interrupt.
    enabled: [u32; LINES / 32],
    /// A bit for each line that was claimed and not completed.
    claimed: [u32; LINES / 32],
}

fn bit(irq: Irq) -> u32 {
    1 << (irq.0 % 32)
}

impl Plic {
    /// None.
    pub const fn absent() -> Self {
        Self {
            base: 0,
            context: 0,
            completion: Completion::AtDelivery,
            enabled: [0; LINES / 32],
            claimed: [0; LINES / 32],
        }
    }

    /// The controller at `base`, for `context`; every line masked.
    ///
    /// # Safety
    /// The registers are mapped there.
    pub unsafe fn start(base: u64, context: u64, sources: u64, completion: Completion) -> Self {
        let plic = Self {
            base,
            context,
            completion,
            ..Self::absent()
        };
        // Line 0 has no priority. Lines that have no number here stay masked.
        for line in 1..(LINES as u64).min(sources.saturating_add(1)) {
            plic.write(line << 2, PRIORITY);
        }
        for word in 0..sources.min(1023) / 32 + 1 {
            plic.write(plic.enable_word(word), 0);
        }
        plic.write(plic.own(0), 0);
        plic
    }

    fn enable_word(&self, word: u64) -> u64 {
        // Wrapping: all of these are small, and an absent controller is not touched.
        ENABLE
            .wrapping_add(ENABLE_STRIDE.wrapping_mul(self.context))
            .wrapping_add(word << 2)
    }

    fn own(&self, register: u64) -> u64 {
        CONTEXT
            .wrapping_add(CONTEXT_STRIDE.wrapping_mul(self.context))
            .wrapping_add(register)
    }

    fn register(&self, offset: u64) -> Option<*mut u32> {
        let at = self.base.wrapping_add(offset) as usize;
        (self.base != 0).then(|| core::ptr::with_exposed_provenance_mut(at))
    }

    fn write(&self, offset: u64, value: u32) {
        if let Some(register) = self.register(offset) {
            // SAFETY: mapped (`start`), and its effects are only on interrupts.
            unsafe { register.write_volatile(value) };
        }
    }

    fn read(&self, offset: u64) -> u32 {
        match self.register(offset) {
            // SAFETY: as in `write`.
            Some(register) => unsafe { register.read_volatile() },
            None => 0,
        }
    }

    /// Takes the interrupt that waits, if one does.
    pub fn claim(&mut self) -> Option<Irq> {
        let line = self.read(self.own(CLAIM));
        let irq = Irq(u16::try_from(line).ok().filter(|line| *line > 0)?);
        if let Some(word) = self.claimed.get_mut(usize::from(irq.0 / 32)) {
            *word |= bit(irq);
        }
        Some(irq)
    }

    /// Ends a claim. The controller hears only of lines that are enabled.
    pub fn complete(&mut self, irq: Irq) {
        let index = usize::from(irq.0 / 32);
        let masked = self
            .enabled
            .get(index)
            .is_none_or(|word| word & bit(irq) == 0);
        if masked {
            self.set_enabled(irq, true);
        }
        self.write(self.own(CLAIM), irq.0.into());
        if masked {
            self.set_enabled(irq, false);
        }
        if let Some(word) = self.claimed.get_mut(index) {
            *word &= !bit(irq);
        }
    }

    fn is_claimed(&self, irq: Irq) -> bool {
        self.claimed
            .get(usize::from(irq.0 / 32))
            .is_some_and(|word| word & bit(irq) != 0)
    }

    fn set_enabled(&mut self, irq: Irq, enabled: bool) {
        let index = irq.0 / 32;
        let Some(word) = self.enabled.get_mut(usize::from(index)) else {
            return;
        };
        *word = if enabled {
            *word | bit(irq)
        } else {
            *word & !bit(irq)
        };
        let value = *word;
        self.write(self.enable_word(index.into()), value);
    }

    /// Keeps a line from interrupting.
    pub fn mask(&mut self, irq: Irq) {
        self.set_enabled(irq, false);
    }

    /// Lets a line interrupt, even if whoever had it before never acknowledged it.
    pub fn unmask(&mut self, irq: Irq) {
        self.set_enabled(irq, true);
        if self.is_claimed(irq) {
            self.complete(irq);
        }
    }

    /// The handler has been told.
    pub fn delivered(&mut self, irq: Irq) {
        if self.completion == Completion::AtDelivery {
            self.complete(irq);
        }
    }

    /// The handler has dealt with it.
    pub fn acknowledged(&mut self, irq: Irq) {
        if self.completion == Completion::AtAcknowledgement && self.is_claimed(irq) {
            self.complete(irq);
        }
    }
}
