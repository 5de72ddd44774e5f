//! What is compared with: a design that is in use today, rebuilt from its description, and a crate that
//! needs a process of its own.

pub mod hotpath;
pub mod in_use;
