//! The machine on which is measured: the same for all kernels, deterministic.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use miette::{IntoDiagnostic, Result, miette};
use object::read::elf::ElfFile64;
use object::{LittleEndian, Object, ObjectSymbol};

use super::Method;
use super::emulator::Emulator;
use super::figures::{Counted, Figure, Instructions, Printed, Run, Setting};
use super::rocket::{self, Rocket};
use crate::build::{self, Container, Program, Show};
use crate::expect::Markers;
use crate::kind::{Arch, Flavour, Kind};
use crate::qemu::{MEMORY, Machine, Medium};
use crate::session::{Echo, Input, Session};
use crate::workspace::{self, Workspace};

/// The profile of the program, and of our kernel where the program needs a counter from it.
const PROFILE: &str = "bench";
const BOUND: Duration = Duration::from_secs(3600);
/// Kernels lie in the upper half of the addresses.
pub(crate) const KERNEL: u64 = 1 << 63;

/// Our kernel's name among the figures.
pub(crate) const OURS: &str = "linchpin";

/// Operations in which the machine sleeps: its own counters count that too.
const SLEEPING: [&str; 1] = ["interrupt"];

/// What is measured.
pub(crate) enum Subject {
    /// Our kernel, as it was built.
    Ours(build::Kernel),
    /// Another kernel, which gets the program as its initial RAM disc.
    Kernel(PathBuf),
    /// Another kernel in a loader image with the program.
    Image(PathBuf),
}

impl Subject {
    fn name(&self) -> String {
        match self {
            Subject::Ours(_) => OURS.into(),
            Subject::Kernel(file) | Subject::Image(file) => file
                .file_name()
                .unwrap_or(file.as_os_str())
                .to_string_lossy()
                .into_owned(),
        }
    }
}

/// All that runs have in common.
pub(crate) struct Bench<'a> {
    workspace: &'a Workspace,
    pub(crate) arch: Arch,
    method: Method,
    ops: &'a [String],
    pub(crate) memory: String,
    /// The program.
    pub(crate) program: PathBuf,
    emulator: Option<Emulator>,
    plugin: Option<PathBuf>,
    rocket: Option<Rocket>,
}

/// The addresses in one region.
pub(crate) struct Histogram {
    pub(crate) region: usize,
    pub(crate) file: PathBuf,
}

impl<'a> Bench<'a> {
    pub(crate) fn new(
        workspace: &'a Workspace,
        arch: Arch,
        method: Method,
        ops: &'a [String],
    ) -> Result<Self> {
        let kind = program_kind(arch);
        let program = build::root_task(workspace, &kind, &Program::bench(ops), Show::OnFailure)?;
        let mut bench = Self {
            workspace,
            arch,
            method,
            ops,
            memory: MEMORY.into(),
            program,
            emulator: None,
            plugin: None,
            rocket: None,
        };
        match method {
            Method::Icount => {}
            Method::Plugin => {
                bench.emulator = Some(Emulator::with_plugins(workspace, arch)?);
                bench.plugin = Some(build::plugin(workspace)?);
            }
            Method::Rocket if arch == Arch::RiscV64 => {
                bench.rocket = Some(Rocket::ready(workspace)?);
            }
            Method::Rocket => {
                return Err(miette!(
                    help = "add `--arch riscv64`",
                    "Rocket is a RISC-V core"
                ));
            }
        }
        Ok(bench)
    }

    /// Builds our kernel.
    pub(crate) fn ours(&self, show: Show) -> Result<Subject> {
        build::kernel(self.workspace, &kernel_kind(self.arch), show).map(Subject::Ours)
    }

    /// Where files of a run go.
    pub(crate) fn scratch(&self, name: &str) -> PathBuf {
        let folder = self.workspace.output().join("bench");
        folder.join(format!("{}-{name}", self.arch.name()))
    }

    /// Runs the program on a kernel, and reads what was counted.
    pub(crate) fn run(&self, subject: &Subject) -> Result<Run> {
        self.run_with(subject, None)
    }

    /// The same, with a histogram of one region.
    pub(crate) fn run_with(&self, subject: &Subject, histogram: Option<&Histogram>) -> Result<Run> {
        let mut command = self.command(subject)?;
        let counts = self.scratch("counts.jsonl");
        if let Some(plugin) = &self.plugin {
            workspace::write(&counts, b"")?;
            command
                .arg("-plugin")
                .arg(self.plugin_words(subject, plugin, &counts, histogram)?);
        }
        let markers = match self.rocket {
            Some(_) => Markers::new(Some("^exit: 0"), Some("^exit: [1-9]"), None)?,
            None => Markers::default(),
        };
        let outcome = Session {
            arch: self.arch,
            command,
            input: Input::Nothing,
            markers,
            bound: Some(BOUND),
            echo: Echo::Nowhere,
            awaits_power_off: false,
        }
        .run()?;
        if !outcome.is_good() {
            return Err(miette!(
                "{}: {}\nthe last serial output was:\n{}",
                subject.name(),
                outcome.sentence(),
                outcome.tail()
            ));
        }
        let mut printed = Printed::read(&outcome.lines);
        if self.method != Method::Plugin {
            printed.retain(|printed| !SLEEPING.contains(&printed.op.as_str()));
        }
        let figures = match self.method {
            Method::Icount => self.whole(subject, &printed),
            Method::Rocket => self.cycles(subject, &printed),
            Method::Plugin => {
                let text = workspace::read(&counts)?;
                self.split(subject, &printed, &String::from_utf8_lossy(&text))?
            }
        };
        Ok(Run {
            setting: self.setting()?,
            figures: figures
                .into_iter()
                .filter(|figure| {
                    self.ops.is_empty() || self.ops.iter().any(|op| figure.is_called(op))
                })
                .collect(),
        })
    }

    fn command(&self, subject: &Subject) -> Result<Command> {
        if let Some(rocket) = &self.rocket {
            return match self.medium(subject) {
                Medium::Files { kernel, root_task } => rocket.command(&kernel, &root_task),
                _ => Err(miette!("the simulated core starts no loader images")),
            };
        }
        let mut machine = standard(self.arch, &self.memory);
        machine.icount = Some(0);
        let command = machine.command(&self.medium(subject));
        Ok(match &self.emulator {
            Some(emulator) => emulator.instead_of(&command),
            None => command,
        })
    }

    fn medium(&self, subject: &Subject) -> Medium {
        let files = |kernel: &Path| Medium::Files {
            kernel: kernel.to_path_buf(),
            root_task: self.program.clone(),
        };
        match subject {
            // Where there is no flat form, the ELF file itself is what is started.
            Subject::Ours(kernel) => files(kernel.file(Container::Flat)),
            Subject::Kernel(file) => files(file),
            Subject::Image(file) => Medium::Image(file.clone()),
        }
    }

    fn plugin_words(
        &self,
        subject: &Subject,
        plugin: &Path,
        counts: &Path,
        histogram: Option<&Histogram>,
    ) -> Result<String> {
        let program = workspace::read(&self.program)?;
        let mut words = format!(
            "{},out={},begin={:x},end={:x},kernel={KERNEL:x}",
            plugin.display(),
            counts.display(),
            address(&program, "linchpin_bench_begin")?,
            address(&program, "linchpin_bench_end")?,
        );
        words.push_str(firmware_words(self.arch));
        if let Some(first) = self.first_instruction(subject)? {
            let last = entry(&program);
            words.push_str(&format!(",boot={first:x}-{last:x}"));
        }
        if let Some(Histogram { region, file }) = histogram {
            words.push_str(&format!(
                ",histogram={region},histogram_out={}",
                file.display()
            ));
        }
        Ok(words)
    }

    /// Where the kernel is entered, before it has made its address space; unknown in loader images.
    fn first_instruction(&self, subject: &Subject) -> Result<Option<u64>> {
        Ok(match (self.arch, subject) {
            (Arch::X86_64, Subject::Ours(kernel)) => Some(entry(&workspace::read(&kernel.elf)?)),
            (Arch::X86_64, Subject::Kernel(file)) => Some(entry(&workspace::read(file)?)),
            (_, Subject::Image(_)) => None,
            // There QEMU puts what it starts as it starts a Linux kernel.
            (Arch::AArch64, _) => Some(0x4020_0000),
            (Arch::RiscV64, _) => Some(0x8020_0000),
        })
    }

    fn whole(&self, subject: &Subject, printed: &[Printed]) -> Vec<Figure> {
        let figure = |printed: &Printed| Figure {
            instructions: Some(Instructions::Whole {
                total: printed.ticks,
            }),
            ..self.figure(subject, printed)
        };
        printed.iter().map(figure).collect()
    }

    fn cycles(&self, subject: &Subject, printed: &[Printed]) -> Vec<Figure> {
        let figure = |printed: &Printed| Figure {
            cycles: Some(printed.ticks),
            ..self.figure(subject, printed)
        };
        printed.iter().map(figure).collect()
    }

    /// Each line of the program belongs to a pair of marks, in order.
    fn split(&self, subject: &Subject, printed: &[Printed], text: &str) -> Result<Vec<Figure>> {
        let (counted, boot): (Vec<Counted>, Vec<Counted>) = Counted::read(text)?
            .into_iter()
            .partition(|counted| counted.mark == "end");
        if counted.len() != printed.len() {
            return Err(miette!(
                "{}: the program measured {} operations, the plugin saw {}",
                subject.name(),
                printed.len(),
                counted.len()
            ));
        }
        let pairs = printed.iter().zip(&counted);
        let boot = boot.iter().map(|counted| Figure {
            instructions: Some(counted.of_boot()),
            ..self.figure(subject, &Printed::boot(&self.memory))
        });
        Ok(boot
            .chain(pairs.map(|(printed, counted)| Figure {
                instructions: Some(counted.instructions()),
                memory: Some(counted.memory()),
                ..self.figure(subject, printed)
            }))
            .collect())
    }

    fn figure(&self, subject: &Subject, printed: &Printed) -> Figure {
        Figure {
            arch: self.arch.name().into(),
            kernel: subject.name(),
            op: printed.op.clone(),
            parameter: printed.parameter.clone(),
            count: printed.count,
            instructions: None,
            memory: None,
            cycles: None,
        }
    }

    fn setting(&self) -> Result<Setting> {
        if self.rocket.is_some() {
            return Setting::new(self.arch, self.method, rocket::NAME.into());
        }
        let emulator = match &self.emulator {
            Some(emulator) => emulator.command(),
            None => Command::new(self.arch.traits().qemu.program()),
        };
        Setting::of_emulator(self.arch, self.method, emulator)
    }
}

/// The machine, without its way to tell time.
pub(crate) fn standard(arch: Arch, memory: &str) -> Machine {
    let mut machine = Machine::new(arch);
    machine.memory = memory.into();
    machine.cpu = cpu(arch).into();
    machine.extra = ["-nic", "none"].map(Into::into).to_vec();
    if arch == Arch::X86_64 {
        machine.extra.extend(["-vga", "none"].map(Into::into));
    }
    machine
}

/// What the plugin has to know of the machine's firmware.
pub(crate) fn firmware_words(arch: Arch) -> &'static str {
    match arch {
        Arch::RiscV64 => ",firmware=80000000-80200000",
        Arch::X86_64 | Arch::AArch64 => "",
    }
}

/// The program, for a kernel that it measures.
pub(crate) fn program_kind(arch: Arch) -> Kind {
    Kind {
        profile: PROFILE.into(),
        ..Kind::new(arch, Flavour::Release)
    }
}

/// Our kernel as it is measured.
pub(crate) fn kernel_kind(arch: Arch) -> Kind {
    let mut kind = Kind::new(arch, Flavour::Release);
    if arch == Arch::AArch64 {
        kind.profile = PROFILE.into();
    }
    kind
}

/// One model for both versions of the emulator: the later one's `max` has a timer in registers
/// that it cannot read at exact times.
fn cpu(arch: Arch) -> &'static str {
    match arch {
        Arch::X86_64 => "max,+fsgsbase,+pdpe1gb,-x2apic",
        Arch::AArch64 | Arch::RiscV64 => arch.traits().cpu,
    }
}

/// Where an ELF file of either size begins to run.
pub(crate) fn entry(elf: &[u8]) -> u64 {
    const CLASS: usize = 4;
    const ENTRY: usize = 24;
    let bytes = if elf.get(CLASS) == Some(&1) { 4 } else { 8 };
    let word = elf.iter().skip(ENTRY).take(bytes).rev();
    word.fold(0, |word, byte| word << 8 | u64::from(*byte))
}

/// Of the symbol with this name, or with this in its name.
pub(crate) fn address(program: &[u8], name: &str) -> Result<u64> {
    let parsed = ElfFile64::<LittleEndian>::parse(program).into_diagnostic()?;
    parsed
        .symbols()
        .find(|symbol| symbol.name().is_ok_and(|its| its.contains(name)))
        .map(|symbol| symbol.address())
        .ok_or_else(|| miette!("the program has no `{name}`"))
}
