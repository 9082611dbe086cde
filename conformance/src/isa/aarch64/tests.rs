//! What only AArch64 has: cache maintenance, tables of one kind, execute-never, interrupts with a
//! trigger, software generated interrupts, and a device tree in BootInfo.

use crate::isa;
use crate::report::{Outcome, check, check_eq, fail, skip};
use crate::tests::ipc::fault_handler;
use crate::tests::retype::map;
use crate::tests::{peek, poke};
use crate::threads::Board;
use crate::world::{FREE_ADDRESS, Start, World};
use abi::bootinfo::header;
use abi::{CapRights, PROFILE, Word};
use user_api::{
    Attributes, CPtr, CacheOperation, Error, Fault, FrameSize, IrqHandler, PageTable, SgiSignal,
    VSpaceRoot,
};
use user_runtime::boot::{self, root};

crate::list!["arm":
    the_device_tree_is_one, caches_are_maintained, only_what_can_be_written_is_invalidated,
    a_stale_mapping_is_not_maintained, data_is_not_executed, a_table_goes_where_one_is_missing,
    software_interrupts_signal, software_interrupts_are_derived, secure_calls_want_a_profile,
];

const PAGE: Word = 1 << abi::object::PAGE_BITS;
const RW: CapRights = CapRights::READ_WRITE;
const ALL: [CacheOperation; 4] = [
    CacheOperation::Clean,
    CacheOperation::Invalidate,
    CacheOperation::CleanInvalidate,
    CacheOperation::UnifyInstruction,
];

fn the_device_tree_is_one(world: &mut World) -> Outcome {
    let chunk = boot::extra(world.boot).find(|chunk| chunk.id == header::FDT as Word);
    let Some(chunk) = chunk else {
        skip!("the loader passed none")
    };
    check!(chunk.contents.starts_with(&[0xd0, 0x0d, 0xfe, 0xed]));
    let size = chunk.contents[4..]
        .first_chunk()
        .map(|word| u32::from_be_bytes(*word));
    check_eq!(size, Some(chunk.contents.len() as u32));
    Ok(())
}

fn caches_are_maintained(world: &mut World) -> Outcome {
    let frame = world.frame(FrameSize::Small)?;
    map(world, frame, FREE_ADDRESS, RW)?;
    poke(FREE_ADDRESS as usize + 64, 7);
    for operation in ALL {
        // What was written is in memory after the first.
        check_eq!(frame.maintain(operation, 0, PAGE), Ok(()), "{operation:?}");
        let (start, end) = (FREE_ADDRESS + 3, FREE_ADDRESS + 100);
        check_eq!(
            root::VSPACE.maintain(operation, start, end),
            Ok(()),
            "{operation:?}"
        );
        check_eq!(peek(FREE_ADDRESS as usize + 64), 7, "{operation:?}");
    }
    let space: VSpaceRoot = world.make(user_api::VSPACE_OBJECT, 0)?;
    check_eq!(
        space.maintain(CacheOperation::Clean, 0, 8),
        Err(Error::InvalidCapability { which: 0 }),
        "without ASID"
    );
    Ok(())
}

fn only_what_can_be_written_is_invalidated(world: &mut World) -> Outcome {
    let frame = world.frame(FrameSize::Small)?;
    map(world, frame, FREE_ADDRESS, CapRights::READ)?;
    let (start, end) = (FREE_ADDRESS, FREE_ADDRESS + PAGE);
    for operation in ALL {
        let wanted = match operation {
            CacheOperation::Invalidate => Err(Error::IllegalOperation),
            _ => Ok(()),
        };
        check_eq!(frame.maintain(operation, 0, PAGE), wanted, "{operation:?}");
        check_eq!(
            root::VSPACE.maintain(operation, start, end),
            wanted,
            "{operation:?}"
        );
    }
    Ok(())
}

fn a_stale_mapping_is_not_maintained(world: &mut World) -> Outcome {
    let (first, second) = (
        world.frame(FrameSize::Small)?,
        world.frame(FrameSize::Small)?,
    );
    map(world, first, FREE_ADDRESS, RW)?;
    map(world, second, FREE_ADDRESS, RW)?;
    for operation in ALL {
        let wanted = Err(Error::InvalidCapability { which: 0 });
        check_eq!(first.maintain(operation, 0, 8), wanted, "{operation:?}");
        check_eq!(second.maintain(operation, 0, 8), Ok(()), "{operation:?}");
    }
    Ok(())
}

fn data_is_not_executed(world: &mut World) -> Outcome {
    let frame = world.frame(FrameSize::Small)?;
    map(world, frame, FREE_ADDRESS, RW)?;
    poke(FREE_ADDRESS as usize, u64::from_le_bytes(isa::ANSWER_42));
    isa::before_executing(FREE_ADDRESS);
    check_eq!(isa::call(FREE_ADDRESS), 0x2a);
    frame.map(root::VSPACE, FREE_ADDRESS, RW, Attributes::DATA)?;
    let (endpoint, handler, reply) = fault_handler(world)?;
    let start = Start {
        fault_handler: handler.cptr(),
        ..Start::below()
    };
    let body = |board: &'static Board| board.set(8, isa::call(board.get(0)));
    world.thread(start, body, &[FREE_ADDRESS])?;
    world.settle()?;
    match Fault::decode(&endpoint.nb_recv(reply)) {
        Some(Fault::Vm {
            address,
            prefetch: true,
            ..
        }) => check_eq!(address, FREE_ADDRESS),
        other => return Err(fail(format_args!("{other:?}"))),
    }
    Ok(())
}

fn a_table_goes_where_one_is_missing(world: &mut World) -> Outcome {
    let mut table = || world.make::<PageTable>(isa::LAST_TABLE.object(), 0);
    let tables = [table()?, table()?, table()?, table()?];
    let install = |table: PageTable| table.map(root::VSPACE, FREE_ADDRESS, Attributes::DEFAULT);
    for table in &tables[..3] {
        check_eq!(install(*table), Ok(()));
    }
    check_eq!(
        install(tables[3]),
        Err(Error::DeleteFirst),
        "none is missing"
    );
    // With the one in the middle goes the way to the last.
    tables[1].unmap()?;
    check_eq!(install(tables[3]), Ok(()));
    check_eq!(tables[2].unmap(), Ok(()), "it is mapped nowhere any more");
    check_eq!(install(tables[2]), Ok(()));
    Ok(())
}

fn software_interrupts_signal(world: &mut World) -> Outcome {
    if PROFILE.smp() {
        skip!("the profile has none");
    }
    const NUMBER: Word = 5;
    let handler: IrqHandler = world.fill(|slot| root::IRQ_CONTROL.issue(NUMBER, slot))?;
    let notification = world.notification()?;
    let badged = world.mint(notification, CapRights::WRITE, 0x51)?;
    handler.set_notification(badged)?;
    let sgi: SgiSignal = world.fill(|slot| root::IRQ_CONTROL.issue_sgi_signal(NUMBER, 0, slot))?;
    for label in [0, 1, Word::MAX >> 12] {
        user_api::invoke::invoke_label(sgi, label, &[], &[]);
        check_eq!(notification.poll(), 0x51, "label {label:#x}");
        handler.ack()?;
    }
    sgi.signal();
    check_eq!(notification.poll(), 0x51, "sent");
    handler.ack()?;
    Ok(())
}

fn software_interrupts_are_derived(world: &mut World) -> Outcome {
    if PROFILE.smp() {
        skip!("the profile has none");
    }
    let sgi: SgiSignal = world.fill(|slot| root::IRQ_CONTROL.issue_sgi_signal(1, 0, slot))?;
    let copy = world.copy(sgi, CapRights::ALL)?;
    let again: SgiSignal = world.fill(|slot| root::IRQ_CONTROL.issue_sgi_signal(1, 0, slot))?;
    world.path(root::IRQ_CONTROL).revoke()?;
    for cap in [sgi, copy, again] {
        check!(!world.occupied(world.path(cap))?);
    }
    Ok(())
}

fn secure_calls_want_a_profile(world: &mut World) -> Outcome {
    /// PSCI's version.
    const VERSION: Word = 0x8400_0000;
    let call = |smc: user_api::Smc, function| smc.call([function, 0, 0, 0, 0, 0, 0, 0]);
    if !PROFILE.allow_smc_calls {
        check_eq!(
            call(root::SMC, VERSION),
            Err(Error::InvalidCapability { which: 0 })
        );
        return Ok(());
    }
    let badged: user_api::Smc = world.mint(root::SMC, CapRights::ALL, VERSION)?;
    check_eq!(call(badged, VERSION), call(root::SMC, VERSION));
    check_eq!(call(badged, VERSION + 1), Err(Error::IllegalOperation));
    check_eq!(
        world.mint::<CPtr>(badged.cptr(), CapRights::ALL, 1),
        Err(Error::IllegalOperation),
        "a badge is for ever"
    );
    Ok(())
}
