//! Tests of `cyc_wire` against vectors, properties and mutated bytes.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test says what it expects by unwrapping it, its helpers too")]

mod decoder;
mod freed;
mod ltc;
mod mutate;
mod opentrackio;
mod osc;
mod ptp;
mod timecodes;

use nalgebra::{Matrix3, UnitQuaternion};
use serde_json::Value;

/// A data file of the repository.
fn vectors(name: &str) -> Value {
    let path = format!("{}/../../tests/data/wire/{name}", env!("CARGO_MANIFEST_DIR"));
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

fn bytes(hex: &Value) -> Vec<u8> {
    let hex = hex.as_str().unwrap();
    (0..hex.len()).step_by(2).map(|i| u8::from_str_radix(&hex[i..i + 2], 16).unwrap()).collect()
}

fn list(value: &Value) -> &[Value] {
    value.as_array().unwrap()
}

fn triple(value: &Value) -> [f64; 3] {
    [0, 1, 2].map(|i| value[i].as_f64().unwrap())
}

fn rotation(rows: &Value) -> UnitQuaternion<f64> {
    let [a, b, c] = [triple(&rows[0]), triple(&rows[1]), triple(&rows[2])];
    UnitQuaternion::from_matrix(&Matrix3::from_row_slice(&[a, b, c].concat()))
}
