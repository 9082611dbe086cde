//! A panic tells where and why, and ends the program.

use core::panic::PanicInfo;

#[cfg_attr(target_os = "none", panic_handler)]
fn panic(info: &PanicInfo<'_>) -> ! {
    crate::println!("\n{info}");
    crate::exit::exit(101)
}
