#!/usr/bin/env bash
# wasmtime 48.0.8: which number a `ResourceTable` gives next.
#
# It gives the number that was freed last, not the lowest free one, and numbers have no generation: the
# next push after a delete has the number just deleted. Whoever keeps a number after its delete holds a name
# for the next resource.
source "$(dirname "$0")/lib.bash"

dependencies <<'TOML'
wasmtime = { version = "=48.0.8", default-features = false, features = ["component-model", "runtime", "std"] }
TOML

program <<'RUST'
use wasmtime::component::{Resource, ResourceTable};

fn main() {
    let mut table = ResourceTable::new();
    let mut all: Vec<_> = (0..5).map(|number: u32| table.push(number).unwrap()).collect();
    for index in [3, 1] {
        // 3 is taken out of the list first, so that both indices are numbers of the table.
        let resource: Resource<u32> = all.remove(index);
        println!("deleted {}", resource.rep());
        table.delete(resource).unwrap();
    }
    for number in 10..13_u32 {
        println!("pushed {}", table.push(number).unwrap().rep());
    }
}
RUST

prints <<'TEXT'
deleted 3
deleted 1
pushed 1
pushed 3
pushed 5
TEXT
