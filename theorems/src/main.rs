//! Functions of the kernel core, each under a name that a prover finds. An image inlines them;
//! here the same source is compiled by the same compiler with the same flags, and kept apart.
//! `prove.py` says what is to hold of the machine code.
//!
//! Beside some of them stands one with a mistake, `wrong_…`: a prover that accepts it proves
//! nothing.
#![cfg_attr(target_os = "none", no_std, no_main)]

#[cfg(target_os = "none")]
mod functions;

#[cfg(not(target_os = "none"))]
fn main() {}
