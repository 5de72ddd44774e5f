//! The packages whose sources are held to rules.

/// Their sources, relative to this package.
pub(crate) const SOURCES: [&str; 8] = [
    "src",
    "../std-adapters/plimsoll/src",
    "../std-adapters/export/src",
    "../std-adapters/status/src",
    "../std-adapters/fleet/src",
    "../std-adapters/top/src",
    "../std-adapters/wasmtime/src",
    "../std-adapters/host/src",
];
