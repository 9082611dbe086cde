//! Stays in the kernel, and the longest of them for each way in.

use std::collections::{BTreeMap, HashMap};
use std::fmt::Write;

/// Labels from here on are nobody's; user space may write any.
const LABELS: u64 = 128;
/// The instructions of one look lie closer together, those of two do not.
const LOOK: u64 = 32;
/// The numbers of system calls are from -1 down to here.
const LAST_CALL: i64 = -64;

/// A system call, as its registers say.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Call {
    number: i64,
    label: u64,
}

impl Call {
    /// Numbers and labels that mean nothing become 0 and [`LABELS`]: there would be any number of them.
    pub(crate) fn new(number: i64, message: u64) -> Self {
        let known = (LAST_CALL..0).contains(&number);
        Self {
            number: if known { number } else { 0 },
            label: (message >> 12).min(LABELS),
        }
    }
}

/// How the kernel was entered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Entry {
    /// The first instruction.
    pub(crate) address: u64,
    pub(crate) call: Option<Call>,
    pub(crate) cause: Option<u64>,
}

/// A block that was executed, and how much had been executed before it.
#[derive(Clone, Copy, Debug)]
struct Step {
    block: u64,
    before: u64,
}

/// A part of a stay: between these counts, from this step on.
#[derive(Clone, Copy, Debug)]
struct Part {
    start: u64,
    end: u64,
    step: usize,
}

impl Part {
    fn length(self) -> u64 {
        self.end.wrapping_sub(self.start)
    }
}

/// A stay that has not ended. Counts are of instructions, from any beginning.
#[derive(Debug)]
pub(crate) struct Stay {
    entry: Entry,
    begun: u64,
    looks: u64,
    /// Where it looked last, or else began.
    looked: u64,
    looked_step: usize,
    /// The longest run without a look so far.
    run: Part,
    steps: Vec<Step>,
}

impl Stay {
    pub(crate) fn new(entry: Entry, now: u64) -> Self {
        Self {
            entry,
            begun: now,
            looks: 0,
            looked: now,
            looked_step: 0,
            run: Part {
                start: now,
                end: now,
                step: 0,
            },
            steps: Vec::new(),
        }
    }

    /// A block begins to be executed.
    pub(crate) fn step(&mut self, block: u64, now: u64) {
        self.steps.push(Step { block, before: now });
    }

    /// The kernel executes an instruction of a look for interrupts.
    pub(crate) fn look(&mut self, now: u64) {
        let goes_on = self.looks > 0 && now.wrapping_sub(self.looked) < LOOK;
        if !goes_on {
            self.looks += 1;
        }
        self.end_run(now);
    }

    fn end_run(&mut self, now: u64) {
        let run = Part {
            start: self.looked,
            end: now,
            step: self.looked_step,
        };
        if run.length() > self.run.length() {
            self.run = run;
        }
        self.looked = now;
        // The block in which it looks belongs to both runs.
        self.looked_step = self.steps.len().saturating_sub(1);
    }

    /// Instructions by block.
    fn places(&self, part: Part) -> BTreeMap<u64, u64> {
        let mut places = BTreeMap::new();
        let steps = self.steps.get(part.step..).unwrap_or(&[]);
        for (index, step) in steps.iter().enumerate() {
            if step.before >= part.end {
                break;
            }
            let next = steps.get(index + 1).map_or(part.end, |next| next.before);
            let spent = next
                .min(part.end)
                .saturating_sub(step.before.max(part.start));
            *places.entry(step.block).or_default() += spent;
        }
        places
    }
}

/// The longest of many, and where it was.
#[derive(Debug, Default)]
struct Longest {
    instructions: u64,
    looks: u64,
    places: BTreeMap<u64, u64>,
}

impl Longest {
    fn take(&mut self, stay: &Stay, part: Part) {
        if part.length() > self.instructions {
            *self = Self {
                instructions: part.length(),
                looks: stay.looks,
                places: stay.places(part),
            };
        }
    }

    fn json(&self) -> String {
        let mut places = String::new();
        for (block, spent) in &self.places {
            let comma = if places.is_empty() { "" } else { "," };
            let _ = write!(places, "{comma}[{block},{spent}]");
        }
        format!(
            r#"{{"instructions":{},"looks":{},"places":[{places}]}}"#,
            self.instructions, self.looks
        )
    }
}

#[derive(Debug, Default)]
struct Record {
    stays: u64,
    instructions: u64,
    stay: Longest,
    run: Longest,
}

/// What is known of all stays that have ended.
#[derive(Debug, Default)]
pub(crate) struct Records(HashMap<Entry, Record>);

impl Records {
    pub(crate) fn end(&mut self, mut stay: Stay, now: u64) {
        stay.end_run(now);
        let whole = Part {
            start: stay.begun,
            end: now,
            step: 0,
        };
        let record = self.0.entry(stay.entry).or_default();
        record.stays += 1;
        record.instructions += whole.length();
        record.stay.take(&stay, whole);
        record.run.take(&stay, stay.run);
    }

    /// A line of JSON for each way in.
    pub(crate) fn lines(&self) -> String {
        let mut rows: Vec<_> = self.0.iter().collect();
        rows.sort_by_key(|(entry, _)| **entry);
        rows.iter().fold(String::new(), |mut text, (entry, record)| {
            let call = entry.call.map_or("null".into(), |call| {
                format!(r#"{{"number":{},"label":{}}}"#, call.number, call.label)
            });
            let cause = entry.cause.map_or("null".into(), |cause| cause.to_string());
            let _ = writeln!(
                text,
                r#"{{"address":{},"call":{call},"cause":{cause},"stays":{},"instructions":{},"stay":{},"run":{}}}"#,
                entry.address,
                record.stays,
                record.instructions,
                record.stay.json(),
                record.run.json()
            );
            text
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ENTRY: Entry = Entry {
        address: 0x1000,
        call: None,
        cause: None,
    };

    /// Blocks of ten instructions, with a look in the middle of each of `looks`.
    fn stay(blocks: &[u64], looks: &[usize]) -> (Stay, u64) {
        let mut stay = Stay::new(ENTRY, 100);
        let mut now = 100;
        for (index, block) in blocks.iter().enumerate() {
            stay.step(*block, now);
            if looks.contains(&index) {
                stay.look(now + 5);
            }
            now += 10;
        }
        (stay, now)
    }

    #[test]
    fn the_longest_of_each_way_in_is_kept() {
        let mut records = Records::default();
        for blocks in [&[1, 2][..], &[3, 4, 3], &[5]] {
            let (stay, now) = stay(blocks, &[]);
            records.end(stay, now);
        }
        let longest = r#"{"instructions":30,"looks":0,"places":[[3,20],[4,10]]}"#;
        assert_eq!(
            records.lines(),
            format!(
                "{{\"address\":4096,\"call\":null,\"cause\":null,\"stays\":3,\"instructions\":60,\
                 \"stay\":{longest},\"run\":{longest}}}\n"
            )
        );
    }

    #[test]
    fn a_look_ends_a_run_and_begins_another() {
        let mut records = Records::default();
        let (stay, now) = stay(&[1, 2, 3, 4, 5], &[1]);
        records.end(stay, now);
        let record = &records.0[&ENTRY];
        assert_eq!((record.stay.instructions, record.stay.looks), (50, 1));
        assert_eq!(record.run.instructions, 35);
        let places: Vec<_> = record.run.places.clone().into_iter().collect();
        assert_eq!(places, [(2, 5), (3, 10), (4, 10), (5, 10)]);
    }

    #[test]
    fn a_look_has_several_instructions() {
        let mut stay = Stay::new(ENTRY, 100);
        for now in [105, 108, 112, 200, 203] {
            stay.look(now);
        }
        assert_eq!(stay.looks, 2);
    }

    #[test]
    fn the_run_before_the_first_look_counts_too() {
        let (mut stay, now) = stay(&[1, 2, 3, 4], &[2, 3]);
        stay.end_run(now);
        assert_eq!(stay.run.length(), 25);
        let places: Vec<_> = stay.places(stay.run).into_iter().collect();
        assert_eq!(places, [(1, 10), (2, 10), (3, 5)]);
    }

    #[test]
    fn what_means_nothing_is_one() {
        assert_eq!(
            Call::new(-1, 5 << 12 | 3),
            Call {
                number: -1,
                label: 5
            }
        );
        assert_eq!(Call::new(7, u64::MAX), Call::new(-900, u64::MAX - 1));
    }
}
