//! A design that is in use today, rebuilt from its description for comparison.

pub mod in_use;
