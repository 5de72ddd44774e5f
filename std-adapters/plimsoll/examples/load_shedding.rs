//! A service that sheds load while its queue or its heap is nearly full:
//! `cargo run -p plimsoll --example load_shedding`.

use std::error::Error;
use std::time::Duration;

use plimsoll::pressure::{HasLevel, Pressure};
use plimsoll::{Level, Limit, Registry, Watermarks};

/// Takes a request, or turns it away at the cost of one load.
fn handle(overload: &Pressure, request: u32) -> Result<u32, &'static str> {
    if overload.is_on() { Err("503, try again later") } else { Ok(request * 2) }
}

pub(crate) fn main() -> Result<(), Box<dyn Error>> {
    let registry = Registry::new();
    let jobs = registry.gauge("jobs", Watermarks::counts(10, 8, 5))?;
    let marks = Watermarks::counts(1_000, 700, 500).with_level(900, 800);
    let heap = registry.recorded_gauge(Limit::memory("heap_bytes"), marks)?;
    let overload = Pressure::builder(&registry)
        .when(&jobs)
        .when(heap.at(Level::Critical).scaled_between(500, 1_000))
        .listed(Limit::resource("overload"))
        .build()?;

    assert_eq!(handle(&overload, 1), Ok(2));
    heap.record(750);
    assert!(handle(&overload, 2).is_ok() && overload.scaled() == 0.5, "half way to the end");

    let burst = jobs.permit(9);
    println!("{}", registry.snapshot());
    assert_eq!(handle(&overload, 3), Err("503, try again later"));

    // A producer waits until there is room again.
    let waits = overload.clone();
    let producer = std::thread::spawn(move || waits.off_timeout(Duration::from_secs(60)));
    drop(burst);
    assert!(producer.join().is_ok_and(|is_off| is_off));
    assert_eq!((handle(&overload, 4), jobs.room()), (Ok(8), Some(8)));
    Ok(())
}
