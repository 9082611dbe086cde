//! Properties: what holds for any input, looked for by machine. A silly model stands beside
//! every clever structure.

extern crate linchpin_kernel as kernel;

mod refill;
