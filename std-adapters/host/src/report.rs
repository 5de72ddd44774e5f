//! What is known besides the snapshot, for the view, for people and for programs.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use plimsoll::catalog::SandboxLimit;
use plimsoll::{Event, GuestChange, Snapshot};
use serde_json::{Value, json};

use crate::guests::{Principal, load, ms};
use crate::host::Host;
use crate::tenants::{End, Habit, ORDINARY, Tenants};

/// What the events said, counted.
#[derive(Default)]
pub(crate) struct Tally {
    counts: BTreeMap<&'static str, u64>,
    silences: BTreeMap<String, Silences>,
}

/// What was reported of a guest, over all its runs.
#[derive(Clone, Copy, Default)]
struct Silences {
    late: u64,
    silent: u64,
    recovered: u64,
    longest: Duration,
}

impl Tally {
    pub(crate) fn on_event(&mut self, event: &Event) {
        *self.counts.entry(event.kind().as_str()).or_default() += 1;
        let Some(event) = event.as_guest() else { return };
        let of = self.silences.entry(event.silence.guest.to_string()).or_default();
        match event.change {
            GuestChange::Late => of.late += 1,
            GuestChange::Silent => of.silent += 1,
            GuestChange::Recovered => of.recovered += 1,
            _ => {}
        }
        if event.change != GuestChange::Late {
            of.longest = of.longest.max(event.silence.elapsed);
        }
    }

    fn of(&self, principal: &Principal) -> Silences {
        self.silences.get(principal.plan.name).copied().unwrap_or_default()
    }
}

/// What the host knows of its guests and tenants.
pub(crate) struct Report {
    principals: Vec<Arc<Principal>>,
    tenants: Arc<Tenants>,
}

impl Report {
    pub(crate) fn of(host: &Host) -> Self {
        Self { principals: host.principals.clone(), tenants: host.tenants.clone() }
    }

    /// A heading and a text for each: what guests do, what tenants notice, and what of the unruly.
    pub(crate) fn facts(&self, snapshot: &Snapshot) -> [(String, String); 3] {
        let stream = SandboxLimit::SidecarStdoutFrames.as_str();
        let guests = self.principals.iter().map(|principal| {
            let name = principal.plan.name;
            let waiting = snapshot.find(stream, Some(name)).map_or(0, |entry| entry.waiting);
            let state = match principal.state() {
                "running" if waiting > 0 => " blocked".to_owned(),
                "running" | "ended" => String::new(),
                state => format!(" {state}"),
            };
            format!("{name} {}{state}", load(&principal.frames))
        });
        let [p50, p99] = self.tenants.latency().map(|time| time.as_secs_f64() * 1e3);
        let failed = match self.tenants.harmed() {
            0 => "none failed".to_owned(),
            failed => format!("{failed} failed"),
        };
        let sum = |habit, end| self.tenants.sum(habit, end);
        let text = |heading: &str, text| (heading.to_owned(), text);
        [
            text("FRAMES", guests.collect::<Vec<_>>().join(", ")),
            text(
                "TENANTS",
                format!(
                    "{ORDINARY} well-behaved: {:.0} calls/s, p50 {p50:.2}, p99 {p99:.2} ms, {failed}",
                    self.tenants.per_second()
                ),
            ),
            text(
                "UNRULY",
                format!(
                    "hoarder refused {}, looper stopped {}, turned away {}",
                    sum(Habit::Hoard, End::GrowthRefused),
                    sum(Habit::Loop, End::Stopped),
                    sum(Habit::Loop, End::TurnedAway)
                ),
            ),
        ]
    }

    /// Frames that went into the pipeline, and those that came out at the sink.
    fn frames(&self) -> [u64; 2] {
        let (_sink, producers) = self.principals.split_last().expect("there is a sink");
        let sum = |of: fn(&Principal) -> &AtomicU64| producers.iter().map(|it| load(of(it))).sum();
        [sum(|it| &it.frames), sum(|it| &it.delivered)]
    }

    /// Prints the end of a run for people.
    pub(crate) fn print(
        &self,
        out: &mut impl Write,
        ended: &Ended,
        snapshot: &Snapshot,
        tally: &Tally,
    ) -> io::Result<()> {
        let [sent, delivered] = self.frames();
        writeln!(out, "sandbox_host: {:.1} s, ended by {}", ended.after.as_secs_f64(), ended.by)?;
        writeln!(out, "frames: {sent} sent, {delivered} reached the sink")?;
        let counts = tally.counts.iter().map(|(kind, number)| format!("{number} {kind}"));
        writeln!(out, "events: {}", counts.collect::<Vec<_>>().join(", "))?;
        writeln!(out, "\n{snapshot}\n")?;
        for (heading, text) in self.facts(snapshot) {
            writeln!(out, "{heading:<8} {text}")?;
        }
        let (missed, others): (Vec<_>, Vec<_>) =
            self.principals.iter().partition(|it| tally.of(it).silent > 0);
        for principal in missed {
            let Silences { silent, recovered, longest, .. } = tally.of(principal);
            let (name, window) = (principal.plan.name, principal.plan.window.as_secs_f64());
            writeln!(
                out,
                "SILENT   {name}: {silent}, of which {recovered} recovered, at most for {:.2} s \
                 (window {window} s)",
                longest.as_secs_f64()
            )?;
        }
        let names: Vec<&str> = others.iter().map(|it| it.plan.name).collect();
        writeln!(out, "never silent: {}", names.join(", "))
    }

    /// The snapshot as it serializes, with one more member, `host`, for what the host knows.
    ///
    /// # Errors
    /// What the serializer says.
    pub(crate) fn to_json(
        &self,
        ended: &Ended,
        snapshot: &Snapshot,
        tally: &Tally,
    ) -> serde_json::Result<Value> {
        let [sent, delivered] = self.frames();
        let principals = self.principals.iter().map(|it| principal(it, tally.of(it)));
        let mut json = serde_json::to_value(snapshot)?;
        json["host"] = json!({
            "ran_secs": ended.after.as_secs_f64(),
            "ended_by": ended.by,
            "frames_sent": sent,
            "frames_delivered": delivered,
            "events": tally.counts,
            "principals": principals.collect::<Vec<_>>(),
            "tenants": self.tenants.to_json(),
        });
        Ok(json)
    }
}

/// How a run ended.
pub(crate) struct Ended {
    pub(crate) by: &'static str,
    pub(crate) after: Duration,
}

fn principal(principal: &Principal, silences: Silences) -> Value {
    json!({
        "name": principal.plan.name,
        "instances": principal.plan.instances,
        "state": principal.state(),
        "runs": load(&principal.runs),
        "frames": load(&principal.frames),
        "frames_delivered": load(&principal.delivered),
        "stops": load(&principal.stops),
        "refusals": load(&principal.refusals),
        "keepalive": {
            "window_ms": ms(principal.plan.window),
            "late": silences.late,
            "silent": silences.silent,
            "recovered": silences.recovered,
            "longest_silence_ms": ms(silences.longest),
        },
    })
}
