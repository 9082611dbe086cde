//! `linchpin`: builds, boots, tests and packs the kernel and the systems on it.

#![forbid(unsafe_code)]

mod bench;
mod board;
mod build;
mod conformance;
mod console;
mod doctor;
mod elf32;
mod expect;
mod flat;
mod image;
mod image_rules;
mod kind;
mod layout;
mod multiboot;
mod outcome;
mod progress;
mod qemu;
mod report;
mod run;
mod script;
mod sel4test;
mod serial;
mod session;
mod setup;
mod suggest;
mod test;
mod workspace;

use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};
use miette::Result;

use crate::bench::BenchArgs;
use crate::board::Board;
use crate::build::Show;
use crate::doctor::Treatment;
use crate::image::ImageArgs;
use crate::kind::{Arch, DEFAULT_PROFILE, Flavour, Kind};
use crate::run::RunArgs;
use crate::setup::Consent;
use crate::test::TestArgs;
use crate::workspace::Workspace;

const EXIT_CODES: &str = "\
Exit codes:
  0    success, as the system itself reported it (or the --pass marker)
  1    failure, as the system itself reported it (or the --fail marker, or a failed test)
  2    the command line is wrong
  3    the tool could not do its part: a build failed, a program is missing, QEMU refused
  4    the kernel stopped with a fatal error
  5    the machine was reset or switched off without a report
  124  no end within the bound: the system hangs
  130  interrupted by Ctrl-C
  N    a system that reports 0x10 + N by the exit device ends with N";

/// Builds, boots, tests and packs the Linchpin microkernel.
#[derive(Parser, Debug)]
#[command(name = "linchpin", bin_name = "cargo linchpin", version, after_help = EXIT_CODES)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand, Debug)]
enum Command {
    /// Build the kernel: target/linchpin/ARCH-FLAVOUR/kernel.elf and the forms of it that loaders want
    Build(BuildArgs),
    /// Build and boot: the demo system, an example, or any root task
    #[command(after_help = EXIT_CODES)]
    Run(Box<RunArgs>),
    /// Run everything that has to hold: host tests, lints, image builds, systems in QEMU
    #[command(
        after_help = "The last line is `N passed, N failed` or `N passed, N failed, N skipped`; the exit code is 1 if a test failed."
    )]
    Test(TestArgs),
    /// Measure what each operation costs, on our kernel and on others
    Bench(BenchArgs),
    /// Write an image that boots by itself
    Image(ImageArgs),
    /// Say what is installed and what is missing
    Doctor(DoctorArgs),
}

#[derive(Args, Debug)]
struct BuildArgs {
    #[arg(long, value_enum, default_value = "x86_64")]
    arch: Arch,
    #[arg(long, value_enum, default_value = "debug")]
    flavour: Flavour,
    /// The settings that user images bake in: a name in abi/profiles.toml
    #[arg(long, default_value = DEFAULT_PROFILE)]
    profile: String,
    #[command(flatten)]
    board: Board,
}

#[derive(Args, Debug)]
struct DoctorArgs {
    /// Install what is missing
    #[arg(long)]
    fix: bool,
    /// Install what is missing, also where that needs sudo
    #[arg(long)]
    yes: bool,
}

fn main() -> ExitCode {
    match command(Cli::parse()) {
        Ok(code) => ExitCode::from(code),
        Err(report) => {
            explain(&report);
            ExitCode::from(3)
        }
    }
}

fn command(cli: Cli) -> Result<u8> {
    let workspace = Workspace::find()?;
    match cli.command {
        Command::Build(args) => build(&workspace, args).map(|()| 0),
        Command::Run(args) => run::run(&workspace, &args),
        Command::Test(args) => test::test(&workspace, &args),
        Command::Bench(args) => bench::bench(&workspace, &args).map(|()| 0),
        Command::Image(args) => image::image(&workspace, &args).map(|()| 0),
        Command::Doctor(args) => doctor::doctor(treatment(&args)).map(|()| 0),
    }
}

fn build(workspace: &Workspace, args: BuildArgs) -> Result<()> {
    let kind = Kind {
        arch: args.arch,
        flavour: args.flavour,
        profile: args.profile,
    };
    let kernel = build::kernel_for(workspace, &kind, &args.board, Show::Progress)?;
    for file in kernel.files() {
        println!("{}", build::shown(file));
    }
    Ok(())
}

fn treatment(args: &DoctorArgs) -> Treatment {
    if args.fix || args.yes {
        Treatment::Install(Consent::from_flag(args.yes))
    } else {
        Treatment::Report
    }
}

/// The error, what it came from, and what to do about it.
fn explain(report: &miette::Report) {
    eprintln!("error: {report}");
    for cause in report.chain().skip(1) {
        eprintln!(
            "  because: {}",
            cause.to_string().replace('\n', "\n           ")
        );
    }
    if let Some(help) = report.help() {
        eprintln!("  help: {}", help.to_string().replace('\n', "\n        "));
    }
}
