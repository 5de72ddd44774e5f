//! WASI guests in pools: what they get is their lease's, whatever of the instance is used again.

mod bindings;
mod command;
#[path = "../../examples/wasi.rs"]
mod example;
mod http;
mod p1;
mod place;
#[cfg(feature = "wasi-http")]
mod proxy;
mod speaker;

#[test]
fn the_example_runs() {
    example::main().unwrap();
}
