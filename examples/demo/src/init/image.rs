//! The programs of the processes, as ELF files inside init. `build.rs` makes them.

use demo_common::Role;

/// The ELF file of a role's program. The spinners are one program in
/// several processes; the trespasser is one that counts in the wrong place.
pub(crate) const fn of(role: Role) -> &'static [u8] {
    match role {
        Role::Serial => include_bytes!(env!("PROGRAM_SERIAL")),
        Role::Timer => include_bytes!(env!("PROGRAM_TIMER")),
        Role::Pager => include_bytes!(env!("PROGRAM_PAGER")),
        Role::Wanderer => include_bytes!(env!("PROGRAM_WANDERER")),
        Role::Server => include_bytes!(env!("PROGRAM_SERVER")),
        Role::Client => include_bytes!(env!("PROGRAM_CLIENT")),
        Role::Thrifty | Role::Greedy | Role::Trespasser => include_bytes!(env!("PROGRAM_SPINNER")),
    }
}
