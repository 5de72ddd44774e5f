//! The principals of a ledger's values.

use std::borrow::Cow;

use plimsoll_core::ledger::{Entry, Key};
use serde::de::{self, Deserialize, Deserializer};
use serde::ser::{Serialize, Serializer};

use super::number::{EXACT_MAX, Wide};

/// Text and small numbers as themselves, everything else in an object that says what it is.
#[derive(serde::Serialize, serde::Deserialize)]
#[serde(untagged)]
enum Form<'a> {
    Number(u64),
    Text(Cow<'a, str>),
    Other(Other<'a>),
}

#[derive(serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
enum Other<'a> {
    /// A number that is too large for some readers.
    Integer(Wide),
    /// What stands for a longer id.
    Digest(Cow<'a, str>),
    /// Hexadecimal, of what is no text.
    Bytes(Cow<'a, str>),
    DigestBytes(Cow<'a, str>),
}

impl<'a> Form<'a> {
    fn of(key: &'a Key) -> Self {
        match (key.as_integer(), key.as_str(), key.is_digest()) {
            (Some(number), ..) if number <= EXACT_MAX => Self::Number(number),
            (Some(number), ..) => Self::Other(Other::Integer(Wide(number))),
            (None, Some(text), false) => Self::Text(text.into()),
            (None, Some(text), true) => Self::Other(Other::Digest(text.into())),
            (None, None, false) => Self::Other(Other::Bytes(hex(key).into())),
            (None, None, true) => Self::Other(Other::DigestBytes(hex(key).into())),
        }
    }

    fn key<E: de::Error>(&self) -> Result<Key, E> {
        let of_bytes = |bytes: &[u8]| match bytes {
            // What is recorded for the key of no entry.
            [] => Ok(*Entry::NONE.key()),
            bytes => Key::new(bytes).map_err(E::custom),
        };
        let digest = |bytes: &[u8]| match bytes.try_into() {
            Ok(digits) => Ok(Key::digest(digits)),
            Err(_) => Err(E::custom(format_args!("a digest has 64 bytes (got {})", bytes.len()))),
        };
        match self {
            Self::Number(number) => Ok(Key::from(*number)),
            Self::Text(text) => of_bytes(text.as_bytes()),
            Self::Other(Other::Integer(Wide(number))) => Ok(Key::from(*number)),
            Self::Other(Other::Digest(text)) => digest(text.as_bytes()),
            Self::Other(Other::Bytes(hex)) => of_bytes(&unhex(hex)?),
            Self::Other(Other::DigestBytes(hex)) => digest(&unhex(hex)?),
        }
    }
}

fn hex(key: &Key) -> String {
    let bytes = key.as_bytes().unwrap_or_default();
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn unhex<E: de::Error>(hex: &str) -> Result<Vec<u8>, E> {
    let flaw = || E::custom("bytes are pairs of hexadecimal digits");
    let digit = |byte: &u8| char::from(*byte).to_digit(16).ok_or_else(flaw);
    let pairs = hex.as_bytes().chunks(2).map(|pair| match pair {
        [high, low] => Ok((digit(high)? << 4 | digit(low)?) as u8),
        _ => Err(flaw()),
    });
    pairs.collect()
}

/// `null` for one that is not told.
pub(crate) mod principal {
    use super::*;

    pub(crate) fn serialize<S: Serializer>(
        key: &Option<Key>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        key.as_ref().map(Form::of).serialize(serializer)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<Key>, D::Error> {
        let form = Option::<Form<'_>>::deserialize(deserializer)?;
        form.map(|form| form.key()).transpose()
    }
}
