//! What happens at which instruction.

use crate::options::Options;
use crate::qemu::{Instruction, Switch};
use crate::region::{Region, Whose};
use std::fs::File;
use std::io::Write;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// An instruction that was translated. QEMU hands it back whenever it is executed.
#[derive(Debug)]
pub(crate) struct Known {
    address: u64,
    whose: Whose,
    mark: Option<Mark>,
}

/// What begins or ends with an instruction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mark {
    Begin,
    End,
    BootBegin,
    BootEnd,
}

/// The whole state. The machine's only processor is its only user.
struct Counting {
    options: Options,
    out: File,
    switch: Switch,
    region: Option<Region>,
    finished: usize,
    booted: bool,
}

/// Whether there is a region: what accesses ask, who cannot be switched off in the translated code.
static ON: AtomicBool = AtomicBool::new(false);
static COUNTING: Mutex<Option<Counting>> = Mutex::new(None);

fn lock() -> MutexGuard<'static, Option<Counting>> {
    COUNTING.lock().unwrap_or_else(PoisonError::into_inner)
}

/// From now on, by these options.
pub(crate) fn begin(options: Options, switch: Switch) -> std::io::Result<()> {
    let out = File::create(&options.out)?;
    *lock() = Some(Counting {
        options,
        out,
        switch,
        region: None,
        finished: 0,
        booted: false,
    });
    Ok(())
}

/// An instruction is translated: what is to happen when it is executed.
pub(crate) fn translated(instruction: &Instruction) {
    let guard = lock();
    let Some(counting) = guard.as_ref() else {
        return;
    };
    let address = instruction.address();
    let known = Box::leak(Box::new(Known {
        address,
        whose: counting.whose(address),
        mark: counting.mark(address),
    }));
    if known.mark.is_some() {
        instruction.always(known);
    } else {
        instruction.while_on(counting.switch, known);
    }
    instruction.on_access(known);
}

/// An instruction begins to be executed.
pub(crate) fn executed(known: &Known) {
    let mut guard = lock();
    let Some(counting) = guard.as_mut() else {
        return;
    };
    match known.mark {
        None => {
            if let Some(region) = &mut counting.region {
                region.executed(known.address, known.whose);
            }
        }
        Some(mark) => counting.at(mark),
    }
}

/// An instruction reads or writes memory.
pub(crate) fn accessed(known: &Known, address: u64, is_store: bool) {
    if !ON.load(Ordering::Relaxed) {
        return;
    }
    if let Some(region) = lock()
        .as_mut()
        .and_then(|counting| counting.region.as_mut())
    {
        region.accessed(address, known.whose, is_store);
    }
}

impl Counting {
    fn whose(&self, address: u64) -> Whose {
        if address >= self.options.kernel {
            Whose::Kernel
        } else if self.options.firmware.contains(&address) {
            Whose::Firmware
        } else {
            Whose::User
        }
    }

    fn mark(&self, address: u64) -> Option<Mark> {
        let options = &self.options;
        match options.boot {
            _ if address == options.begin => Some(Mark::Begin),
            _ if address == options.end => Some(Mark::End),
            Some((first, _)) if address == first => Some(Mark::BootBegin),
            Some((_, last)) if address == last => Some(Mark::BootEnd),
            _ => None,
        }
    }

    fn at(&mut self, mark: Mark) {
        match mark {
            Mark::Begin => self.open(self.options.histogram == Some(self.finished)),
            Mark::End => {
                self.close("end");
                self.finished += 1;
            }
            Mark::BootBegin if !self.booted => {
                self.booted = true;
                self.open(false);
            }
            Mark::BootEnd => self.close("boot"),
            Mark::BootBegin => {}
        }
    }

    fn open(&mut self, with_histogram: bool) {
        self.region = Some(Region::new(with_histogram));
        self.switch_to(true);
    }

    fn close(&mut self, mark: &str) {
        self.switch_to(false);
        let Some(region) = self.region.take() else {
            return;
        };
        // A missing line is noticed by whoever reads them.
        let _ = writeln!(self.out, "{}", region.line(mark));
        if let Some(addresses) = region.addresses() {
            let _ = std::fs::write(&self.options.histogram_out, addresses);
        }
    }

    fn switch_to(&self, on: bool) {
        ON.store(on, Ordering::Relaxed);
        self.switch.set(on);
    }
}
