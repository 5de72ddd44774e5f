#!/usr/bin/env bash
# axum 0.8.9: a server-sent event with empty data.
#
# `Event::default().data("")` writes no `data:` line. A browser dispatches an event only if it has one,
# though it be empty (HTML standard, "Interpreting an event stream"), so an event `tick` with empty data
# reaches no listener. To send a bare signal, give it some text, such as a space. An empty line within
# longer data is written.
source "$(dirname "$0")/lib.bash"

dependencies <<'TOML'
axum = { version = "=0.8.9", default-features = false, features = ["tokio"] }
futures-util = { version = "=0.3.32", default-features = false }
tokio = { version = "=1.54.1", features = ["rt"] }
TOML

program <<'RUST'
use std::convert::Infallible;

use axum::response::{IntoResponse, Sse, sse::Event};
use futures_util::stream;

async fn written(event: Event) -> String {
    let events = stream::iter([Ok::<_, Infallible>(event)]);
    let body = Sse::new(events).into_response().into_body();
    String::from_utf8(axum::body::to_bytes(body, 1 << 10).await.unwrap().into()).unwrap()
}

fn main() {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(async {
        for data in ["", " ", "one\n\ntwo"] {
            let text = written(Event::default().event("tick").data(data)).await;
            println!("{data:?} is written as {text:?}");
        }
    });
}
RUST

prints <<'TEXT'
"" is written as "event: tick\n\n"
" " is written as "event: tick\ndata:  \n\n"
"one\n\ntwo" is written as "event: tick\ndata: one\ndata: \ndata: two\n\n"
TEXT
