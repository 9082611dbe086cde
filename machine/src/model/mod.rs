//! Placeholder module documentation, replaced by the model machine's own.
/// The machine as data.
pub struct Model;
