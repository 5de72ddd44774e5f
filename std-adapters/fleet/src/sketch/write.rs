//! Sketches as bytes.

use super::capacity;
use super::{
    EMPTY, FAMILY, FrequentItems, Item, LG_MAX, LG_MIN, PREAMBLE, PREAMBLE_EMPTY, VERSION,
};

impl FrequentItems {
    /// The bytes of the sketch, as DataSketches of all languages read them: numbers as longs, text as UTF-8 with
    /// its length before it in four bytes (Java's `ArrayOfLongsSerDe` and `ArrayOfStringsSerDe`).
    ///
    /// A number above 2^63 - 1 is negative for readers whose longs have a sign.
    pub fn to_bytes(&self) -> Vec<u8> {
        let lg = (LG_MIN..LG_MAX).find(|lg| capacity(*lg) >= self.items.len()).unwrap_or(LG_MAX);
        if self.total == 0 {
            return vec![PREAMBLE_EMPTY, VERSION, FAMILY, lg, lg, EMPTY, 0, 0];
        }
        let mut bytes = vec![PREAMBLE, VERSION, FAMILY, lg, lg, 0, 0, 0];
        bytes.extend_from_slice(&(self.items.len() as u64).to_le_bytes());
        bytes.extend_from_slice(&self.total.to_le_bytes());
        bytes.extend_from_slice(&self.offset.to_le_bytes());
        self.items.iter().for_each(|(_, weight)| bytes.extend_from_slice(&weight.to_le_bytes()));
        for (key, _) in &self.items {
            match Item::of(key) {
                Item::Integer(number) => bytes.extend_from_slice(&number.to_le_bytes()),
                Item::Text(text) => {
                    bytes.extend_from_slice(&(text.len() as u32).to_le_bytes());
                    bytes.extend_from_slice(text.as_bytes());
                }
            }
        }
        bytes
    }
}
