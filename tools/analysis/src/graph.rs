//! From summaries of functions to the deepest way through all of them.

use std::collections::BTreeMap;

use crate::function::{self, Summary};
use crate::image::Image;

/// What the rules of an image say about its code.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Permissions {
    /// Labels where the stack is given up: the way back to user mode.
    pub(crate) exits: &'static [&'static str],
    /// Functions that may jump to where the image does not say, and why.
    pub(crate) unknown_jumps: &'static [(&'static str, &'static str)],
}

/// A function on a way, with the bytes of its own that are in use when it calls the next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Station {
    pub(crate) name: String,
    pub(crate) bytes: i64,
}

/// The deepest way that begins with a function.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Way {
    pub(crate) bytes: i64,
    pub(crate) stations: Vec<Station>,
}

pub(crate) struct Graph<'a> {
    image: &'a Image,
    permissions: Permissions,
    ways: BTreeMap<u64, Way>,
    /// The functions that lead to where we are.
    path: Vec<u64>,
    problems: Vec<String>,
}

impl<'a> Graph<'a> {
    pub(crate) fn new(image: &'a Image, permissions: Permissions) -> Self {
        Self {
            image,
            permissions,
            ways: BTreeMap::new(),
            path: Vec::new(),
            problems: Vec::new(),
        }
    }

    /// What was found wrong so far: every cycle, unknown target, and place that was not understood.
    pub(crate) fn problems(&self) -> &[String] {
        &self.problems
    }

    /// How many functions have been followed.
    pub(crate) fn functions(&self) -> usize {
        self.ways.len()
    }

    /// The deepest way from the function at this address.
    pub(crate) fn deepest(&mut self, from: u64) -> Way {
        if let Some(way) = self.ways.get(&from) {
            return way.clone();
        }
        if let Some(place) = self.path.iter().position(|at| *at == from) {
            let names = self.path.iter().skip(place).map(|at| self.name(*at));
            let cycle = names.collect::<Vec<_>>().join(" -> ");
            self.problems
                .push(format!("recursion: {cycle} -> {}", self.name(from)));
            return Way {
                bytes: 0,
                stations: Vec::new(),
            };
        }
        self.path.push(from);
        let way = self.way(from);
        self.path.pop();
        self.ways.insert(from, way.clone());
        way
    }

    fn way(&mut self, from: u64) -> Way {
        let name = self.name(from);
        let summary = self.summary(from, &name);
        let mut deepest = Way {
            bytes: summary.frame,
            stations: vec![Station {
                name: name.clone(),
                bytes: summary.frame,
            }],
        };
        for call in summary.calls {
            if self.is_exit(call.to) {
                continue;
            }
            let below = self.deepest(call.to);
            if call.depth + below.bytes > deepest.bytes {
                let own = Station {
                    name: name.clone(),
                    bytes: call.depth,
                };
                deepest.bytes = call.depth + below.bytes;
                deepest.stations = std::iter::once(own).chain(below.stations).collect();
            }
        }
        deepest
    }

    fn summary(&mut self, at: u64, name: &str) -> Summary {
        let function = self.image.function_at(at);
        let summary = match (function, self.image.end_of_code(at)) {
            (Some(function), _) if function.code.start == at => {
                function::summarize(self.image, function.code.clone(), true)
            }
            (Some(function), _) => {
                self.problems
                    .push(format!("{at:#x} is called, inside {}", function.name));
                Summary::default()
            }
            // Assembly: its labels have no sizes.
            (None, Some(end)) => function::summarize(self.image, at..end, false),
            (None, None) => {
                self.problems
                    .push(format!("{at:#x} is called: there is no code"));
                Summary::default()
            }
        };
        let may = self
            .permissions
            .unknown_jumps
            .iter()
            .any(|(who, _)| name.ends_with(who));
        let unknown = summary.unknown.iter().filter(|_| !may);
        let unknown =
            unknown.map(|at| format!("{name}: {at:#x} leads to where the image does not say"));
        let problems = summary
            .problems
            .iter()
            .map(|problem| format!("{name}: {problem}"));
        self.problems.extend(unknown.chain(problems));
        summary
    }

    fn is_exit(&self, at: u64) -> bool {
        self.image
            .name_at(at)
            .is_some_and(|name| self.permissions.exits.contains(&name))
    }

    fn name(&self, at: u64) -> String {
        self.image
            .name_at(at)
            .map_or_else(|| format!("{at:#x}"), str::to_owned)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples;

    fn follow(image: &Image, permissions: Permissions) -> (i64, Vec<String>) {
        let mut graph = Graph::new(image, permissions);
        let start = image.functions()[0].code.start;
        let bytes = graph.deepest(start).bytes;
        (bytes, graph.problems().to_vec())
    }

    #[track_caller]
    fn refused(image: &Image, why: &str) {
        let (_, problems) = follow(image, Permissions::default());
        assert!(
            problems.iter().any(|problem| problem.contains(why)),
            "{problems:?}"
        );
    }

    #[test]
    fn frames_of_a_chain_add_up() {
        let fine = |bytes| (bytes, Vec::new());
        let chain = samples::riscv64_chain();
        assert_eq!(
            follow(&chain, Permissions::default()),
            fine(samples::RISCV64_CHAIN_BYTES)
        );
        let chain = samples::aarch64_chain();
        assert_eq!(follow(&chain, Permissions::default()), fine(32 + 4096 + 16));
        let chain = samples::x86_64_chain();
        assert_eq!(
            follow(&chain, Permissions::default()),
            fine(8 + 256 + 8 + 8)
        );
    }

    #[test]
    fn recursion_is_refused() {
        refused(
            &samples::x86_64_recursion(),
            "recursion: even -> odd -> even",
        );
    }

    #[test]
    fn calls_and_jumps_through_registers_are_refused() {
        let unknown = "leads to where the image does not say";
        for code in [&[0xff, 0xe0][..], &[0xff, 0xd0, 0xc3]] {
            refused(&samples::one(crate::image::Isa::X86_64, code), unknown);
        }
        for code in [
            &[0x00, 0x01, 0x1f, 0xd6][..],
            &[0x00, 0x01, 0x3f, 0xd6, 0xc0, 0x03, 0x5f, 0xd6],
        ] {
            refused(&samples::one(crate::image::Isa::AArch64, code), unknown);
        }
        for code in [&[0x02, 0x85][..], &[0x02, 0x95, 0x82, 0x80]] {
            refused(&samples::one(crate::image::Isa::RiscV64, code), unknown);
        }
    }

    #[test]
    fn what_is_listed_may_jump_anywhere() {
        let image = samples::one(crate::image::Isa::X86_64, &[0xff, 0xe0]);
        let listed = Permissions {
            exits: &[],
            unknown_jumps: &[("sample", "a test")],
        };
        assert_eq!(follow(&image, listed), (0, Vec::new()));
    }

    #[test]
    fn cases_of_a_jump_table_count() {
        for image in [samples::riscv64_table(), samples::aarch64_table()] {
            assert_eq!(follow(&image, Permissions::default()), (64, Vec::new()));
        }
    }

    #[test]
    fn a_table_of_functions_is_refused() {
        refused(
            &samples::riscv64_function_table(),
            "leads to where the image does not say",
        );
    }

    #[test]
    fn a_stack_without_bottom_is_refused() {
        // push rbx; jmp back
        refused(
            &samples::one(crate::image::Isa::X86_64, &[0x53, 0xeb, 0xfd]),
            "in a circle",
        );
    }

    #[test]
    fn who_leaves_takes_nothing_along() {
        // push rbx; lea rsp, [rip + 0x100]; push rbx in a circle
        let code = [0x53, 0x48, 0x8d, 0x25, 0, 1, 0, 0, 0x53, 0xeb, 0xfd];
        let mut image = samples::one(crate::image::Isa::X86_64, &code);
        refused(&image, "the stack pointer is set to something");
        image.add_label("kernel::STACK", image.functions()[0].code.start + 8, 0x200);
        assert_eq!(follow(&image, Permissions::default()), (8, Vec::new()));
        // adrp x9, 1 page on; add sp, x9, #16
        let code = [0x09, 0, 0, 0xb0, 0x3f, 0x41, 0, 0x91];
        let mut image = samples::one(crate::image::Isa::AArch64, &code);
        image.add_label("kernel::STACK", image.functions()[0].code.start, 0x2000);
        assert_eq!(follow(&image, Permissions::default()), (0, Vec::new()));
        // auipc sp, 1 page; addi sp, sp, 16
        let code = [0x17, 0x11, 0, 0, 0x41, 0x01];
        let mut image = samples::one(crate::image::Isa::RiscV64, &code);
        image.add_label("kernel::STACK", image.functions()[0].code.start, 0x2000);
        assert_eq!(follow(&image, Permissions::default()), (0, Vec::new()));
    }

    #[test]
    fn a_stack_pointer_from_somewhere_is_refused() {
        let set = "the stack pointer is set to something";
        refused(
            &samples::one(crate::image::Isa::X86_64, &[0x48, 0x89, 0xc4, 0xc3]),
            set,
        );
        // mv sp, a0
        refused(
            &samples::one(crate::image::Isa::RiscV64, &[0x2a, 0x81, 0x82, 0x80]),
            set,
        );
        // mov sp, x0
        refused(
            &samples::one(crate::image::Isa::AArch64, &[0x1f, 0, 0, 0x91]),
            set,
        );
    }
}
