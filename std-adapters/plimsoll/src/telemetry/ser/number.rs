//! Integers: numbers up to 2^53, and text above, which readers without 64-bit integers need.

use std::fmt;

use serde::de::{self, Deserialize, Deserializer, Visitor};
use serde::ser::{Serialize, Serializer};

/// What a reader that knows floating point only still gets right, such as JavaScript.
pub(super) const EXACT_MAX: u64 = 1 << 53;

/// A number up to 2^53, and text above that. Both forms of any number are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Wide(pub(super) u64);

impl Serialize for Wide {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            ..=EXACT_MAX => serializer.serialize_u64(self.0),
            more => serializer.collect_str(&more),
        }
    }
}

impl<'de> Deserialize<'de> for Wide {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Number;

        impl Visitor<'_> for Number {
            type Value = Wide;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an integer from 0 to 2^64 - 1, as a number or as text")
            }

            fn visit_u64<E: de::Error>(self, number: u64) -> Result<Wide, E> {
                Ok(Wide(number))
            }

            fn visit_i64<E: de::Error>(self, number: i64) -> Result<Wide, E> {
                let unexpected = de::Unexpected::Signed(number);
                u64::try_from(number).map(Wide).map_err(|_| E::invalid_value(unexpected, &self))
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Wide, E> {
                let unexpected = de::Unexpected::Other("text that is no such integer");
                text.parse().map(Wide).map_err(|_| E::invalid_value(unexpected, &self))
            }
        }

        deserializer.deserialize_any(Number)
    }
}

/// An unsigned integer of a field.
pub(crate) trait Integer: Copy + TryFrom<u64> {
    fn wide(self) -> u64;
}

impl Integer for u64 {
    fn wide(self) -> u64 {
        self
    }
}

impl Integer for u32 {
    fn wide(self) -> u64 {
        self.into()
    }
}

impl Integer for usize {
    fn wide(self) -> u64 {
        self as u64
    }
}

fn narrow<I: Integer, E: de::Error>(wide: Wide) -> Result<I, E> {
    I::try_from(wide.0).map_err(|_| E::custom(format_args!("{} is too large here", wide.0)))
}

pub(crate) mod integer {
    use super::*;

    pub(crate) fn serialize<I: Integer, S: Serializer>(
        number: &I,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        Wide(number.wide()).serialize(serializer)
    }

    pub(crate) fn deserialize<'de, I: Integer, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<I, D::Error> {
        narrow(Wide::deserialize(deserializer)?)
    }
}

/// The same; `null` for none.
pub(crate) mod maybe_integer {
    use super::*;

    pub(crate) fn serialize<I: Integer, S: Serializer>(
        number: &Option<I>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        number.map(|number| Wide(number.wide())).serialize(serializer)
    }

    pub(crate) fn deserialize<'de, I: Integer, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<I>, D::Error> {
        Option::<Wide>::deserialize(deserializer)?.map(narrow).transpose()
    }
}
