//! A tokio channel that fills up: who waits, and the event that says so:
//! `cargo run -p plimsoll --example tokio_backpressure`.

use plimsoll::{PressureRule, Registry, channel::tokio as tracked};

pub(crate) fn main() -> Result<(), Box<dyn std::error::Error>> {
    tokio::runtime::Builder::new_current_thread().build()?.block_on(run())
}

async fn run() -> Result<(), Box<dyn std::error::Error>> {
    let registry = Registry::new();
    let (tell, events) = std::sync::mpsc::channel();
    let _subscription = registry.subscribe(move |event| {
        let _ = tell.send(event.to_string());
    });
    // Every raise is an event, however short.
    let limit = plimsoll::Limit::queue("jobs").pressure(PressureRule::IMMEDIATE);
    let (tx, mut rx) = tracked::channel::<u32>(&registry, limit, 4)?;
    let sender = tx.clone();
    let producer = async move {
        for job in 0..8 {
            sender.send(job).await.expect("the receiver is there");
        }
    };
    let consumer = async {
        let mut most = 0;
        for job in 0..8 {
            most = most.max(rx.reading().waiting);
            assert_eq!(rx.recv().await, Some(job));
        }
        most
    };
    let ((), most_waiting) = tokio::join!(producer, consumer);
    assert_eq!(most_waiting, 1, "the producer had to wait");
    let first = events.try_recv()?;
    println!("{first}");
    assert!(first.contains("jobs raised"), "{first}");
    assert_eq!(tx.reading().high_water, 4);
    Ok(())
}
