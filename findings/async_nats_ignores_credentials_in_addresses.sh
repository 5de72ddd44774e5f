#!/usr/bin/env bash
# async-nats 0.51.0: a user and a password in the address of a server.
#
# `ServerAddr` parses them, and answers `username()` and `password()`. The client sends neither: its CONNECT
# to a server that asks for authorization holds what the options say, and no more. Clients in other languages
# take them from the address. What follows: read them from the address, and give them to
# `ConnectOptions::with_user_and_password`.
#
# The server is a socket that asks for authorization and shows what it is sent.
source "$(dirname "$0")/lib.bash"

dependencies <<'TOML'
async-nats = { version = "=0.51.0", default-features = false, features = ["ring"] }
serde_json = "=1.0.145"
tokio = { version = "=1.54.1", features = ["io-util", "macros", "net", "rt", "time"] }
TOML

program <<'RUST'
use async_nats::ConnectOptions;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpListener;

const INFO: &[u8] = b"INFO {\"server_id\":\"S\",\"server_name\":\"s\",\"version\":\"2.10.0\",\
    \"proto\":1,\"host\":\"127.0.0.1\",\"port\":4222,\"headers\":true,\"auth_required\":true,\
    \"max_payload\":1048576}\r\n";

/// What the first CONNECT says of the user.
async fn said(options: ConnectOptions, user: &str) -> String {
    let server = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("nats://{user}{}", server.local_addr().unwrap());
    let client = tokio::spawn(async move { options.connect(address).await.map(drop) });
    let (mut stream, _) = server.accept().await.unwrap();
    stream.write_all(INFO).await.unwrap();
    let mut line = String::new();
    BufReader::new(stream).read_line(&mut line).await.unwrap();
    client.abort();
    let said: serde_json::Value = serde_json::from_str(line.strip_prefix("CONNECT ").unwrap()).unwrap();
    format!("user {}, password {}", said["user"], said["pass"])
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let parsed: async_nats::ServerAddr = "nats://guest:secret@127.0.0.1:4222".parse().unwrap();
    println!("parsed: {:?} {:?}", parsed.username(), parsed.password());
    println!("in the address: {}", said(ConnectOptions::new(), "guest:secret@").await);
    let options = ConnectOptions::with_user_and_password("guest".into(), "secret".into());
    println!("in the options: {}", said(options, "").await);
}
RUST

prints <<'TEXT'
parsed: Some("guest") Some("secret")
in the address: user null, password null
in the options: user "guest", password "secret"
TEXT
