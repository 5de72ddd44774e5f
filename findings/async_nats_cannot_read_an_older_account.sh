#!/usr/bin/env bash
# async-nats 0.51.0: the account of a JetStream server before 2.10.
#
# A server of 2.9 (Debian 12 has 2.9.10) leaves `reserved_memory` and `reserved_storage` out of its answer to
# `$JS.API.INFO`, and the client wants both. So `Context::query_account` fails, and with it
# `create_key_value`, which asks for the account before it makes the bucket's stream: "data did not match
# any variant of untagged enum Response". What follows: on such a server, make the stream of a bucket with
# `create_stream`, and open it with `get_key_value`, which asks for no account.
#
# The answer is that of nats-server 2.9.10, as it came over the wire.
source "$(dirname "$0")/lib.bash"

dependencies <<'TOML'
async-nats = { version = "=0.51.0", default-features = false, features = ["jetstream", "ring"] }
serde_json = "=1.0.145"
TOML

program <<'RUST'
use async_nats::jetstream::account::Account;

const ANSWER: &str = r#"{"type":"io.nats.jetstream.api.v1.account_info_response","memory":0,
    "storage":0,"streams":0,"consumers":0,"limits":{"max_memory":-1,"max_storage":-1,
    "max_streams":-1,"max_consumers":-1,"max_ack_pending":-1,"memory_max_stream_bytes":-1,
    "storage_max_stream_bytes":-1,"max_bytes_required":false},"api":{"total":0,"errors":0}}"#;

fn main() {
    let older = serde_json::from_str::<Account>(ANSWER);
    println!("2.9.10: {}", older.unwrap_err().to_string().split(" at").next().unwrap());
    let newer = ANSWER.replace(r#""storage":0"#, r#""storage":0,"reserved_memory":0,"reserved_storage":0"#);
    println!("with both fields: {:?}", serde_json::from_str::<Account>(&newer).map(|it| it.streams));
}
RUST

prints <<'TEXT'
2.9.10: missing field `reserved_memory`
with both fields: Ok(0)
TEXT
