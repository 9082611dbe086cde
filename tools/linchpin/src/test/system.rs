//! The steps that build images and boot them.

use std::time::Duration;

use machine::firmware::fdt::Tree;
use miette::{Result, miette};

use super::host::single;
use super::{Context, Step, bounds};
use crate::bench::baseline;
use crate::board::Board;
use crate::build::{self, Container, Program, Show, Side};
use crate::conformance;
use crate::expect::Markers;
use crate::image::{self, Protocol};
use crate::image_rules::{self, Panics};
use crate::kind::{self, Arch, DEFAULT_PROFILE, Flavour, Kind};
use crate::outcome::Outcome;
use crate::qemu::{Boot, Log, Machine, Medium, Options};
use crate::report::Case;
use crate::run::{self, PROMPT};
use crate::script::Script;
use crate::session::{Echo, Input, Session};
use crate::workspace::{self, Workspace};

/// What the absent user types into the demo system.
const DEMO_SCRIPT: &str = "help; caps; threads; untyped; ipc-bench; fault; trespass; talk; throttle; revoke; \
                           revoke; time; exit";
/// What shows that time, memory and devices are as they should be on a machine.
const MACHINE_SCRIPT: &str = "help; caps; untyped; ipc-bench; time; exit";
/// Enough to know that a system came up by this door.
const SHORT_SCRIPT: &str = "help; exit";

const SUITE_BOUND: Duration = Duration::from_secs(600);
const SYSTEM_BOUND: Duration = Duration::from_secs(120);
const STRESS_BOUND: Duration = Duration::from_secs(300);
/// Entries to the kernel from one check of its invariants to the next, under stress.
const CHECK_EVERY: u32 = 2000;

/// The kernel itself: how it is built, and the suites that look for its faults.
pub(super) fn kernel(workspace: &Workspace, arch: Arch) -> Vec<Step> {
    let mut steps = vec![Step::new("lints of the image", move |context| {
        clippy(context, arch, Side::Kernel)
    })];
    for flavour in [Flavour::Debug, Flavour::Release] {
        steps.push(Step::new(
            format!("kernel image, {}", flavour.name()),
            move |context| kernel_image(context, &Kind::new(arch, flavour)),
        ));
        steps.push(
            Step::new(format!("conformance, {}", flavour.name()), move |context| {
                conformance(context, arch, flavour)
            })
            .holding_tests(),
        );
    }
    steps.extend(other_profiles(workspace, arch));
    steps.push(Step::new("kernel image, benchmark", move |context| {
        kernel_image(context, &Kind::new(arch, Flavour::Benchmark))
    }));
    if arch == Arch::X86_64 {
        steps.push(Step::new("negative control: panic", move |context| {
            bounds::unchecked_index(context, &Kind::new(arch, Flavour::Release))
        }));
    }
    for flavour in [Flavour::Debug, Flavour::Release] {
        steps.push(Step::new(
            format!("hostile user space, {}", flavour.name()),
            move |context| stress(context, arch, flavour),
        ));
    }
    on(arch, steps)
}

/// What runs on it: the examples, and the demo system with all that its prompt can do.
pub(super) fn programs(workspace: &Workspace, arch: Arch) -> Result<Vec<Step>> {
    let mut steps = vec![Step::new("lints of user programs", move |context| {
        clippy(context, arch, Side::User)
    })];
    steps.extend(examples(workspace, arch)?);
    steps.push(Step::new("demo script", move |context| {
        let run = Run::new(arch, Flavour::Debug, Program::demo());
        Ok(vec![demo(context, run, DEMO_SCRIPT)?])
    }));
    if arch == Arch::AArch64 {
        steps.push(Step::new("end by firmware", end_by_firmware));
        steps.push(Step::new("boot with a tree of its own", own_tree));
    }
    steps.push(Step::new("demo on other machines", move |context| {
        other_machines(context, arch)
    }));
    steps.push(Step::new("speed", move |context| {
        baseline::check(context.workspace, arch)
    }));
    Ok(on(arch, steps))
}

/// One kernel finds out by itself what each of these is. Their time counts instructions, so that
/// nobody has to wait for it, and idle time is skipped.
fn other_machines(context: &Context, arch: Arch) -> Result<Vec<Case>> {
    let with = |name, memory: &str, properties: &str| {
        let machine = Machine {
            memory: memory.into(),
            properties: (!properties.is_empty()).then(|| properties.into()),
            icount: Some(3),
            ..Machine::new(arch)
        };
        (name, machine)
    };
    let mut machines = vec![with("128 MiB", "128M", ""), with("8 GiB", "8G", "")];
    if arch == Arch::AArch64 {
        let entered_higher = "gic-version=3,virtualization=on";
        machines.extend([
            with("GICv3, 128 MiB", "128M", "gic-version=3"),
            with("GICv3, 8 GiB", "8G", "gic-version=3"),
            with("GICv3, entered at EL2", "512M", entered_higher),
        ]);
    }
    let boot = |(name, machine): (&str, Machine)| {
        let run = Run {
            machine,
            name: name.into(),
            ..Run::new(arch, Flavour::Debug, Program::demo())
        };
        demo(context, run, MACHINE_SCRIPT)
    };
    machines.into_iter().map(boot).collect()
}

/// Where a root task may call firmware it switches the machine off itself. Firmware is called in one
/// way by a kernel that starts at EL1, in another by one that starts at EL2.
fn end_by_firmware(context: &Context) -> Result<Vec<Case>> {
    let conduits = [("HVC", "gic-version=2"), ("SMC", "virtualization=on")];
    let end = |(name, properties): (&str, &str)| {
        let machine = Machine {
            properties: Some(properties.into()),
            icount: Some(3),
            ..Machine::new(Arch::AArch64)
        };
        let run = Run {
            kind: Kind {
                profile: "microkit-el1".into(),
                ..Kind::new(Arch::AArch64, Flavour::Release)
            },
            machine,
            input: Input::Script(Script::new("exit", PROMPT)),
            name: name.into(),
            awaits_power_off: true,
            ..Run::new(Arch::AArch64, Flavour::Release, Program::demo())
        };
        let outcome = run.boot(context)?;
        Ok(if outcome.powered_off {
            verdict(name, &outcome)
        } else {
            Case::failed(name, "the machine stayed on")
        })
    };
    conduits.into_iter().map(end).collect()
}

/// A kernel in which a device tree was linked, on a machine where nobody passes one. The tree is what
/// QEMU would have passed.
fn own_tree(context: &Context) -> Result<Vec<Case>> {
    let run = Run::new(Arch::AArch64, Flavour::Debug, Program::demo());
    let workspace = context.workspace;
    let kernel = build::kernel(workspace, &run.kind, Show::OnFailure)?;
    let root_task = build::root_task(workspace, &run.kind, &run.program, Show::OnFailure)?;
    let usual = run::medium(workspace, &kernel, &root_task, Boot::Linux, context.consent)?;
    let file = workspace.output().join("qemu-virt.dtb");
    let mut dump = run.machine.command(&usual);
    dump.arg("-machine")
        .arg(format!("dumpdtb={}", file.display()));
    let dumped = single("the machine's tree", Some(Arch::AArch64), dump, context)?;
    if dumped.iter().any(Case::is_failed) {
        return Ok(dumped);
    }
    let bytes = workspace::read(&file)?;
    let initrd = Tree::new(&bytes).ok().and_then(|tree| tree.initrd());
    let Some(initrd) = initrd else {
        return Err(miette!("the machine's tree names no initrd"));
    };
    let board = Board::with_tree(file);
    let kernel = build::kernel_for(workspace, &run.kind, &board, Show::OnFailure)?;
    let bare = kernel.file(Container::Flat).to_path_buf();
    let medium = Medium::Placed(vec![(bare, KERNEL_PLACE), (root_task, initrd.base)]);
    let input = Input::Script(Script::new(SHORT_SCRIPT, PROMPT));
    let outcome = Run { input, ..run }.boot_from(context, &medium)?;
    Ok(vec![verdict("a tree of its own", &outcome)])
}

/// In the memory of QEMU's machine, 2 MiB from where that begins.
const KERNEL_PLACE: u64 = 0x4020_0000;

/// The ways to enter it.
pub(super) fn doors(arch: Arch) -> Vec<Step> {
    let mut steps = Vec::new();
    if arch.traits().doors.contains(&Boot::Iso) {
        steps.push(Step::new("disc image, twice the same", move |context| {
            reproducible(context, &Kind::new(arch, Flavour::Release))
        }));
    }
    // The usual door has been used by all others.
    for door in arch.traits().doors.iter().copied().skip(1) {
        steps.push(Step::new(
            format!("boot by {}", door.name()),
            move |context| {
                let run = Run {
                    door: Some(door),
                    name: format!("by {}", door.name()),
                    ..Run::new(arch, Flavour::Release, Program::demo())
                };
                Ok(vec![demo(context, run, SHORT_SCRIPT)?])
            },
        ));
    }
    on(arch, steps)
}

fn on(arch: Arch, steps: Vec<Step>) -> Vec<Step> {
    steps.into_iter().map(|step| step.on(arch)).collect()
}

/// Numbers that only some profiles have can break a build that the default profile does not. The
/// first architecture's images are linked, for the others it has to do that they compile.
fn other_profiles(workspace: &Workspace, arch: Arch) -> Vec<Step> {
    let others = kind::profiles(workspace)
        .into_iter()
        .filter(|name| name != DEFAULT_PROFILE)
        .map(move |profile| Kind {
            profile,
            ..Kind::new(arch, Flavour::Release)
        });
    if arch == Arch::X86_64 {
        let link = |kind: Kind| {
            let name = format!("kernel image, profile {}", kind.profile);
            Step::new(name, move |context| kernel_image(context, &kind))
        };
        return others.map(link).collect();
    }
    let kinds: Vec<Kind> = others.collect();
    vec![Step::new("kernel of other profiles", move |context| {
        Ok(kinds.iter().map(|kind| compiles(context, kind)).collect())
    })]
}

/// A profile that the kernel cannot honour, and what the refusal has to name.
const REFUSED: (Arch, &str, &str) = (Arch::AArch64, "microkit", "microkit-el1");

fn compiles(context: &Context, kind: &Kind) -> Case {
    let (arch, profile, instead) = REFUSED;
    let result = build::check(context.workspace, kind);
    if (kind.arch, kind.profile.as_str()) == (arch, profile) {
        let name = format!("{profile} is refused");
        return match result {
            Err(error) if error.to_string().contains(instead) => Case::passed(name),
            Err(error) => Case::failed(name, error.to_string()),
            Ok(()) => Case::failed(name, "it compiles"),
        };
    }
    match result {
        Ok(()) => Case::passed(&kind.profile),
        Err(error) => Case::failed(&kind.profile, error.to_string()),
    }
}

/// A step for each example, so that the table names them; a step that fails if there is none.
fn examples(workspace: &Workspace, arch: Arch) -> Result<Vec<Step>> {
    let names = workspace.programs("linchpin-examples")?;
    if names.is_empty() {
        return Ok(vec![Step::new("examples", |_| Ok(Vec::new()))]);
    }
    let step = |name: String| {
        let program = Program::example(&name);
        Step::new(format!("example {name}"), move |context| {
            let outcome = Run::new(arch, Flavour::Debug, program).boot(context)?;
            Ok(vec![verdict(&name, &outcome)])
        })
    };
    Ok(names.into_iter().map(step).collect())
}

fn clippy(context: &Context, arch: Arch, side: Side) -> Result<Vec<Case>> {
    let kind = Kind::new(arch, Flavour::Debug);
    let mut clippy = build::cargo(context.workspace, &kind, side, "clippy");
    let mut packages: Vec<&str> = match side {
        Side::Kernel => vec!["linchpin-image"],
        Side::User => vec![
            "linchpin-user-runtime",
            "linchpin-examples",
            "linchpin-demo",
            "linchpin-demo-processes",
            "linchpin-conformance",
            "linchpin-stress",
            "linchpin-bench",
        ],
    };
    if side == Side::User && arch == Arch::RiscV64 {
        packages.push("linchpin-rocket");
    }
    for package in &packages {
        clippy.args(["--package", package]);
    }
    clippy.args(["--", "-Dwarnings"]);
    let name = format!("cargo clippy {}", packages.join(" "));
    single(&name, Some(arch), clippy, context)
}

/// Builds the kernel and holds its file against the rules.
fn kernel_image(context: &Context, kind: &Kind) -> Result<Vec<Case>> {
    let kernel = build::kernel(context.workspace, kind, Show::OnFailure)?;
    let panics = if kind.flavour == Flavour::Debug {
        Panics::Allowed
    } else {
        Panics::Forbidden
    };
    let findings = image_rules::check_kernel(kind.arch, &workspace::read(&kernel.elf)?, panics)?;
    let case = |finding: image_rules::Finding| match finding.verdict {
        Ok(()) => Case::passed(finding.rule),
        Err(why) => Case::failed(finding.rule, why),
    };
    let mut cases: Vec<Case> = findings.into_iter().map(case).collect();
    if panics == Panics::Forbidden {
        cases.extend(bounds::stack(context, kind, &kernel.elf)?);
    }
    Ok(cases)
}

fn conformance(context: &Context, arch: Arch, flavour: Flavour) -> Result<Vec<Case>> {
    let outcome = Run {
        bound: SUITE_BOUND,
        ..Run::new(arch, flavour, Program::conformance())
    }
    .boot(context)?;
    let mut cases = conformance::read(&outcome.lines);
    // Failed tests explain an end with "failure"; any other bad end is a failure of its own, also
    // behind lines that are all good.
    let explained = outcome.exit_code() == 1 && cases.iter().any(Case::is_failed);
    if !outcome.is_good() && !explained {
        cases.push(verdict("the end of the run", &outcome));
    }
    Ok(cases)
}

/// Threads that do their worst, while a debug kernel looks for broken invariants every so often.
fn stress(context: &Context, arch: Arch, flavour: Flavour) -> Result<Vec<Case>> {
    let options = match flavour {
        Flavour::Debug => Options {
            log: Some(Log::Quiet),
            check: Some(CHECK_EVERY),
        },
        _ => Options::default(),
    };
    let outcome = Run {
        bound: STRESS_BOUND,
        machine: Machine {
            options,
            ..Machine::new(arch)
        },
        ..Run::new(arch, flavour, Program::stress())
    }
    .boot(context)?;
    Ok(vec![verdict("stress", &outcome)])
}

fn demo(context: &Context, run: Run, script: &str) -> Result<Case> {
    let name = format!("demo {}: {script}", run.name);
    let outcome = Run {
        input: Input::Script(Script::new(script, PROMPT)),
        ..run
    }
    .boot(context)?;
    Ok(verdict(&name, &outcome))
}

/// Two discs from the same input, made at different times, have the same bytes.
fn reproducible(context: &Context, kind: &Kind) -> Result<Vec<Case>> {
    let kernel = build::kernel(context.workspace, kind, Show::OnFailure)?;
    let disc = |name: &str| {
        let file = context.workspace.output().join(name);
        // The kernel in the root task's place: what is in the files does not matter here.
        let protocol = Protocol::Multiboot2;
        image::write_iso(
            context.workspace,
            &kernel.elf,
            &kernel.elf,
            protocol,
            &file,
            context.consent,
        )?;
        workspace::read(&file)
    };
    let first = disc("first.iso")?;
    std::thread::sleep(Duration::from_millis(1100)); // the dates on a disc count seconds
    let second = disc("second.iso")?;
    let name = "two discs of one kernel";
    Ok(vec![
        match first.iter().zip(&second).position(|(a, b)| a != b) {
            _ if first.len() != second.len() => Case::failed(
                name,
                format!("{} bytes and {} bytes", first.len(), second.len()),
            ),
            Some(place) => Case::failed(name, format!("they differ at byte {place:#x}")),
            None => Case::passed(name),
        },
    ])
}

/// A program on a kernel on a machine.
struct Run {
    kind: Kind,
    program: Program,
    /// None: the usual one.
    door: Option<Boot>,
    machine: Machine,
    input: Input,
    bound: Duration,
    /// What tells it from the usual run; part of its log's name.
    name: String,
    /// Whether the machine is expected to switch itself off.
    awaits_power_off: bool,
}

impl Run {
    fn new(arch: Arch, flavour: Flavour, program: Program) -> Self {
        Self {
            kind: Kind::new(arch, flavour),
            program,
            door: None,
            machine: Machine::new(arch),
            input: Input::Nothing,
            bound: SYSTEM_BOUND,
            name: String::new(),
            awaits_power_off: false,
        }
    }

    fn boot(self, context: &Context) -> Result<Outcome> {
        let Self { kind, program, .. } = &self;
        let door = kind.arch.door(self.door)?;
        let kernel = build::kernel(context.workspace, kind, Show::OnFailure)?;
        let root_task = build::root_task(context.workspace, kind, program, Show::OnFailure)?;
        let consent = context.consent;
        let medium = run::medium(context.workspace, &kernel, &root_task, door, consent)?;
        self.boot_from(context, &medium)
    }

    fn boot_from(self, context: &Context, medium: &Medium) -> Result<Outcome> {
        let Self { kind, program, .. } = &self;
        let log = context.log(&format!("{} {kind} {}", program.name, self.name));
        let outcome = Session {
            arch: kind.arch,
            command: self.machine.command(medium),
            input: self.input,
            markers: Markers::default(),
            bound: Some(self.bound),
            echo: Echo::Nowhere,
            awaits_power_off: self.awaits_power_off,
        }
        .run()?;
        workspace::write(&log, outcome.lines.join("\n").as_bytes())?;
        Ok(outcome)
    }
}

fn verdict(name: &str, outcome: &Outcome) -> Case {
    if outcome.is_good() {
        Case::passed(name)
    } else {
        Case::failed(
            name,
            format!(
                "{}\nthe last serial output was:\n{}",
                outcome.sentence(),
                outcome.tail()
            ),
        )
    }
}
