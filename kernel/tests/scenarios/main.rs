//! Scenarios: little worlds in which threads use the API. Read as a manual: one file per topic,
//! one fact per test.

extern crate linchpin_kernel as kernel;

#[path = "../world/mod.rs"]
mod world;

mod boot;
mod capabilities;
#[cfg(isa = "x86_64")]
mod devices_x86_64;
mod domains;
#[cfg(isa = "x86_64")]
mod errors;
mod faults;
#[cfg(isa = "x86_64")]
mod faults_x86_64;
mod floating_point;
mod floating_point_loads;
mod interrupts;
mod ipc;
mod notifications;
mod replies_and_donation;
mod scheduling;
#[cfg(isa = "x86_64")]
mod threads;
mod untyped;
#[cfg(isa = "x86_64")]
mod vspace;
