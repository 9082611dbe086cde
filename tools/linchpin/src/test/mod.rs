//! `linchpin test`: everything that CI demands, as named steps, with a table at the end.

mod bounds;
mod command;
mod docs;
mod fuzz;
mod host;
mod house;
mod junit;
mod miri;
mod mutants;
mod system;
mod trust;

use std::path::PathBuf;
use std::time::{Duration, Instant};

use clap::{Args, ValueEnum};
use miette::Result;

use crate::kind::Arch;
use crate::report::{Case, Count, Verdict};
use crate::setup::{self, Consent};
use crate::workspace::Workspace;
use crate::{progress, session};

#[derive(Args, Debug)]
pub(crate) struct TestArgs {
    /// Which part
    #[arg(value_enum, default_value = "all")]
    part: Part,
    /// Only the steps whose name contains this; if there is none, only the tests whose name does
    #[arg(short = 'k', long, value_name = "FILTER")]
    filter: Option<String>,
    /// Also write the results as JUnit XML
    #[arg(long, value_name = "FILE")]
    junit: Option<PathBuf>,
    /// Instead of all this: what takes hours (large explorations, Miri on everything, sanitizers,
    /// fuzzing by coverage, theorems, mutants, longest paths)
    #[arg(long, conflicts_with = "part")]
    nightly: bool,
    #[command(flatten)]
    night: trust::Night,
    /// Install missing programs also where that needs sudo
    #[arg(long)]
    yes: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Part {
    /// Format, lints, and the tests that run on this machine
    Host,
    /// Image builds and everything that boots
    Qemu,
    /// Both
    All,
}

/// What the steps work with.
pub(crate) struct Context<'a> {
    workspace: &'a Workspace,
    consent: Consent,
    /// Only tests whose name contains this are run, or counted.
    inner_filter: Option<String>,
}

impl Context<'_> {
    /// Where a command or a system of this name leaves its output.
    fn log(&self, name: &str) -> PathBuf {
        let name = name
            .replace(|c: char| !c.is_ascii_alphanumeric(), "-")
            .to_lowercase();
        self.workspace
            .output()
            .join("logs")
            .join(format!("{name}.log"))
    }

    /// The same for a command that several architectures have: two of them may run at a time, and
    /// each reads its own.
    fn log_of(&self, arch: Arch, name: &str) -> PathBuf {
        self.log(&format!("{name} {}", arch.name()))
    }
}

/// A step finds out how some tests go. An error is a failure of the step as a whole.
type Work = Box<dyn FnOnce(&Context) -> Result<Vec<Case>>>;

/// A named part of the whole.
struct Step {
    name: String,
    /// None: it says nothing about one architecture.
    arch: Option<Arch>,
    holds_tests: bool,
    work: Work,
}

impl Step {
    fn new(
        name: impl Into<String>,
        work: impl FnOnce(&Context) -> Result<Vec<Case>> + 'static,
    ) -> Self {
        Self {
            name: name.into(),
            arch: None,
            holds_tests: false,
            work: Box::new(work),
        }
    }

    fn on(mut self, arch: Arch) -> Self {
        self.arch = Some(arch);
        self
    }

    /// A filter can be passed on to it.
    fn holding_tests(mut self) -> Self {
        self.holds_tests = true;
        self
    }
}

/// A step that was made.
pub(crate) struct Done {
    name: String,
    arch: Option<Arch>,
    cases: Vec<Case>,
    time: Duration,
}

/// Returns the exit code.
pub(crate) fn test(workspace: &Workspace, args: &TestArgs) -> Result<u8> {
    session::listen_for_interrupt();
    let consent = Consent::from_flag(args.yes);
    if args.part != Part::Host && !args.nightly {
        setup::ensure(&setup::GRUB, consent)?;
        setup::ensure(&setup::XORRISO, consent)?;
        for arch in Arch::ALL {
            setup::ensure(&arch.traits().qemu, consent)?;
            setup::rust_target(arch.target())?;
        }
    }
    let steps = if args.nightly {
        trust::by_night(&args.night)
    } else {
        all_steps(workspace, args.part)?
    };
    let (steps, inner_filter) = select(steps, args.filter.as_deref());
    let context = Context {
        workspace,
        consent,
        inner_filter,
    };
    let mut done = Vec::new();
    for step in steps {
        let result = make(step, &context);
        if !(context.inner_filter.is_some() && result.cases.is_empty()) {
            report(&result);
            done.push(result);
        }
        if session::interrupted() {
            eprintln!("linchpin: interrupted; the rest was not run");
            break;
        }
    }
    conclude(&done, args)
}

fn all_steps(workspace: &Workspace, part: Part) -> Result<Vec<Step>> {
    let mut steps = Vec::new();
    if part != Part::Qemu {
        steps.extend([
            Step::new("format", host::format),
            Step::new("house rules", house::rules),
            Step::new("links in the documents", docs::links),
        ]);
        for arch in Arch::ALL {
            steps.extend(host::steps(arch));
        }
        steps.extend(trust::by_day());
    }
    if part != Part::Host {
        for arch in Arch::ALL {
            steps.extend(system::kernel(workspace, arch));
            steps.extend(system::programs(workspace, arch)?);
            steps.extend(system::doors(arch));
        }
    }
    Ok(steps)
}

/// The filter names steps; if it names none it is handed on to the steps that hold tests.
fn select(steps: Vec<Step>, filter: Option<&str>) -> (Vec<Step>, Option<String>) {
    let Some(filter) = filter else {
        return (steps, None);
    };
    let named = |step: &Step| step.name.contains(filter);
    if steps.iter().any(named) {
        (steps.into_iter().filter(named).collect(), None)
    } else {
        (
            steps.into_iter().filter(|step| step.holds_tests).collect(),
            Some(filter.to_owned()),
        )
    }
}

fn make(step: Step, context: &Context) -> Done {
    let spinner = progress::spinner(&step.name);
    let started = Instant::now();
    let mut cases = (step.work)(context).unwrap_or_else(|error| {
        let why: Vec<String> = error.chain().map(ToString::to_string).collect();
        vec![Case::failed(&step.name, why.join("\n"))]
    });
    if let Some(filter) = &context.inner_filter {
        cases.retain(|case| case.name.contains(filter.as_str()) || case.name == step.name);
    } else if cases
        .iter()
        .all(|case| matches!(case.verdict, Verdict::Skipped(_)))
    {
        cases.push(Case::failed(&step.name, "no test was executed"));
    }
    spinner.finish_and_clear();
    Done {
        name: step.name,
        arch: step.arch,
        cases,
        time: started.elapsed(),
    }
}

/// How much of a failure's text is shown.
const SHOWN_LINES: usize = 40;

fn report(step: &Done) {
    let count = Count::of(&step.cases);
    let word = if count.failed > 0 { "FAIL" } else { "ok  " };
    println!(
        "  {word} {:<34} {:>7.1} s  {count}",
        step.name,
        step.time.as_secs_f32()
    );
    for case in &step.cases {
        if let Verdict::Failed(why) = &case.verdict {
            println!("       {}:", case.name);
            why.lines()
                .take(SHOWN_LINES)
                .for_each(|line| println!("         {line}"));
        }
    }
}

fn conclude(done: &[Done], args: &TestArgs) -> Result<u8> {
    for arch in std::iter::once(None).chain(Arch::ALL.map(Some)) {
        print!("{}", table(arch, done));
    }
    if let Some(file) = &args.junit {
        crate::workspace::write(file, junit::document(done).as_bytes())?;
    }
    for step in done {
        for case in step.cases.iter().filter(|case| case.is_failed()) {
            println!("failed: {}: {}", step.name, case.name);
        }
    }
    let mut total = Count::of(done.iter().flat_map(|step| &step.cases));
    if done.is_empty() {
        println!("failed: no step and no test matches");
        total.failed += 1;
    }
    if session::interrupted() {
        return Ok(130);
    }
    println!("{total}");
    Ok(u8::from(total.failed > 0))
}

fn table(arch: Option<Arch>, done: &[Done]) -> String {
    use std::fmt::Write;
    let rows: Vec<&Done> = done.iter().filter(|step| step.arch == arch).collect();
    let mut table = String::new();
    if rows.is_empty() {
        return table;
    }
    let title = arch.map_or("all architectures", Arch::name);
    let _ = writeln!(table, "\n{title:<36} passed  failed  skipped     time");
    for step in rows {
        let count = Count::of(&step.cases);
        let _ = writeln!(
            table,
            "  {:<34} {:>6}  {:>6}  {:>7}  {:>5.1} s",
            step.name,
            count.passed,
            count.failed,
            count.skipped,
            step.time.as_secs_f32()
        );
    }
    table.push('\n');
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    fn step(name: &str) -> Step {
        Step::new(name, |_| Ok(vec![Case::passed("one")]))
    }

    fn context(workspace: &Workspace) -> Context<'_> {
        Context {
            workspace,
            consent: Consent::NotAsked,
            inner_filter: None,
        }
    }

    fn workspace() -> Workspace {
        Workspace {
            root: PathBuf::new(),
            target: PathBuf::new(),
        }
    }

    #[test]
    fn a_filter_names_steps_or_goes_inside() {
        let steps = || {
            vec![
                step("format"),
                step("host tests").holding_tests(),
                step("boot pvh"),
            ]
        };
        let (chosen, inner) = select(steps(), Some("boot"));
        assert_eq!((chosen.len(), inner), (1, None));
        let (chosen, inner) = select(steps(), Some("retype"));
        assert_eq!((chosen.len(), inner.as_deref()), (1, Some("retype")));
        assert_eq!(select(steps(), None).0.len(), 3);
    }

    #[test]
    fn a_step_without_an_executed_test_has_failed() {
        let workspace = workspace();
        let done = make(Step::new("empty", |_| Ok(Vec::new())), &context(&workspace));
        assert!(done.cases[0].is_failed());
        let skipped = make(
            Step::new("skips", |_| Ok(vec![Case::skipped("a", "")])),
            &context(&workspace),
        );
        assert_eq!(
            Count::of(&skipped.cases),
            Count {
                passed: 0,
                failed: 1,
                skipped: 1
            }
        );
    }

    #[test]
    fn an_error_is_a_failure_with_its_causes() {
        let workspace = workspace();
        let done = make(
            Step::new("broken", |_| {
                Err(miette::miette!("a cause").wrap_err("an error"))
            }),
            &context(&workspace),
        );
        assert_eq!(done.cases, [Case::failed("broken", "an error\na cause")]);
    }

    #[test]
    fn each_architecture_has_its_own_logs() {
        let workspace = workspace();
        let context = context(&workspace);
        let logs = Arch::ALL.map(|arch| context.log_of(arch, "doc tests"));
        assert!(logs[0].ends_with("logs/doc-tests-x86-64.log"), "{logs:?}");
        assert!(logs[0] != logs[1] && logs[1] != logs[2] && logs[0] != logs[2]);
    }

    #[test]
    fn the_table_shows_one_architecture() {
        let workspace = workspace();
        let done = [
            make(step("format"), &context(&workspace)),
            make(step("boot").on(Arch::X86_64), &context(&workspace)),
        ];
        assert!(table(None, &done).contains("format"));
        assert!(!table(None, &done).contains("boot"));
        assert!(table(Some(Arch::X86_64), &done).starts_with("\nx86_64"));
    }
}
