//! One run of a machine: its serial line, its input, and how it ended.

use std::io::{Read, Write};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::Once;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

use miette::{IntoDiagnostic, Result, WrapErr};

use crate::expect::{Mark, Markers};
use crate::qemu;
use crate::script::{Script, Step};
use crate::serial::Lines;

/// How often the clock and Ctrl-C are looked at.
const TICK: Duration = Duration::from_millis(100);
/// After a marker: this long without output, and nothing more is expected.
const QUIET: Duration = Duration::from_millis(400);
/// After a marker: at most this long.
const LAST_WORDS: Duration = Duration::from_secs(3);
/// How many lines of output a report of a hang repeats.
pub(crate) const TAIL: usize = 30;

/// What is typed into the system.
pub(crate) enum Input {
    /// The tool's own standard input.
    Passed,
    Script(Script),
    Nothing,
}

/// Where the serial output goes while it runs.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Echo {
    Stdout,
    Nowhere,
}

/// A run to be made.
pub(crate) struct Session {
    pub(crate) command: Command,
    pub(crate) input: Input,
    pub(crate) markers: Markers,
    pub(crate) bound: Option<Duration>,
    pub(crate) echo: Echo,
}

/// How it ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// The system wrote this value to the exit device.
    Reported(u32),
    Passed(String),
    Failed(String),
    Fatal(String),
    /// The script is typed and the prompt is back: nobody asked the system to end.
    ScriptDone,
    Hung(Duration),
    Interrupted,
    /// The machine switched itself off or was reset, without a report.
    Silent,
    /// QEMU itself failed.
    Qemu(String),
}

/// A finished run.
pub(crate) struct Outcome {
    pub(crate) end: End,
    pub(crate) lines: Vec<String>,
    pub(crate) elapsed: Duration,
    pub(crate) unscripted: usize,
    markers_missed: bool,
}

/// The values of the exit device.
const SUCCESS: u32 = 0x10;

impl Outcome {
    /// The exit code of the tool; `linchpin --help` lists them.
    pub(crate) fn exit_code(&self) -> u8 {
        match &self.end {
            End::Reported(SUCCESS) if self.markers_missed || self.unscripted > 0 => 1,
            End::Reported(value) => value
                .checked_sub(SUCCESS)
                .and_then(|code| u8::try_from(code).ok())
                .unwrap_or(1),
            End::Passed(_) | End::ScriptDone => 0,
            End::Failed(_) => 1,
            End::Qemu(_) => 3,
            End::Fatal(_) => 4,
            End::Silent => 5,
            End::Hung(_) => 124,
            End::Interrupted => 130,
        }
    }

    pub(crate) fn is_good(&self) -> bool {
        self.exit_code() == 0
    }

    /// The end in a sentence.
    pub(crate) fn sentence(&self) -> String {
        let seconds = self.elapsed.as_secs_f32();
        match &self.end {
            End::Reported(SUCCESS) if self.markers_missed => {
                format!(
                    "the system ended with success after {seconds:.1} s, but the expected marker (--pass) never came"
                )
            }
            End::Reported(SUCCESS) if self.unscripted > 0 => {
                format!(
                    "the system ended with success after {seconds:.1} s, before {} lines of the script were typed",
                    self.unscripted
                )
            }
            End::Reported(SUCCESS) => format!("the system reported success after {seconds:.1} s"),
            End::Reported(0x11) => format!("the system reported failure after {seconds:.1} s"),
            End::Reported(value) => {
                format!("the system ended with the value {value:#x} after {seconds:.1} s")
            }
            End::Passed(line) => format!("passed after {seconds:.1} s: {line}"),
            End::Failed(line) => format!("failed after {seconds:.1} s: {line}"),
            End::Fatal(line) => format!("the kernel stopped after {seconds:.1} s: {line}"),
            End::ScriptDone => format!(
                "the script is done after {seconds:.1} s; the system still waited at its prompt and was switched off"
            ),
            End::Hung(bound) => format!(
                "no end within {} s: the system hangs, or needs a larger --bound; it was switched off",
                bound.as_secs()
            ),
            End::Interrupted => format!("interrupted after {seconds:.1} s"),
            End::Silent => format!(
                "the machine was reset or switched off after {seconds:.1} s without a report (a triple fault looks like this; `-- -d int,cpu_reset -D qemu.log` shows why)"
            ),
            End::Qemu(why) => format!("QEMU failed: {why}"),
        }
    }

    /// The last lines of the serial output.
    pub(crate) fn tail(&self) -> String {
        let first = self.lines.len().saturating_sub(TAIL);
        self.lines[first..].join("\n")
    }
}

impl Session {
    /// Runs to the end. Nothing of it is left running, however this function is left.
    pub(crate) fn run(mut self) -> Result<Outcome> {
        let line = qemu::shown(&self.command);
        let started = Instant::now();
        listen_for_interrupt();
        self.command
            .process_group(0) // Ctrl-C is for the tool, which then ends QEMU
            .stdin(if matches!(self.input, Input::Nothing) {
                Stdio::null()
            } else {
                Stdio::piped()
            })
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut machine = Machine(
            self.command
                .spawn()
                .into_diagnostic()
                .wrap_err_with(|| format!("cannot start `{line}`"))?,
        );
        let events = machine.events();
        let keys = machine.0.stdin.take();
        let mut watch = Watch {
            session: &mut self,
            keys,
            lines: Lines::default(),
            all: Vec::new(),
            complaints: String::new(),
        };
        watch.connect_input();
        let end = watch.until_end(&events, started);
        let end = match end {
            Some(end) => {
                watch.last_words(&events);
                end
            }
            None => explain(machine.wait()?, watch.complaints.trim()),
        };
        watch.close_line();
        let lines = std::mem::take(&mut watch.all);
        drop(machine);
        let unscripted = if let Input::Script(script) = &self.input {
            script.left()
        } else {
            0
        };
        let markers_missed = self.markers.demand_pass();
        Ok(Outcome {
            end,
            lines,
            elapsed: started.elapsed(),
            unscripted,
            markers_missed,
        })
    }
}

/// Whether the user has pressed Ctrl-C since the first session began.
pub(crate) fn interrupted() -> bool {
    INTERRUPTED.load(Ordering::Relaxed)
}

static INTERRUPTED: AtomicBool = AtomicBool::new(false);

/// From now on Ctrl-C is a wish that is looked at, not the end.
pub(crate) fn listen_for_interrupt() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        // Without a handler Ctrl-C ends the tool alone; the machine then dies of its closed pipes at the latest.
        let _ = ctrlc::set_handler(|| INTERRUPTED.store(true, Ordering::Relaxed));
    });
}

/// What QEMU's exit status means when no marker has ended the run.
fn explain(status: ExitStatus, complaints: &str) -> End {
    match status.code() {
        Some(0) => End::Silent,
        // Status 1 is QEMU's own, and would be the report of the value 0, which nothing of ours writes.
        Some(status) if status % 2 == 1 && status != 1 => End::Reported((status as u32) >> 1),
        _ if complaints.is_empty() => End::Qemu(format!("it ended with {status} and said nothing")),
        _ => End::Qemu(complaints.to_owned()),
    }
}

enum Event {
    Serial(Vec<u8>),
    Complaint(Vec<u8>),
    /// QEMU has closed its output.
    Closed,
}

/// A running QEMU, ended when it is dropped.
struct Machine(Child);

impl Machine {
    /// Starts the threads that read its output.
    fn events(&mut self) -> Receiver<Event> {
        let (sender, receiver) = channel();
        if let Some(output) = self.0.stdout.take() {
            forward(output, sender.clone(), Event::Serial, Some(Event::Closed));
        }
        if let Some(errors) = self.0.stderr.take() {
            forward(errors, sender, Event::Complaint, None);
        }
        receiver
    }

    /// QEMU has closed its output and is about to end; if it is not, it is ended.
    fn wait(&mut self) -> Result<ExitStatus> {
        let deadline = Instant::now() + Duration::from_secs(5);
        loop {
            if let Some(status) = self.0.try_wait().into_diagnostic()? {
                return Ok(status);
            }
            if Instant::now() > deadline {
                self.end();
            }
            thread::sleep(Duration::from_millis(5));
        }
    }

    fn end(&mut self) {
        // Both fail only if it has ended already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        self.end();
    }
}

fn forward(
    mut from: impl Read + Send + 'static,
    to: Sender<Event>,
    wrap: fn(Vec<u8>) -> Event,
    last: Option<Event>,
) {
    thread::spawn(move || {
        let mut buffer = [0; 4096];
        while let Ok(length @ 1..) = from.read(&mut buffer) {
            if to.send(wrap(buffer[..length].to_vec())).is_err() {
                return;
            }
        }
        if let Some(last) = last {
            let _ = to.send(last);
        }
    });
}

/// The tool's eyes and hands during a run.
struct Watch<'a> {
    session: &'a mut Session,
    keys: Option<std::process::ChildStdin>,
    lines: Lines,
    all: Vec<String>,
    complaints: String,
}

impl Watch<'_> {
    /// With passed input a thread of its own copies it: reading a terminal cannot be given up.
    fn connect_input(&mut self) {
        if !matches!(self.session.input, Input::Passed) {
            return;
        }
        let Some(mut keys) = self.keys.take() else {
            return;
        };
        thread::spawn(move || {
            let mut input = std::io::stdin().lock();
            let mut buffer = [0; 256];
            while let Ok(length @ 1..) = input.read(&mut buffer) {
                if keys
                    .write_all(&buffer[..length])
                    .and_then(|()| keys.flush())
                    .is_err()
                {
                    return;
                }
            }
        });
    }

    /// None: QEMU closed its output.
    fn until_end(&mut self, events: &Receiver<Event>, started: Instant) -> Option<End> {
        loop {
            match events.recv_timeout(TICK) {
                Ok(Event::Serial(bytes)) => {
                    if let Some(end) = self.hear(&bytes) {
                        return Some(end);
                    }
                }
                Ok(Event::Complaint(bytes)) => self.complain(&bytes),
                Ok(Event::Closed) | Err(RecvTimeoutError::Disconnected) => {
                    self.late_complaints(events);
                    return None;
                }
                // A last line may have no end.
                Err(RecvTimeoutError::Timeout) => {
                    let open = self.lines.open_line();
                    if let Some(end) = self.judge(&open) {
                        return Some(end);
                    }
                }
            }
            if interrupted() {
                return Some(End::Interrupted);
            }
            if let Some(bound) = self.session.bound
                && started.elapsed() > bound
            {
                return Some(End::Hung(bound));
            }
        }
    }

    fn hear(&mut self, bytes: &[u8]) -> Option<End> {
        let finished = self.record(bytes);
        for line in finished {
            if let Some(end) = self.judge(&line) {
                return Some(end);
            }
        }
        let Input::Script(script) = &mut self.session.input else {
            return None;
        };
        match script.look(&self.lines)? {
            Step::Finished => Some(End::ScriptDone),
            Step::Type(line) => {
                if let Some(keys) = &mut self.keys {
                    // If it cannot be written QEMU has gone, which the next event says.
                    let _ = keys
                        .write_all(format!("{line}\n").as_bytes())
                        .and_then(|()| keys.flush());
                }
                None
            }
        }
    }

    fn record(&mut self, bytes: &[u8]) -> Vec<String> {
        if self.session.echo == Echo::Stdout {
            let mut out = std::io::stdout().lock();
            // A closed standard output must not end the run.
            let _ = out.write_all(bytes).and_then(|()| out.flush());
        }
        let finished = self.lines.push(bytes);
        self.all.extend(finished.iter().cloned());
        finished
    }

    fn judge(&self, line: &str) -> Option<End> {
        self.session.markers.judge(line).map(|mark| match mark {
            Mark::Pass => End::Passed(line.to_owned()),
            Mark::Fail => End::Failed(line.to_owned()),
            Mark::Fatal => End::Fatal(line.to_owned()),
        })
    }

    fn complain(&mut self, bytes: &[u8]) {
        self.complaints.push_str(&String::from_utf8_lossy(bytes));
    }

    /// What QEMU says on its standard error while it ends.
    fn late_complaints(&mut self, events: &Receiver<Event>) {
        while let Ok(event) = events.recv_timeout(TICK) {
            if let Event::Complaint(bytes) = event {
                self.complain(&bytes);
            }
        }
    }

    /// Lets the system finish what it is saying (the registers after a fatal error, say).
    fn last_words(&mut self, events: &Receiver<Event>) {
        let deadline = Instant::now() + LAST_WORDS;
        while let Ok(event) = events.recv_timeout(QUIET) {
            match event {
                Event::Serial(bytes) => drop(self.record(&bytes)),
                Event::Complaint(bytes) => self.complain(&bytes),
                Event::Closed => return,
            }
            if Instant::now() > deadline || interrupted() {
                return;
            }
        }
    }

    /// What follows on the user's terminal begins on a line of its own.
    fn close_line(&mut self) {
        let open = self.lines.open_line();
        if !open.is_empty() {
            self.all.push(open);
            if self.session.echo == Echo::Stdout {
                println!();
            }
        }
    }
}
