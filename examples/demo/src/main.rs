//! The demo system: from BootInfo to separate processes, drivers, and a prompt.
//!
//! Start reading at [`init::system`].
#![no_std]
#![no_main]
#![deny(unsafe_code)]

mod init;

use abi::bootinfo::BootInfo;
use init::{shell, system::System, trouble::Result};

user_runtime::entry!(main);

fn main(boot: &'static BootInfo) -> Result<u32> {
    let mut system = System::start(boot)?;
    Ok(shell::run(&mut system))
}
