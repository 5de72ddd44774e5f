//! The name of a limit, and its bounds.

use std::borrow::Cow;
use std::sync::Arc;

use plimsoll_core::{Level, Watermarks};
use serde::de::{self, Deserialize, Deserializer};
use serde::ser::{Serialize, Serializer};

use super::number::{Wide, integer};
use crate::telemetry::limit::Category;
use crate::telemetry::tag::Tag;

/// The three parts of a name, flattened into the object that has it.
#[derive(serde::Serialize, serde::Deserialize)]
struct Named<'a> {
    name: Cow<'a, str>,
    category: Category,
    #[serde(default)]
    scope: Option<Cow<'a, str>>,
}

impl<'a> Named<'a> {
    fn of(tag: &'a Tag) -> Self {
        let scope = tag.scope.as_deref().map(Cow::Borrowed);
        Self { name: Cow::Borrowed(&tag.name), category: tag.category, scope }
    }

    fn tag(self, watermarks: Watermarks) -> Arc<Tag> {
        let owned = |text: Cow<'_, str>| Cow::Owned(text.into_owned());
        let Self { name, category, scope } = self;
        Arc::new(Tag { name: owned(name), category, scope: scope.map(owned), watermarks })
    }
}

pub(crate) mod name {
    use super::*;

    pub(crate) fn serialize<S: Serializer>(
        tag: &Arc<Tag>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        Named::of(tag).serialize(serializer)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Arc<Tag>, D::Error> {
        Ok(Named::deserialize(deserializer)?.tag(Watermarks::unbounded()))
    }
}

/// A name, and the bounds of the limit.
#[derive(serde::Serialize, serde::Deserialize)]
struct Bounded<'a> {
    #[serde(flatten, borrow)]
    named: Named<'a>,
    #[serde(default)]
    capacity: Option<Wide>,
    #[serde(default)]
    watermarks: Vec<Pair>,
}

/// The watermarks of one level.
#[derive(serde::Serialize, serde::Deserialize)]
struct Pair {
    #[serde(with = "super::levels::level")]
    level: Level,
    #[serde(with = "integer")]
    high: u64,
    #[serde(with = "integer")]
    low: u64,
}

fn pairs(watermarks: &Watermarks) -> Vec<Pair> {
    let pair = |level| {
        let (high, low) = watermarks.high(level).zip(watermarks.low(level))?;
        Some(Pair { level, high, low })
    };
    Level::ALL.into_iter().filter_map(pair).collect()
}

fn watermarks<E: de::Error>(capacity: Option<Wide>, pairs: &[Pair]) -> Result<Watermarks, E> {
    let levels = Level::ALL[1..].iter();
    if !pairs.iter().map(|pair| &pair.level).eq(levels.take(pairs.len())) {
        return Err(E::custom("watermarks come in the order of their levels, from elevated on"));
    }
    match (capacity, pairs) {
        (None, []) => Ok(Watermarks::unbounded()),
        (Some(Wide(0)), []) => Ok(Watermarks::rendezvous()),
        (Some(Wide(capacity)), [first, rest @ ..]) => {
            let first = Watermarks::try_wide_counts(capacity, first.high, first.low);
            let add = |marks: Watermarks, pair: &Pair| marks.try_with_level(pair.high, pair.low);
            first.and_then(|first| rest.iter().try_fold(first, add)).map_err(E::custom)
        }
        (Some(_), []) => Err(E::custom("a capacity above 0 has watermarks")),
        (None, _) => Err(E::custom("watermarks need a capacity")),
    }
}

pub(crate) mod limit {
    use super::*;

    pub(crate) fn serialize<S: Serializer>(
        tag: &Arc<Tag>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        let (capacity, watermarks) = (tag.watermarks.capacity().map(Wide), pairs(&tag.watermarks));
        Bounded { named: Named::of(tag), capacity, watermarks }.serialize(serializer)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Arc<Tag>, D::Error> {
        let Bounded { named, capacity, watermarks } = Bounded::deserialize(deserializer)?;
        Ok(named.tag(self::super::watermarks(capacity, &watermarks)?))
    }
}
