//! The root task `stress`.
#![no_std]
#![no_main]

user_runtime::entry!(linchpin_conformance::stress::run);
