//! A guest that stops sending frames: `cargo run -p plimsoll --example silent_guest`.

use std::time::Duration;

use plimsoll::keepalive::{Watch, Watcher};
use plimsoll::{Event, EventKind, Registry};

pub(crate) fn main() -> Result<(), Box<dyn std::error::Error>> {
    let registry = Registry::new();
    let (tell, events) = std::sync::mpsc::channel();
    let _subscription = registry.subscribe(move |event| {
        // The watcher of a busy machine says that it is late, too.
        if let Event::Guest(_) = event {
            let _ = tell.send((event.kind(), event.to_string()));
        }
    });
    // One watcher for all guests, with a thread of its own.
    let watcher = Watcher::builder().build(&registry)?;
    let _driver = watcher.spawn_thread()?;

    let window = Duration::from_millis(50);
    let guest = watcher.watch(Watch::new("guest-7", "run-1").window(window).rearming())?;
    for _frame in 0..3 {
        guest.notify(); // on every frame: two plain loads
    }
    // No more frames.
    let (kind, text) = events.recv()?;
    println!("{text}");
    assert_eq!(kind, EventKind::Silent);
    guest.notify();
    assert_eq!(events.recv()?.0, EventKind::Recovered);
    Ok(())
}
