//! Two tracked crossbeam channels in a `select!`: `cargo run -p plimsoll --example crossbeam_select`.

use plimsoll::{Limit, Registry, channel::crossbeam};

pub(crate) fn main() -> Result<(), Box<dyn std::error::Error>> {
    let registry = Registry::new();
    let (frames, rx_frames) = crossbeam::bounded::<u32>(&registry, Limit::queue("frames"), 16)?;
    let (replies, rx_replies) = crossbeam::bounded::<&str>(&registry, "replies", 4)?;
    frames.send(7)?;
    replies.send("done")?;

    let (mut numbers, mut words) = (Vec::new(), Vec::new());
    while numbers.len() + words.len() < 2 {
        crossbeam_channel::select! {
            recv(rx_frames.watched()) -> frame => numbers.push(frame?),
            recv(rx_replies.watched()) -> reply => words.push(reply?),
        }
    }
    assert_eq!((numbers, words), (vec![7], vec!["done"]));
    assert_eq!((rx_frames.reading().depth, rx_frames.reading().high_water), (0, 1));
    println!("{}", registry.snapshot());
    Ok(())
}
