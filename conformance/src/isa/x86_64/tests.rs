//! What only x86 has: IO ports, interrupts by message, and what BootInfo says of a PC.

use crate::report::{Outcome, check, check_eq, skip};
use crate::world::World;
use abi::bootinfo::{self, header};
use abi::{CapRights, Word};
use user_api::{CPtr, Error, IoPort, IrqHandler, MsiRoute};
use user_runtime::boot::{self, root};

crate::list!["x86":
    memory_map_names_the_ram, rsdp_is_one, tsc_frequency_is_plausible, ports_are_read_and_written,
    ports_outside_are_refused, wide_access_must_fit, ports_are_handed_out_once, copies_share_the_ports, ports_come_back,
    the_control_of_ports_cannot_be_copied, message_interrupts_can_be_issued,
];

fn memory_map_names_the_ram(world: &mut World) -> Outcome {
    let Some(map) = boot::extra(world.boot).find(|chunk| chunk.id == header::X86_MBMMAP as Word)
    else {
        return Err(crate::report::fail(format_args!("no memory map")));
    };
    let Some((length, entries)) = map.contents.split_first_chunk::<4>() else {
        return Err(crate::report::fail(format_args!("the memory map is cut")));
    };
    let length = u32::from_le_bytes(*length) as usize;
    check!(
        length >= 24 && length <= entries.len() && length.is_multiple_of(24),
        "length {length}"
    );
    let ram = |paddr: u64| {
        entries[..length].chunks_exact(24).any(|entry| {
            let word = |at: usize| {
                entry[at..]
                    .first_chunk()
                    .map_or(0, |bytes| u64::from_le_bytes(*bytes))
            };
            let kind = entry[20..]
                .first_chunk()
                .map_or(0, |bytes| u32::from_le_bytes(*bytes));
            kind == bootinfo::MULTIBOOT_RAM_REGION_TYPE && paddr.wrapping_sub(word(4)) < word(12)
        })
    };
    let count = (world.boot.untyped.end - world.boot.untyped.start) as usize;
    for entry in world
        .boot
        .untyped_list
        .iter()
        .take(count)
        .filter(|entry| entry.is_device == 0)
    {
        check!(
            ram(entry.paddr),
            "{:#x} is said to be RAM, but not by the map",
            entry.paddr
        );
    }
    Ok(())
}

fn rsdp_is_one(world: &mut World) -> Outcome {
    let Some(chunk) =
        boot::extra(world.boot).find(|chunk| chunk.id == header::X86_ACPI_RSDP as Word)
    else {
        skip!("no ACPI");
    };
    check_eq!(chunk.contents.len(), bootinfo::ACPI_RSDP_BYTES);
    check!(chunk.contents.starts_with(b"RSD PTR "));
    let sum = chunk.contents[..20]
        .iter()
        .fold(0_u8, |sum, byte| sum.wrapping_add(*byte));
    check_eq!(sum, 0, "checksum");
    Ok(())
}

fn tsc_frequency_is_plausible(world: &mut World) -> Outcome {
    let mhz = boot::tsc_mhz(world.boot);
    check!(
        mhz.is_some_and(|mhz| (100..20_000).contains(&mhz)),
        "{mhz:?} MHz"
    );
    Ok(())
}

/// The real-time clock's index and data registers.
const RTC: u16 = 0x70;
/// A byte of its memory that nobody uses.
const SCRATCH: u8 = 0x52;

pub(super) fn ports(world: &mut World, first: u16, last: u16) -> Result<IoPort, Error> {
    world.fill(|slot| root::IO_PORT_CONTROL.issue(first, last, slot))
}

fn ports_are_read_and_written(world: &mut World) -> Outcome {
    let rtc = ports(world, RTC, RTC + 1)?;
    for value in [0x5a, 0xa5] {
        rtc.out8(RTC, SCRATCH)?;
        rtc.out8(RTC + 1, value)?;
        rtc.out8(RTC, SCRATCH)?;
        check_eq!(rtc.in8(RTC + 1), Ok(value));
    }
    Ok(())
}

fn ports_outside_are_refused(world: &mut World) -> Outcome {
    let rtc = ports(world, RTC, RTC + 1)?;
    let refused = Error::IllegalOperation;
    for port in [0, RTC - 1, RTC + 2, u16::MAX] {
        check_eq!(rtc.in8(port), Err(refused), "port {port:#x}");
        check_eq!(rtc.out8(port, 0), Err(refused), "port {port:#x}");
    }
    Ok(())
}

fn wide_access_must_fit(world: &mut World) -> Outcome {
    let rtc = ports(world, RTC, RTC + 1)?;
    let refused = Error::IllegalOperation;
    check_eq!(rtc.in16(RTC + 1), Err(refused));
    check_eq!(rtc.in32(RTC), Err(refused));
    check_eq!(rtc.out16(RTC + 1, 0), Err(refused));
    check_eq!(rtc.out32(RTC, 0), Err(refused));
    check!(rtc.in16(RTC).is_ok());
    Ok(())
}

fn ports_are_handed_out_once(world: &mut World) -> Outcome {
    ports(world, 0x40, 0x43)?;
    for (first, last) in [
        (0x40, 0x40),
        (0x43, 0x50),
        (0x30, 0x40),
        (0x41, 0x42),
        (0x30, 0x50),
    ] {
        check_eq!(
            ports(world, first, last),
            Err(Error::RevokeFirst),
            "{first:#x} to {last:#x}"
        );
    }
    check!(ports(world, 0x44, 0x47).is_ok(), "the ports beside");
    check_eq!(
        ports(world, 0x51, 0x50),
        Err(Error::InvalidArgument { which: 1 })
    );
    Ok(())
}

fn copies_share_the_ports(world: &mut World) -> Outcome {
    let rtc = ports(world, RTC, RTC + 1)?;
    let copy = world.copy(rtc, CapRights::ALL)?;
    world.path(rtc).delete()?;
    check!(copy.in8(RTC + 1).is_ok());
    check_eq!(ports(world, RTC, RTC), Err(Error::RevokeFirst));
    Ok(())
}

fn ports_come_back(world: &mut World) -> Outcome {
    let rtc = ports(world, RTC, RTC + 1)?;
    world.path(rtc).delete()?;
    check!(ports(world, RTC + 1, RTC + 4).is_ok());
    Ok(())
}

fn the_control_of_ports_cannot_be_copied(world: &mut World) -> Outcome {
    check_eq!(
        world.copy(root::IO_PORT_CONTROL, CapRights::ALL),
        Err(Error::IllegalOperation)
    );
    Ok(())
}

fn message_interrupts_can_be_issued(world: &mut World) -> Outcome {
    let route = MsiRoute {
        bus: 0,
        device: 31,
        function: 7,
        handle: 0,
        vector: 9,
    };
    let handler: IrqHandler = world.fill(|slot| root::IRQ_CONTROL.issue_msi(route, slot))?;
    check_eq!(
        world.fill::<CPtr>(|slot| root::IRQ_CONTROL.issue_msi(route, slot)),
        Err(Error::RevokeFirst)
    );
    let notification = world.notification()?;
    check_eq!(handler.set_notification(notification), Ok(()));
    check_eq!((handler.ack(), handler.clear()), (Ok(()), Ok(())));
    let reader = world.copy(notification, CapRights::READ)?;
    check_eq!(
        handler.set_notification(reader),
        Err(Error::InvalidCapability { which: 0 })
    );
    Ok(())
}
