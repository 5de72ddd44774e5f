//! A pseudo-terminal that `script` makes, for tests of programs that take the terminal over.

use std::io::{Read, Write};
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

/// How long a screen is waited for.
const PATIENCE: Duration = Duration::from_secs(60);

/// What a screen of 80 by 24 is sent by a command, if `keys` are pressed once it has shown all of
/// `parts`, and how long it took to end after that.
pub(crate) fn run(command: &str, parts: &[&str], keys: &[u8]) -> (String, Duration) {
    let mut child = Command::new("script")
        .args(["-qefc", &format!("stty cols 80 rows 24; {command}"), "/dev/null"])
        .env("TERM", "xterm")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("script starts");
    let mut out = child.stdout.take().expect("its output");
    let screen = Arc::new(Mutex::new(Vec::new()));
    let shown = screen.clone();
    let reader = thread::spawn(move || {
        let mut read = [0; 4_096];
        while let Ok(bytes @ 1..) = out.read(&mut read) {
            shown.lock().expect("the screen").extend_from_slice(&read[..bytes]);
        }
    });
    let text = || String::from_utf8_lossy(&screen.lock().expect("the screen")).into_owned();
    let began = Instant::now();
    loop {
        let shown = text();
        let missing: Vec<_> = parts.iter().filter(|part| !shown.contains(**part)).collect();
        if missing.is_empty() {
            break;
        }
        if began.elapsed() > PATIENCE || reader.is_finished() {
            let _ = child.kill();
            panic!("{missing:?} are missing in:\n{shown}");
        }
        thread::sleep(Duration::from_millis(20));
    }
    let mut keyboard = child.stdin.take().expect("its input");
    keyboard.write_all(keys).expect("a key is pressed");
    keyboard.flush().expect("a key is pressed");
    let asked = Instant::now();
    let status = child.wait().expect("its status");
    let took = asked.elapsed();
    drop(keyboard);
    reader.join().expect("the reader");
    let output = text();
    assert!(status.success(), "{status}: {output}");
    (output, took)
}
