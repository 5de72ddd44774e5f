//! Which ledgers belong together.

use std::fmt;

use plimsoll::ledger::LedgerKind;
use plimsoll::{Category, InLine};

use crate::state::LedgerState;

/// Which ledger it is. Ledgers of several hosts belong together if all of this is equal.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct LedgerName {
    /// Its name.
    pub name: Box<str>,
    /// Its scope, if it has one.
    pub scope: Option<Box<str>>,
    /// What it is about.
    pub category: Category,
    /// What it keeps.
    pub kind: LedgerKind,
}

impl LedgerName {
    /// The name of a host's ledger.
    pub fn of(state: &LedgerState) -> Self {
        Self {
            name: state.name().into(),
            scope: state.scope().map(Into::into),
            category: state.category(),
            kind: state.kind(),
        }
    }

    /// Whether it is the name of this one.
    pub fn is_of(&self, state: &LedgerState) -> bool {
        let theirs = (state.name(), state.scope(), state.category(), state.kind());
        (&*self.name, self.scope.as_deref(), self.category, self.kind) == theirs
    }
}

/// `memory guest_memory[pool-1] (peak)`, on one line whatever the name holds.
impl fmt::Display for LedgerName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.category, InLine(&self.name))?;
        if let Some(scope) = &self.scope {
            write!(f, "[{}]", InLine(scope))?;
        }
        write!(f, " ({})", self.kind)
    }
}
