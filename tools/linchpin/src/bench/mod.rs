//! `linchpin bench`: what each operation of the API costs, on our kernel and on others.
//!
//! The program that is measured with is `bench/`; it is the same for every kernel. [`machine`]
//! runs it, [`figures`] are what comes out, and [`table`], [`baseline`] and [`histogram`] are ways to look at them.
//! [`paths`] looks for the longest ways through the kernel instead.

mod apt;
pub(crate) mod baseline;
mod emulator;
mod figures;
mod histogram;
mod machine;
pub(crate) mod paths;
mod plot;
mod rocket;
mod table;
mod tree;

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use miette::{Result, WrapErr, miette};
use serde::{Deserialize, Serialize};

use crate::build::{self, Show};
use crate::kind::Arch;
use crate::setup::{self, Consent};
use crate::workspace::{self, Workspace};
use figures::Run;
use machine::{Bench, OURS, Subject};

/// How it is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Method {
    /// By the machine's own counters, which count instructions; the user's side is included
    Icount,
    /// By a plugin of QEMU 10: kernel, user and firmware apart, accesses to memory, cache lines
    Plugin,
    /// By a simulated Rocket core (RISC-V): true cycles; slow, so only the operations that matter most
    /// unless others are named
    Rocket,
}

#[derive(Args, Debug)]
pub(crate) struct BenchArgs {
    #[arg(long, value_enum, default_value = "x86_64")]
    arch: Arch,
    /// Only these operations [default: all]
    #[arg(long, value_name = "OP,OP", value_delimiter = ',')]
    op: Vec<String>,
    #[arg(long, value_enum, default_value = "icount")]
    method: Method,
    /// Measure this kernel too, and show both: on x86_64 a Multiboot file, elsewhere what QEMU starts
    /// with the program as its initrd
    #[arg(long, value_name = "FILE")]
    kernel: Option<PathBuf>,
    /// Measure this loader image too: it carries its kernel and the benchmark program
    #[arg(long, value_name = "FILE", conflicts_with = "kernel")]
    image: Option<PathBuf>,
    /// Memory of the machine: a loader image may be made for one size
    #[arg(long, default_value = crate::qemu::MEMORY)]
    memory: String,
    /// Write the figures, ours and those of the other kernel, as JSON lines
    #[arg(long, value_name = "FILE")]
    save: Option<PathBuf>,
    /// Show our figures beside those of a file that --save wrote: the other kernel's if there are any, else ours
    /// of that time
    #[arg(long, value_name = "FILE", conflicts_with_all = ["kernel", "image"])]
    compare: Option<PathBuf>,
    /// Draw ratios and scaling, as SVG
    #[arg(long, value_name = "FILE")]
    plot: Option<PathBuf>,
    /// Where in our kernel the instructions of an operation are spent (`call`, or `call:PARAMETER`): by
    /// function and by line; needs --method plugin
    #[arg(long, value_name = "OP[:PARAMETER]", conflicts_with_all = ["kernel", "image", "compare", "save"])]
    histogram: Option<String>,
    /// Instead of operations: how long the kernel is stayed in at most, and how long it goes without
    /// looking for interrupts, over the conformance suite, hostile user space and this program
    #[arg(long, conflicts_with_all = ["op", "method", "kernel", "image", "compare", "plot", "histogram"])]
    paths: bool,
    /// Write the figures that `linchpin test` holds later ones against
    #[arg(long, conflicts_with_all = ["op", "kernel", "image", "compare"])]
    update_baseline: bool,
    /// Install missing programs also where that needs sudo
    #[arg(long)]
    yes: bool,
}

/// What a slow method measures if nothing else is asked for.
const SLOW_METHODS_OPS: [&str; 7] = [
    "nothing",
    "call",
    "yield",
    "signal",
    "poll",
    "signal+wait",
    "retype+delete",
];

/// Measures, and shows what came out.
pub(crate) fn bench(workspace: &Workspace, args: &BenchArgs) -> Result<()> {
    let consent = Consent::from_flag(args.yes);
    setup::ensure(&args.arch.traits().qemu, consent)?;
    if args.paths {
        setup::ensure(&setup::BINUTILS, consent)?;
        if args.update_baseline {
            return paths::update(workspace, args.arch);
        }
        return paths::show(workspace, args.arch, args.save.as_deref());
    }
    let method = if args.histogram.is_some() {
        Method::Plugin
    } else {
        args.method
    };
    if method == Method::Rocket {
        setup::ensure(&setup::CXX, consent)?;
        setup::ensure(&setup::PIP, consent)?;
    }
    let ops = if args.op.is_empty() && method == Method::Rocket {
        SLOW_METHODS_OPS.map(str::to_owned).to_vec()
    } else {
        args.op.clone()
    };
    let mut bench = Bench::new(workspace, args.arch, method, &ops)?;
    bench.memory.clone_from(&args.memory);
    if let Some(wanted) = &args.histogram {
        setup::ensure(&setup::BINUTILS, consent)?;
        return histogram::show(&bench, wanted);
    }
    let ours = bench.run(&bench.ours(Show::Progress)?)?;
    if args.update_baseline {
        return baseline::write(workspace, &ours);
    }
    let other = other(&bench, args, &ours)?;
    print!("{}", table::table(&ours, other.as_ref()));
    if let Some(file) = &args.save {
        let mut both = ours.clone();
        both.figures
            .extend(other.iter().flat_map(|run| run.figures.clone()));
        workspace::write(file, both.to_lines()?.as_bytes())?;
        println!("saved to {}", build::shown(file));
    }
    if let Some(file) = &args.plot {
        workspace::write(file, plot::svg(&ours, other.as_ref()).as_bytes())?;
        println!("drawn in {}", build::shown(file));
    }
    Ok(())
}

/// What ours is compared with.
fn other(bench: &Bench, args: &BenchArgs, ours: &Run) -> Result<Option<Run>> {
    if let Some(file) = &args.compare {
        let mut other = read(file)?;
        if other.figures.iter().any(|figure| figure.kernel != OURS) {
            other.figures.retain(|figure| figure.kernel != OURS);
        }
        comparable(ours, &other)?;
        return Ok(Some(other));
    }
    let subject = match (&args.kernel, &args.image) {
        (Some(file), _) => Subject::Kernel(file.clone()),
        (_, Some(file)) => Subject::Image(file.clone()),
        _ => return Ok(None),
    };
    bench.run(&subject).map(Some)
}

fn read(file: &Path) -> Result<Run> {
    let text = String::from_utf8_lossy(&workspace::read(file)?).into_owned();
    Run::from_lines(&text).wrap_err_with(|| format!("{} is not what --save writes", file.display()))
}

/// Refuses to compare what was measured in different ways.
fn comparable(ours: &Run, other: &Run) -> Result<()> {
    let differences = ours.setting.differences(&other.setting);
    if differences.is_empty() {
        return Ok(());
    }
    Err(miette!(
        help = "measure both in the same way",
        "these figures cannot be compared:\n{}",
        differences.join("\n")
    ))
}
