//! Calls and their answers.

use crate::bench::{Bench, HIGHER, OURS};
use crate::measure;
use crate::server::{Server, Time, Where};
use crate::space;
use user_alloc::Result;
use user_runtime::boot::root;

/// Lengths of messages: in registers, at their border, and in the buffer.
const WORDS: [usize; 8] = [0, 1, 4, 8, 12, 16, 64, 120];

pub(crate) fn run(bench: &mut Bench) -> Result {
    if !measure::wanted("call") {
        return Ok(());
    }
    for place in Where::ALL {
        let space = match place {
            Where::Other => space::twin(bench)?,
            Where::Same => root::SPACE,
        };
        let server = Server::start(bench, place, space)?;
        calls(&server, "equal", Time::Passive);
        server.time(Time::Passive, Time::Active)?;
        calls(&server, "equal", Time::Active);
        server.time(Time::Active, Time::Passive)?;
        server.priority(HIGHER)?;
        calls(&server, "higher", Time::Passive);
        server.priority(OURS)?;
    }
    Ok(())
}

fn calls(server: &Server, priority: &str, time: Time) {
    for words in WORDS {
        let parameter = format_args!(
            "words={words} space={} server={} priority={priority}",
            server.place.name(),
            time.name()
        );
        measure::steady("call", parameter, || server.call(words));
    }
}
