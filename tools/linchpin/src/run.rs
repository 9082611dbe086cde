//! `linchpin run`: builds what is named, boots it, and says how it ended.

use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;
use miette::{Result, WrapErr, miette};

use crate::build::{self, Container, Kernel, Program, Show};
use crate::console;
use crate::expect::{Markers, Preset};
use crate::image::{self, Protocol};
use crate::kind::{Arch, DEFAULT_PROFILE, Flavour, Kind};
use crate::layout;
use crate::outcome::Outcome;
use crate::qemu::{self, Boot, Log, Machine, Medium, Options};
use crate::report::suite_table;
use crate::script::Script;
use crate::session::{Echo, Input, Session};
use crate::setup::{self, Consent};
use crate::suggest::did_you_mean;
use crate::workspace::Workspace;

/// What a run is ended after if nobody sits at the keyboard and no bound is given.
pub(crate) const DEFAULT_BOUND: u64 = 120;
pub(crate) const PROMPT: &str = "linchpin> ";

#[derive(Args, Debug)]
pub(crate) struct RunArgs {
    /// A root task: an ELF file, or the name of an example (without it: the demo system)
    #[arg(value_name = "ELF|EXAMPLE")]
    what: Option<String>,
    #[arg(long, value_enum, default_value = "x86_64")]
    arch: Arch,
    #[arg(long, value_enum, default_value = "debug")]
    flavour: Flavour,
    /// The settings that user images bake in: a name in abi/profiles.toml
    #[arg(long, default_value = DEFAULT_PROFILE)]
    profile: String,
    /// Boot this kernel file instead of building ours
    #[arg(long, value_name = "FILE")]
    kernel: Option<PathBuf>,
    /// How the kernel is entered [default: the first of its architecture]
    #[arg(long, value_enum)]
    boot: Option<Boot>,
    /// Memory of the machine [default: 512M, for sel4test 4G]
    #[arg(long)]
    memory: Option<String>,
    /// Properties of QEMU's machine: `gic-version=3`, `virtualization=on` (the kernel is entered at
    /// EL2)
    #[arg(long, value_name = "PROPERTY=VALUE,...")]
    machine: Option<String>,
    /// CPU model of the machine, as QEMU names it [default: x86_64 max, aarch64 cortex-a57,
    /// riscv64 rv64]
    #[arg(long)]
    cpu: Option<String>,
    /// Deterministic time: 2^N ns per instruction (QEMU's `-icount shift=N,sleep=off`)
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u8).range(0..=10))]
    icount: Option<u8>,
    /// How much a debug kernel says on its own account [default: errors]
    #[arg(long, value_enum)]
    log: Option<Log>,
    /// A debug kernel checks its invariants after every N entries to it, and stops at a violation
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    check: Option<u32>,
    /// Lines to type, separated by `;`, one at each prompt
    #[arg(long, value_name = "LINES")]
    script: Option<String>,
    /// The prompt that --script waits for
    #[arg(long, default_value = PROMPT, requires = "script")]
    prompt: String,
    /// Success: a line of output that matches ends the run
    #[arg(long, value_name = "REGEX")]
    pass: Option<String>,
    /// Failure: a line of output that matches ends the run
    #[arg(long, value_name = "REGEX")]
    fail: Option<String>,
    /// Markers and a table of results for a known suite
    #[arg(long, value_enum)]
    expect: Option<Preset>,
    /// A run that takes longer hangs: it is ended, with exit code 124 [default: 120, for sel4test
    /// 3000, for conformance 600; at a keyboard none]
    #[arg(long, value_name = "SECONDS")]
    bound: Option<u64>,
    /// Install missing programs also where that needs sudo
    #[arg(long)]
    yes: bool,
    /// More arguments for QEMU
    #[arg(last = true, value_name = "QEMU ARGS")]
    qemu: Vec<std::ffi::OsString>,
}

impl RunArgs {
    fn kind(&self) -> Kind {
        Kind {
            arch: self.arch,
            flavour: self.flavour,
            profile: self.profile.clone(),
        }
    }

    fn machine(&self) -> Machine {
        Machine {
            arch: self.arch,
            memory: self.memory(),
            cpu: self
                .cpu
                .clone()
                .unwrap_or_else(|| self.arch.traits().cpu.to_owned()),
            properties: self.machine.clone(),
            icount: self.icount,
            options: self.options(),
            extra: self.qemu.clone(),
        }
    }

    fn options(&self) -> Options {
        Options {
            log: self.log,
            check: self.check,
        }
    }

    /// Options that would go nowhere are refused.
    fn options_by(&self, door: Boot) -> Result<()> {
        if self.options().line().is_none() {
            return Ok(());
        }
        if self.flavour != Flavour::Debug {
            return Err(miette!("--log and --check are for --flavour debug"));
        }
        match door {
            Boot::Multiboot | Boot::Elf32 | Boot::Pvh | Boot::Linux | Boot::Elf => Ok(()),
            _ => Err(miette!(
                help = "they reach it by every other door",
                "--log and --check do not reach a kernel that is booted by `{}`",
                door.name()
            )),
        }
    }

    fn memory(&self) -> String {
        let usual = self.expect.map_or(qemu::MEMORY, Preset::memory);
        self.memory.clone().unwrap_or_else(|| usual.to_owned())
    }

    fn bound(&self) -> Option<Duration> {
        let at_keyboard = console::is_interactive() && self.script.is_none();
        self.bound
            .or(self.expect.map(Preset::bound))
            .or((!at_keyboard).then_some(DEFAULT_BOUND))
            .map(Duration::from_secs)
    }
}

/// Returns the exit code.
pub(crate) fn run(workspace: &Workspace, args: &RunArgs) -> Result<u8> {
    let markers = Markers::new(args.pass.as_deref(), args.fail.as_deref(), args.expect)?;
    let consent = Consent::from_flag(args.yes);
    let door = args.arch.door(args.boot)?;
    args.options_by(door)?;
    setup::ensure(&args.arch.traits().qemu, consent)?;
    let kind = args.kind();
    let root_task = find_root_task(workspace, &kind, args.what.as_deref(), Show::Progress)?;
    let kernel = match &args.kernel {
        Some(file) => {
            crate::workspace::read(file).wrap_err("the kernel named by --kernel")?;
            Kernel::named(file)
        }
        None => build::kernel(workspace, &kind, Show::Progress)?,
    };
    let medium = medium(workspace, &kernel, &root_task, door, consent)?;
    let command = args.machine().command(&medium);
    eprintln!("linchpin: {}", qemu::shown(&command));

    let input = match &args.script {
        Some(text) => Input::Script(Script::new(text, &args.prompt)),
        None => Input::Passed,
    };
    let terminal = if args.script.is_none() {
        console::Raw::enter()
    } else {
        None
    };
    let session = Session {
        arch: args.arch,
        command,
        input,
        markers,
        bound: args.bound(),
        echo: Echo::Stdout,
        awaits_power_off: false,
    };
    let outcome = session.run();
    drop(terminal);
    conclude(&outcome?, args.expect)
}

/// Says how it ended, on standard error: standard output belongs to the system.
fn conclude(outcome: &Outcome, expect: Option<Preset>) -> Result<u8> {
    if let Some(preset) = expect {
        let cases = preset.read(&outcome.lines);
        println!(
            "{}  {}",
            suite_table(&cases),
            preset.summary(&cases, &outcome.lines)
        );
    }
    if outcome.exit_code() == 124 {
        eprintln!("linchpin: the last serial output was:\n{}", outcome.tail());
    }
    eprintln!("linchpin: {}", outcome.sentence());
    let suite_failed = expect.is_some_and(|preset| {
        preset
            .read(&outcome.lines)
            .iter()
            .any(crate::report::Case::is_failed)
    });
    if outcome.is_good() && suite_failed {
        eprintln!("linchpin: the end marker is good, the table above is not");
        return Ok(1);
    }
    Ok(outcome.exit_code())
}

/// Turns the user's word into the ELF of a root task, building it if it is ours.
pub(crate) fn find_root_task(
    workspace: &Workspace,
    kind: &Kind,
    what: Option<&str>,
    show: Show,
) -> Result<PathBuf> {
    let Some(word) = what else {
        return build::root_task(workspace, kind, &Program::demo(), show);
    };
    let path = Path::new(word);
    if path.is_file() {
        layout::check_named_file(path)?;
        return Ok(path.to_path_buf());
    }
    let program = find_program(workspace, word)?;
    build::root_task(workspace, kind, &program, show)
}

fn find_program(workspace: &Workspace, word: &str) -> Result<Program> {
    let examples = workspace.programs("linchpin-examples")?;
    if examples.iter().any(|name| name == word) {
        return Ok(Program::example(word));
    }
    let others = [Program::demo(), Program::conformance(), Program::stress()];
    if let Some(program) = others.iter().find(|program| program.name == word) {
        return Ok(program.clone());
    }
    let known: Vec<String> = examples
        .into_iter()
        .chain(others.map(|program| program.name))
        .collect();
    Err(miette!(
        help = did_you_mean(word, &known),
        "`{word}` is neither a file nor an example"
    ))
}

/// The files, or the disc, by which the kernel is booted in this way.
pub(crate) fn medium(
    workspace: &Workspace,
    kernel: &Kernel,
    root_task: &Path,
    boot: Boot,
    consent: Consent,
) -> Result<Medium> {
    let files = |kernel: &Path| Medium::Files {
        kernel: kernel.to_path_buf(),
        root_task: root_task.to_path_buf(),
    };
    let protocol = match boot {
        Boot::Multiboot | Boot::Elf => return Ok(files(&kernel.elf)),
        Boot::Linux => return Ok(files(kernel.file(Container::Flat))),
        Boot::Elf32 => return Ok(files(kernel.file(Container::Elf32))),
        Boot::Pvh => return Ok(files(kernel.file(Container::Pvh))),
        Boot::Iso => Protocol::Multiboot2,
        Boot::IsoMultiboot1 => Protocol::Multiboot1,
    };
    let iso = workspace
        .output()
        .join(format!("boot-{}.iso", protocol.name()));
    image::write_iso(workspace, &kernel.elf, root_task, protocol, &iso, consent)?;
    Ok(Medium::Disc(iso))
}
