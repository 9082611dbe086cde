//! What the firmware and the loader say about the machine, read as data.
//!
//! Pure and bounded: everything is read through [`Bytes`], every count from outside is clipped
//! to a bound of ours, and no input makes a parser panic. Compiled on every host, so that the
//! tests run everywhere.

pub mod acpi;
pub mod bytes;
pub mod fdt;
pub mod list;
pub mod loader;
mod multiboot1;
mod multiboot2;
mod pvh;
pub mod spans;

pub use bytes::Bytes;
pub use list::List;
pub use loader::{LoaderError, LoaderInfo};
pub use spans::{Span, Spans};
