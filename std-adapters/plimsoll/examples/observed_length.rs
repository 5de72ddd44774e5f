//! A queue of your own type: its gauge asks for its length:
//! `cargo run -p plimsoll --example observed_length`.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use plimsoll::{Registry, Watermarks};

pub(crate) fn main() -> Result<(), Box<dyn std::error::Error>> {
    let registry = Registry::new();
    let queue: Arc<Mutex<VecDeque<u32>>> = Arc::default();
    let length = queue.clone();
    let read = move || length.lock().map_or(0, |queue| queue.len() as u64);
    let _observed = registry.observe("backlog", Watermarks::new(10), read)?;

    queue.lock().unwrap().extend(0..9);
    let snapshot = registry.snapshot();
    println!("{snapshot}");
    let backlog = &snapshot.entries()[0];
    assert_eq!((backlog.depth, backlog.capacity()), (9, Some(10)));
    Ok(())
}
