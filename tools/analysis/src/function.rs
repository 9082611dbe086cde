//! What one function does to the stack: how deep it goes itself, and from where it calls.
//!
//! All ways through the function are followed, with the deepest stack that any of them leads to
//! at each instruction. The image does not say how long a jump table is: its entries are followed
//! for as long as they lead to the begin of a block of the function, at most up to the next table;
//! code that then still has not been reached is entered as deep as the deepest jump by a table.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use crate::image::{Image, Isa};
use crate::state::{Flow, State, Step, Target};
use crate::{aarch64, riscv64, x86_64};

/// A call, or a jump that ends one function and begins another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Call {
    pub(crate) to: u64,
    /// Bytes of the caller's that are in use meanwhile.
    pub(crate) depth: i64,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Summary {
    /// Bytes of stack that the function uses itself.
    pub(crate) frame: i64,
    /// By the function that is called: the deepest.
    pub(crate) calls: Vec<Call>,
    /// Calls and jumps to where the image does not say.
    pub(crate) unknown: Vec<u64>,
    /// What could not be followed.
    pub(crate) problems: Vec<String>,
}

/// Entries that a table's address may lie before the table.
const LARGEST_BIAS: i64 = 32;
/// More than any stack: something goes down in a circle.
const BOTTOMLESS: i64 = 1 << 20;

/// Follows the code in this range from its beginning. With `whole`, all of it belongs to the
/// function.
pub(crate) fn summarize(image: &Image, range: Range<u64>, whole: bool) -> Summary {
    // A table ends at the latest where another begins: found late, it was too long before.
    let mut tables = BTreeSet::new();
    loop {
        let mut walk = Walk::new(image, range.clone(), tables.clone());
        walk.reach(range.start, State::at_depth(0));
        walk.run();
        if whole {
            walk.follow_tables();
        }
        tables.extend(walk.choices.keys());
        if tables.len() == walk.tables.len() {
            return walk.finish();
        }
    }
}

struct Walk<'a> {
    image: &'a Image,
    range: Range<u64>,
    /// Before each instruction, with its length (0 until it has been followed).
    states: BTreeMap<u64, (State, u64)>,
    open: Vec<u64>,
    /// Where tables were found before.
    tables: BTreeSet<u64>,
    /// The tables that jumps choose from, and the states before those jumps.
    choices: BTreeMap<u64, (Target, State)>,
    /// The state before any of them.
    choice: Option<State>,
    /// Jumps by a table whose address was lost on the way.
    by_some_table: BTreeSet<u64>,
    /// Where code begins behind an instruction that does not go on there.
    blocks: BTreeSet<u64>,
    calls: BTreeMap<u64, i64>,
    summary: Summary,
}

impl<'a> Walk<'a> {
    fn new(image: &'a Image, range: Range<u64>, tables: BTreeSet<u64>) -> Self {
        Self {
            image,
            range,
            states: BTreeMap::new(),
            open: Vec::new(),
            tables,
            choices: BTreeMap::new(),
            choice: None,
            by_some_table: BTreeSet::new(),
            blocks: BTreeSet::new(),
            calls: BTreeMap::new(),
            summary: Summary::default(),
        }
    }

    fn run(&mut self) {
        while let Some(at) = self.open.pop() {
            let Some((state, _)) = self.states.get(&at).cloned() else {
                continue;
            };
            if state.depth > BOTTOMLESS {
                self.problem(at, "the stack goes down in a circle");
                return;
            }
            match self.step(at, &state) {
                Ok(step) => self.proceed(at, &state, &step),
                Err(why) => self.problem(at, &why),
            }
        }
    }

    fn step(&self, at: u64, state: &State) -> Result<Step, String> {
        let code = self.image.code_from(at).ok_or("no code is there")?;
        match self.image.isa {
            Isa::X86_64 => x86_64::step(self.image, at, code, state),
            Isa::AArch64 => aarch64::step(self.image, at, code, state),
            Isa::RiscV64 => riscv64::step(self.image, at, code, state),
        }
    }

    fn proceed(&mut self, at: u64, before: &State, step: &Step) {
        if let Some((_, bytes)) = self.states.get_mut(&at) {
            *bytes = step.bytes;
        }
        let next = at + step.bytes;
        let depth = step.after.depth;
        if !matches!(
            step.flow,
            Flow::On | Flow::Branch(_) | Flow::Call(..) | Flow::UnknownCall
        ) {
            self.begin_block(next);
        }
        self.summary.frame = self.summary.frame.max(depth);
        match step.flow {
            Flow::On => self.reach(next, step.after.clone()),
            Flow::Jump(to) => self.jump(to, &step.after),
            Flow::Branch(to) => {
                self.jump(to, &step.after);
                self.reach(next, step.after.clone());
            }
            Flow::Call(to, pushed) => {
                self.summary.frame = self.summary.frame.max(before.depth + pushed);
                self.call(to, before.depth + pushed);
                if self.image.is_last(to) {
                    self.begin_block(next);
                } else {
                    self.reach(next, step.after.clone());
                }
            }
            Flow::Choice(target) if self.first_entry(target).is_some() => {
                self.choose(target, &step.after);
            }
            Flow::SomeChoice(base) if base.is_none_or(|base| self.range.contains(&base)) => {
                join_into(&mut self.choice, &step.after);
                self.by_some_table.insert(at);
            }
            Flow::Choice(_) | Flow::SomeChoice(_) | Flow::UnknownJump => self.unknown(at),
            Flow::UnknownCall => {
                self.unknown(at);
                self.reach(next, step.after.clone());
            }
            Flow::End => {}
        }
    }

    /// Where an entry of a table leads to, if it leads into this function.
    fn entry(&self, target: Target, index: i64) -> Option<u64> {
        let table = target.table;
        let entry = self.image.constant(table.place(index), table.bytes)?;
        let unused = 64 - 8 * u32::from(table.bytes);
        let entry = if table.signed {
            ((entry << unused).cast_signed() >> unused).cast_unsigned()
        } else {
            entry
        };
        let to = target.base.wrapping_add(entry << target.shift);
        self.range.contains(&to).then_some(to)
    }

    /// The index of the first entry that leads into this function. A table that is never used
    /// with small indices may be addressed as if it began earlier, one that is used with negative
    /// ones as if it began later.
    fn first_entry(&self, target: Target) -> Option<i64> {
        let leads = |index: &i64| self.entry(target, *index).is_some();
        let before = || (1..LARGEST_BIAS).map(|n| -n).take_while(leads).last();
        (0..LARGEST_BIAS).find(leads).or_else(before)
    }

    /// A block of code may begin here, or behind what fills the space up to it.
    fn begin_block(&mut self, mut at: u64) {
        self.blocks.insert(at);
        while self.range.contains(&at)
            && let Some(bytes) = self.padding(at)
        {
            at += bytes;
            self.blocks.insert(at);
        }
    }

    fn choose(&mut self, target: Target, state: &State) {
        join_into(&mut self.choice, state);
        let at = target.table.at;
        let mut known = self.choices.get(&at).map(|(_, known)| known.clone());
        join_into(&mut known, state);
        if let Some(known) = known {
            self.choices.insert(at, (target, known));
        }
    }

    /// Follows the entries of all tables found so far to blocks that nothing else leads to. Where
    /// something else leads, it leads with the same stack in use.
    fn follow_choices(&mut self) {
        let choices: Vec<(Target, State)> = self.choices.values().cloned().collect();
        for (target, state) in choices {
            let table = target.table;
            let Some(mut index) = self.first_entry(target) else {
                continue;
            };
            let next = self.tables.range(table.place(index) + 1..).next();
            let end = next.copied().unwrap_or(u64::MAX);
            while table.place(index) < end
                && let Some(to) = self.entry(target, index)
            {
                if self.blocks.contains(&to) {
                    self.reach(to, state.clone());
                    // Early entries belong to the table; they may show where the next begins.
                    self.run();
                }
                index += 1;
            }
        }
    }

    fn jump(&mut self, to: u64, after: &State) {
        if self.range.contains(&to) {
            self.reach(to, after.clone());
        } else {
            self.call(to, after.depth);
        }
    }

    fn call(&mut self, to: u64, depth: i64) {
        let deepest = self.calls.entry(to).or_insert(depth);
        *deepest = depth.max(*deepest);
    }

    fn reach(&mut self, at: u64, state: State) {
        if !self.range.contains(&at) {
            // The next function follows: a call that does not return ended this one.
            return;
        }
        let changed = match self.states.get_mut(&at) {
            Some((known, _)) => known.join(&state),
            None => {
                self.states.insert(at, (state, 0));
                true
            }
        };
        if changed {
            self.open.push(at);
        }
    }

    /// Goes on where tables lead to, until all code has been reached.
    fn follow_tables(&mut self) {
        loop {
            let reached = self.states.len();
            self.follow_choices();
            if self.states.len() > reached {
                continue;
            }
            let (Some(state), Some(at)) = (self.choice.clone(), self.unreached()) else {
                return;
            };
            match self.padding(at) {
                Some(bytes) => {
                    self.states.insert(at, (state, bytes));
                }
                None => {
                    self.reach(at, state);
                    self.run();
                }
            }
        }
    }

    /// The length of an instruction that only fills the space before the next block.
    fn padding(&self, at: u64) -> Option<u64> {
        let code = self.image.code_from(at)?;
        match self.image.isa {
            Isa::X86_64 => x86_64::padding(code),
            Isa::AArch64 => code.starts_with(&[0x1f, 0x20, 0x03, 0xd5]).then_some(4),
            Isa::RiscV64 => code.starts_with(&[0x01, 0x00]).then_some(2),
        }
    }

    /// The first place that no instruction covers.
    fn unreached(&self) -> Option<u64> {
        let shortest = match self.image.isa {
            Isa::X86_64 => 1,
            Isa::AArch64 => 4,
            Isa::RiscV64 => 2,
        };
        let mut at = self.range.start;
        for (start, (_, bytes)) in &self.states {
            if *start > at {
                break;
            }
            at = at.max(start + bytes.max(&shortest));
        }
        (at < self.range.end).then_some(at)
    }

    fn unknown(&mut self, at: u64) {
        if !self.summary.unknown.contains(&at) {
            self.summary.unknown.push(at);
        }
    }

    fn problem(&mut self, at: u64, why: &str) {
        self.summary.problems.push(format!("at {at:#x}: {why}"));
    }

    fn finish(mut self) -> Summary {
        if self.choices.is_empty() {
            // No table of this function's own is there to jump by.
            self.summary.unknown.extend(&self.by_some_table);
        }
        let calls = self.calls.into_iter();
        self.summary.calls = calls.map(|(to, depth)| Call { to, depth }).collect();
        self.summary.unknown.sort_unstable();
        self.summary
    }
}

fn join_into(known: &mut Option<State>, state: &State) {
    match known {
        Some(known) => {
            known.join(state);
        }
        None => *known = Some(state.clone()),
    }
}
