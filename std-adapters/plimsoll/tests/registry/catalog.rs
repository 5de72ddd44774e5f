use plimsoll::catalog::SandboxLimit;
use plimsoll::{Category, Limit, Registry};

use super::TEN;

const TAGS: [(Category, &[&str]); 4] = [
    (
        Category::Queue,
        &[
            "javascript_event_channel",
            "v8_session_frames",
            "sidecar_stdin_frames",
            "sidecar_stdout_frames",
            "completed_sidecar_responses",
            "pending_process_events",
            "pending_sidecar_responses",
            "outbound_sidecar_requests",
        ],
    ),
    (
        Category::Resource,
        &[
            "vm_processes",
            "vm_open_fds",
            "vm_pipes",
            "vm_ptys",
            "vm_sockets",
            "vm_connections",
            "vm_socket_buffered_bytes",
            "vm_socket_datagram_queue_len",
            "vm_filesystem_bytes",
            "vm_inodes",
        ],
    ),
    (Category::Memory, &["v8_heap_bytes", "wasm_memory_bytes"]),
    (Category::Cpu, &["v8_cpu_time_ms", "v8_wall_clock_ms", "wasm_fuel_ms"]),
];

#[test]
fn the_sandbox_catalog_has_exactly_these_tags() {
    let expected: Vec<_> = TAGS
        .iter()
        .flat_map(|(category, names)| names.iter().map(move |name| (*category, *name)))
        .collect();
    let declared: Vec<_> =
        SandboxLimit::ALL.iter().map(|limit| (limit.category(), limit.as_str())).collect();
    assert_eq!(declared, expected);
    assert_eq!(declared.len(), 23);
}

#[test]
fn a_tag_parses_displays_and_registers() {
    let registry = Registry::new();
    for limit in SandboxLimit::ALL {
        assert_eq!(limit.to_string().parse(), Ok(*limit));
        let gauge = registry.gauge(Limit::from(*limit).scope("guest-7"), TEN).unwrap();
        let snapshot = registry.snapshot();
        let entry = snapshot.find(limit.as_str(), Some("guest-7")).unwrap();
        assert_eq!(entry.category(), limit.category());
        drop(gauge);
    }
    let unknown = "vm_ponies".parse::<SandboxLimit>().unwrap_err();
    assert_eq!(unknown.to_string(), "the catalog has no limit named \"vm_ponies\"");
}

mod users {
    plimsoll::limits! {
        /// Private ones work as well.
        enum OneLimit { Cpu: Ticks = "ticks" }
    }

    #[test]
    fn a_catalog_of_one() {
        assert_eq!(OneLimit::ALL, &[OneLimit::Ticks]);
        assert_eq!(OneLimit::Ticks.as_str(), "ticks");
    }
}
