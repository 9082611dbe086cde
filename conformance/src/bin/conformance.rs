//! The root task `conformance`.
#![no_std]
#![no_main]

user_runtime::entry!(linchpin_conformance::suite::run);
