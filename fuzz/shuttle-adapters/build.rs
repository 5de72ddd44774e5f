//! Compiles the adapters with what a schedule steps through, and with the features that are modelled.
fn main() {
    let others = "\"crossbeam\", \"std-channel\", \"tokio\", \"tracing\", \"serde\", \"cloudevents\", \"tower\", \"probes\"";
    println!("cargo::rustc-check-cfg=cfg(shuttle)");
    println!(
        "cargo::rustc-check-cfg=cfg(feature, values(\"budget\", \"keepalive\", \"pool\", \"pressure\", {others}))"
    );
    println!("cargo::rustc-cfg=shuttle");
    println!("cargo::rustc-cfg=feature=\"budget\"");
    println!("cargo::rustc-cfg=feature=\"keepalive\"");
    println!("cargo::rustc-cfg=feature=\"pool\"");
    println!("cargo::rustc-cfg=feature=\"pressure\"");
    println!("cargo::rerun-if-changed=build.rs");
}
