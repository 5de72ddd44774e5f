//! The live view, on a pseudo-terminal.

#[path = "../../../top/tests/terminal/mod.rs"]
mod terminal;

use std::time::Duration;

#[test]
fn keys_end_the_view_and_the_terminal_is_given_back() {
    for (keys, what) in [(&b"q"[..], "q"), (b"\x03", "ctrl-c"), (b"sp/x\x03", "keys of the view")] {
        let host = format!("'{}' --seconds 60", env!("CARGO_BIN_EXE_sandbox_host"));
        let parts = ["PLIMSOLL", "sandbox", "LIMIT", "POOL", "TENANTS", "EVENTS"];
        let (output, took) = terminal::run(&host, &parts, keys);
        assert!(took < Duration::from_secs(10), "{what}: {took:?}");
        let [enter, leave] = ["\u{1b}[?1049h", "\u{1b}[?1049l"].map(|it| output.find(it));
        let (enter, leave) = (enter.expect("it is taken"), leave.expect("it is given back"));
        let view = &output[enter..leave];
        for part in parts {
            assert!(view.contains(part), "{what}: '{part}' is missing in:\n{view}");
        }
        assert!(output[leave..].contains("ended by a key"), "{what}: {output}");
    }
}
