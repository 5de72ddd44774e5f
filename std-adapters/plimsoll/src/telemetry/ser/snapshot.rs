//! A whole snapshot, with the version of its form.

use std::borrow::Cow;
use std::fmt;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::de::{self, Deserialize, Deserializer, IgnoredAny, MapAccess, Visitor};
use serde::ser::{Serialize, SerializeStruct, Serializer};

use super::number::Wide;
use crate::telemetry::snapshot::Snapshot;

/// The version of the form in which snapshots are written, and which is read.
pub const SNAPSHOT_VERSION: u64 = 1;

/// Why a snapshot could not be [read](Snapshot::read_from).
#[derive(Debug)]
#[non_exhaustive]
pub enum ReadError<E> {
    /// It is of another version.
    Version {
        /// Its version.
        found: u64,
        /// The version that is read: [`SNAPSHOT_VERSION`].
        known: u64,
    },
    /// It is no snapshot.
    Format(E),
}

impl<E: fmt::Display> fmt::Display for ReadError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Version { found, known } => {
                write!(f, "the snapshot is of version {found}, and this program reads {known}")
            }
            Self::Format(error) => write!(f, "this is no snapshot: {error}"),
        }
    }
}

impl<E: std::error::Error + 'static> std::error::Error for ReadError<E> {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Version { .. } => None,
            Self::Format(error) => Some(error),
        }
    }
}

impl Serialize for Snapshot {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let lists = if cfg!(feature = "pool") { 4 } else { 3 };
        let mut fields = serializer.serialize_struct("Snapshot", 3 + lists)?;
        // First, so that a reader of another one is not led astray by what follows.
        fields.serialize_field("version", &SNAPSHOT_VERSION)?;
        fields.serialize_field("taken_unix_ms", &self.taken.map(unix_ms))?;
        fields.serialize_field("entries", &*self.entries)?;
        fields.serialize_field("ledgers", &self.ledgers)?;
        #[cfg(feature = "pool")]
        fields.serialize_field("pools", &self.pools)?;
        fields.serialize_field("watchers", &self.watchers)?;
        fields.serialize_field("events", &self.stats)?;
        fields.end()
    }
}

fn unix_ms(time: SystemTime) -> Wide {
    let passed = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    Wide(u64::try_from(passed.as_millis()).unwrap_or(u64::MAX))
}

/// A snapshot, or the version of one that cannot be read.
enum Read {
    Snapshot(Box<Snapshot>),
    Other(u64),
}

impl Snapshot {
    /// Reads a snapshot that was written by `serde`, of this program or another one.
    ///
    /// Names, labels and ids are taken as they are: a program that shows them escapes them, as
    /// `Display` does. Fields that are not known are ignored.
    ///
    /// ```
    /// use plimsoll::{ReadError, Registry, Snapshot, Watermarks};
    ///
    /// let registry = Registry::new();
    /// let frames = registry.gauge("frames", Watermarks::new(10))?;
    /// frames.add(9);
    /// let text = serde_json::to_string(&registry.snapshot())?;
    /// let read = Snapshot::read_from(&mut serde_json::Deserializer::from_str(&text))?;
    /// assert_eq!((read.entries()[0].name(), read.entries()[0].depth), ("frames", 9));
    ///
    /// let later = text.replacen(r#""version":1"#, r#""version":2"#, 1);
    /// let error = Snapshot::read_from(&mut serde_json::Deserializer::from_str(&later)).unwrap_err();
    /// assert!(matches!(error, ReadError::Version { found: 2, known: 1 }));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`ReadError`]: another version, or no snapshot. `Deserialize` has the same as text.
    pub fn read_from<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Self, ReadError<D::Error>> {
        match deserializer.deserialize_map(Fields) {
            Ok(Read::Snapshot(snapshot)) => Ok(*snapshot),
            Ok(Read::Other(found)) => Err(ReadError::Version { found, known: SNAPSHOT_VERSION }),
            Err(error) => Err(ReadError::Format(error)),
        }
    }
}

impl<'de> Deserialize<'de> for Snapshot {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Snapshot::read_from(deserializer).map_err(|error| match error {
            ReadError::Format(error) => error,
            version => de::Error::custom(version),
        })
    }
}

struct Fields;

impl<'de> Visitor<'de> for Fields {
    type Value = Read;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a snapshot of Plimsoll, which has a version")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Read, A::Error> {
        let (mut snapshot, mut version) = (Snapshot::default(), None);
        while let Some(name) = map.next_key::<Cow<'_, str>>()? {
            // What another version holds under names that are known here, only it knows.
            let is_other = version.is_some_and(|version| version != SNAPSHOT_VERSION);
            let read = match &*name {
                "version" if version.is_some() => Err(de::Error::duplicate_field("version")),
                "version" => map.next_value().map(|Wide(found)| version = Some(found)),
                _ if is_other => map.next_value().map(|IgnoredAny| ()),
                "taken_unix_ms" => map.next_value().map(|ms| snapshot.taken = time(ms)),
                "entries" => map.next_value().map(|rows: Vec<_>| snapshot.entries = rows.into()),
                "ledgers" => map.next_value().map(|ledgers| snapshot.ledgers = ledgers),
                #[cfg(feature = "pool")]
                "pools" => map.next_value().map(|pools| snapshot.pools = pools),
                "watchers" => map.next_value().map(|watchers| snapshot.watchers = watchers),
                "events" => map.next_value().map(|stats| snapshot.stats = stats),
                _ => map.next_value().map(|IgnoredAny| ()),
            };
            if let Err(error) = read {
                // It may be of another version, which says so only later.
                let other = version.is_none().then(|| other_version(map)).flatten();
                return other.map(Read::Other).ok_or(error);
            }
        }
        match version {
            None => Err(de::Error::missing_field("version")),
            Some(SNAPSHOT_VERSION) => Ok(Read::Snapshot(Box::new(snapshot))),
            Some(other) => Ok(Read::Other(other)),
        }
    }
}

fn time(unix_ms: Option<Wide>) -> Option<SystemTime> {
    unix_ms.and_then(|ms| UNIX_EPOCH.checked_add(Duration::from_millis(ms.0)))
}

/// The version among the fields that are left, if it is another one.
fn other_version<'de>(mut map: impl MapAccess<'de>) -> Option<u64> {
    let mut other = None;
    while let Ok(Some(name)) = map.next_key::<Cow<'_, str>>() {
        if name == "version" {
            let Wide(version) = map.next_value().ok()?;
            other = Some(version).filter(|version| *version != SNAPSHOT_VERSION);
        } else {
            let _: IgnoredAny = map.next_value().ok()?;
        }
    }
    other
}
