#!/usr/bin/env bash
# metrics 0.24.6 with metrics-exporter-prometheus 0.18.3: a handle that outlives an idle timeout.
#
# With `idle_timeout` the exporter forgets a metric that was not touched for that long. Whoever still holds
# its handle, the cheap way for hot paths, sets a gauge that is exported no more: no error and no
# series. Asking the macro or the recorder again makes a new one. So with an idle timeout, ask for the
# handle at each report.
source "$(dirname "$0")/lib.bash"

dependencies <<'TOML'
metrics = "=0.24.6"
metrics-exporter-prometheus = { version = "=0.18.3", default-features = false }
metrics-util = { version = "=0.20.4", default-features = false, features = ["registry"] }
TOML

program <<'RUST'
use std::thread::sleep;
use std::time::Duration;

use metrics_exporter_prometheus::PrometheusBuilder;
use metrics_util::MetricKindMask;

const IDLE: Duration = Duration::from_millis(300);

fn main() {
    let recorder =
        PrometheusBuilder::new().idle_timeout(MetricKindMask::ALL, Some(IDLE)).build_recorder();
    let exporter = recorder.handle();
    metrics::with_local_recorder(&recorder, || {
        let show = |what| {
            let text = exporter.render();
            println!("{what}: {:?}", text.lines().find(|line| line.starts_with("depth")));
        };
        let held = metrics::gauge!("depth");
        held.set(1.0);
        show("set");
        sleep(IDLE * 2);
        show("idle");
        held.set(2.0);
        show("set by the handle");
        metrics::gauge!("depth").set(3.0);
        show("asked anew and set");
    });
}
RUST

prints <<'TEXT'
set: Some("depth 1")
idle: None
set by the handle: None
asked anew and set: Some("depth 3")
TEXT
