//! Runs the targets on mutated inputs of the corpus, a bounded time each.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use linchpin_fuzz::{Mutator, TARGETS, Target};

const USAGE: &str =
    "usage: fuzz [--target NAME] [--seconds N] [--seed N] [--corpus FOLDER] [--input FILE]";

struct Options {
    target: Option<String>,
    seconds: u64,
    seed: u64,
    corpus: PathBuf,
    input: Option<PathBuf>,
}

fn options() -> Option<Options> {
    let corpus = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("corpus");
    let mut options = Options {
        target: None,
        seconds: 6,
        seed: 1,
        corpus,
        input: None,
    };
    let mut arguments = std::env::args().skip(1);
    while let Some(name) = arguments.next() {
        let value = arguments.next()?;
        match name.as_str() {
            "--target" => options.target = Some(value),
            "--seconds" => options.seconds = value.parse().ok()?,
            "--seed" => options.seed = value.parse().ok()?,
            "--corpus" => options.corpus = value.into(),
            "--input" => options.input = Some(value.into()),
            _ => return None,
        }
    }
    Some(options)
}

fn main() -> ExitCode {
    let Some(options) = options() else {
        eprintln!("{USAGE}");
        return ExitCode::from(2);
    };
    let wanted = |target: &&Target| {
        options
            .target
            .as_deref()
            .is_none_or(|name| name == target.name)
    };
    let targets: Vec<&Target> = TARGETS.iter().filter(wanted).collect();
    if targets.is_empty() {
        let names: Vec<&str> = TARGETS.iter().map(|target| target.name).collect();
        eprintln!("no such target; there are {}", names.join(", "));
        return ExitCode::from(2);
    }
    let mut code = ExitCode::SUCCESS;
    for target in targets {
        let result = match &options.input {
            Some(file) => again(target, file),
            None => fuzz(target, &options),
        };
        match result {
            Ok(text) => println!("test fuzz {} ... ok\n{text}\n", target.name),
            Err(why) => {
                code = ExitCode::from(1);
                println!("test fuzz {} ... FAILED\n{why}\n", target.name);
            }
        }
    }
    code
}

fn again(target: &Target, file: &Path) -> Result<String, String> {
    let bytes = std::fs::read(file).map_err(|error| error.to_string())?;
    survives(target, &bytes).map(|done| format!("{done} done"))
}

fn fuzz(target: &Target, options: &Options) -> Result<String, String> {
    let known = inputs(&options.corpus.join(target.name))?;
    for bytes in &known {
        survives(target, bytes).map_err(|why| saved(target, bytes, &why))?;
    }
    let mut mutator = Mutator::new(options.seed);
    let started = Instant::now();
    let bound = Duration::from_secs(options.seconds);
    let (mut runs, mut done) = (0u64, 0u64);
    while started.elapsed() < bound {
        let bytes = mutator.input(&known, target.longest);
        done +=
            survives(target, &bytes).map_err(|why| saved(target, &smaller(target, bytes), &why))?;
        runs += 1;
    }
    let rate = done as f64 / started.elapsed().as_secs_f64();
    Ok(format!(
        "{runs} inputs from {} known ones, {done} steps, {rate:.0} a second",
        known.len()
    ))
}

/// The inputs of a folder, in the order of their names.
fn inputs(folder: &Path) -> Result<Vec<Vec<u8>>, String> {
    let entries = std::fs::read_dir(folder).map_err(|e| format!("{}: {e}", folder.display()))?;
    let mut files: Vec<PathBuf> = entries
        .filter_map(|entry| Some(entry.ok()?.path()))
        .collect();
    files.sort();
    let read = |file: &PathBuf| std::fs::read(file).map_err(|error| error.to_string());
    files.iter().map(read).collect()
}

/// What was done, or the message of the panic.
fn survives(target: &Target, bytes: &[u8]) -> Result<u64, String> {
    catch_unwind(AssertUnwindSafe(|| (target.run)(bytes))).map_err(|cause| {
        let text = cause.downcast_ref::<String>().map(String::as_str);
        let text = text.or_else(|| cause.downcast_ref::<&str>().copied());
        text.unwrap_or("it panicked").to_owned()
    })
}

/// A part of the input that fails too.
fn smaller(target: &Target, mut bytes: Vec<u8>) -> Vec<u8> {
    std::panic::set_hook(Box::new(|_| {}));
    let mut piece = bytes.len() / 2;
    while piece > 0 {
        let mut at = 0;
        while at < bytes.len() {
            let mut shorter = bytes.clone();
            shorter.drain(at..(at + piece).min(bytes.len()));
            if survives(target, &shorter).is_err() {
                bytes = shorter;
            } else {
                at += piece;
            }
        }
        piece /= 2;
    }
    let _ = std::panic::take_hook();
    bytes
}

/// Keeps the input where it can be found again.
fn saved(target: &Target, bytes: &[u8], why: &str) -> String {
    let file = std::env::temp_dir().join(format!("linchpin-fuzz-{}", target.name));
    let kept = match std::fs::write(&file, bytes) {
        Ok(()) => format!("fuzz --target {} --input {}", target.name, file.display()),
        Err(error) => error.to_string(),
    };
    let hex: String = bytes
        .iter()
        .take(200)
        .map(|byte| format!("{byte:02x}"))
        .collect();
    format!("{why}\nagain: {kept}\nbytes: {hex}")
}
