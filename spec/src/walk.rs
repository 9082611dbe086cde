//! Long ways through a world, one after the other: what breadth first cannot reach. Each step is judged
//! as in exploration.

use crate::explore::{Counterexample, Scope, Step, again, caught, perform, start};
use crate::model::fault::INSTRUCTION;
use crate::model::{Object, Request, State};
use crate::refinement::Lens;
use crate::saved::Saved;
use abi::invocation::LABELS;

/// A world, and where in it we are.
pub struct Walk {
    pub scope: Scope,
    lens: Lens,
    beginning: (Saved, State),
    state: State,
    steps: Vec<Step>,
}

/// Registers and buffers are no part of a state, but for system calls that are still to be made: while
/// there are any, they are not changed. Handlers are for the lines of the world.
fn undecided(scope: &Scope, state: &State, call: &Request) -> bool {
    use abi::invocation::Invocation as I;
    let is = |invocations: &[I]| {
        let mut labels = invocations.iter().map(|i| LABELS.label(*i));
        labels.any(|label| label == Some(call.label))
    };
    let issues = is(&[
        I::IrqIssueIrqHandler,
        I::X86IrqIssueIrqHandlerIoapic,
        I::X86IrqIssueIrqHandlerMsi,
        I::ArmIrqIssueIrqHandlerTrigger,
        I::RiscvIrqIssueIrqHandlerTrigger,
    ]);
    // Whose registers, and what else they hold, is not known of who copies where it goes on.
    let flags = call.words.first().copied().unwrap_or(0);
    let copies_place = is(&[I::TcbCopyRegisters]) && flags & 4 != 0;
    let writes_place = is(&[I::TcbWriteRegisters]) && call.words.get(2) == Some(&INSTRUCTION);
    if issues || copies_place || writes_place {
        return !scope.calls.contains(call);
    }
    let changes = is(&[
        I::TcbSetIpcBuffer,
        I::TcbConfigure,
        I::TcbWriteRegisters,
        I::TcbCopyRegisters,
    ]);
    changes
        && state.objects.values().any(|object| match object {
            Object::Thread(thread) => thread.says.is_some(),
            _ => false,
        })
}

impl Walk {
    /// At the beginning of a world.
    pub fn new(mut scope: Scope) -> Self {
        let lens = scope.world.lens();
        let state = start(&mut scope.world, &lens).state;
        let saved = Saved::of(&mut scope.world.k);
        Self {
            scope,
            lens,
            beginning: (saved, state.clone()),
            state,
            steps: vec![],
        }
    }

    /// Back to the beginning.
    pub fn begin(&mut self) {
        let (saved, state) = &self.beginning;
        saved.put(&mut self.scope.world.k);
        self.state.clone_from(state);
        self.steps.clear();
    }

    /// Whether somebody runs who makes system calls.
    pub fn somebody_runs(&self) -> bool {
        let bystander = self.scope.world.bystander.as_ref();
        let bystander = bystander.map(|bystander| bystander.place(self.lens.frame));
        self.state.current.is_some() && self.state.current != bystander
    }

    /// Takes a step, unless the world leaves it out. Whoever has to make a system call again makes
    /// that. Whether a step was taken.
    pub fn step(&mut self, step: &Step) -> Result<bool, Box<Counterexample>> {
        let by_program = matches!(step, Step::Call(_) | Step::Trap(_));
        if by_program && !self.somebody_runs() {
            return Ok(false);
        }
        let step = match again(&self.state) {
            Some(call) if by_program => Step::Call(call),
            _ => step.clone(),
        };
        let left_out = match &step {
            Step::Call(call) => {
                (self.scope.leaves_out)(&self.state, call)
                    || undecided(&self.scope, &self.state, call)
            }
            _ => false,
        };
        if left_out {
            return Ok(false);
        }
        let world = &mut self.scope.world;
        let saved = Saved::of(&mut world.k);
        let taken = caught(|| perform(world, &self.lens, &self.state, &saved, &step));
        self.steps.push(step);
        let (seen, _) = taken.map_err(|why| {
            Box::new(Counterexample {
                scope: self.scope.name,
                calls: self.steps.clone(),
                why,
            })
        })?;
        match (seen, self.steps.last()) {
            (Some(seen), _) => self.state = seen.state,
            // What a line that is quiet will do later is not specified.
            (None, Some(Step::Raise(_))) => saved.put(&mut self.scope.world.k),
            (None, _) => {}
        }
        Ok(true)
    }
}
