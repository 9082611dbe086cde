//! Whose floating-point state the registers hold, and who may touch them.
//!
//! Most threads do not use the registers, and neither pay for them nor see another's: each use
//! traps. The first use of a thread that wants them ([`acquire`]) makes them its own. From then on
//! they are opened for it whenever it is about to run, and loaded if somebody else has had them in
//! between; but only [`TURNS`] times, then it has to trap again to show that it still uses them.
//!
//! Invariant (docs/invariants.md#fpu): `fpu_user` of a node and of the thread that runs there are
//! equal when the kernel is left, so that most switches compare two words and do nothing.

use crate::Kernel;
use crate::object::store::Ref;
use crate::object::tcb::Tcb;
use machine::Machine;

/// How many times a thread's state is loaded in advance before its use of it has to be seen again:
/// a trap costs about as much as four of them.
pub const TURNS: u8 = 64;

/// `thread`, which is about to run, has used the registers while they were closed, and may use them.
pub(crate) fn acquire(k: &mut Kernel, thread: Ref<Tcb>) {
    k[thread].fpu_user = Some(thread);
    k[thread].fpu_turns = TURNS;
}

/// `thread` may not use the registers from now on. What it had in them stays its own.
pub(crate) fn forbid(k: &mut Kernel, thread: Ref<Tcb>) {
    k[thread].fpu_user = None;
}

/// `thread` is about to lose its memory: its state is no longer in the registers, and is not saved.
pub(crate) fn thread_gone(k: &mut Kernel, thread: Ref<Tcb>) {
    if k.node().fpu_owner == Some(thread) {
        k.node_mut().fpu_owner = None;
        close(k);
    }
}

/// Whether the registers are as `thread` needs them: its own, or closed.
#[inline(always)]
pub(crate) fn suits(k: &Kernel, thread: Ref<Tcb>) -> bool {
    // As two words: the compiler would look for `None` first.
    let word = |user: Option<Ref<Tcb>>| user.map_or(0, |user| user.address().bits());
    word(k[thread].fpu_user) == word(k.node().fpu_user)
}

/// Before user code of `thread` runs: the registers are as it needs them.
#[inline(always)]
pub(crate) fn prepare(k: &mut Kernel, thread: Ref<Tcb>) {
    if !suits(k, thread) {
        suit(k, thread);
    }
}

#[inline(never)]
fn suit(k: &mut Kernel, thread: Ref<Tcb>) {
    if k[thread].fpu_user.is_none() {
        close(k);
    } else if k.node().fpu_owner == Some(thread) {
        k.machine.fpu_enable(true);
        k.node_mut().fpu_user = Some(thread);
    } else {
        load(k, thread);
    }
}

fn close(k: &mut Kernel) {
    k.machine.fpu_enable(false);
    k.node_mut().fpu_user = None;
}

/// Puts away what the registers hold, and loads the state of `thread`.
#[inline(always)]
fn load(k: &mut Kernel, thread: Ref<Tcb>) {
    let owner = k.node().fpu_owner;
    if let Some(owner) = owner
        && k[owner].fpu_turns == 0
    {
        k[owner].fpu_user = None;
    }
    k[thread].fpu_turns = k[thread].fpu_turns.saturating_sub(1);
    k.machine.fpu_switch(owner.map(Ref::fpu), thread.fpu());
    let node = k.node_mut();
    node.fpu_owner = Some(thread);
    node.fpu_user = Some(thread);
}
