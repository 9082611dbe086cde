//! Scenarios: little worlds in which threads use the API. Read as a manual: one file per topic,
//! one fact per test.

// The worlds write x86_64 registers.
#![cfg(isa = "x86_64")]

extern crate linchpin_kernel as kernel;

#[path = "../world/mod.rs"]
mod world;

mod boot;
mod capabilities;
mod domains;
mod errors;
mod faults;
mod interrupts;
mod ipc;
mod notifications;
mod replies_and_donation;
mod scheduling;
mod threads;
mod untyped;
mod vspace;
