//! A headless Chromium, driven by the DevTools protocol over a pair of pipes: JSON texts, each with a
//! zero byte at its end. No port, no driver program.

use std::io::{BufRead, BufReader, Write};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

/// How long anything may take that is waited for.
const PATIENCE: Duration = Duration::from_secs(20);

/// Programs that will do, the smallest first.
const PROGRAMS: [&str; 4] =
    ["chromium-headless-shell", "chromium", "google-chrome", "google-chrome-stable"];

pub(crate) struct Browser {
    process: Child,
    to: ChildStdin,
    from: Receiver<Value>,
    profile: PathBuf,
    last_id: u64,
}

/// A tab.
pub(crate) struct Tab<'b> {
    browser: &'b mut Browser,
    target: String,
    session: String,
}

fn program() -> PathBuf {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut found = PROGRAMS
        .iter()
        .flat_map(|program| std::env::split_paths(&path).map(move |folder| folder.join(program)));
    found.find(|file| file.is_file()).expect(
        "the test of the page needs a browser, one of chromium-headless-shell, chromium, \
         google-chrome: `.ci/system-packages` installs it",
    )
}

impl Browser {
    pub(crate) fn start() -> Self {
        let name = format!("plimsoll-status-{}", std::process::id());
        let profile = std::env::temp_dir().join(name);
        // The browser reads commands from descriptor 3 and writes answers to 4.
        let mut process = Command::new("sh")
            .args(["-c", r#"exec "$0" "$@" 3<&0 4>&1 </dev/null >/dev/null 2>&1"#])
            .arg(program())
            .args(["--headless", "--remote-debugging-pipe", "--disable-gpu", "--no-first-run"])
            // Root in a container has no sandbox, and a small /dev/shm. The pages are ours.
            .args(["--no-sandbox", "--disable-dev-shm-usage"])
            .args(["--disable-background-networking", "--disable-component-update"])
            .args(["--disable-extensions", "--lang=en-US", "--hide-scrollbars"])
            .arg(format!("--user-data-dir={}", profile.display()))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the browser starts");
        let to = process.stdin.take().unwrap();
        let mut answers = BufReader::new(process.stdout.take().unwrap());
        let (tell, from) = channel();
        thread::spawn(move || {
            let mut text = Vec::new();
            while answers.read_until(0, &mut text).is_ok_and(|bytes| bytes > 0) {
                let answer = serde_json::from_slice(text.strip_suffix(b"\0").unwrap_or(&text));
                if tell.send(answer.expect("the browser answers in JSON")).is_err() {
                    return;
                }
                text.clear();
            }
        });
        Self { process, to, from, profile, last_id: 0 }
    }

    fn call(&mut self, session: Option<&str>, method: &str, parameters: Value) -> Value {
        let answer = self.ask(session, method, parameters);
        answer.unwrap_or_else(|error| panic!("{method}: {error}"))
    }

    /// Returns what the browser says against it, if it does.
    fn ask(
        &mut self,
        session: Option<&str>,
        method: &str,
        parameters: Value,
    ) -> Result<Value, Value> {
        self.last_id += 1;
        let id = self.last_id;
        let mut command = json!({ "id": id, "method": method, "params": parameters });
        if let Some(session) = session {
            command["sessionId"] = session.into();
        }
        self.to.write_all(format!("{command}\0").as_bytes()).expect("the browser runs");
        let deadline = Instant::now() + PATIENCE;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            match self.from.recv_timeout(left) {
                Ok(answer) if answer["id"] == id => {
                    return match &answer["error"] {
                        Value::Null => Ok(answer["result"].clone()),
                        error => Err(error.clone()),
                    };
                }
                // An event, which nobody waits for.
                Ok(_) => {}
                Err(RecvTimeoutError::Timeout) => panic!("the browser does not answer {method}"),
                Err(RecvTimeoutError::Disconnected) => panic!("the browser has ended: {method}"),
            }
        }
    }

    /// Opens a page.
    pub(crate) fn open(&mut self, url: &str) -> Tab<'_> {
        let target = self.call(None, "Target.createTarget", json!({ "url": "about:blank" }));
        let target = target["targetId"].as_str().unwrap().to_owned();
        let attach = json!({ "targetId": target, "flatten": true });
        let session = self.call(None, "Target.attachToTarget", attach);
        let session = session["sessionId"].as_str().unwrap().to_owned();
        let mut tab = Tab { browser: self, target, session };
        tab.call("Page.enable", json!({}));
        tab.call("Page.navigate", json!({ "url": url }));
        tab.until("document.readyState === 'complete'");
        tab
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // `exec` made the shell the browser.
        _ = self.process.kill();
        _ = self.process.wait();
        _ = std::fs::remove_dir_all(&self.profile);
    }
}

impl Tab<'_> {
    pub(crate) fn call(&mut self, method: &str, parameters: Value) -> Value {
        self.browser.call(Some(&self.session), method, parameters)
    }

    /// What an expression is, promises resolved.
    pub(crate) fn eval(&mut self, expression: &str) -> Value {
        let answer = self.evaluated(expression);
        let answer = answer.unwrap_or_else(|error| panic!("{expression}: {error}"));
        assert!(answer["exceptionDetails"].is_null(), "{expression}: {answer}");
        answer["result"]["value"].clone()
    }

    fn evaluated(&mut self, expression: &str) -> Result<Value, Value> {
        let asked =
            json!({ "expression": expression, "returnByValue": true, "awaitPromise": true });
        self.browser.ask(Some(&self.session), "Runtime.evaluate", asked)
    }

    /// Waits until an expression is true. While a page gives way to another, nothing is.
    pub(crate) fn until(&mut self, expression: &str) {
        let began = Instant::now();
        while !self.evaluated(expression).is_ok_and(|answer| answer["result"]["value"] == true) {
            assert!(began.elapsed() < PATIENCE, "not within {PATIENCE:?}: {expression}");
            thread::sleep(Duration::from_millis(20));
        }
    }

    pub(crate) fn set_size(&mut self, width: u32, height: u32) {
        let size = json!({
            "width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600,
        });
        self.call("Emulation.setDeviceMetricsOverride", size);
    }

    pub(crate) fn set_media(&mut self, feature: &str, value: &str) {
        let features = json!([{ "name": feature, "value": value }]);
        self.call("Emulation.setEmulatedMedia", json!({ "features": features }));
    }

    /// Counts what the page's thread does in processor time: others that run do not matter.
    pub(crate) fn count_work(&mut self) {
        self.call("Performance.enable", json!({ "timeDomain": "threadTicks" }));
    }

    /// The seconds that the page's thread has spent in script, in styles and in layout.
    pub(crate) fn work_seconds(&mut self) -> f64 {
        let metrics = self.call("Performance.getMetrics", json!({}));
        let metrics = metrics["metrics"].as_array().unwrap().clone();
        let asked = ["ScriptDuration", "LayoutDuration", "RecalcStyleDuration"];
        let of = |metric: &Value| metric["value"].as_f64().unwrap();
        metrics
            .iter()
            .filter(|metric| asked.contains(&metric["name"].as_str().unwrap()))
            .map(of)
            .sum()
    }

    /// The picture of what is seen, as PNG in base64.
    pub(crate) fn screenshot(&mut self) -> String {
        let shot = self.call("Page.captureScreenshot", json!({ "format": "png" }));
        shot["data"].as_str().unwrap().to_owned()
    }

    pub(crate) fn close(self) {
        let target = json!({ "targetId": self.target });
        self.browser.call(None, "Target.closeTarget", target);
    }
}
