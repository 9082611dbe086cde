//! How long the kernel is stayed in.

use crate::machine::Special;
use crate::options::{Options, Paths};
use crate::qemu::{Block, Counter, Instruction, Register, Switch};
use crate::stay::{Call, Entry, Records, Stay};
use std::ops::Range;
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// What is told when a block or an instruction begins to be executed.
#[derive(Debug)]
pub(crate) struct Told {
    event: Event,
    address: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Event {
    /// Boot is over.
    First,
    /// The first user thread is about to end the machine, as far as is known.
    Last,
    /// The kernel executes a block, or firmware does.
    Kernel,
    Firmware,
    /// User space executes a block, and the kernel did so before.
    User,
    /// User space is about to make a system call.
    Call,
    /// Something has trapped: the kernel begins to execute a stub.
    Trap,
    Look,
    Wait,
}

struct Following {
    paths: Paths,
    kernel: u64,
    firmware: Range<u64>,
    out: PathBuf,
    counter: Counter,
    /// Whether user space's blocks are told of: during a stay.
    switch: Switch,
    booted: bool,
    call: Option<Call>,
    cause: Option<u64>,
    stay: Option<Stay>,
    records: Records,
}

static FOLLOWING: Mutex<Option<Following>> = Mutex::new(None);

fn lock() -> MutexGuard<'static, Option<Following>> {
    FOLLOWING.lock().unwrap_or_else(PoisonError::into_inner)
}

/// From now on, by these options.
pub(crate) fn begin(options: Options, paths: Paths, counter: Counter, switch: Switch) {
    *lock() = Some(Following {
        paths,
        kernel: options.kernel,
        firmware: options.firmware,
        out: options.out,
        counter,
        switch,
        booted: false,
        call: None,
        cause: None,
        stay: None,
        records: Records::default(),
    });
}

/// A block is translated: what is to be told when it is executed. Whether paths are followed at all.
pub(crate) fn translated(block: &Block) -> bool {
    match lock().as_ref() {
        Some(following) => {
            following.instrument(block);
            true
        }
        None => false,
    }
}

/// Something of what is to be told happens.
pub(crate) fn told(told: &Told) {
    if let Some(following) = lock().as_mut() {
        following.hear(told);
    }
}

fn telling(event: Event, address: u64) -> &'static Told {
    Box::leak(Box::new(Told { event, address }))
}

impl Following {
    fn instrument(&self, block: &Block) {
        let address = block.address();
        let event = if address >= self.kernel {
            Event::Kernel
        } else if self.firmware.contains(&address) {
            Event::Firmware
        } else {
            Event::User
        };
        if self.paths.is_trap(address) {
            block.tell_with_registers(telling(Event::Trap, address));
        }
        match event {
            Event::User => block.tell_while_on(self.switch, telling(event, address)),
            _ => block.tell(telling(event, address)),
        }
        for instruction in block.instructions() {
            match event {
                Event::User => self.instrument_users(&instruction),
                Event::Kernel => self.instrument_kernels(&instruction),
                _ => instruction.count(self.counter),
            }
        }
    }

    fn instrument_users(&self, instruction: &Instruction) {
        let address = instruction.address();
        if address == self.paths.from {
            instruction.tell(telling(Event::First, address));
        }
        if address == self.paths.until {
            instruction.tell(telling(Event::Last, address));
        }
        let special = self.paths.machine.special(&instruction.bytes());
        if special == Some(Special::SystemCall) {
            instruction.tell(telling(Event::Call, address));
        }
    }

    fn instrument_kernels(&self, instruction: &Instruction) {
        let address = instruction.address();
        if self.paths.looks.iter().any(|look| look.contains(&address)) {
            instruction.tell(telling(Event::Look, address));
        }
        let special = self.paths.machine.special(&instruction.bytes());
        if special == Some(Special::WaitForInterrupt) {
            instruction.tell(telling(Event::Wait, address));
        }
        instruction.count(self.counter);
    }

    fn hear(&mut self, told: &Told) {
        let now = self.counter.value();
        match told.event {
            Event::First => self.booted = true,
            Event::Last => self.write(),
            Event::Call => {
                let registers = self.paths.machine.call_registers();
                let read = |name| Register::named(name).map_or(0, Register::value);
                self.call = Some(Call::new(
                    read(registers.number).cast_signed(),
                    read(registers.message),
                ));
            }
            Event::Trap => {
                // Not one instruction of user space lay between.
                if self.stay.is_some() {
                    self.leave(now);
                }
                let register = self.paths.machine.cause().and_then(Register::named);
                self.cause = register.map(Register::value);
            }
            Event::Kernel => {
                if self.stay.is_none() && self.booted {
                    self.enter(told.address, now);
                }
                self.step(told.address, now);
            }
            Event::Firmware => self.step(told.address, now),
            Event::Look => {
                if let Some(stay) = &mut self.stay {
                    stay.look(now);
                }
            }
            Event::User => self.leave(now),
            Event::Wait => self.leave(now),
        }
    }

    fn enter(&mut self, address: u64, now: u64) {
        let call = self.call.take();
        let cause = self.cause.take();
        let entry = Entry {
            address,
            call,
            // The call says more.
            cause: cause.filter(|_| call.is_none()),
        };
        self.stay = Some(Stay::new(entry, now));
        self.switch.set(true);
    }

    fn step(&mut self, block: u64, now: u64) {
        if let Some(stay) = &mut self.stay {
            stay.step(block, now);
        }
    }

    fn leave(&mut self, now: u64) {
        self.switch.set(false);
        self.call = None;
        self.cause = None;
        if let Some(stay) = self.stay.take() {
            self.records.end(stay, now);
        }
    }

    /// What is known so far.
    fn write(&self) {
        // A missing file is noticed by whoever reads it.
        let _ = std::fs::write(&self.out, self.records.lines());
    }
}
