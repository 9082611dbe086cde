//! Shows what takes long, and for how long it has.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

/// Turns until it is finished; invisible where standard error is no terminal.
pub(crate) fn spinner(what: &str) -> ProgressBar {
    let bar = ProgressBar::new_spinner().with_message(what.to_owned());
    if let Ok(style) = ProgressStyle::with_template("  {spinner}    {msg:<34} {elapsed}") {
        bar.set_style(style);
    }
    bar.enable_steady_tick(Duration::from_millis(120));
    bar
}
