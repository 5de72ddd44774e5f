//! Durations, as integers in the unit that ends their field's name.

use std::time::Duration;

use serde::de::{Deserialize, Deserializer};
use serde::ser::{Serialize, Serializer};

use super::number::Wide;

fn in_us(time: Duration) -> Wide {
    Wide(u64::try_from(time.as_micros()).unwrap_or(u64::MAX))
}

/// Whole microseconds, rounded down.
pub(crate) mod us {
    use super::*;

    pub(crate) fn serialize<S: Serializer>(
        time: &Duration,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        in_us(*time).serialize(serializer)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Duration, D::Error> {
        Wide::deserialize(deserializer).map(|us| Duration::from_micros(us.0))
    }
}

/// The same; `null` for none.
pub(crate) mod maybe_us {
    use super::*;

    pub(crate) fn serialize<S: Serializer>(
        time: &Option<Duration>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        time.map(in_us).serialize(serializer)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<Duration>, D::Error> {
        let us = Option::<Wide>::deserialize(deserializer)?;
        Ok(us.map(|us| Duration::from_micros(us.0)))
    }
}
