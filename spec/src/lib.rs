//! What the kernel is to do, and whether it does.
//!
//! - [`model`]: the specification. An executable, abstract model of the API, independent of the
//!   kernel's code. Start there.
//! - [`world`]: small worlds, made by system calls on the real kernel and the model machine;
//! - [`refinement`]: what a state of the kernel means in the specification's terms;
//! - [`space`]: page tables as the hardware reads them;
//! - [`judge`]: everything that is checked of one step;
//! - [`integrity`]: what a step may change; [`bystander`]: a thread that no step may change;
//! - [`explore`]: all states of a world, breadth first, each step judged;
//! - [`walk`]: long ways through a world, for fuzzing;
//! - [`interrupt`]: long calls, with an interrupt at each place where they may give way;
//! - [`alphabet`]: the calls that worlds are explored with; [`scopes`]: the worlds themselves.
//!
//! What is claimed on these grounds, and what is not, is in `docs/assurance.md`.

pub mod alphabet;
pub mod bystander;
pub mod explore;
pub mod integrity;
pub mod interrupt;
pub mod judge;
pub mod model;
pub mod refinement;
pub mod saved;
pub mod scopes;
pub mod space;
pub mod walk;
pub mod world;
