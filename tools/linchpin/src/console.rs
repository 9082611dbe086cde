//! The user's own terminal while a system runs in it.

use std::io::{IsTerminal, stdin};

use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};

/// Gives keys to the system as they are pressed, unechoed, until it is dropped.
///
/// Signals stay on: Ctrl-C reaches the tool, which ends QEMU.
pub(crate) struct Raw {
    before: Termios,
}

impl Raw {
    /// None if standard input is no terminal.
    pub(crate) fn enter() -> Option<Self> {
        let before = tcgetattr(stdin()).ok()?;
        let mut raw = before.clone();
        raw.local_modes
            .remove(LocalModes::ICANON | LocalModes::ECHO);
        tcsetattr(stdin(), OptionalActions::Now, &raw).ok()?;
        Some(Self { before })
    }
}

impl Drop for Raw {
    fn drop(&mut self) {
        // If the terminal is gone there is nothing left to restore.
        let _ = tcsetattr(stdin(), OptionalActions::Now, &self.before);
    }
}

/// Whether somebody sits at the keyboard.
pub(crate) fn is_interactive() -> bool {
    stdin().is_terminal()
}
