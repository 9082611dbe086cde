//! One round: attackers, what they may lay hands on, and a driver that puts them back on their
//! feet whenever they have stopped themselves or each other.

use super::attacker::{SLOTS, attack, place};
use crate::DRIVER_PRIORITY;
use crate::isa;
use crate::report::{Outcome, check, check_eq};
use crate::threads::{self, Board};
use crate::world::{Clock, MEMORY_BITS, Start, Thread, World};
use abi::{CapRights, ObjectType, PROFILE, Word};
use user_api::{
    AsidPool, Attributes, Budget, CNode, CPtr, Endpoint, Error, Frame, FrameSize, Guard, Message,
    MissingTable, Notification, Reply, SlotWindow, Space, Untyped, UserContext, VSpaceRoot,
};
use user_runtime::boot::root;
use user_runtime::image;

const ATTACKERS: usize = 4;
const PAGE: usize = 1 << abi::object::PAGE_BITS;
/// The attackers' priority, and the most that they can give: below the driver's.
const PRIORITY: Word = DRIVER_PRIORITY - 20;
/// log2 of the slots of their common capability space.
const SPACE_BITS: usize = 8;
/// The badge by which the sentinel signals; attackers' faults have their number and one.
const NOBODY_RUNS: Word = 1 << 16;
/// An attacker's time in microseconds, in each period; its end is a fault.
const BUDGET: u64 = 4_000;
const PERIOD: u64 = 5_000;
/// A round that makes no progress for so long has failed.
const PATIENCE: u64 = 60_000_000;

/// One attacker.
#[derive(Clone, Copy)]
struct Attacker {
    thread: Thread,
    number: usize,
    /// Registers at its beginning.
    beginning: UserContext,
    /// Who hears of its faults.
    handler: Endpoint,
}

/// The round.
pub(crate) struct Game {
    attackers: [Attacker; ATTACKERS],
    space: CNode,
    /// The program again, where only the attackers' own memory can be written: what they do to
    /// each other's registers must not harm the driver.
    vspace: VSpaceRoot,
    faults: Endpoint,
    reply: Reply,
    /// What the attackers get copies of, and in which slot.
    prizes: [CPtr; SLOTS as usize],
}

/// Runs only when no attacker can, and says so.
fn sentinel(board: &'static Board) {
    let notification: Notification = board.cap(0);
    loop {
        notification.signal();
    }
}

impl Game {
    /// Builds everything from the world's memory.
    pub(crate) fn new(world: &mut World, seed: u64) -> Outcome<Self> {
        let (faults, reply) = (world.endpoint()?, world.reply()?);
        let space = world.cnode(SPACE_BITS)?;
        let vspace = vspace(world)?;
        let mut attackers = [attacker(world, faults, seed, 0)?; ATTACKERS];
        for (number, place) in attackers.iter_mut().enumerate().skip(1) {
            *place = attacker(world, faults, seed, number)?;
        }
        let notification = world.notification()?;
        let nobody = world.mint(notification, CapRights::WRITE, NOBODY_RUNS)?;
        root::TCB.bind_notification(notification)?;
        world.thread(Start::at(2), sentinel, &[nobody.cptr().bits()])?;
        let prizes = prizes(world, &attackers, space)?;
        Ok(Self {
            attackers,
            space,
            vspace,
            faults,
            reply,
            prizes,
        })
    }

    /// Lets them attack until they have made so many calls; how many it were.
    pub(crate) fn play(&self, world: &World, calls: u64) -> Outcome<u64> {
        let clock = Clock::start(world.boot);
        let mut seen = [0; ATTACKERS];
        for attacker in &self.attackers {
            self.revive(world, attacker)?;
        }
        loop {
            let badge = self.faults.recv(self.reply).badge;
            let counts = self
                .attackers
                .map(|attacker| attacker.thread.board.get(place::CALLS));
            // They may have overwritten their boards; nobody makes so many calls.
            let made = counts.iter().filter(|&&count| count < 1 << 32).sum();
            if made >= calls {
                return Ok(made);
            }
            check!(
                clock.micros() < PATIENCE,
                "only {made} of {calls} calls were made"
            );
            for (index, attacker) in self.attackers.iter().enumerate() {
                let stuck = badge == NOBODY_RUNS && counts[index] == seen[index];
                if stuck || badge == index as Word + 1 {
                    self.revive(world, attacker)?;
                }
            }
            if badge == NOBODY_RUNS {
                seen = counts;
            }
        }
    }

    /// How many of their calls were answered without an error.
    pub(crate) fn done(&self) -> u64 {
        let counts = self
            .attackers
            .iter()
            .map(|attacker| attacker.thread.board.get(place::DONE));
        counts.filter(|&count| count < 1 << 32).sum()
    }

    /// Gives an attacker back what it needs to attack, and throws it back to its beginning.
    fn revive(&self, world: &World, attacker: &Attacker) -> Outcome {
        for (index, prize) in (1..).zip(self.prizes) {
            if prize != CPtr::NULL {
                // Full slots stay as they are; what cannot be copied now is missing for a while.
                let _ = self
                    .space
                    .slot(index, SPACE_BITS as Word)
                    .copy_from(world.path(prize), CapRights::ALL);
            }
        }
        let Attacker {
            thread,
            number,
            beginning,
            handler,
        } = *attacker;
        let area = threads::area(number);
        let Some(frame) = image::frame_of(world.boot, area.ipc_buffer() as usize) else {
            return Err(crate::report::fail(format_args!(
                "a buffer outside the image"
            )));
        };
        let space = Space {
            cspace: self.space,
            guard: Some(Guard::zeros(64 - SPACE_BITS)),
            vspace: self.vspace,
        };
        thread.tcb.suspend()?;
        thread.tcb.configure(space, area.ipc_buffer(), frame)?;
        thread.tcb.set_space(handler.cptr(), space)?;
        thread.tcb.set_timeout_endpoint(handler.cptr())?;
        thread.tcb.set_mc_priority(root::TCB, PRIORITY)?;
        thread.tcb.set_priority(root::TCB, PRIORITY)?;
        // It may have lost its time, or have that of another.
        for other in &self.attackers {
            let _ = other.thread.context.unbind_object(thread.tcb.cptr());
        }
        let _ = thread.context.unbind();
        world
            .sched_control()
            .configure(thread.context, Budget::new(BUDGET, PERIOD))?;
        let _ = thread.context.bind(thread.tcb);
        thread.tcb.write_registers(&beginning, true)?;
        Ok(())
    }

    /// Whether all memory is there again, and kernel objects work.
    pub(crate) fn check_memory(world: &mut World) -> Outcome {
        let whole = world.memory.retype(
            ObjectType::Untyped,
            MEMORY_BITS - 1,
            SlotWindow::many(root::CNODE, world.slots(2), 2),
        );
        check_eq!(whole, Ok(()), "the memory as a whole");
        world.path(world.memory).revoke()?;
        let notification = world.notification()?;
        world.mint(notification, CapRights::ALL, 0x11)?.signal();
        check_eq!(notification.poll(), 0x11);
        let endpoint = world.endpoint()?;
        endpoint.nb_send(Message::new(1));
        check_eq!(endpoint.nb_wait().badge, 0);
        Ok(())
    }
}

/// An attacker that does not run yet.
fn attacker(world: &mut World, faults: Endpoint, seed: u64, number: usize) -> Outcome<Attacker> {
    let start = Start {
        resume: false,
        ..Start::at(PRIORITY)
    };
    let thread = world.thread(start, attack, &[])?;
    // Neighbouring seeds must not give neighbouring numbers.
    let seed = (seed << 8 | (number as u64 + 1)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    thread
        .board
        .set(place::BUFFER, threads::area(number).ipc_buffer());
    thread.board.set(place::CHAOS, seed);
    let beginning = thread.tcb.read_registers(false)?;
    let handler = world.mint(faults, CapRights::ALL, number as Word + 1)?;
    Ok(Attacker {
        thread,
        number,
        beginning,
        handler,
    })
}

/// An address space with the program, read-only but for the attackers' own memory.
fn vspace(world: &mut World) -> Outcome<VSpaceRoot> {
    let vspace: VSpaceRoot = world.make(user_api::VSPACE_OBJECT, 0)?;
    root::ASID_POOL.assign(vspace)?;
    let frames = world.boot.user_image_frames;
    for (slot, address) in (frames.start..frames.end).zip(image::range().step_by(PAGE)) {
        let own = threads::writable()
            .iter()
            .any(|range| range.contains(&address));
        let rights = if own {
            CapRights::READ_WRITE
        } else {
            CapRights::READ
        };
        let copy = world.copy(Frame::new(slot), rights)?;
        while let Err(error) = copy.map(vspace, address as Word, rights, Attributes::DEFAULT) {
            let missing = MissingTable::from_error(error).ok_or(error)?;
            let table: CPtr = world.make(missing.object(), 0)?;
            missing.install(table, vspace, address as Word)?;
        }
    }
    Ok(vspace)
}

/// Something of everything.
fn prizes(
    world: &mut World,
    attackers: &[Attacker; ATTACKERS],
    space: CNode,
) -> Outcome<[CPtr; SLOTS as usize]> {
    use ObjectType::{
        CNode, Endpoint, Notification, Reply, SchedContext, Tcb, Untyped as RawMemory,
    };
    let mut prizes = [CPtr::NULL; SLOTS as usize];
    let mut places = prizes.iter_mut();
    let mut put = |cap: CPtr| {
        if let Some(place) = places.next() {
            *place = cap;
        }
    };
    for attacker in attackers {
        put(attacker.thread.tcb.cptr());
        put(attacker.thread.context.cptr());
    }
    put(space.cptr());
    put(world.sched_control().cptr());
    put(root::ASID_CONTROL.cptr());
    if PROFILE.num_domains == 1 {
        // Elsewhere they could give all time to another domain than the driver's.
        put(root::DOMAIN_SET.cptr());
    }
    for (object, size_bits) in [
        (RawMemory, 19),
        (RawMemory, 14),
        (RawMemory, 12),
        (Endpoint, 0),
        (Endpoint, 0),
        (Notification, 0),
        (Notification, 0),
        (Reply, 0),
        (Reply, 0),
        (SchedContext, 8),
        (Tcb, 0),
        (CNode, 5),
        (CNode, 3),
        (FrameSize::Small.object(), 0),
        (FrameSize::Small.object(), 0),
        (FrameSize::Large.object(), 0),
        (isa::TABLES[0], 0),
        (isa::TABLES[1], 0),
        (isa::TABLES[2], 0),
        (user_api::VSPACE_OBJECT, 0),
    ] {
        put(world.make(object, size_bits)?);
    }
    let memory: Untyped = world.untyped(12)?;
    let pool: Result<AsidPool, Error> =
        world.fill(|slot| root::ASID_CONTROL.make_pool(memory, slot));
    put(pool?.cptr());
    for prize in isa::prizes(world)? {
        put(prize);
    }
    Ok(prizes)
}
