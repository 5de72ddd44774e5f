//! A NATS server of a test: on loopback, with a store of its own, to be killed, restarted and
//! paused.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use std::{env, fs, thread};

use rustix::process::{Pid, Signal, kill_process};

/// Longer than anything takes on a machine that is busy.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// Killed, with its store, when it is dropped.
pub(crate) struct Nats {
    folder: PathBuf,
    config: String,
    port: u16,
    child: Option<Child>,
}

impl Nats {
    /// A server with JetStream.
    pub(crate) fn start() -> Self {
        Self::with("jetstream { store_dir: \"STORE\", max_mem: 64MB, max_file: 4GB }")
    }

    /// A server with this configuration, in which `STORE` is its store, and `FOLDER` the
    /// [folder](Self::folder) of both.
    pub(crate) fn with(config: &str) -> Self {
        let mut server = Self::not_started(config);
        server.restart();
        server
    }

    /// The same, with a port, but not running.
    pub(crate) fn not_started(config: &str) -> Self {
        static COUNT: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(0);
        let count = COUNT.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let folder = env::temp_dir().join(format!("plimsoll-fleet-{}-{count}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let config = config.replace("STORE", folder.join("store").to_str().unwrap());
        let config = config.replace("FOLDER", folder.to_str().unwrap());
        // Bound and left again: nobody else is given it soon.
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        Self { folder, config, port, child: None }
    }

    /// What is in it leaves with the server.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Starts it, again on the same port and store.
    pub(crate) fn restart(&mut self) {
        assert!(self.child.is_none(), "it runs");
        let config = self.folder.join("nats.conf");
        fs::write(&config, &self.config).unwrap();
        let log = self.folder.join("log");
        let mut command = Command::new(program());
        command.args(["-a", "127.0.0.1", "-p", &self.port.to_string(), "-c"]).arg(&config);
        command
            .arg("-l")
            .arg(&log)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        self.child = Some(command.spawn().expect("nats-server starts"));
        let said = || fs::read_to_string(&log).unwrap_or_default();
        wait_for("the server is ready", || {
            let is_up = std::net::TcpStream::connect(("127.0.0.1", self.port)).is_ok();
            let ended = self.child.as_mut().unwrap().try_wait().unwrap();
            assert!(ended.is_none(), "it has ended: {}", said());
            is_up
        });
    }

    /// Listens where another one did, from its start on.
    pub(crate) fn take_port_of(&mut self, other: &Self) {
        self.port = other.port;
    }

    /// Where it listens.
    pub(crate) fn url(&self) -> String {
        format!("nats://127.0.0.1:{}", self.port)
    }

    /// Ends it without a word to anybody.
    pub(crate) fn kill(&mut self) {
        let mut child = self.child.take().expect("it runs");
        child.kill().unwrap();
        child.wait().unwrap();
    }

    /// Stops it in its steps, as a disk that hangs does.
    pub(crate) fn pause(&self) {
        self.signal(Signal::STOP);
        // Its threads stop one by one.
        let stat = format!("/proc/{}/stat", self.child.as_ref().expect("it runs").id());
        while !fs::read_to_string(&stat).unwrap().contains(") T ") {
            std::thread::sleep(std::time::Duration::from_millis(1));
        }
    }

    /// Lets it go on.
    pub(crate) fn go_on(&self) {
        self.signal(Signal::CONT);
    }

    fn signal(&self, signal: Signal) {
        let child = self.child.as_ref().expect("it runs");
        kill_process(Pid::from_child(child), signal).unwrap();
    }
}

impl Drop for Nats {
    fn drop(&mut self) {
        if self.child.is_some() {
            self.kill();
        }
        _ = fs::remove_dir_all(&self.folder);
    }
}

/// Debian's is not in everybody's path.
fn program() -> &'static str {
    let debian = "/usr/sbin/nats-server";
    if Path::new(debian).exists() { debian } else { "nats-server" }
}

/// Waits, for as long as it is likely to come.
pub(crate) fn wait_for(what: &str, mut is_so: impl FnMut() -> bool) {
    let begin = Instant::now();
    while !is_so() {
        assert!(begin.elapsed() < PATIENCE, "waited in vain: {what}");
        thread::sleep(Duration::from_millis(20));
    }
}
