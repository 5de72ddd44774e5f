#!/usr/bin/env bash
# http 1.5.0: an authority whose port is above 65,535 parses, and says that it has no port.
#
# `Uri` takes any digits after the colon. `port_u16()` is `None` for a number that is no port, as it is
# where there is none, so a client that falls back to the scheme's port asks another one than it was
# told. A program that takes addresses compares the text after the last colon, or refuses a colon in an
# authority without a port.
source "$(dirname "$0")/lib.bash"

dependencies <<'TOML'
http = { version = "=1.5.0", default-features = false, features = ["std"] }
TOML

program <<'RUST'
use http::Uri;

fn main() {
    for text in ["http://localhost", "http://localhost:8080", "http://localhost:99999"] {
        let uri: Uri = text.parse().unwrap();
        println!("{text}: port {:?}, authority {}", uri.port_u16(), uri.authority().unwrap());
    }
}
RUST

prints <<'TEXT'
http://localhost: port None, authority localhost
http://localhost:8080: port Some(8080), authority localhost:8080
http://localhost:99999: port None, authority localhost:99999
TEXT
