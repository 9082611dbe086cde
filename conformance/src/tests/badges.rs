//! Badges, and who is whose child because of them.

use crate::report::{Outcome, check, check_eq};
use crate::world::World;
use abi::{CapRights, Word};
use user_api::Error;

crate::list!["badges":
    signals_carry_the_badge, a_second_badge_is_refused, badge_zero_is_no_badge, copies_keep_the_badge,
    a_badged_capability_revokes_its_copies_only, the_unbadged_original_revokes_all, a_plain_copy_revokes_nothing,
    rights_only_shrink, rights_of_notifications,
];

fn signals_carry_the_badge(world: &mut World) -> Outcome {
    let notification = world.notification()?;
    for bit in [0, 5, 63] {
        let badged = world.mint(notification, CapRights::ALL, 1 << bit)?;
        badged.signal();
        check_eq!(notification.poll(), 1 << bit);
    }
    let all = world.mint(notification, CapRights::WRITE, Word::MAX)?;
    all.signal();
    check_eq!(notification.poll(), Word::MAX);
    Ok(())
}

fn a_second_badge_is_refused(world: &mut World) -> Outcome {
    let (endpoint, notification) = (world.endpoint()?, world.notification()?);
    let badged = world.mint(endpoint, CapRights::ALL, 7)?;
    check_eq!(
        world.mint(badged, CapRights::ALL, 8),
        Err(Error::IllegalOperation)
    );
    check_eq!(
        world.mint(badged, CapRights::ALL, 7),
        Err(Error::IllegalOperation)
    );
    check_eq!(
        world.mint(badged, CapRights::ALL, 0),
        Err(Error::IllegalOperation)
    );
    let badged = world.mint(notification, CapRights::ALL, 7)?;
    check_eq!(
        world.mint(badged, CapRights::ALL, 0),
        Err(Error::IllegalOperation)
    );
    Ok(())
}

fn badge_zero_is_no_badge(world: &mut World) -> Outcome {
    let notification = world.notification()?;
    let plain = world.mint(notification, CapRights::ALL, 0)?;
    let badged = world.mint(plain, CapRights::ALL, 3)?;
    badged.signal();
    check_eq!(notification.poll(), 3);
    Ok(())
}

fn copies_keep_the_badge(world: &mut World) -> Outcome {
    let notification = world.notification()?;
    let badged = world.mint(notification, CapRights::ALL, 9)?;
    let copy = world.copy(badged, CapRights::WRITE)?;
    world.path(badged).delete()?;
    copy.signal();
    check_eq!(notification.poll(), 9);
    Ok(())
}

fn a_badged_capability_revokes_its_copies_only(world: &mut World) -> Outcome {
    let endpoint = world.endpoint()?;
    let (three, four) = (
        world.mint(endpoint, CapRights::ALL, 3)?,
        world.mint(endpoint, CapRights::ALL, 4)?,
    );
    let copy = world.copy(three, CapRights::ALL)?;
    let same = world.mint(endpoint, CapRights::ALL, 3)?;
    world.path(three).revoke()?;
    check!(!world.occupied(world.path(copy))?, "its copy");
    check!(world.occupied(world.path(four))?, "another badge");
    check!(
        world.occupied(world.path(same))?,
        "the same badge, minted from the original"
    );
    check!(world.occupied(world.path(endpoint))?, "the original");
    Ok(())
}

fn the_unbadged_original_revokes_all(world: &mut World) -> Outcome {
    let endpoint = world.endpoint()?;
    let three = world.mint(endpoint, CapRights::ALL, 3)?;
    let copy = world.copy(three, CapRights::ALL)?;
    let plain = world.copy(endpoint, CapRights::ALL)?;
    world.path(endpoint).revoke()?;
    for cap in [three, copy, plain] {
        check!(!world.occupied(world.path(cap))?, "{cap:?}");
    }
    Ok(())
}

fn a_plain_copy_revokes_nothing(world: &mut World) -> Outcome {
    let endpoint = world.endpoint()?;
    let plain = world.copy(endpoint, CapRights::ALL)?;
    let badged = world.mint(plain, CapRights::ALL, 3)?;
    world.path(plain).revoke()?;
    check!(
        world.occupied(world.path(badged))?,
        "a copy is no parent of what is made from it"
    );
    check!(world.occupied(world.path(endpoint))?);
    Ok(())
}

fn rights_only_shrink(world: &mut World) -> Outcome {
    let notification = world.notification()?;
    let read = world.copy(notification, CapRights::READ)?;
    let more = world.copy(read, CapRights::ALL)?;
    let badged = world.mint(notification, CapRights::WRITE, 2)?;
    badged.signal();
    check_eq!(more.poll(), 2, "reading is still there");
    let sender = world.mint(read, CapRights::ALL, 4)?;
    sender.signal();
    check_eq!(notification.poll(), 0, "writing does not come back");
    Ok(())
}

fn rights_of_notifications(world: &mut World) -> Outcome {
    let notification = world.notification()?;
    let none = world.mint(notification, CapRights::NONE, 1)?;
    none.signal();
    check_eq!(notification.poll(), 0);
    let grant = world.mint(notification, CapRights::GRANT, 1)?;
    grant.signal();
    check_eq!(notification.poll(), 0);
    Ok(())
}
