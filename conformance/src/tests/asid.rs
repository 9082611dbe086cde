//! Address space identifiers and their pools.

use super::retype::map;
use crate::report::{Outcome, check, check_eq};
use crate::world::{FREE_ADDRESS, World};
use abi::CapRights;
use user_api::{
    AsidPool, Attributes, CPtr, Error, FrameSize, LookupFailure, MissingTable, VSPACE_OBJECT,
    VSpaceRoot,
};
use user_runtime::boot::root;

crate::list!["asid":
    a_space_needs_one, a_space_has_one_only, a_pool_of_our_own, a_pool_is_made_of_a_page, pools_run_out_and_come_back,
    a_pool_runs_out, a_deleted_space_gives_its_place_back, a_deleted_pool_ends_its_spaces,
];

fn pool(world: &mut World) -> Outcome<AsidPool> {
    let memory = world.untyped(12)?;
    Ok(world.fill(|slot| root::ASID_CONTROL.make_pool(memory, slot))?)
}

fn a_space_needs_one(world: &mut World) -> Outcome {
    let space: VSpaceRoot = world.make(VSPACE_OBJECT, 0)?;
    let frame = world.frame(FrameSize::Small)?;
    let mapping = frame.map(space, FREE_ADDRESS, CapRights::READ, Attributes::DEFAULT);
    check_eq!(mapping, Err(Error::InvalidCapability { which: 1 }));
    root::ASID_POOL.assign(space)?;
    let mapping = frame.map(space, FREE_ADDRESS, CapRights::READ, Attributes::DEFAULT);
    check_eq!(
        mapping.map_err(MissingTable::from_error),
        Err(Some(MissingTable::DOWNWARDS[0]))
    );
    Ok(())
}

fn a_space_has_one_only(world: &mut World) -> Outcome {
    let space: VSpaceRoot = world.make(VSPACE_OBJECT, 0)?;
    root::ASID_POOL.assign(space)?;
    check_eq!(
        root::ASID_POOL.assign(space),
        Err(Error::InvalidCapability { which: 1 })
    );
    check_eq!(
        pool(world)?.assign(space),
        Err(Error::InvalidCapability { which: 1 })
    );
    check_eq!(
        root::ASID_POOL.assign(root::VSPACE),
        Err(Error::InvalidCapability { which: 1 })
    );
    Ok(())
}

fn a_pool_of_our_own(world: &mut World) -> Outcome {
    let pool = pool(world)?;
    let space: VSpaceRoot = world.make(VSPACE_OBJECT, 0)?;
    pool.assign(space)?;
    let frame = world.frame(FrameSize::Small)?;
    while let Err(error) = frame.map(space, FREE_ADDRESS, CapRights::READ, Attributes::DEFAULT) {
        let missing = MissingTable::from_error(error).ok_or(error)?;
        let table: CPtr = world.make(missing.object(), 0)?;
        missing.install(table, space, FREE_ADDRESS)?;
    }
    frame.unmap()?;
    Ok(())
}

fn a_pool_is_made_of_a_page(world: &mut World) -> Outcome {
    let slot = world.slot();
    let place = root::CNODE.absolute(slot);
    for bits in [11, 13] {
        let memory = world.untyped(bits)?;
        let result = root::ASID_CONTROL.make_pool(memory, place);
        check_eq!(
            result,
            Err(Error::InvalidCapability { which: 1 }),
            "of {bits} bits"
        );
    }
    let memory = world.untyped(12)?;
    root::ASID_CONTROL.make_pool(memory, place)?;
    let other = world.slot();
    let again = root::ASID_CONTROL.make_pool(memory, root::CNODE.absolute(other));
    check_eq!(again, Err(Error::RevokeFirst), "twice of the same memory");
    Ok(())
}

fn pools_run_out_and_come_back(world: &mut World) -> Outcome {
    // The root task's pool is one of them.
    let others = (1 << abi::object::num_asid_pools_bits(abi::ISA)) - 1;
    for _ in 0..2 {
        for number in 0..others {
            check!(pool(world).is_ok(), "pool {number}");
        }
        let memory = world.untyped(12)?;
        let slot = world.slot();
        let more = root::ASID_CONTROL.make_pool(memory, root::CNODE.absolute(slot));
        check_eq!(more, Err(Error::DeleteFirst));
        world.path(world.memory).revoke()?;
    }
    Ok(())
}

fn a_pool_runs_out(world: &mut World) -> Outcome {
    let pool = pool(world)?;
    let places = 1 << abi::object::ASID_POOL_INDEX_BITS;
    for number in 0..places {
        let space: VSpaceRoot = world.make(VSPACE_OBJECT, 0)?;
        check_eq!(pool.assign(space), Ok(()), "space {number}");
    }
    let space: VSpaceRoot = world.make(VSPACE_OBJECT, 0)?;
    check_eq!(pool.assign(space), Err(Error::DeleteFirst));
    Ok(())
}

fn a_deleted_space_gives_its_place_back(world: &mut World) -> Outcome {
    let pool = pool(world)?;
    let memory = world.untyped(12)?;
    for _ in 0..2_000 {
        let slot = world.slots(0);
        memory.retype(
            VSPACE_OBJECT,
            0,
            user_api::SlotWindow::one(root::CNODE, slot),
        )?;
        pool.assign(VSpaceRoot::new(slot))?;
        root::CNODE.absolute(slot).delete()?;
    }
    Ok(())
}

fn a_deleted_pool_ends_its_spaces(world: &mut World) -> Outcome {
    let pool = pool(world)?;
    let space: VSpaceRoot = world.make(VSPACE_OBJECT, 0)?;
    pool.assign(space)?;
    let frame = world.frame(FrameSize::Small)?;
    world.path(pool).delete()?;
    let mapping = frame.map(space, FREE_ADDRESS, CapRights::READ, Attributes::DEFAULT);
    let invalid = Error::FailedLookup {
        source: false,
        failure: LookupFailure::InvalidRoot,
    };
    check_eq!(mapping, Err(invalid));
    // The frame is still good for others.
    map(world, frame, FREE_ADDRESS, CapRights::READ)?;
    Ok(())
}
