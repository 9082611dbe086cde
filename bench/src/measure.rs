//! The marks, and what is printed of what lies between them.

use crate::isa;
use core::fmt::Display;
use user_runtime::println;

/// How often a steady operation is made before it counts.
const WARM: usize = 8;
/// How often a steady operation is made between the marks.
const REPEAT: usize = 64;

/// Here counting begins. From outside it is recognised by its name.
#[unsafe(no_mangle)]
#[inline(never)]
extern "C" fn linchpin_bench_begin() -> u64 {
    // Two functions with the same instructions would be made one.
    core::hint::black_box(0);
    isa::counter()
}

/// Here counting ends.
#[unsafe(no_mangle)]
#[inline(never)]
extern "C" fn linchpin_bench_end() -> u64 {
    let count = isa::counter();
    core::hint::black_box(1);
    count
}

/// Only these operations are measured; empty: all.
const WANTED: &str = match option_env!("LINCHPIN_BENCH_OPS") {
    Some(names) => names,
    None => "",
};

/// Whether an operation is to be measured: by its name, or by the first words of it.
pub(crate) fn wanted(op: &str) -> bool {
    WANTED.is_empty()
        || WANTED.split(',').any(|name| {
            op.strip_prefix(name)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with(' '))
        })
}

/// Whether any operation is to be measured whose name begins with this word.
pub(crate) fn any_wanted(word: &str) -> bool {
    WANTED.is_empty() || WANTED.split(',').any(|name| name.starts_with(word))
}

/// Measures an operation that can be repeated as it is.
pub(crate) fn steady(op: &str, parameter: impl Display, mut body: impl FnMut()) {
    steady_times(op, parameter, REPEAT, 1, &mut body);
}

/// The same for a body that makes the operation `each` times, and that is made `repeat` times.
pub(crate) fn steady_times(
    op: &str,
    parameter: impl Display,
    repeat: usize,
    each: usize,
    mut body: impl FnMut(),
) {
    if !wanted(op) {
        return;
    }
    for _ in 0..WARM.min(repeat) {
        body();
    }
    let begin = linchpin_bench_begin();
    for _ in 0..repeat {
        body();
    }
    let end = linchpin_bench_end();
    report(op, parameter, repeat * each, end.wrapping_sub(begin));
}

/// Measures `count` operations that have to be prepared and cleared away: twice for practice.
pub(crate) fn prepared<E>(
    op: &str,
    parameter: impl Display,
    count: usize,
    mut prepare: impl FnMut() -> Result<(), E>,
    mut body: impl FnMut() -> Result<(), E>,
    mut clear: impl FnMut() -> Result<(), E>,
) -> Result<(), E> {
    if !wanted(op) {
        return Ok(());
    }
    for _ in 0..2 {
        prepare()?;
        body()?;
        clear()?;
    }
    prepare()?;
    let begin = linchpin_bench_begin();
    let outcome = body();
    let end = linchpin_bench_end();
    outcome?;
    report(op, parameter, count, end.wrapping_sub(begin));
    clear()
}

fn report(op: &str, parameter: impl Display, count: usize, ticks: u64) {
    println!(r#"{{"op":"{op}","parameter":"{parameter}","count":{count},"ticks":{ticks}}}"#);
}
