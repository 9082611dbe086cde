//! x86_64: PML4 to PT, IO ports, IO APIC and MSI interrupts.

pub mod context;

pub use context::Context;
