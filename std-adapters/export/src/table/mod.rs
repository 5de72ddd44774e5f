//! The table of families: what is exported, in the order of the text formats.

mod guests;
mod itself;
mod ledgers;
mod limits;
mod pools;

use crate::family::{Family, Unit};

/// Every family.
pub(crate) static FAMILIES: [&[Family]; 5] =
    [&limits::FAMILIES, &pools::FAMILIES, &ledgers::FAMILIES, &guests::FAMILIES, &itself::FAMILIES];

const ITEMS: Unit = Unit::Things("{item}");

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;
    use crate::family::Kind;

    #[test]
    fn names_say_their_unit_and_kind() {
        let mut names = HashSet::new();
        for family in FAMILIES.iter().copied().flatten() {
            let name = family.name;
            assert!(names.insert(name), "{name} is there twice");
            assert!(
                name.starts_with("plimsoll_") && family.otel.starts_with("plimsoll."),
                "{name}"
            );
            assert_eq!(name.ends_with("_total"), family.kind == Kind::Counter, "{name}");
            let base = family.base_name();
            for suffix in ["bytes", "seconds"] {
                let is_named = base.ends_with(&format!("_{suffix}"));
                assert_eq!(is_named, family.unit.suffix() == Some(suffix), "{name}");
            }
            for suffix in ["_count", "_sum", "_bucket", "_created", "_total"] {
                assert!(!base.ends_with(suffix), "{name} ends as a series of a histogram does");
            }
            assert!(family.help.ends_with('.') && !family.help.contains(['\n', '\\']), "{name}");
        }
    }

    #[test]
    fn one_otel_name_has_one_kind_and_unit() {
        let families = || FAMILIES.iter().copied().flatten();
        for (one, other) in families().flat_map(|one| families().map(move |other| (one, other))) {
            if one.otel == other.otel {
                assert_eq!((one.kind, one.unit), (other.kind, other.unit), "{}", one.otel);
            }
        }
    }
}
