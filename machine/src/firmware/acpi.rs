//! The few ACPI tables that a kernel needs before it can take an interrupt: the root pointer,
//! the root tables, the MADT (interrupt controllers and processors), and of the FADT the power
//! management timer, a clock of known frequency.

use super::bytes::{array, sums_to_zero, u8_at, u16_at, u32_at, u64_at};
use super::{Bytes, List};
use crate::irq::{Polarity, Trigger};

/// Processors kept.
pub const MAX_PROCESSORS: usize = 64;
/// IO APICs kept; large servers have about ten.
pub const MAX_IOAPICS: usize = 16;
/// Interrupt source overrides kept; there are sixteen ISA interrupts.
pub const MAX_OVERRIDES: usize = 16;

/// Entries looked at in a root table.
const MAX_TABLES: u64 = 256;
/// Entries looked at in the MADT.
const MAX_MADT_ENTRIES: u32 = 1024;
/// A table longer than this is not believed.
const MAX_TABLE_LENGTH: u64 = 1 << 20;

const HEADER: u64 = 36;

/// A copy of the root system description pointer. One of ACPI 1.0 is filled up with zeroes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rsdp(pub [u8; 36]);

impl Rsdp {
    const SIGNATURE: &[u8; 8] = b"RSD PTR ";
    const OLD_LENGTH: u64 = 20;
    const LENGTH: u64 = 36;

    /// The root pointer in `bytes`, if its checksums hold.
    pub fn checked(mut bytes: [u8; 36]) -> Option<Self> {
        let copy = move |at: u64, into: &mut [u8]| {
            let from = usize::try_from(at)
                .ok()
                .and_then(|at| bytes.get(at..)?.get(..into.len()));
            from.is_some_and(|from| {
                into.copy_from_slice(from);
                true
            })
        };
        if !bytes.starts_with(Self::SIGNATURE) || !sums_to_zero(&copy, 0, Self::OLD_LENGTH) {
            return None;
        }
        let modern = u8_at(&copy, 15, 0)? >= 2;
        if !modern {
            bytes.iter_mut().skip(20).for_each(|byte| *byte = 0);
        } else if u32_at(&copy, 20, 0)? != 36 || !sums_to_zero(&copy, 0, Self::LENGTH) {
            return None;
        }
        Some(Self(bytes))
    }

    /// The root pointer at `at`.
    pub fn at(memory: &impl Bytes, at: u64) -> Option<Self> {
        let mut bytes = [0; 36];
        if let Some(whole) = array(memory, at, 0) {
            return Self::checked(whole);
        }
        let old: [u8; 20] = array(memory, at, 0)?;
        bytes.iter_mut().zip(old).for_each(|(to, from)| *to = from);
        Self::checked(bytes)
    }

    /// Looks for it where a BIOS puts it: the first KiB of the extended BIOS data area, then
    /// the BIOS area.
    pub fn find(memory: &impl Bytes) -> Option<Self> {
        const EBDA_POINTER: u64 = 0x40e;
        let ebda = u64::from(u16_at(memory, EBDA_POINTER, 0)?) << 4;
        let places = (ebda..ebda + 1024).chain(0xe_0000..0x10_0000).step_by(16);
        places
            .filter(|at| array(memory, *at, 0).as_ref() == Some(Self::SIGNATURE))
            .find_map(|at| Self::at(memory, at))
    }

    fn word(&self, at: usize) -> Option<u32> {
        Some(u32::from_le_bytes(*self.0.get(at..)?.first_chunk()?))
    }

    /// Address and entry size of the root table: the 64-bit one if there is one.
    fn root_table(&self) -> Option<(u64, u64)> {
        let extended = u64::from(self.word(24)?) | u64::from(self.word(28)?) << 32;
        Some(if extended != 0 {
            (extended, 8)
        } else {
            (self.word(16)?.into(), 4)
        })
    }
}

/// An IO APIC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IoApic {
    /// Where its registers are.
    pub address: u64,
    /// The global number of its first pin.
    pub first: u32,
}

/// How an ISA interrupt really arrives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Override {
    /// The ISA interrupt.
    pub source: u8,
    /// The global number of the pin.
    pub pin: u32,
    /// What makes it interrupt.
    pub trigger: Trigger,
    /// Which state is active.
    pub polarity: Polarity,
}

/// What the tables say.
#[derive(Clone, Copy, Debug)]
pub struct Platform {
    /// Where the local APIC's registers are.
    pub local_apic: u64,
    /// APIC identifiers of the usable processors.
    pub processors: List<u32, MAX_PROCESSORS>,
    /// The IO APICs, in the order of the table.
    pub ioapics: List<IoApic, MAX_IOAPICS>,
    /// Overrides of ISA interrupts.
    pub overrides: List<Override, MAX_OVERRIDES>,
    /// IO port of the power management timer.
    pub timer_port: Option<u16>,
}

/// Why the tables are of no use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AcpiError {
    /// The root table is damaged or out of reach.
    RootTable,
    /// There is no MADT, or it is damaged.
    Madt,
}

impl AcpiError {
    /// The error in words.
    pub const fn text(self) -> &'static str {
        match self {
            Self::RootTable => "ACPI: the root table is damaged or out of reach",
            Self::Madt => "ACPI: there is no sound MADT",
        }
    }
}

impl Platform {
    const DEFAULT_LOCAL_APIC: u64 = 0xfee0_0000;

    /// Nothing known.
    pub const fn new() -> Self {
        Self {
            local_apic: Self::DEFAULT_LOCAL_APIC,
            processors: List::new(0),
            ioapics: List::new(IoApic {
                address: 0,
                first: 0,
            }),
            overrides: List::new(Override {
                source: 0,
                pin: 0,
                trigger: Trigger::Edge,
                polarity: Polarity::High,
            }),
            timer_port: None,
        }
    }

    /// Follows the root pointer.
    pub fn read(&mut self, rsdp: &Rsdp, memory: &impl Bytes) -> Result<(), AcpiError> {
        let (root, entry_size) = rsdp.root_table().ok_or(AcpiError::RootTable)?;
        let signature = if entry_size == 8 { b"XSDT" } else { b"RSDT" };
        let length = table(memory, root, signature).ok_or(AcpiError::RootTable)?;
        let mut has_madt = false;
        for index in 0..(length.saturating_sub(HEADER) / entry_size).min(MAX_TABLES) {
            let at = root
                .saturating_add(HEADER)
                .saturating_add(index.saturating_mul(entry_size));
            let address = if entry_size == 8 {
                u64_at(memory, at, 0)
            } else {
                u32_at(memory, at, 0).map(u64::from)
            };
            let Some(address) = address else { break };
            if let Some(length) = table(memory, address, b"APIC") {
                // Some firmware lists two; the first one counts.
                if !has_madt {
                    has_madt = true;
                    self.madt(address, length, memory).ok_or(AcpiError::Madt)?;
                }
            } else if let Some(length) = table(memory, address, b"FACP") {
                self.timer_port = timer_port(address, length, memory);
            }
        }
        if has_madt {
            Ok(())
        } else {
            Err(AcpiError::Madt)
        }
    }

    fn madt(&mut self, madt: u64, length: u64, memory: &impl Bytes) -> Option<()> {
        const FIRST_ENTRY: u64 = 44;
        if length < FIRST_ENTRY {
            return None;
        }
        self.local_apic = u32_at(memory, madt, 36)?.into();
        // `table` has seen that a table does not reach the end of the address space.
        let end = madt.checked_add(length)?;
        let mut at = madt.checked_add(FIRST_ENTRY)?;
        for _ in 0..MAX_MADT_ENTRIES {
            let left = end.saturating_sub(at);
            if left < 2 {
                break;
            }
            let kind = u8_at(memory, at, 0)?;
            let size = u64::from(u8_at(memory, at, 1)?);
            if size < 2 || size > left {
                break;
            }
            self.madt_entry(kind, size, at, memory)?;
            at = at.saturating_add(size);
        }
        Some(())
    }

    fn madt_entry(&mut self, kind: u8, size: u64, at: u64, memory: &impl Bytes) -> Option<()> {
        const LOCAL_APIC: u8 = 0;
        const IO_APIC: u8 = 1;
        const OVERRIDE: u8 = 2;
        const LOCAL_APIC_ADDRESS: u8 = 5;
        const LOCAL_X2APIC: u8 = 9;
        const ENABLED: u32 = 1;
        match kind {
            LOCAL_APIC if size >= 8 && u32_at(memory, at, 4)? & ENABLED != 0 => {
                self.add_processor(u8_at(memory, at, 3)?.into());
            }
            LOCAL_X2APIC if size >= 16 && u32_at(memory, at, 8)? & ENABLED != 0 => {
                self.add_processor(u32_at(memory, at, 4)?);
            }
            IO_APIC if size >= 12 => {
                let (address, first) = (u32_at(memory, at, 4)?.into(), u32_at(memory, at, 8)?);
                self.ioapics.push(IoApic { address, first });
            }
            OVERRIDE if size >= 10 => {
                self.overrides.push(an_override(at, memory)?);
            }
            LOCAL_APIC_ADDRESS if size >= 12 => self.local_apic = u64_at(memory, at, 4)?,
            _ => {}
        }
        Some(())
    }

    /// Firmware may list a processor both ways.
    fn add_processor(&mut self, id: u32) {
        if !self.processors.as_slice().contains(&id) {
            self.processors.push(id);
        }
    }
}

impl Default for Platform {
    fn default() -> Self {
        Self::new()
    }
}

/// The length of the table at `at`, if it is a sound one named `signature`.
fn table(memory: &impl Bytes, at: u64, signature: &[u8; 4]) -> Option<u64> {
    at.checked_add(MAX_TABLE_LENGTH)?;
    if array::<4>(memory, at, 0)? != *signature {
        return None;
    }
    let length = u64::from(u32_at(memory, at, 4)?);
    let sound = (HEADER..=MAX_TABLE_LENGTH).contains(&length) && sums_to_zero(memory, at, length);
    sound.then_some(length)
}

fn an_override(at: u64, memory: &impl Bytes) -> Option<Override> {
    let flags = u16_at(memory, at, 8)?;
    Some(Override {
        source: u8_at(memory, at, 3)?,
        pin: u32_at(memory, at, 4)?,
        // "Conforms to the bus" is edge and high for ISA.
        polarity: if flags & 3 == 3 {
            Polarity::Low
        } else {
            Polarity::High
        },
        trigger: if flags >> 2 & 3 == 3 {
            Trigger::Level
        } else {
            Trigger::Edge
        },
    })
}

fn timer_port(fadt: u64, length: u64, memory: &impl Bytes) -> Option<u16> {
    const TIMER_BLOCK: u64 = 76;
    const TIMER_LENGTH: u64 = 91;
    if length <= TIMER_LENGTH || u8_at(memory, fadt, TIMER_LENGTH)? != 4 {
        return None;
    }
    u16::try_from(u32_at(memory, fadt, TIMER_BLOCK)?)
        .ok()
        .filter(|port| *port != 0)
}

#[cfg(test)]
mod tests {
    use super::super::bytes::Pieces;
    use super::*;

    fn fix(mut bytes: Vec<u8>, at: usize, len: usize) -> Vec<u8> {
        bytes[at] = 0;
        let sum = bytes[..len]
            .iter()
            .fold(0u8, |sum, byte| sum.wrapping_add(*byte));
        bytes[at] = 0u8.wrapping_sub(sum);
        bytes
    }

    fn table_of(signature: &[u8; 4], body: &[u8]) -> Vec<u8> {
        let mut bytes = signature.to_vec();
        bytes.extend((body.len() as u32 + 36).to_le_bytes());
        bytes.resize(36, b'.');
        bytes.extend(body);
        let len = bytes.len();
        fix(bytes, 9, len)
    }

    fn rsdp(revision: u8, rsdt: u32, xsdt: u64) -> Vec<u8> {
        let mut bytes = b"RSD PTR \0OEMOEM".to_vec();
        bytes.push(revision);
        bytes.extend(rsdt.to_le_bytes());
        bytes.extend(36u32.to_le_bytes());
        bytes.extend(xsdt.to_le_bytes());
        bytes.resize(36, 0);
        fix(fix(bytes, 8, 20), 32, 36)
    }

    fn madt_body() -> Vec<u8> {
        let mut body = [0xfee0_0000u32, 1].map(u32::to_le_bytes).concat();
        body.extend([0, 8, 0, 0, 1, 0, 0, 0]);
        body.extend([0, 8, 1, 1, 0, 0, 0, 0]);
        body.extend([9, 16, 0, 0, 0x34, 0x12, 0, 0, 1, 0, 0, 0, 7, 0, 0, 0]);
        body.extend([9, 16, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0]);
        body.extend([1, 12, 0, 0, 0, 0, 0xc0, 0xfe, 0, 0, 0, 0]);
        body.extend([1, 12, 1, 0, 0, 0x10, 0xc0, 0xfe, 24, 0, 0, 0]);
        body.extend([2, 10, 0, 0, 2, 0, 0, 0, 0, 0]);
        body.extend([2, 10, 0, 9, 9, 0, 0, 0, 0x0f, 0]);
        body.extend([4, 6, 0xff, 0, 0, 1]);
        body
    }

    fn fadt_body() -> Vec<u8> {
        let mut body = vec![0; 80];
        body[40..44].copy_from_slice(&0x608u32.to_le_bytes());
        body[91 - 36] = 4;
        body
    }

    fn world(rsdp: Vec<u8>) -> Pieces {
        Pieces::default()
            .with(0x40e, 0x9fc0u16.to_le_bytes())
            .with(0xf_5ad0, rsdp)
            .with(
                0x7000,
                table_of(
                    b"RSDT",
                    &[0x8000u32, 0x9000, 0xa000].map(u32::to_le_bytes).concat(),
                ),
            )
            .with(
                0x7800,
                table_of(
                    b"XSDT",
                    &[0x8000u64, 0x9000, 0xa000].map(u64::to_le_bytes).concat(),
                ),
            )
            .with(0x8000, table_of(b"FACP", &fadt_body()))
            .with(0x9000, table_of(b"HPET", &[1, 2, 3]))
            .with(0xa000, table_of(b"APIC", &madt_body()))
    }

    fn read(memory: &Pieces) -> Result<Platform, AcpiError> {
        let mut platform = Platform::new();
        platform.read(&Rsdp::find(memory).expect("root pointer"), memory)?;
        Ok(platform)
    }

    #[test]
    fn both_root_tables_lead_to_the_same_platform() {
        for pointer in [
            rsdp(0, 0x7000, 0),
            rsdp(2, 0x7000, 0x7800),
            rsdp(2, 0, 0x7800),
        ] {
            let found = read(&world(pointer)).expect("sound");
            assert_eq!(found.local_apic, 0xfee0_0000);
            assert_eq!(
                found.processors.as_slice(),
                [0, 0x1234],
                "disabled and doubled ones left out"
            );
            let second = IoApic {
                address: 0xfec0_1000,
                first: 24,
            };
            assert_eq!(
                found.ioapics.as_slice(),
                [
                    IoApic {
                        address: 0xfec0_0000,
                        first: 0
                    },
                    second
                ]
            );
            let timer = Override {
                source: 0,
                pin: 2,
                trigger: Trigger::Edge,
                polarity: Polarity::High,
            };
            let sci = Override {
                source: 9,
                pin: 9,
                trigger: Trigger::Level,
                polarity: Polarity::Low,
            };
            assert_eq!(found.overrides.as_slice(), [timer, sci]);
            assert_eq!(found.timer_port, Some(0x608));
        }
    }

    #[test]
    fn an_old_root_pointer_is_filled_up() {
        let memory = world(rsdp(0, 0x7000, 0xdead_beef));
        assert!(
            Rsdp::find(&memory).expect("found").0[20..]
                .iter()
                .all(|byte| *byte == 0)
        );
    }

    #[test]
    fn the_local_apic_can_move() {
        let mut body = madt_body();
        body.extend([5, 12, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0]);
        let mut memory = world(rsdp(0, 0x7000, 0));
        memory.0.retain(|(at, _)| *at != 0xa000);
        let found = read(&memory.with(0xa000, table_of(b"APIC", &body))).expect("sound");
        assert_eq!(found.local_apic, 1 << 32);
    }

    #[test]
    fn damage_is_noticed() {
        let mut bad = rsdp(2, 0x7000, 0x7800);
        bad[33] ^= 1;
        assert_eq!(Rsdp::find(&world(bad)), None, "second checksum");
        let mut bad = rsdp(0, 0x7000, 0);
        bad[9] ^= 1;
        assert_eq!(Rsdp::find(&world(bad)), None, "first checksum");
        for (at, error) in [(0x7000, AcpiError::RootTable), (0xa000, AcpiError::Madt)] {
            let mut memory = world(rsdp(0, 0x7000, 0));
            memory
                .0
                .iter_mut()
                .filter(|piece| piece.0 == at)
                .for_each(|piece| piece.1[20] ^= 1);
            assert_eq!(read(&memory).err(), Some(error));
        }
    }

    #[test]
    fn short_entries_end_the_table_or_are_skipped() {
        for tail in [
            &[0u8, 0][..],
            &[0],
            &[0, 1, 2],
            &[1, 4, 0, 0],
            &[2, 9, 0, 0, 0, 0, 0, 0, 0],
            &[0, 200, 1, 1],
        ] {
            let mut body = madt_body();
            body.extend(tail);
            let mut memory = world(rsdp(0, 0x7000, 0));
            memory.0.retain(|(at, _)| *at != 0xa000);
            let found = read(&memory.with(0xa000, table_of(b"APIC", &body))).expect("sound");
            assert_eq!(found.ioapics.as_slice().len(), 2);
            assert_eq!(found.overrides.as_slice().len(), 2);
        }
    }

    /// Random damage anywhere: the answer may be anything, but there is one.
    #[test]
    fn no_damage_panics() {
        let mut state = 0x2545_f491_4f6c_dd1du64;
        let mut random = move || {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state
        };
        for _ in 0..20_000 {
            let mut body = madt_body();
            let at = random() as usize % body.len();
            body[at] = random() as u8;
            let mut memory = world(rsdp(2, 0, 0x7800));
            memory.0.retain(|(at, _)| *at != 0xa000);
            let _ = read(&memory.with(0xa000, table_of(b"APIC", &body)));
        }
    }
}
