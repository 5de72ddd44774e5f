//! What a subscriber does by the kind of event: `cargo run -p plimsoll --example events_by_kind`.

use std::sync::mpsc;

use plimsoll::{Event, Limit, PressureChange, Registry, Watermarks};

/// A line for an operator, or nothing.
fn advice(event: &Event) -> Option<String> {
    match event {
        Event::Pressure(pressure) if pressure.change == PressureChange::Raised => {
            let percent = event.percent().unwrap_or(100);
            Some(format!("{} is {percent} % full, {} wait", event.name(), pressure.waiting))
        }
        Event::Exhausted(exhausted) => {
            let why = exhausted.detail.as_deref().unwrap_or("no reason given");
            Some(format!("{} was hit: {why}", event.name()))
        }
        Event::Guest(guest) => {
            let silence = &guest.silence;
            Some(format!("{} has been quiet for {:?}", silence.guest, silence.elapsed))
        }
        // Recoveries, and kinds that a later version adds.
        _ => None,
    }
}

pub(crate) fn main() -> Result<(), Box<dyn std::error::Error>> {
    let registry = Registry::new();
    let (tell, advised) = mpsc::channel();
    let _subscription = registry.subscribe(move |event| {
        if let Some(line) = advice(event) {
            let _ = tell.send(line);
        }
    });
    let sockets = registry.gauge(Limit::resource("vm_sockets"), Watermarks::new(10))?;
    sockets.add(9);
    sockets.sub(9);
    registry.warn_exhausted(Limit::cpu("fuel"), Some(1_000), Some(1_000), "the guest loops")?;
    let lines: Vec<_> = advised.try_iter().inspect(|line| println!("{line}")).collect();
    assert_eq!(lines, ["vm_sockets is 90 % full, 0 wait", "fuel was hit: the guest loops"]);
    Ok(())
}
