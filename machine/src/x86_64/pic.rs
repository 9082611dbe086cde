//! The two legacy interrupt controllers: moved out of the exceptions' way and silenced.

use super::port;

const FIRST_COMMAND: u16 = 0x20;
const FIRST_DATA: u16 = 0x21;
const SECOND_COMMAND: u16 = 0xa0;
const SECOND_DATA: u16 = 0xa1;

/// Initialisation with a fourth word, cascaded, edge-triggered.
const INITIALISE: u8 = 0x11;
/// The vectors of IRQ 0 and 8; nothing comes there, except perhaps a spurious interrupt.
const FIRST_VECTOR: u8 = 0x20;
const SECOND_VECTOR: u8 = 0x28;
/// The second controller hangs on input 2 of the first.
const CASCADE_MASK: u8 = 1 << 2;
const CASCADE_NUMBER: u8 = 2;
const MODE_8086: u8 = 1;

/// Remaps both controllers and masks all their lines.
pub fn silence() {
    port::write8(FIRST_COMMAND, INITIALISE);
    port::write8(SECOND_COMMAND, INITIALISE);
    port::write8(FIRST_DATA, FIRST_VECTOR);
    port::write8(SECOND_DATA, SECOND_VECTOR);
    port::write8(FIRST_DATA, CASCADE_MASK);
    port::write8(SECOND_DATA, CASCADE_NUMBER);
    port::write8(FIRST_DATA, MODE_8086);
    port::write8(SECOND_DATA, MODE_8086);
    port::write8(FIRST_DATA, 0xff);
    port::write8(SECOND_DATA, 0xff);
}
