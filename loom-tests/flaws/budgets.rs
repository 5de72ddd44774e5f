//! Mistakes in budgets.

use super::{Flaw, Place};

pub(crate) const FLAWS: &[Flaw] = &[
    Flaw {
        name: "TakenUnchecked",
        does: "Takes by an addition after the check, and not by an exchange.",
        places: &[Place {
            file: "budget/usage.rs",
            function: "take(",
            right: "self.exchange(state, next)",
            wrong: "{ self.word.fetch_add(next.word() - state.word(), Ordering::Acquire); Ok(next) }",
        }],
    },
    Flaw {
        name: "RootNotRolledBack",
        does: "Keeps at the leaf what the root has refused.",
        places: &[Place {
            file: "budget/path.rs",
            function: "roll_back<",
            right: "node.undo(ask.amount)",
            wrong: "node.end()",
        }],
    },
    Flaw {
        name: "AskNotCounted",
        does: "Does not count the asks in flight.",
        places: &[
            Place {
                file: "budget/usage.rs",
                function: "take(",
                right: "state.take(amount, in_flight)",
                wrong: "state.take(amount, false)",
            },
            Place {
                file: "budget/usage.rs",
                function: "end(",
                right: "State::from_word(self.word.fetch_sub(State::end(), Ordering::Relaxed)).after_end()",
                wrong: "self.look()",
            },
            Place {
                file: "budget/usage.rs",
                function: "undo(",
                right: "State::step(amount) + State::end()",
                wrong: "State::step(amount)",
            },
            Place {
                file: "budget/usage.rs",
                function: "undo(",
                right: "State::from_word(before).give(amount).after_end()",
                wrong: "State::from_word(before).give(amount)",
            },
        ],
    },
    Flaw {
        name: "JudgedInFlight",
        does: "Makes an edge of what an ask in flight has taken.",
        places: &[Place {
            file: "budget/judge.rs",
            function: "settle(",
            right: "seen.is_at_rest()",
            wrong: "true",
        }],
    },
    Flaw {
        name: "LastAskNotJudged",
        does: "Ends an ask without judging what was left to it.",
        places: &[Place {
            file: "budget/node.rs",
            function: "end(",
            right: "self.is_due_after_more(state)",
            wrong: "false",
        }],
    },
    Flaw {
        name: "MarkTakenInFlight",
        does: "Begins a window with what an ask in flight has taken.",
        places: &[Place {
            file: "budget/judge.rs",
            function: "take_high_water(",
            right: "seen.is_at_rest()",
            wrong: "true",
        }],
    },
    Flaw {
        name: "RollbackNotTold",
        does: "Gives back what an ask has taken, and wakes nobody.",
        places: &[Place {
            file: "budget/node.rs",
            function: "undo(",
            right: "state.is_waiting()",
            wrong: "false",
        }],
    },
    Flaw {
        name: "FlagReadBefore",
        does: "Reads the flag of waiters before it gives back.",
        places: &[Place {
            file: "budget/node.rs",
            function: "give(",
            right: "self.counts.give(amount)?",
            wrong: "{ let before = self.counts.state(); self.counts.give(amount)?.with_waiting(before.is_waiting()) }",
        }],
    },
    Flaw {
        name: "FlagNotHeeded",
        does: "Lets newcomers pass those that wait.",
        places: &[Place {
            file: "budget/usage.rs",
            function: "fits(",
            right: "!state.is_waiting() || matches!(asker, Asker::Waiter)",
            wrong: "true",
        }],
    },
    Flaw {
        name: "TurnNotMoved",
        does: "Changes the capacity beside an ask that has checked the old one.",
        places: &[Place {
            file: "budget/usage.rs",
            function: "resize(",
            right: "self.change(Ordering::Release, State::next_turn)",
            wrong: "self.change(Ordering::Release, |state| state)",
        }],
    },
];
