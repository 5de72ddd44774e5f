//! Mistakes in pools.

use super::{Flaw, Place};

pub(crate) const FLAWS: &[Flaw] = &[
    Flaw {
        name: "UnpublishedReturn",
        does: "Returns an object without publishing what was done with it.",
        places: &[Place {
            file: "pool/slot.rs",
            function: "release(",
            right: "Ordering::Release",
            wrong: "Ordering::Relaxed",
        }],
    },
    Flaw {
        name: "AnyTenant",
        does: "Takes what is near without asking whose it is.",
        places: &[Place {
            file: "pool/slot.rs",
            function: "take(",
            right: "self.acquire(self.look(), Event::Take(tenant))",
            wrong: "let word = self.look(); self.acquire(word, Event::Take(word.tenant()))",
        }],
    },
    Flaw {
        name: "NoGeneration",
        does: "Does not count the changes of a slot.",
        places: &[Place {
            file: "pool/word.rs",
            function: "to(self, from",
            right: "self.0.wrapping_add(GENERATION_ONE)",
            wrong: "self.0",
        }],
    },
    Flaw {
        name: "EvictByPlace",
        does: "Evicts whatever is in the place by now.",
        places: &[Place {
            file: "pool/slot.rs",
            function: "evict(",
            right: "self.acquire(word, Event::Evict)",
            wrong: "let next = word.transition_on(Event::Evict).to()?; \
                    self.word.store(next.word(), Ordering::Relaxed); Some(next)",
        }],
    },
    Flaw {
        name: "RevokeByPlace",
        does: "Revokes whatever is in the place by now.",
        places: &[Place {
            file: "pool/slot.rs",
            function: "revoke(",
            right: "self.acquire(word, Event::Revoke)",
            wrong: "let next = word.transition_on(Event::Revoke).to()?; \
                    self.word.store(next.word(), Ordering::Relaxed); Some(next)",
        }],
    },
    Flaw {
        name: "SinceAfterReturn",
        does: "Says since when a slot is idle after it is idle.",
        places: &[
            Place {
                file: "pool/slot.rs",
                function: "release_idle(",
                right: "self.since.store(now.to_word(), Ordering::Relaxed);",
                wrong: "",
            },
            Place {
                file: "pool/slot.rs",
                function: "release_idle(",
                right: "self.release(word, event)",
                wrong: "let next = self.release(word, event); \
                        self.since.store(now.to_word(), Ordering::Relaxed); next",
            },
        ],
    },
    Flaw {
        name: "NoFenceAfterRelease",
        does: "Looks at the demand before the release is known to others.",
        places: &[Place {
            file: "pool/demand.rs",
            function: "look_after_release(",
            right: "fence_after_rmw();",
            wrong: "",
        }],
    },
    Flaw {
        name: "NoFenceAfterArrival",
        does: "Looks at the slots before the arrival is known to others.",
        places: &[Place {
            file: "pool/demand.rs",
            function: "arrive(",
            right: "fence_after_rmw();",
            wrong: "",
        }],
    },
    Flaw {
        name: "CloseWithoutFence",
        does: "Looks at the slots before the close is known to others.",
        places: &[Place {
            file: "pool/demand.rs",
            function: "close(",
            right: "fence_after_rmw();",
            wrong: "",
        }],
    },
];
