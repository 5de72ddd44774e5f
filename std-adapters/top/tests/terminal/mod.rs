//! A pseudo-terminal that `script` makes, for tests of programs that take the terminal over.

use std::io::{Read, Write};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

/// What a screen of 80 by 24 is sent by a command, if `keys` are pressed after some time, and how long it
/// took to end after that.
pub(crate) fn run(command: &str, after: Duration, keys: &[u8]) -> (String, Duration) {
    let mut child = Command::new("script")
        .args(["-qefc", &format!("stty cols 80 rows 24; {command}"), "/dev/null"])
        .env("TERM", "xterm")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("script starts");
    let mut out = child.stdout.take().expect("its output");
    let reader = thread::spawn(move || {
        let mut all = Vec::new();
        out.read_to_end(&mut all).expect("its output");
        String::from_utf8_lossy(&all).into_owned()
    });
    thread::sleep(after);
    let mut keyboard = child.stdin.take().expect("its input");
    keyboard.write_all(keys).expect("a key is pressed");
    keyboard.flush().expect("a key is pressed");
    let asked = Instant::now();
    let status = child.wait().expect("its status");
    let took = asked.elapsed();
    drop(keyboard);
    let output = reader.join().expect("the reader");
    assert!(status.success(), "{status}: {output}");
    (output, took)
}
