//! Mistakes in gauges, credit and rings.

use super::{Flaw, Place};

pub(crate) const FLAWS: &[Flaw] = &[
    Flaw {
        name: "SequenceStored",
        does: "Stores the number of an edge, over one that may be later.",
        places: &[Place {
            file: "gauge/mod.rs",
            function: "make_edge(",
            right: "self.sequence.fetch_max(last, Ordering::Relaxed);",
            wrong: "self.sequence.store(last, Ordering::Relaxed);",
        }],
    },
    Flaw {
        name: "MarkStored",
        does: "Stores a new high-water mark, over one that may be higher.",
        places: &[Place {
            file: "high_water.rs",
            function: "raise_cold(",
            right: "self.window.fetch_max(depth, Ordering::Relaxed);",
            wrong: "self.window.store(depth, Ordering::Relaxed);",
        }],
    },
    Flaw {
        name: "ReadingNotNoted",
        does: "Shows a depth that no recorder has noted yet, and does not note it.",
        places: &[Place {
            file: "gauge/mod.rs",
            function: "reading(",
            right: "self.marks.raise(depth);",
            wrong: "",
        }],
    },
    Flaw {
        name: "ManyPaidAsOne",
        does: "Pays for one item where several were moved at once.",
        places: &[
            Place {
                file: "credit.rs",
                function: "spend_many(",
                right: "self.left.store(left - items.min(count), Ordering::Relaxed);",
                wrong: "self.left.store(left - count.min(1), Ordering::Relaxed);",
            },
            Place {
                file: "credit.rs",
                function: "spend_many(",
                right: "items <= count",
                wrong: "1 <= count",
            },
        ],
    },
    Flaw {
        name: "RestOfCreditKept",
        does: "Keeps credit that was less than the items moved at once.",
        places: &[Place {
            file: "credit.rs",
            function: "spend_many(",
            right: "self.left.store(left - items.min(count), Ordering::Relaxed);",
            wrong: "if items <= count { self.left.store(left - items, Ordering::Relaxed); }",
        }],
    },
    Flaw {
        name: "MisfitIgnored",
        does: "Lets credit stand that no longer fits into the room.",
        places: &[Place {
            file: "credit.rs",
            function: "grant(",
            right: "let _ = self.exchange(granted, granted.generation() + GENERATION);",
            wrong: "return Grant::Done;",
        }],
    },
    Flaw {
        name: "RenewedInOneGeneration",
        does: "Begins credit anew and lets stand what others hold of it.",
        places: &[Place {
            file: "credit.rs",
            function: "grant(",
            right: "let _ = self.exchange(granted, granted.generation() + GENERATION);",
            wrong: "let _ = self.exchange(granted, granted.generation());",
        }],
    },
    Flaw {
        name: "MoveNotPaid",
        does: "Lets credit stand beside a move that nobody has paid for.",
        places: &[
            Place {
                file: "credit.rs",
                function: "fits(",
                right: "let _ = self.exchange(granted, granted.generation() + GENERATION);",
                wrong: "",
            },
            Place {
                file: "flow.rs",
                function: "settle(",
                right: "self.sends.fits(sends, send_room) & self.receives.fits(receives, receive_room)",
                wrong: "true",
            },
        ],
    },
    Flaw {
        name: "TheftNotVoided",
        does: "Passes a handle's credit to another thread without voiding it.",
        places: &[Place {
            file: "credit.rs",
            function: "steal(",
            right: "self.void();",
            wrong: "",
        }],
    },
    Flaw {
        name: "TheftVoidedEarly",
        does: "Voids it before, and not after.",
        places: &[
            Place {
                file: "credit.rs",
                function: "steal(",
                right: "credit.pass_to(thread);",
                wrong: "self.void(); credit.pass_to(thread);",
            },
            Place { file: "credit.rs", function: "steal(", right: "self.void();", wrong: "" },
        ],
    },
    Flaw {
        name: "TheftInOneGeneration",
        does: "Neither voids it, nor begins a generation with the new owner's first grant.",
        places: &[
            Place {
                file: "credit.rs",
                function: "grant(",
                right: "if alone { granted.generation() + GENERATION } else { granted.0 }",
                wrong: "if alone { granted.generation() } else { granted.0 }",
            },
            Place { file: "credit.rs", function: "steal(", right: "self.void();", wrong: "" },
        ],
    },
    Flaw {
        name: "RefusedBesideRoom",
        does: "Refuses a push that has found its slot taken by another, beside one that is free.",
        places: &[Place {
            file: "ring.rs",
            function: "push(",
            right: "stamp < free(lap)",
            wrong: "stamp != free(lap)",
        }],
    },
];
