//! Levels, by their names.

use std::borrow::Cow;

use plimsoll_core::Level;
use serde::de::{self, Deserialize, Deserializer};
use serde::ser::Serializer;

pub(super) fn by_name<E: de::Error>(name: &str) -> Result<Level, E> {
    const NAMES: [&str; 4] = ["normal", "elevated", "critical", "full"];
    let level = Level::ALL.into_iter().find(|level| level.as_str() == name);
    level.ok_or_else(|| E::unknown_variant(name, &NAMES))
}

pub(crate) mod level {
    use super::*;

    pub(crate) fn serialize<S: Serializer>(
        level: &Level,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(level.as_str())
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Level, D::Error> {
        by_name(&Cow::<str>::deserialize(deserializer)?)
    }
}
