//! All states of a world, breadth first.
//!
//! From every state each call of the world's alphabet is made by whoever runs, on the real kernel
//! and on the specification, and the step is judged. States that agree in everything that can
//! influence what comes are one: the abstract state, and the order and marks of the derivation
//! list. Registers do not count, since every call of the alphabet writes them all first.

use crate::interrupt;
use crate::judge::{self, Before, Verdict};
use crate::model::call::Told;
use crate::model::fault::ELSEWHERE;
use crate::model::state::{Fault, SchedContext, Trap};
use crate::model::{Cap, Object, Place, Request, Side, Slot, State};
use crate::refinement::{Abstract, Lens, abstraction};
use crate::saved::Saved;
use crate::space;
use crate::world::{self, Way, World};
use abi::invocation::{Invocation, LABELS};
use abi::syscall::Syscall;
use machine::{Irq, Machine};
use std::collections::hash_map::DefaultHasher;
use std::collections::{BTreeMap, HashMap};
use std::hash::{Hash, Hasher};
use std::panic::{AssertUnwindSafe, catch_unwind};

/// A world with an alphabet.
pub struct Scope {
    pub name: &'static str,
    pub world: World,
    pub calls: Vec<Request>,
    /// How long the threads may compute between calls, in ticks.
    pub pauses: Vec<u64>,
    /// Which lines interrupt.
    pub lines: Vec<u16>,
    /// What programs do that traps.
    pub traps: Vec<Trap>,
    /// How many calls deep; `None`: until nothing new comes.
    pub depth: Option<usize>,
    /// Whether each call is also interrupted at each of its preemption points.
    pub interrupted: bool,
    /// Calls that this scope leaves to others.
    pub leaves_out: fn(&State, &Request) -> bool,
}

/// How much was explored.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Counts {
    pub states: usize,
    pub transitions: usize,
    /// Of these, calls that were answered with success.
    pub successes: usize,
    /// Calls made again with an interrupt at one of their preemption points, or at all.
    pub interrupted: usize,
    /// The longest way to a state.
    pub depth: usize,
}

/// A step that is wrong, and the way to it.
#[derive(Clone, Debug)]
pub struct Counterexample {
    pub scope: &'static str,
    pub calls: Vec<Step>,
    pub why: String,
}

impl std::fmt::Display for Counterexample {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        writeln!(f, "scope `{}`: {}", self.scope, self.why)?;
        writeln!(f, "As a test (`scope` is the constructor of that scope):")?;
        writeln!(f, "    let steps = [")?;
        for step in &self.calls {
            match step {
                Step::Pass(ticks) => writeln!(f, "        Step::Pass({ticks}),")?,
                Step::Raise(line) => writeln!(f, "        Step::Raise({line}),")?,
                Step::Trap(trap) => writeln!(f, "        Step::Trap(Trap::{trap:?}),")?,
                Step::Call(Request {
                    syscall,
                    cap,
                    reply,
                    destination,
                    label,
                    words,
                    caps,
                }) => writeln!(
                    f,
                    "        call({syscall}, [{cap}, {reply}, {destination}], {label}, &{words:?}, &{caps:?}),"
                )?,
            }
        }
        writeln!(f, "    ];")?;
        writeln!(
            f,
            "    replay(&mut scope, &steps).unwrap_or_else(|found| panic!(\"{{found}}\"));"
        )?;
        Ok(())
    }
}

/// What happens next.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Step {
    /// Whoever runs makes a system call.
    Call(Request),
    /// So many ticks pass, in user mode.
    Pass(u64),
    /// A device raises its line.
    Raise(u16),
    /// The program of whoever runs is stopped by the processor.
    Trap(Trap),
}

/// A system call, as counterexamples write it: number, registers that name capabilities, message.
pub fn call(syscall: i64, named: [u64; 3], label: u64, words: &[u64], caps: &[u64]) -> Step {
    let [cap, reply, destination] = named;
    Step::Call(Request {
        syscall,
        cap,
        reply,
        destination,
        label,
        words: words.to_vec(),
        caps: caps.to_vec(),
    })
}

/// How a state was reached first.
#[derive(Clone)]
struct Origin {
    parent: usize,
    call: Step,
}

struct Known {
    saved: Saved,
    state: State,
    id: usize,
}

/// Times count from now: the same later is the same. Those of round robin mean nothing.
fn key(seen: &Abstract) -> u64 {
    let mut seen = seen.clone();
    let state = &mut seen.state;
    for object in state.objects.values_mut() {
        if let Object::SchedContext(SchedContext {
            time: Some(time), ..
        }) = object
        {
            for refill in &mut time.refills {
                let from_now = refill.0.wrapping_sub(state.now);
                refill.0 = if time.period == 0 { 0 } else { from_now };
            }
        }
    }
    state.now = 0;
    // A turn that lasts for years.
    state.turns.left = state.turns.left.min(1 << 40);
    let mut hasher = DefaultHasher::new();
    seen.hash(&mut hasher);
    hasher.finish()
}

/// Explores `scope`.
pub fn explore(scope: &mut Scope) -> Result<Counts, Box<Counterexample>> {
    let lens = scope.world.lens();
    let calls = scope.calls.iter().cloned().map(Step::Call);
    let traps = scope.traps.iter().copied().map(Step::Trap);
    let calls: Vec<Step> = calls.chain(traps).collect();
    let pauses = scope.pauses.iter().copied().map(Step::Pass);
    let lines = scope.lines.iter().copied().map(Step::Raise);
    let pauses: Vec<Step> = pauses.chain(lines).collect();
    let mut counts = Counts::default();
    let mut origins: Vec<Origin> = vec![];
    let mut known = HashMap::new();
    let first = start(&mut scope.world, &lens);
    known.insert(key(&first), ());
    let mut layer = vec![Known {
        saved: Saved::of(&mut scope.world.k),
        state: first.state,
        id: 0,
    }];
    counts.states = 1;
    while !layer.is_empty() && scope.depth.is_none_or(|depth| counts.depth < depth) {
        let mut next = vec![];
        for from in layer {
            if from.state.current.is_none() && pauses.is_empty() {
                continue;
            }
            // A thread that is to make a call again has no choice.
            let again = again(&from.state);
            let bystander = scope.world.bystander.as_ref();
            let bystander = bystander.map(|bystander| bystander.place(lens.frame));
            let choices: Vec<Step> = match &again {
                Some(call) => vec![Step::Call(call.clone())],
                None if from.state.current.is_none() || from.state.current == bystander => vec![],
                None => calls.clone(),
            };
            for call in choices.iter().chain(&pauses) {
                if let Step::Call(request) = call
                    && (scope.leaves_out)(&from.state, request)
                {
                    continue;
                }
                from.saved.put(&mut scope.world.k);
                let step =
                    caught(|| perform(&mut scope.world, &lens, &from.state, &from.saved, call));
                counts.transitions += 1;
                let (seen, success) = step.map_err(|why| {
                    let mut calls = path(&origins, from.id);
                    calls.push(call.clone());
                    Box::new(Counterexample {
                        scope: scope.name,
                        calls,
                        why,
                    })
                })?;
                counts.successes += usize::from(success);
                let Some(seen) = seen else { continue };
                if scope.interrupted
                    && let Step::Call(call) = call
                {
                    let interrupted = caught(|| {
                        interrupt::everywhere(
                            &mut scope.world,
                            &lens,
                            &from.state,
                            &from.saved,
                            call,
                            &seen.state,
                        )
                    });
                    counts.interrupted += interrupted.map_err(|why| {
                        let mut calls = path(&origins, from.id);
                        calls.push(Step::Call(call.clone()));
                        Box::new(Counterexample {
                            scope: scope.name,
                            calls,
                            why,
                        })
                    })?;
                }
                if known.insert(key(&seen), ()).is_none() {
                    let id = origins.len() + 1;
                    origins.push(Origin {
                        parent: from.id,
                        call: call.clone(),
                    });
                    counts.states += 1;
                    next.push(Known {
                        saved: Saved::of(&mut scope.world.k),
                        state: seen.state,
                        id,
                    });
                }
            }
        }
        layer = next;
        counts.depth += usize::from(!layer.is_empty());
    }
    Ok(counts)
}

/// The state in which a world begins, with everything in the translation cache that can be.
pub(crate) fn start(world: &mut World, lens: &Lens) -> Abstract {
    let first = abstraction(&world.k, lens);
    if let Err(why) = space::touch(&mut world.k, lens.frame, &first.state, &world.addresses) {
        panic!("{why}");
    }
    first
}

/// A panic of the kernel or of the model machine is a wrong step too.
pub(crate) fn caught<T>(step: impl FnOnce() -> Verdict<T>) -> Verdict<T> {
    match catch_unwind(AssertUnwindSafe(step)) {
        Ok(verdict) => verdict,
        Err(panic) => Err(panic
            .downcast::<String>()
            .map_or("a panic".into(), |why| *why)),
    }
}

/// What the thread that runs is about to do again.
pub(crate) fn again(state: &State) -> Option<Request> {
    state.thread(state.current?)?.says.clone()
}

fn path(origins: &[Origin], to: usize) -> Vec<Step> {
    let mut path = vec![];
    let mut at = to;
    while at != 0 {
        let origin = &origins[at - 1];
        path.push(origin.call.clone());
        at = origin.parent;
    }
    path.reverse();
    path
}

/// One step, on both sides, judged. What the kernel's state is afterwards, and
/// whether the answer was success.
/// Calls that have a fast way are made both ways, which must end alike.
pub(crate) fn perform(
    world: &mut World,
    lens: &Lens,
    state: &State,
    saved: &Saved,
    step: &Step,
) -> Verdict<(Option<Abstract>, bool)> {
    let call = match step {
        Step::Call(call) => call,
        Step::Pass(ticks) => return pass(world, lens, state, saved, *ticks),
        Step::Raise(line) => return raise(world, lens, state, saved, *line),
        Step::Trap(trap) => {
            let slow = trapped(world, lens, state, saved, *trap, Way::Slow)?;
            saved.put(&mut world.k);
            let fast = trapped(world, lens, state, saved, *trap, Way::Fast);
            return alike(state, slow, fast);
        }
    };
    let slow = one_way(world, lens, state, saved, call, Way::Slow)?;
    if !has_fast_way(state, call) {
        return Ok(slow);
    }
    if world.addresses.is_empty() {
        // What ends bit for bit alike need not be judged twice.
        let end = Saved::of(&mut world.k);
        saved.put(&mut world.k);
        made(world, lens, state, call, Way::Fast)?;
        if Saved::of(&mut world.k).same(&end) {
            return Ok(slow);
        }
    }
    saved.put(&mut world.k);
    let fast = one_way(world, lens, state, saved, call, Way::Fast);
    alike(state, slow, fast)
}

/// A state, unless it is the one before, and whether the answer was success.
type Reached = (Option<Abstract>, bool);

/// What both ways lead to from `state`, if that is the same.
fn alike(state: &State, slow: Reached, fast: Verdict<Reached>) -> Verdict<Reached> {
    let fast = fast.map_err(|why| format!("on the fast way: {why}"))?;
    let unchanged = |seen: &Abstract| seen.state == *state && seen.elapsed == 0;
    let difference = match (&slow.0, &fast.0) {
        (Some(slow), Some(fast)) if slow != fast => judge::difference(&fast.state, &slow.state),
        // One way has written what it found, the other nothing.
        (Some(seen), None) | (None, Some(seen)) if !unchanged(seen) => "one changes nothing".into(),
        _ if slow.1 != fast.1 => "one answers with success".into(),
        _ => return Ok(fast),
    };
    Err(format!(
        "the fast way ends in another state than the slow one: {difference}"
    ))
}

/// Whether the call may be one of those that the kernel has a fast way for: a yield, or to one of the
/// objects that threads talk by.
fn has_fast_way(state: &State, call: &Request) -> bool {
    let to = state
        .current
        .and_then(|current| state.lookup(current, call.cap).ok());
    let cap = to.and_then(|slot| state.cap(slot));
    matches!(
        cap,
        Some(Cap::Endpoint { .. } | Cap::Notification { .. } | Cap::Reply { .. })
    ) || call.syscall == Syscall::Yield.number()
}

/// Whether the caller was answered with success.
fn answered(told: &Told, caller: Option<Place>) -> bool {
    let heard = caller.and_then(|thread| told.get(&thread));
    let label = heard
        .and_then(|heard| heard.message.as_ref())
        .map(|message| message.label);
    label == Some(0)
}

/// The slot that a call revokes, if it does.
fn revokes(state: &State, call: &Request) -> Option<Slot> {
    let is_it = LABELS.label(Invocation::CNodeRevoke) == Some(call.label);
    let [index, depth] = *call.words.first_chunk().filter(|_| is_it)?;
    let cnode = state.lookup(state.current?, call.cap).ok()?;
    state
        .target(state.cap(cnode), index, depth % 256, Side::Destination)
        .ok()
}

/// Whether a call may read or write registers of other threads.
fn touches_registers(label: u64) -> bool {
    let all = [
        Invocation::TcbReadRegisters,
        Invocation::TcbWriteRegisters,
        Invocation::TcbCopyRegisters,
        Invocation::TcbSetTlsBase,
    ];
    all.iter()
        .any(|invocation| LABELS.label(*invocation) == Some(label))
}

/// Whether somebody may be told of the registers of a fault, or may set them by an answer.
fn shows_registers(state: &State, call: &Request) -> bool {
    let faults = |object: &Object| match object {
        Object::Thread(thread) => !matches!(thread.fault, None | Some(Fault::Cap { .. })),
        _ => false,
    };
    call.syscall >= 0
        || call.syscall < Syscall::Yield.number()
        || state.objects.values().any(faults)
}

/// Whoever runs is about to make `call`: it is in its registers.
fn about_to(world: &mut World, lens: &Lens, state: &State, call: &Request) -> Verdict<()> {
    let World { k, players, .. } = world;
    let player = players
        .iter()
        .find(|player| Some(judge::place(lens, player)) == state.current);
    let player = player.ok_or("somebody runs who does not play")?;
    if again(state).is_none() {
        world::say(k, player.tcb, player.buffer, call);
    } else {
        world::goes_on(k, player.tcb);
    }
    k.work = 0;
    Ok(())
}

/// `call` is made, and not judged.
fn made(world: &mut World, lens: &Lens, state: &State, call: &Request, way: Way) -> Verdict<()> {
    about_to(world, lens, state, call)?;
    world::step(&mut world.k, call.syscall, way);
    Ok(())
}

fn one_way(
    world: &mut World,
    lens: &Lens,
    state: &State,
    saved: &Saved,
    call: &Request,
    way: Way,
) -> Verdict<(Option<Abstract>, bool)> {
    let current = state.current;
    about_to(world, lens, state, call)?;
    let World { k, players, .. } = world;
    let mut before = Before::new(k, players, state, saved);
    before.caller = current;
    world::step(k, call.syscall, way);
    let mut expected = state.clone();
    if Some(call.label) == LABELS.label(Invocation::CNodeRevoke) {
        let now = abstraction(k, lens).state;
        expected.witness = Some(now.slots.into_keys().collect());
    }
    if touches_registers(call.label) || shows_registers(state, call) {
        expected.registers = before.registers(lens, players);
    }
    let told = expected.syscall(call, k.machine.now());
    expected.witness = None;
    let registers = std::mem::take(&mut expected.registers);
    let seen = judge::judge(world, lens, &before, &expected, &told, &registers)?;
    if let Some(seen) = &seen {
        space::touch(&mut world.k, lens.frame, &seen.state, &world.addresses)?;
    }
    let after = seen.as_ref().map_or(state, |seen| &seen.state);
    if let Some(slot) = revokes(state, call)
        && answered(&told, current)
    {
        judge::revoked(state, after, slot)?;
    }
    Ok((seen, answered(&told, current)))
}

/// The program of whoever runs does what traps.
fn trapped(
    world: &mut World,
    lens: &Lens,
    state: &State,
    saved: &Saved,
    trap: Trap,
    way: Way,
) -> Verdict<Reached> {
    let World { k, players, .. } = world;
    world::trap_at(k, ELSEWHERE);
    let mut before = Before::new(k, players, state, saved);
    before.caller = state.current;
    world::trap(k, trap, way);
    let mut expected = state.clone();
    expected.registers = before.registers(lens, players);
    let told = expected.trap(trap, k.machine.now());
    let registers = std::mem::take(&mut expected.registers);
    let seen = judge::judge(world, lens, &before, &expected, &told, &registers)?;
    Ok((seen, false))
}

/// So often may the timer interrupt before anything is due: the alarm of somebody else's time, one's own,
/// and once more.
const ALARMS: usize = 3;

/// Time passes in user mode, or while nobody runs. The timer interrupts if it is due, which has to
/// be when the specification says.
fn pass(
    world: &mut World,
    lens: &Lens,
    state: &State,
    saved: &Saved,
    ticks: u64,
) -> Verdict<(Option<Abstract>, bool)> {
    let World { k, players, .. } = world;
    let before = Before::new(k, players, state, saved);
    let now = k.machine.now() + ticks;
    let due = state.deadline() <= now;
    let early = |alarm: &u64| *alarm <= now && *alarm < state.deadline();
    for _ in 0..ALARMS {
        // The kernel may ask to be told that time runs short. To the world nothing happens.
        let Some(alarm) = k.machine.deadline().filter(early) else {
            break;
        };
        k.machine.set_now(alarm.max(k.machine.now()));
        if let Some(irq) = k.machine.take_interrupt() {
            world::interrupt(k, irq);
        }
    }
    k.machine.set_now(now);
    let irq = k.machine.take_interrupt();
    if irq.is_some() != due {
        let (set, expected) = (k.machine.deadline(), state.deadline());
        return Err(format!(
            "the timer is set to {set:?}, and should be to {expected}"
        ));
    }
    let Some(irq) = irq else {
        // That the kernel need not know yet that time has passed is a state of its own.
        let mut later = abstraction(k, lens);
        (later.state.now, later.state.uncharged) = (state.now, state.uncharged);
        later.state.turns = state.turns.clone();
        if later.state != *state {
            return Err(judge::difference(&later.state, state));
        }
        later.elapsed = now - state.now;
        return Ok((Some(later), false));
    };
    world::interrupt(k, irq);
    let mut expected = state.clone();
    let told = expected.timer(now);
    let seen = judge::judge(world, lens, &before, &expected, &told, &BTreeMap::new())?;
    Ok((seen, false))
}

/// A device raises its line. Unless that is quiet, the kernel is told.
fn raise(
    world: &mut World,
    lens: &Lens,
    state: &State,
    saved: &Saved,
    line: u16,
) -> Verdict<(Option<Abstract>, bool)> {
    let World { k, players, .. } = world;
    let before = Before::new(k, players, state, saved);
    k.machine.raise(Irq(line));
    let irq = k.machine.take_interrupt();
    let quiet = state.lines.get(&line) != Some(&false);
    let irq = match (irq, quiet) {
        (Some(irq), false) => irq,
        (None, true) => return Ok((None, false)),
        (irq, _) => return Err(format!("{irq:?} interrupts, and quiet is {quiet}")),
    };
    world::interrupt(k, irq);
    let mut expected = state.clone();
    let told = expected.interrupt(line, k.machine.now());
    let seen = judge::judge(world, lens, &before, &expected, &told, &BTreeMap::new())?;
    Ok((seen, false))
}

/// Makes `calls` in a fresh world of a scope, judging each: a counterexample as a test.
pub fn replay(scope: &mut Scope, calls: &[Step]) -> Result<(), Box<Counterexample>> {
    let lens = scope.world.lens();
    let mut state = start(&mut scope.world, &lens).state;
    for (n, call) in calls.iter().enumerate() {
        let saved = Saved::of(&mut scope.world.k);
        let step = caught(|| perform(&mut scope.world, &lens, &state, &saved, call));
        let (seen, _) = step.map_err(|why| {
            let calls = calls[..=n].to_vec();
            Box::new(Counterexample {
                scope: scope.name,
                calls,
                why,
            })
        })?;
        if let Some(seen) = seen {
            state = seen.state;
        }
    }
    Ok(())
}
