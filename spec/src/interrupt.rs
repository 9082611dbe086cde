//! Long calls give way to interrupts. Wherever one comes: the invariants hold where the call gave
//! way, it is made again, and in the end all is as if nothing had come. Even if one comes at the
//! first occasion each time, the call ends.

use crate::explore::again;
use crate::judge::Verdict;
use crate::model::{Cap, Request, State};
use crate::refinement::{Lens, abstraction};
use crate::saved::Saved;
use crate::world::{self, Everything, Progress, Way, World};
use machine::model::TIMER_IRQ;

/// Units of work between two points where the kernel looks.
const UNITS: u32 = abi::PROFILE.max_work_units as u32;
/// No call of a small world has so many points.
const MANY: u32 = 200;

/// `call`, which has just been made from `saved` and led to `expected`, is made again with an
/// interrupt at each of its points. How many times that was.
pub fn everywhere(
    world: &mut World,
    lens: &Lens,
    before: &State,
    saved: &Saved,
    call: &Request,
    expected: &State,
) -> Verdict<usize> {
    let (units, asked) = (world.k.work, world.k.machine.asks());
    let end = Saved::of(&mut world.k);
    saved.put(&mut world.k);
    let asked = asked - world.k.machine.asks();
    let points: Vec<Point> = match asked {
        0 => (1..=units).map(Point::Unit).collect(),
        // So much work that the kernel looked by itself.
        _ => (1..=asked).map(Point::Look).collect(),
    };
    for point in &points {
        once(world, lens, before, saved, call, expected, &[*point])
            .map_err(|why| format!("interrupted at {point:?} of {}: {why}", points.len()))?;
    }
    if let Some(first) = points.first() {
        let always = [*first; MANY as usize];
        once(world, lens, before, saved, call, expected, &always)
            .map_err(|why| format!("interrupted at every point: {why}"))?;
    }
    end.put(&mut world.k);
    match points.len() {
        0 => Ok(0),
        points => Ok(points + 1),
    }
}

/// Where an interrupt comes.
#[derive(Clone, Copy, Debug)]
enum Point {
    /// After so much work, though the kernel would look only after much more.
    Unit(u32),
    /// As the kernel looks for the n-th time.
    Look(u64),
}

/// The call, and the same again as often as it gives way, interrupted at `points` in turn.
fn once(
    world: &mut World,
    lens: &Lens,
    before: &State,
    saved: &Saved,
    call: &Request,
    expected: &State,
    points: &[Point],
) -> Verdict<()> {
    saved.put(&mut world.k);
    let current = world.k.current();
    let player = world
        .players
        .iter()
        .find(|player| Some(player.tcb) == current);
    let player = *player.ok_or("somebody runs who does not play")?;
    if again(before).is_none() {
        world::say(&mut world.k, player.tcb, player.buffer, call);
    }
    for n in 0..=MANY as usize {
        world::goes_on(&mut world.k, player.tcb);
        match points.get(n) {
            Some(Point::Unit(point)) => {
                world.k.work = UNITS.saturating_sub(*point);
                world.k.machine.raise_at_ask(1, TIMER_IRQ);
            }
            Some(Point::Look(ask)) => {
                world.k.work = 0;
                world.k.machine.raise_at_ask(*ask, TIMER_IRQ);
            }
            None => world.k.work = 0,
        }
        world::step(&mut world.k, call.syscall, Way::Fast);
        while let Some(irq) = world.k.machine.take_interrupt() {
            world::interrupt(&mut world.k, irq);
        }
        world.k.machine.drop_script();
        world.k.work = 0;
        let everything = Everything::new(&world.k, lens.frame, world.surroundings());
        kernel::check::all(&world.k, &everything).map_err(|violation| format!("{violation:?}"))?;
        match world::progress(&world.k, player.tcb) {
            Progress::Done => {
                let now = abstraction(&world.k, lens).state;
                return match now == *expected {
                    true => Ok(()),
                    false => Err(crate::judge::difference(&now, expected)),
                };
            }
            Progress::Again if world.k.current() == Some(player.tcb) => {
                let now = abstraction(&world.k, lens).state;
                if invoked(&now, call) != invoked(before, call) {
                    // It has deleted the capability by which it deletes.
                    return Ok(());
                }
            }
            // Who has ended or lost its time does not finish what it began, and who has woken
            // somebody more important does so later.
            Progress::Again | Progress::Stopped => return Ok(()),
        }
    }
    Err("the call never ends".into())
}

/// The capability that a call invokes.
fn invoked(state: &State, call: &Request) -> Option<Cap> {
    let slot = state.lookup(state.current?, call.cap).ok()?;
    state.cap(slot)
}
