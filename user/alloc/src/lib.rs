//! Managers of what the root task is given: slots, untyped memory, address space.
#![no_std]
