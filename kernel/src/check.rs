//! Executable invariants.
