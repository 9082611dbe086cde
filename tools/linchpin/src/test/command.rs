//! Runs a command to its end and keeps what it prints.

use std::fs::File;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use miette::{IntoDiagnostic, Result, WrapErr, miette};
use rustix::process::{Pid, Signal, kill_process_group};

use crate::{session, workspace};

/// A finished command.
pub(crate) struct Finished {
    pub(crate) good: bool,
    /// Both its outputs, in the order in which they were written.
    pub(crate) text: String,
}

/// Runs the command with its output in a log file. It and all its children are ended if it takes
/// longer than `bound`, or when the user gives up.
pub(crate) fn run(mut command: Command, log: &Path, bound: Duration) -> Result<Finished> {
    workspace::make_room_for(log)?;
    let file = File::create(log)
        .into_diagnostic()
        .wrap_err_with(|| format!("cannot write {}", log.display()))?;
    let name = command.get_program().to_string_lossy().into_owned();
    let mut child = command
        .process_group(0)
        .env("CARGO_TERM_COLOR", "never")
        .stdin(Stdio::null())
        .stdout(file.try_clone().into_diagnostic()?)
        .stderr(file)
        .spawn()
        .into_diagnostic()
        .wrap_err_with(|| format!("cannot start {name}"))?;
    let good = wait(&mut child, bound)?;
    let text = String::from_utf8_lossy(&workspace::read(log)?).into_owned();
    match good {
        Some(good) => Ok(Finished { good, text }),
        None => Err(miette!(
            "{name} was ended after {} s; it had printed:\n{text}",
            bound.as_secs()
        )),
    }
}

/// None: it had to be ended.
fn wait(child: &mut Child, bound: Duration) -> Result<Option<bool>> {
    let started = Instant::now();
    loop {
        if let Some(status) = child.try_wait().into_diagnostic()? {
            return Ok(Some(status.success()));
        }
        if started.elapsed() > bound || session::interrupted() {
            if let Some(group) = i32::try_from(child.id()).ok().and_then(Pid::from_raw) {
                // It fails only if all of them have ended already.
                let _ = kill_process_group(group, Signal::KILL);
            }
            child.wait().into_diagnostic()?;
            return Ok(None);
        }
        thread::sleep(Duration::from_millis(20));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(line: &str) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", line]);
        command
    }

    fn log(name: &str) -> std::path::PathBuf {
        std::env::temp_dir().join(format!("linchpin-{name}-{}", std::process::id()))
    }

    #[test]
    fn keeps_both_outputs_and_the_verdict() {
        let log = log("both");
        let finished = run(
            shell("echo out; echo err >&2; exit 3"),
            &log,
            Duration::from_secs(20),
        )
        .expect("sh runs");
        assert!(!finished.good);
        assert_eq!(finished.text, "out\nerr\n");
        std::fs::remove_file(log).expect("the log is there");
    }

    #[test]
    fn a_command_that_hangs_is_ended_with_its_children() {
        let log = log("hang");
        let started = Instant::now();
        assert!(
            run(
                shell("echo begun; sleep 50 & wait"),
                &log,
                Duration::from_millis(300)
            )
            .is_err()
        );
        assert!(started.elapsed() < Duration::from_secs(20));
        std::fs::remove_file(log).expect("the log is there");
    }
}
