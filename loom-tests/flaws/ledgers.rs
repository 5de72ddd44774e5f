//! Mistakes in ledgers.

use super::{Flaw, Place};

pub(crate) const FLAWS: &[Flaw] = &[
    Flaw {
        name: "EvictByKey",
        does: "Evicts whatever is in the slot by now, as a design that evicts by key does.",
        places: &[
            Place {
                file: "ledger/group.rs",
                function: "try_record<",
                right: "word.value() != floor",
                wrong: "false",
            },
            Place {
                file: "ledger/group.rs",
                function: "try_record<",
                right: VICTIM,
                wrong: "Place { set: index, slot, word: set.look(slot) }",
            },
            Place {
                file: "ledger/slot.rs",
                function: "replace(",
                right: "next.value() > word.value()",
                wrong: "true",
            },
        ],
    },
    Flaw {
        name: "FirstLowerVictim",
        does: "Evicts the first entry that is below the newcomer.",
        places: &[Place {
            file: "ledger/group.rs",
            function: "try_record<",
            right: VICTIM,
            wrong: "(0..super::WAYS).map(|slot| Place { set: index, slot, word: set.look(slot) }) \
                    .find(|place| place.word.value() < admission.value) \
                    .unwrap_or(Place { set: index, slot, word })",
        }],
    },
    Flaw {
        name: "EitherLeastVictim",
        does: "Of several least entries, evicts the first or the last, as the newcomer's value is even or \
               odd.",
        places: &[Place {
            file: "ledger/group.rs",
            function: "try_record<",
            right: VICTIM,
            wrong: "(0..super::WAYS).map(|slot| Place { set: index, slot, word: set.look(slot) }) \
                    .rfind(|place| admission.value % 2 == 1 && place.word.value() == word.value()) \
                    .unwrap_or(Place { set: index, slot, word })",
        }],
    },
    Flaw {
        name: "UnvalidatedReader",
        does: "Believes a key, or its error, without a second look at its slot.",
        places: &[
            Place {
                file: "ledger/search.rs",
                function: "read_at(",
                right: "set.slots[place.slot].still(place.word)",
                wrong: "set.slots[place.slot].still(place.word) || true",
            },
            Place {
                file: "ledger/search.rs",
                function: "confirm(",
                right: "slot.still(word)",
                wrong: "slot.still(word) || true",
            },
            Place {
                file: "ledger/search.rs",
                function: "entry(",
                right: "slot.still(word)",
                wrong: "slot.still(word) || true",
            },
        ],
    },
    Flaw {
        name: "ListedTwice",
        does: "Lists a key again that has moved to another slot.",
        places: &[
            Place {
                file: "ledger/view.rs",
                function: "put(",
                right: "!self.tags.insert(word)",
                wrong: "self.tags.insert(word); false",
            },
            Place {
                file: "ledger/top.rs",
                function: "read_keys(",
                right: "!amend(&mut buffer[..len], &entry)",
                wrong: "true",
            },
        ],
    },
    Flaw {
        name: "SingleCollect",
        does: "Says how high an absent key can be from one collection of the slots.",
        places: &[
            Place {
                file: "ledger/view.rs",
                function: "read(",
                right: "(self.len, self.tags) = (0, TagSet::EMPTY);",
                wrong: "(self.len, self.tags) = (0, TagSet::EMPTY); \
                        self.absent_max = group.absent_max();",
            },
            Place {
                file: "ledger/view.rs",
                function: "read(",
                right: "self.absent_max = group.absent_max().max(above);",
                wrong: "self.absent_max = self.absent_max.max(above);",
            },
            Place {
                file: "ledger/search.rs",
                function: "get(",
                right: "Err(self.absent_max())",
                wrong: "Err(match found { Found::Least { value, .. } => \
                        self.first().bound.get().over(value), Found::Entry(_) => 0 })",
            },
        ],
    },
    Flaw {
        name: "BoundFirst",
        does: "Looks how high absent keys can be before it lists the largest entries.",
        places: &[
            Place {
                file: "ledger/top.rs",
                function: "top_between<",
                right: LOOK,
                wrong: "{ list.bound = self.bound_from(0); self.look_for_highest(&mut list) }",
            },
            NO_BOUND_AT_THE_END,
        ],
    },
    Flaw {
        name: "BoundBeforeKeys",
        does: "Looks how high absent keys can be before it reads the keys of the largest.",
        places: &[
            Place {
                file: "ledger/top.rs",
                function: "top_between<",
                right: LOOK,
                wrong: "{ self.look_for_highest(&mut list); list.bound = self.bound_from(list.bound) }",
            },
            NO_BOUND_AT_THE_END,
        ],
    },
    Flaw {
        name: "ValueOfBefore",
        does: "Lists a key with the value that its slot had when it was among the largest.",
        places: &[Place {
            file: "ledger/top.rs",
            function: "read_keys(",
            right: "buffer[len] = entry;",
            wrong: "buffer[len] = Entry { value, ..entry };",
        }],
    },
    Flaw {
        name: "CeilingAfter",
        does: "Raises the ceiling of a set after the slot.",
        places: &[
            Place {
                file: "ledger/set.rs",
                function: "raise_at(",
                right: "self.ceiling.cover_raise(to, &self.floor);",
                wrong: "",
            },
            Place {
                file: "ledger/set.rs",
                function: "raise_at(",
                right: "self.slots[slot].raise(word, to)?",
                wrong: "{ let word = self.slots[slot].raise(word, to)?; \
                        self.ceiling.cover_raise(to, &self.floor); word }",
            },
            Place {
                file: "ledger/group.rs",
                function: "admit_over(",
                right: "self.ceiling.cover(value);",
                wrong: "",
            },
            Place {
                file: "ledger/group.rs",
                function: "admit_over(",
                right: "self.note_hint(least.slot, tag);",
                wrong: "{ self.ceiling.cover(value); self.note_hint(least.slot, tag); }",
            },
        ],
    },
    Flaw {
        name: "LeakedCell",
        does: "Does not put a victim's cell back.",
        places: &[
            Place {
                file: "ledger/group.rs",
                function: "look_and_record(",
                right: "cells.put_back(cell);",
                wrong: "",
            },
            Place {
                file: "ledger/group.rs",
                function: "remove(",
                right: "set.cells.put_back(word.cell());",
                wrong: "",
            },
        ],
    },
    Flaw {
        name: "AddTwice",
        does: "Adds a weight again after a failed exchange, as if that had not been its only addition.",
        places: &[Place {
            file: "ledger/set.rs",
            function: "raise_at(",
            right: "self.slots[slot].raise(word, to)?",
            wrong: "if let Some(raised) = self.slots[slot].raise(word, to) { raised } else { \
                    let word = self.look(slot); \
                    let twice = rule.raise(word.value()).and_then(|sum| rule.raise(sum))?; \
                    self.slots[slot].raise(word, twice); return None; }",
        }],
    },
    Flaw {
        name: "FloorTooHigh",
        does: "Notes the newcomer's value as the set's floor, and not its victim's.",
        places: &[Place {
            file: "ledger/group.rs",
            function: "try_record<",
            right: "self.first().floor.note(floor);",
            wrong: "self.first().floor.note(admission.value);",
        }],
    },
    Flaw {
        name: "NoMergeBound",
        does: "Merges the entries of another ledger, and not what it has lost.",
        places: &[
            Place {
                file: "ledger/merge.rs",
                function: "merge<T>(&self,",
                right: "mine.first().bound.raise(view.absent_max)",
                wrong: "",
            },
            Place {
                file: "ledger/merge.rs",
                function: "merge<T>(&self,",
                right: "view.absent_max > highest",
                wrong: "false",
            },
            Place {
                file: "ledger/merge.rs",
                function: "merge<T>(&mut self,",
                right: "mine.first().bound.make_whole(bound);",
                wrong: "",
            },
        ],
    },
    Flaw {
        name: "CellForKey",
        does: "Takes a slot for a handle's if it leads to the same cell, whatever key is there now.",
        places: &[Place {
            file: "ledger/set.rs",
            function: "record_at(",
            right: CONFIRMED,
            wrong: "if word.cell() == place.word.cell() { Place { word, ..place } } else { \
                    Place { word: self.confirm(place.slot, place.word.tag(), key.into())?, ..place } }",
        }],
    },
    Flaw {
        name: "SlotForKey",
        does: "Takes the next word of a slot for the same key's.",
        places: &[Place {
            file: "ledger/search.rs",
            function: "read_at(",
            right: "set.confirm(place.slot, place.word.tag(), key)?",
            wrong: "set.look(place.slot)",
        }],
    },
    Flaw {
        name: "FloorForgotten",
        does: "Says of a key that was lost while it was read only what a merge has added to its bound.",
        places: &[Place {
            file: "ledger/search.rs",
            function: "get(",
            right: "self.read_at(place, key).ok_or_else(|| self.absent_max())",
            wrong: "self.read_at(place, key).ok_or_else(|| self.first().bound.get().value())",
        }],
    },
    Flaw {
        name: "LossUnsaid",
        does: "Evicts from merged sums without raising the bound on absent keys.",
        places: &[Place {
            file: "ledger/group.rs",
            function: "try_record<",
            right: "self.first().bound.raise(floor);",
            wrong: "",
        }],
    },
    Flaw {
        name: "OnePass",
        does: "Says of a certificate what one pass has found, whatever has risen meanwhile.",
        places: &[Place {
            file: "ledger/certificate.rs",
            function: "certificate(",
            right: "risen <= cut",
            wrong: "true",
        }],
    },
    Flaw {
        name: "FirstSetsLeast",
        does: "Evicts the least of the first set, where there are two.",
        places: &[Place {
            file: "ledger/search.rs",
            function: "find(",
            right: "SlotWord::of_rank(rank).1 < SlotWord::of_rank(least).1",
            wrong: "false",
        }],
    },
    Flaw {
        name: "FreedSlot",
        does: "Frees the slot of a removed key, so that its words come again.",
        places: &[Place {
            file: "ledger/slot.rs",
            function: "remove(",
            right: "word.transition_to_tombstone()",
            wrong: "SlotWord::EMPTY",
        }],
    },
];

/// A reader of the largest that looks for the bound elsewhere.
const NO_BOUND_AT_THE_END: Place = Place {
    file: "ledger/top.rs",
    function: "top_between<",
    right: "self.bound_from(bound)",
    wrong: "bound",
};

/// The first look of a reader of the largest.
const LOOK: &str = "self.look_for_highest(&mut list)";

/// Who is evicted.
const VICTIM: &str = "Place { set: index, slot, word }";

/// A handle's slot that has changed.
const CONFIRMED: &str =
    "Place { word: self.confirm(place.slot, place.word.tag(), key.into())?, ..place }";
