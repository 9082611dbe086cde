//! The root tasks are in `src/bin`.
#![no_std]
