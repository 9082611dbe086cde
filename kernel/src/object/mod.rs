//! One file per kernel object: its state, its operations, its invocations.

pub mod asid;
pub mod cnode;
pub mod domain;
pub mod endpoint;
pub mod irq;
pub mod notification;
pub mod reply;
pub mod sched_context;
#[expect(
    unsafe_code,
    reason = "turns Ref<T> into &T; see docs/invariants.md#live"
)]
pub mod store;
pub mod tcb;
#[expect(unsafe_code, reason = "objects are born here")]
pub mod untyped;
