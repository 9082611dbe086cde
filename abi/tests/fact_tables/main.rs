//! Compares this crate with two independent records of the ABI.
//!
//! * The fact tables, where they are: `LINCHPIN_FACTS`, or `shared/abi/tables` beside the checkout. They were measured
//!   on the C headers and kernels in many configurations.
//! * The snapshot that the project keeps (`tests/snapshot.json`), always. After an intended change write it anew with
//!   `LINCHPIN_SNAPSHOT=write cargo test -p linchpin-abi`, and read the difference.

mod behaviour;
mod column;
mod constants;
mod facts;
mod layouts;
mod snapshot;
