//! Whose floating-point state the registers hold.

use super::{Check, Objects, Population, expect};
use crate::object::tcb::Tcb;

pub(super) fn all<P: Population>(objects: &Objects<'_, P>) -> Check {
    let k = objects.k;
    for node in &k.nodes {
        if let Some(owner) = node.fpu_owner {
            objects.link(owner.address(), Some(owner))?;
        }
        let owners = node.fpu_user.is_none() || node.fpu_user == node.fpu_owner;
        let Some(current) = node.current else {
            continue;
        };
        let at = current.address();
        expect(owners, "fpu", "open to somebody who does not own them", at)?;
        let suits = node.fpu_user == k[current].fpu_user;
        expect(suits, "fpu", "not as the current thread needs them", at)?;
    }
    objects.each::<Tcb>(|thread| {
        let (tcb, at) = (&k[thread], thread.address());
        let Some(user) = tcb.fpu_user else {
            return Ok(());
        };
        expect(user == thread, "fpu", "the use of another's registers", at)?;
        let allowed = tcb.flags & abi::sched::TCB_FLAG_FPU_DISABLED == 0;
        expect(allowed, "fpu", "used although it is forbidden", at)
    })
}
