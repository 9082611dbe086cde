//! The comparison with the fact tables. Without them each test says that it was skipped.

mod memory;
mod messages;
mod numbers;
mod objects;

use serde_json::{Map, Value};

pub(crate) fn object(value: &Value) -> &Map<String, Value> {
    value
        .as_object()
        .unwrap_or_else(|| panic!("no object: {value}"))
}

pub(crate) fn number(value: &Value) -> i128 {
    value
        .as_i64()
        .map(i128::from)
        .or(value.as_u64().map(i128::from))
        .unwrap_or_else(|| panic!("no number: {value}"))
}

pub(crate) fn size(value: &Value) -> usize {
    usize::try_from(number(value)).unwrap()
}
