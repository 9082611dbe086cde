//! Reads what was linked. `analysis KERNEL.elf` bounds the stacks of a kernel image by its machine
//! code: a call graph without cycles, the deepest way through it, and no call or jump to where the
//! image does not say.
//!
//! Each claim is a line in the form of the standard test harness, with its reason below.

#![forbid(unsafe_code)]

mod aarch64;
mod function;
mod graph;
mod image;
mod riscv64;
#[cfg(test)]
mod samples;
mod stack;
mod state;
mod x86_64;

use std::process::ExitCode;

use crate::image::Image;

fn main() -> ExitCode {
    let Some(file) = std::env::args().nth(1) else {
        eprintln!("usage: analysis KERNEL.elf");
        return ExitCode::from(2);
    };
    let read = std::fs::read(&file).map_err(|error| error.to_string());
    match read.and_then(|bytes| Image::read(&bytes)) {
        Ok(image) => report(&image),
        Err(why) => {
            eprintln!("cannot read {file}: {why}");
            ExitCode::from(2)
        }
    }
}

fn report(image: &Image) -> ExitCode {
    let mut code = ExitCode::SUCCESS;
    for finding in stack::check(image) {
        let (word, text) = match &finding.verdict {
            Ok(text) => ("ok", text),
            Err(why) => {
                code = ExitCode::from(1);
                ("FAILED", why)
            }
        };
        println!("test {} ... {word}\n{text}\n", finding.claim);
    }
    code
}
