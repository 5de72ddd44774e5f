//! LIVE-6: a whole process that is stopped for several windows sees no false silence.
#![cfg(unix)]

use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::thread;
use std::time::Duration;

use plimsoll::EventKind::{Late, Silent};
use plimsoll::Registry;
use plimsoll::keepalive::{Watch, Watcher};

use crate::{Log, ms};

const IS_CHILD: &str = "PLIMSOLL_STALL_CHILD";
const WINDOW: Duration = ms(400);

/// The process that is stopped. In an ordinary run of the tests there is nothing to do.
#[test]
fn stalled_child() {
    if std::env::var_os(IS_CHILD).is_none() {
        return;
    }
    let registry = Registry::new();
    let (log, _subscription) = Log::of(&registry);
    let watcher = Watcher::builder().build(&registry).unwrap();
    let _driver = watcher.spawn_thread().unwrap();
    let watch = |n| Watch::new(format!("guest-{n}"), "run").window(WINDOW);
    let guests: Vec<_> = (0..50).map(|n| watcher.watch(watch(n)).unwrap()).collect();
    let (stop, say) = (AtomicBool::new(false), |line: &str| {
        println!("{line}");
        std::io::stdout().flush().unwrap();
    });
    thread::scope(|scope| {
        scope.spawn(|| {
            while !stop.load(Relaxed) {
                guests[1..].iter().for_each(|guest| guest.notify());
                thread::sleep(ms(20));
            }
        });
        for _ in 0..10 {
            guests[0].notify();
            thread::sleep(ms(20));
        }
        say("notifying");
        // Stopped by the parent some time in here, and continued.
        for _ in 0..150 {
            guests[0].notify();
            thread::sleep(ms(20));
        }
        say(&format!("false {}", log.count(Silent) + log.count(Late)));
        thread::sleep(3 * WINDOW);
        say(&format!("true {}", log.count(Silent)));
        stop.store(true, Relaxed);
    });
}

fn signal(child: u32, name: &str) {
    let sent = Command::new("kill").args([name, &child.to_string()]).status();
    assert!(sent.is_ok_and(|status| status.success()), "kill {name}");
}

#[test]
fn live_6_defect_11_a_process_that_is_stopped_sees_no_false_silence() {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "stall::stalled_child", "--nocapture"])
        .env(IS_CHILD, "1")
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
    let mut line_with = |word: &str| lines.find(|line| line.contains(word)).unwrap_or_default();
    assert!(line_with("notifying").ends_with("notifying"));
    signal(child.id(), "-STOP");
    thread::sleep(4 * WINDOW);
    signal(child.id(), "-CONT");
    assert_eq!(line_with("false"), "false 0");
    assert_eq!(line_with("true"), "true 1", "who really falls silent is reported");
    assert!(child.wait().unwrap().success());
}
