//! The fault handler of all processes but itself and the serial driver (which it prints by).
//!
//! A fault arrives as a message from the thread that cannot go on; its badge tells who that is.
//! The wanderer's missing pages are mapped from a few frames, and the answer lets it go on. All
//! other faults are reported and not answered: that thread stays where it is.
#![no_std]
#![no_main]
#![deny(unsafe_code)]

use demo_common::protocol::REFUSED;
use demo_common::protocol::pager::RECLAIM;
use demo_common::protocol::wanderer::BEACH;
use demo_common::{Role, isa, say, slot};
use user_api::{Attributes, CapRights, Fault, Message, Result, Word};

user_runtime::process!(main);

const PAGE: Word = 1 << abi::object::PAGE_BITS;

fn main(_: Word) -> Result {
    let mut used = 0;
    let mut message = slot::SERVICE.recv(slot::REPLY);
    loop {
        let answer = match Fault::decode(&message) {
            Some(fault) => handle(Role::of_badge(message.badge), fault, &mut used)?,
            None if message.label() == RECLAIM => Some(reclaim(&mut used)?),
            None => Some(Message::new(REFUSED)),
        };
        message = match answer {
            Some(answer) => slot::SERVICE.reply_recv(answer, slot::REPLY),
            None => slot::SERVICE.recv(slot::REPLY),
        };
    }
}

/// The answer, if the thread can go on.
fn handle(who: Option<Role>, fault: Fault, used: &mut Word) -> Result<Option<Message>> {
    let name = who.map_or("somebody", Role::name);
    match fault {
        Fault::Vm {
            ip,
            address,
            status,
            prefetch: false,
        } if who == Some(Role::Wanderer)
            && BEACH.contains(&address)
            && *used < slot::FRAME_COUNT =>
        {
            let verb = if isa::is_write(status) {
                "writes to"
            } else {
                "reads"
            };
            let page = address & !(PAGE - 1);
            let frame = slot::frame(*used);
            frame.map(
                slot::SPACE,
                page,
                CapRights::READ_WRITE,
                Attributes::DEFAULT,
            )?;
            *used += 1;
            say!("   pager: {name} at {ip:#x} {verb} {address:#x}: mapped a page, go on");
            Ok(Some(Message::restart()))
        }
        Fault::Vm { ip, address, .. } => {
            say!("   pager: {name} at {ip:#x} has no memory at {address:#x}: it stays stopped");
            Ok(None)
        }
        other => {
            say!("   pager: {name} stays stopped: {other:x?}");
            Ok(None)
        }
    }
}

/// Unmaps what was mapped.
fn reclaim(used: &mut Word) -> Result<Message> {
    let count = core::mem::take(used);
    for number in 0..count {
        slot::frame(number).unmap()?;
    }
    Ok(Message::default().with_words(&[count]))
}
