//! What only RISC-V has: tables of one kind, which may be roots; execute-never; interrupts with a
//! trigger; and a device tree in BootInfo.

use crate::isa;
use crate::report::{Outcome, check, check_eq, fail, skip};
use crate::tests::ipc::fault_handler;
use crate::tests::poke;
use crate::tests::retype::map;
use crate::threads::Board;
use crate::world::{FREE_ADDRESS, Start, World};
use abi::bootinfo::header;
use abi::{CapRights, Word};
use user_api::{Attributes, CPtr, Error, Fault, FrameSize, IrqHandler, PageTable, VSpaceRoot};
use user_runtime::boot::{self, root};

crate::list!["riscv":
    the_device_tree_is_one, data_is_not_executed, code_can_be_hidden, a_mapping_without_access_is_none,
    a_table_goes_where_one_is_missing, a_mapped_table_is_no_root, a_root_is_a_table,
    triggers_are_accepted, reservations_end_at_the_kernel,
];

const RW: CapRights = CapRights::READ_WRITE;

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

/// A thread calls the code at [`FREE_ADDRESS`], and that fails.
fn call_fails(world: &mut World) -> Outcome {
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
            status: 1,
            ..
        }) => {
            check_eq!(address, FREE_ADDRESS);
            Ok(())
        }
        other => Err(fail(format_args!("{other:?}"))),
    }
}

fn data_is_not_executed(world: &mut World) -> Outcome {
    let frame = world.frame(FrameSize::Small)?;
    map(world, frame, FREE_ADDRESS, RW)?;
    poke(FREE_ADDRESS as usize, u64::from_le_bytes(isa::ANSWER_42));
    isa::before_executing(FREE_ADDRESS);
    check_eq!(isa::call(FREE_ADDRESS), 0x2a);
    frame.map(root::VSPACE, FREE_ADDRESS, RW, Attributes::DATA)?;
    call_fails(world)
}

fn code_can_be_hidden(world: &mut World) -> Outcome {
    let frame = world.frame(FrameSize::Small)?;
    map(world, frame, FREE_ADDRESS, RW)?;
    poke(FREE_ADDRESS as usize, u64::from_le_bytes(isa::ANSWER_42));
    isa::before_executing(FREE_ADDRESS);
    // Without the right to read it can still be executed.
    frame.map(
        root::VSPACE,
        FREE_ADDRESS,
        CapRights::NONE,
        Attributes::DEFAULT,
    )?;
    check_eq!(isa::call(FREE_ADDRESS), 0x2a);
    let (endpoint, handler, reply) = fault_handler(world)?;
    let start = Start {
        fault_handler: handler.cptr(),
        ..Start::below()
    };
    world.thread(start, |board| isa::read(board.get(0)), &[FREE_ADDRESS])?;
    world.settle()?;
    match Fault::decode(&endpoint.nb_recv(reply)) {
        Some(Fault::Vm { address, .. }) => check_eq!(address, FREE_ADDRESS),
        other => return Err(fail(format_args!("{other:?}"))),
    }
    Ok(())
}

fn a_mapping_without_access_is_none(world: &mut World) -> Outcome {
    let (frame, other) = (
        world.frame(FrameSize::Small)?,
        world.frame(FrameSize::Small)?,
    );
    map(world, frame, FREE_ADDRESS, RW)?;
    frame.map(
        root::VSPACE,
        FREE_ADDRESS,
        CapRights::NONE,
        Attributes::DATA,
    )?;
    call_fails(world)?;
    // Nothing is there, so another frame fits.
    check_eq!(
        other.map(root::VSPACE, FREE_ADDRESS, RW, Attributes::DEFAULT),
        Ok(())
    );
    // The first still believes to be mapped, and does no harm.
    check_eq!(frame.unmap(), Ok(()));
    poke(FREE_ADDRESS as usize, 1);
    Ok(())
}

fn a_table_goes_where_one_is_missing(world: &mut World) -> Outcome {
    let mut table = || world.make::<PageTable>(isa::LAST_TABLE.object(), 0);
    let tables = [table()?, table()?, table()?];
    let install = |table: PageTable| table.map(root::VSPACE, FREE_ADDRESS, Attributes::DEFAULT);
    for table in &tables[..2] {
        check_eq!(install(*table), Ok(()));
    }
    check_eq!(
        install(tables[2]),
        Err(Error::DeleteFirst),
        "none is missing"
    );
    // With the upper one goes the way to the lower one.
    tables[0].unmap()?;
    check_eq!(install(tables[2]), Ok(()));
    check_eq!(tables[1].unmap(), Ok(()), "it is mapped nowhere any more");
    check_eq!(install(tables[1]), Ok(()));
    check_eq!(tables[1].unmap(), Ok(()));
    check_eq!(tables[1].unmap(), Ok(()), "again");
    Ok(())
}

fn a_mapped_table_is_no_root(world: &mut World) -> Outcome {
    let table = world.make::<PageTable>(isa::LAST_TABLE.object(), 0)?;
    table.map(root::VSPACE, FREE_ADDRESS, Attributes::DEFAULT)?;
    check_eq!(
        root::ASID_POOL.assign(table),
        Err(Error::InvalidCapability { which: 1 })
    );
    table.unmap()?;
    check_eq!(root::ASID_POOL.assign(table), Ok(()));
    Ok(())
}

fn a_root_is_a_table(world: &mut World) -> Outcome {
    let space: VSpaceRoot = world.make(user_api::VSPACE_OBJECT, 0)?;
    check_eq!(
        world.copy::<CPtr>(space.cptr(), CapRights::ALL),
        Err(Error::IllegalOperation),
        "mapped nowhere, and no root"
    );
    root::ASID_POOL.assign(space)?;
    let copy: VSpaceRoot = world.copy(space, CapRights::ALL)?;
    let install = |table: PageTable| table.map(root::VSPACE, FREE_ADDRESS, Attributes::DEFAULT);
    for table in [space, copy] {
        check_eq!(install(table), Err(Error::InvalidCapability { which: 0 }));
        check_eq!(table.unmap(), Err(Error::RevokeFirst));
    }
    world.path(copy).delete()?;
    check_eq!(space.unmap(), Err(Error::RevokeFirst), "still a root");
    Ok(())
}

fn triggers_are_accepted(world: &mut World) -> Outcome {
    for (irq, edge) in [(80, false), (81, true)] {
        let handler: IrqHandler =
            world.fill(|slot| root::IRQ_CONTROL.issue_with_trigger(irq, edge, slot))?;
        check_eq!(handler.ack(), Ok(()));
        let again = world.fill::<CPtr>(|slot| root::IRQ_CONTROL.issue(irq, slot));
        check_eq!(again, Err(Error::RevokeFirst));
    }
    for irq in [0, 1000] {
        let answer =
            world.fill::<CPtr>(|slot| root::IRQ_CONTROL.issue_with_trigger(irq, true, slot));
        check!(
            matches!(answer, Err(Error::RangeError { min: 1, .. })),
            "{answer:?}"
        );
    }
    Ok(())
}

/// A reservation does not outlive a system call: another thread may have had its turn.
fn reservations_end_at_the_kernel(world: &mut World) -> Outcome {
    let frame = world.frame(FrameSize::Small)?;
    map(world, frame, FREE_ADDRESS, RW)?;
    check_eq!(isa::conditional_store_after_yield(FREE_ADDRESS), 1);
    Ok(())
}
