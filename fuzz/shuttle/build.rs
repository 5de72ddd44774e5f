//! Compiles a copy of the core with atomics that a schedule steps through, and with mistakes that a test
//! can plant.

#[path = "../../loom-tests/flaws/mod.rs"]
mod flaws;

use std::path::Path;

fn main() {
    println!("cargo::rustc-check-cfg=cfg(shuttle)");
    println!("cargo::rustc-cfg=shuttle");
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed=../../loom-tests/flaws");
    let out = std::env::var_os("OUT_DIR").expect("cargo sets it");
    flaws::copy_core(Path::new("../../core/src"), &Path::new(&out).join("src"));
}
