//! What of the demo system needs no kernel, and can be tested on a host: the line editor.
#![no_std]
#![forbid(unsafe_code)]
#![warn(missing_docs)]

pub mod line;
