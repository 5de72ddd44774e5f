//! High-water marks as the contract has them.

/// The largest depth of a life, and since the mark was last taken.
#[derive(Clone, Copy, Debug, Default)]
pub struct Marks {
    lifetime: u64,
    window: u64,
}

impl Marks {
    /// A depth that existed.
    pub fn on_depth(&mut self, depth: u64) {
        self.lifetime = self.lifetime.max(depth);
        self.window = self.window.max(depth);
    }

    /// The largest depth so far.
    pub fn lifetime(&self) -> u64 {
        self.lifetime
    }

    /// The largest depth since the last take, this moment's included; it begins the next window too.
    pub fn take(&mut self, now: u64) -> u64 {
        self.on_depth(now);
        std::mem::replace(&mut self.window, now)
    }
}
