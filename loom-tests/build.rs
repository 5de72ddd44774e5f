//! Compiles a copy of the core with the model checker's types, and with mistakes that a model can plant.

mod flaws;

use std::path::Path;

fn main() {
    println!("cargo::rustc-check-cfg=cfg(loom)");
    println!("cargo::rustc-cfg=loom");
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed=flaws");
    let out = std::env::var_os("OUT_DIR").expect("cargo sets it");
    flaws::copy_core(Path::new("../core/src"), &Path::new(&out).join("src"));
}
