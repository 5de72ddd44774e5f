//! What a plan has reached.

/// The set of things that a plan has reached, in the order in which it did.
#[derive(Clone, Debug, Default)]
pub struct Seen(Vec<&'static str>);

impl Seen {
    /// Notes `what` if `reached`.
    pub fn note_if(&mut self, reached: bool, what: &'static str) {
        if reached && !self.0.contains(&what) {
            self.0.push(what);
        }
    }

    /// Notes `what`.
    pub fn note(&mut self, what: &'static str) {
        self.note_if(true, what);
    }

    /// Adds what another plan has reached.
    pub fn merge(&mut self, other: &Seen) {
        other.0.iter().for_each(|what| self.note(what));
    }

    /// All that was reached.
    pub fn names(&self) -> &[&'static str] {
        &self.0
    }
}
