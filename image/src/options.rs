//! What the kernel is told on its command line, wherever that comes from.

use kernel::console::Level;
use machine::firmware::loader::CommandLine;

/// What `log=` says, if it says something and the kernel speaks.
pub(crate) fn log_level(line: &CommandLine) -> Option<Level> {
    if !abi::FLAVOUR.printing() {
        return None;
    }
    Level::named(core::str::from_utf8(line.value(b"log")?).ok()?)
}
