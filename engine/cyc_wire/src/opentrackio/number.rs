//! Numbers as senders write them: CBOR encoders shorten 10.0 to the integer 10, and only finite numbers mean
//! anything.

use serde::{
    Deserialize, Deserializer,
    de::{Error, Visitor},
};
use std::fmt;

struct Finite(f64);

impl<'de> Deserialize<'de> for Finite {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(FiniteVisitor)
    }
}

struct FiniteVisitor;

impl Visitor<'_> for FiniteVisitor {
    type Value = Finite;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a finite number")
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Finite, E> {
        if value.is_finite() { Ok(Finite(value)) } else { Err(E::custom("not finite")) }
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Finite, E> {
        Ok(Finite(value as f64))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Finite, E> {
        Ok(Finite(value as f64))
    }
}

/// For `#[serde(deserialize_with)]`: a number.
pub(super) fn one<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
    Ok(Finite::deserialize(deserializer)?.0)
}

/// For `#[serde(deserialize_with)]`: a number, null, or (with `default`) nothing.
pub(super) fn option<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<f64>, D::Error> {
    Ok(Option::<Finite>::deserialize(deserializer)?.map(|number| number.0))
}

/// For `#[serde(deserialize_with)]`: a list of numbers.
pub(super) fn list<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<f64>, D::Error> {
    Ok(Vec::<Finite>::deserialize(deserializer)?.into_iter().map(|number| number.0).collect())
}

/// For `#[serde(deserialize_with)]`: three integers. Not read as an array of three: ciborium would leave a
/// fourth item, or the break of an indefinite length, to whatever is read next.
pub(super) fn version<'de, D: Deserializer<'de>>(deserializer: D) -> Result<[u32; 3], D::Error> {
    let parts = Vec::<u32>::deserialize(deserializer)?;
    parts.try_into().map_err(|_| D::Error::custom("a version has three parts"))
}
