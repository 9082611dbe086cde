//! placeholder
use crate::report::Tally;
use crate::world::World;
pub(crate) fn run(_world: &mut World, _filter: &str, _tally: &mut Tally) {}
