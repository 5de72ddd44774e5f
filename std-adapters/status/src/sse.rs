//! The text of server-sent events.

use axum::body::Bytes;
use serde::Serialize;

/// Where the data of an event begins, and what comes after it.
fn around(name: &str, id: Option<(u64, u64)>) -> (String, &'static str) {
    let id = id.map_or_else(String::new, |(run, number)| format!("id: {run}-{number}\n"));
    (format!("event: {name}\n{id}data: "), "\n\n")
}

/// One event. JSON has no line breaks, and names and ids are ours: nothing of others is a field.
pub(crate) fn event(name: &str, id: Option<(u64, u64)>, data: &impl Serialize) -> Bytes {
    let (before, after) = around(name, id);
    let mut text = before.into_bytes();
    // It is written to memory, and what is written has no maps with other keys than text.
    serde_json::to_writer(&mut text, data).expect("it is JSON");
    text.extend_from_slice(after.as_bytes());
    text.into()
}

/// An event of a stream, and the JSON that stands in it.
#[derive(Clone, Debug)]
pub(crate) struct Message {
    pub(crate) event: Bytes,
    pub(crate) json: Bytes,
}

impl Message {
    pub(crate) fn new(name: &str, data: &impl Serialize) -> Self {
        let event = event(name, None, data);
        let (before, after) = around(name, None);
        let json = event.slice(before.len()..event.len() - after.len());
        Self { event, json }
    }
}
