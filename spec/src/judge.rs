//! Everything that is checked of one step of the kernel.

use crate::integrity;
use crate::model::call::Told;
use crate::model::state::Heard;
use crate::model::{Cap, Held, Place, Slot, State};
use crate::refinement::{Abstract, Lens, abstraction, lines};
use crate::saved::Saved;
use crate::space;
use crate::world::{Everything, Player, SYSCALL_AT, World};
use abi::Word;
use abi::message::MessageInfo;
use kernel::Kernel;
use kernel::isa::Context;
use kernel::object::cnode;
use kernel::object::irq::IrqTable;
use machine::{KernelAddress, Kind, Machine, PhysicalAddress};
use std::collections::BTreeMap;

/// Why a step is wrong.
pub type Verdict<T> = Result<T, String>;

/// What there was before a step.
pub struct Before<'a> {
    pub state: &'a State,
    saved: &'a Saved,
    /// Whose call it is; nobody's if time passes or a line interrupts.
    pub caller: Option<Place>,
    contexts: Vec<Option<Context>>,
}

impl<'a> Before<'a> {
    /// What the registers of the players hold.
    pub fn registers(&self, lens: &Lens, players: &[Player]) -> BTreeMap<Place, Vec<Word>> {
        let known = players.iter().zip(&self.contexts);
        let known = known.filter_map(|(player, context)| Some((player, context.as_ref()?)));
        known
            .map(|(player, context)| {
                let all = (0..kernel::isa::REGISTERS).map(|n| context.register(n));
                (place(lens, player), all.collect())
            })
            .collect()
    }

    /// Notes what has to be compared later.
    pub fn new(k: &Kernel, players: &[Player], state: &'a State, saved: &'a Saved) -> Self {
        let contexts = players.iter().map(|player| context(k, player)).collect();
        Self {
            state,
            saved,
            caller: None,
            contexts,
        }
    }
}

fn context(k: &Kernel, player: &Player) -> Option<Context> {
    let lives = k.machine.kind_at(player.tcb.address()) == Kind::Context;
    lives.then(|| k[player.tcb.context()])
}

/// Judges a completed step: the specification says that `expected` comes of `before`, and who is
/// told what. The state afterwards, unless it is the one before.
pub fn judge(
    world: &World,
    lens: &Lens,
    before: &Before<'_>,
    expected: &State,
    told: &Told,
    registers: &BTreeMap<Place, Vec<Word>>,
) -> Verdict<Option<Abstract>> {
    let World { k, players, .. } = world;
    answers(k, lens, players, before, told, registers)?;
    if let Some(bystander) = &world.bystander {
        let ran = before.state.current == Some(bystander.place(lens.frame));
        bystander.as_it_was(k, ran)?;
    }
    space::in_use(k, lens.frame, expected)?;
    space::nothing_stale(k, lens.frame, before.state, expected)?;
    let repeats = crate::explore::again(before.state).is_some() || will_repeat(k);
    // What passed before the call counts all the same.
    let no_time_passed = k.machine.now() == before.state.now;
    let still = before.saved.still(k) && lines(k, lens) == before.state.lines;
    let silent = no_time_passed && still;
    if !repeats && silent {
        // The invariants have been checked when this state was reached.
        return match *before.state == *expected {
            true => Ok(None),
            false => Err(difference(before.state, expected)),
        };
    }
    let everything = Everything::new(k, lens.frame, world.surroundings());
    kernel::check::all(k, &everything).map_err(|violation| format!("{violation:?}"))?;
    let now = abstraction(k, lens);
    if now.state != *expected {
        return Err(difference(&now.state, expected));
    }
    outside_untouched(world, lens, before)?;
    confined(before.state, &now.state)?;
    if let Some(caller) = before.caller {
        integrity::kept(before.state, &now.state, caller)?;
    }
    Ok(Some(now))
}

/// Whether whoever runs makes its system call again.
fn will_repeat(k: &Kernel) -> bool {
    k.current()
        .is_some_and(|thread| k[thread.context()].next_ip() == SYSCALL_AT)
}

pub(crate) fn difference(kernel: &State, expected: &State) -> String {
    let mut text = String::from("the kernel and the specification disagree:\n");
    for slot in kernel.slots.keys().chain(expected.slots.keys()) {
        let (a, b) = (kernel.slots.get(slot), expected.slots.get(slot));
        if a != b {
            text += &format!("  {slot:?}: kernel {a:?}\n  {slot:?}: should be {b:?}\n");
        }
    }
    for at in kernel.objects.keys().chain(expected.objects.keys()) {
        let (a, b) = (kernel.objects.get(at), expected.objects.get(at));
        if a != b {
            text += &format!("  {at:?}: kernel {a:?}\n  {at:?}: should be {b:?}\n");
        }
    }
    let rest = |state: &State| {
        format!(
            "{:?} runs on {:?}, ready {:?} in the turn of {:?}, waiting for time {:?}, now {} of which to charge {}, \
             ASIDs {:?} of {:?}, lines {:?}",
            state.current,
            state.charged,
            state.ready,
            state.turns,
            state.release,
            state.now,
            state.uncharged,
            state.asids,
            state.pools,
            state.lines
        )
    };
    let (a, b) = (rest(kernel), rest(expected));
    if a != b {
        text += &format!("  kernel: {a}\n  should be: {b}\n");
    }
    text
}

/// Each thread has been told what the specification says, and no other register has changed.
fn answers(
    k: &Kernel,
    lens: &Lens,
    players: &[Player],
    before: &Before<'_>,
    told: &Told,
    registers: &BTreeMap<Place, Vec<Word>>,
) -> Verdict<()> {
    for (player, old) in players.iter().zip(&before.contexts) {
        let (Some(now), Some(old)) = (context(k, player), old) else {
            continue;
        };
        let place = lens.frame.place(player.tcb.address());
        let mut expected = *old;
        for (n, word) in registers.get(&place).into_iter().flatten().enumerate() {
            expected.write_register(n, *word);
        }
        if let Some(heard) = told.get(&place) {
            hear(&mut expected, heard);
            buffer(k, player, heard)?;
        }
        // Where the program goes on, register 0, is judged by the thread's state.
        if (1..kernel::isa::REGISTERS).any(|n| now.register(n) != expected.register(n)) {
            return Err(format!(
                "thread {place:?} has in its registers\n  {now:?}\nand should have\n  {expected:?}"
            ));
        }
    }
    Ok(())
}

fn hear(context: &mut Context, heard: &Heard) {
    context.set_badge(heard.badge);
    let Some(message) = &heard.message else {
        return;
    };
    let info = MessageInfo::new(
        message.label,
        message.unwrapped,
        message.extra_caps,
        message.words.len(),
    );
    context.set_message_info(info.0);
    for (n, word) in message.words.iter().enumerate().take(4) {
        context.set_message_register(n, *word);
    }
}

fn buffer(k: &Kernel, player: &Player, heard: &Heard) -> Verdict<()> {
    let Some(message) = &heard.message else {
        return Ok(());
    };
    for (n, word) in message.words.iter().enumerate().skip(4) {
        let at = (abi::ipc_buffer::MSG + n) as u64 * 8;
        let found = k.machine.peek(PhysicalAddress(player.buffer.0 + at));
        if found != Some(*word) {
            return Err(format!(
                "word {n} of the message is {found:?}, should be {word:#x}"
            ));
        }
    }
    Ok(())
}

/// Nothing outside the world's memory has changed but what holds no authority: neighbours in the
/// derivation list and in the list of all threads, IPC buffers, and capabilities to the world.
pub fn outside_untouched(world: &World, lens: &Lens, before: &Before<'_>) -> Verdict<()> {
    let k = &world.k;
    // Slots of the root task that hold capabilities to the world are part of its state, and so
    // are those of lines.
    let root = lens.root.slots.address();
    let ours = |at: KernelAddress| {
        let slot = Slot {
            holder: lens.frame.place(root),
            index: at.bits().wrapping_sub(root.bits()) / size_of::<cnode::Slot>() as u64,
        };
        let line = at.bits().wrapping_sub(k.irqs.memory().bits());
        line < IrqTable::SLOT_BYTES || before.state.slots.contains_key(&slot)
    };
    for change in k.machine.changes() {
        if lens.frame.holds(KernelAddress::of(change.at)) {
            continue;
        }
        for (n, (before, now)) in change.before.iter().zip(&change.now).enumerate() {
            let at = KernelAddress::of(PhysicalAddress(change.at.0 + n as u64 * 8));
            if before != now && !world.may_change(at) && !ours(at) {
                let kind = k.machine.kind_at(at);
                return Err(format!(
                    "a {kind:?} outside the world has changed at {:#x}: {before:#x} is {now:#x}",
                    at.bits()
                ));
            }
        }
    }
    Ok(())
}

/// No authority appears: every capability was there before, is a lesser form of one that was, or
/// is to an object newly made of memory that was.
pub fn confined(before: &State, now: &State) -> Verdict<()> {
    for (slot, held) in &now.slots {
        if before
            .slots
            .get(slot)
            .is_some_and(|old| old.cap == held.cap)
        {
            continue;
        }
        if !before
            .slots
            .values()
            .any(|old| derivable(before, old, held))
        {
            return Err(format!(
                "{slot:?} holds {:?}, which nobody could derive",
                held.cap
            ));
        }
    }
    Ok(())
}

fn derivable(before: &State, old: &Held, new: &Held) -> bool {
    let from_memory = || match (old.cap, new.cap.memory()) {
        (Cap::Untyped { .. }, Some((at, _))) => {
            old.cap.contains(&new.cap) && !before.objects.contains_key(&at)
        }
        _ => false,
    };
    match (old.cap, new.cap) {
        (
            Cap::Endpoint { at, badge, rights },
            Cap::Endpoint {
                at: new_at,
                badge: new_badge,
                rights: new_rights,
            },
        )
        | (
            Cap::Notification { at, badge, rights },
            Cap::Notification {
                at: new_at,
                badge: new_badge,
                rights: new_rights,
            },
        ) => {
            let weaker = rights.and(new_rights) == new_rights;
            (at == new_at && weaker && (badge == 0 || badge == new_badge)) || from_memory()
        }
        (
            Cap::Reply { at, grant },
            Cap::Reply {
                at: new_at,
                grant: new_grant,
            },
        ) => (at == new_at && (grant || !new_grant)) || from_memory(),
        (
            Cap::Frame { at, access, .. },
            Cap::Frame {
                at: new_at,
                access: new_access,
                ..
            },
        ) => (at == new_at && new_access <= access) || from_memory(),
        (Cap::IrqControl, Cap::IrqHandler { .. }) => true,
        // A table becomes a root, and the other way round.
        (Cap::Table { at, .. }, Cap::VSpace { at: new_at, .. })
        | (Cap::VSpace { at, .. }, Cap::Table { at: new_at, .. }) => at == new_at || from_memory(),
        (a, Cap::Zombie { at }) => a.object() == Some(at) || a == Cap::Zombie { at },
        (a, b) => {
            let same = a.object().is_some()
                && a.object() == b.object()
                && std::mem::discriminant(&a) == std::mem::discriminant(&b);
            same || a == b || from_memory() || same_memory(a, b)
        }
    }
}

/// Untyped capabilities to the same memory differ in what they have given out.
fn same_memory(a: Cap, b: Cap) -> bool {
    matches!((a, b), (Cap::Untyped { .. }, Cap::Untyped { .. })) && a.contains(&b)
}

/// A revocation leaves nothing derived from `slot`, unless it took that with it.
pub fn revoked(before: &State, now: &State, slot: Slot) -> Verdict<()> {
    let left = now.descendants(slot);
    let gone = before.cap(slot) != now.cap(slot);
    match left.is_empty() || gone {
        true => Ok(()),
        false => Err(format!("after revoking {slot:?}, {left:?} are left")),
    }
}

/// A thread's place, for reports.
pub fn place(lens: &Lens, player: &Player) -> Place {
    lens.frame.place(player.tcb.address())
}
