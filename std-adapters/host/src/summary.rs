//! The end of a run: the same facts as text for people and as JSON for programs.

use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use plimsoll::Snapshot;
use serde_json::{Value, json};

use crate::guests::Principal;
use crate::log::Counts;
use crate::silences::Facts;
use crate::tenants;
use crate::view::Meter;
use crate::{model, view};

/// All that is known once the run is over and the pipeline is empty.
pub(crate) struct Summary {
    pub(crate) ran_secs: f64,
    /// Why the run ended.
    pub(crate) ended_by: &'static str,
    pub(crate) snapshot: Snapshot,
    pub(crate) principals: Vec<Arc<Principal>>,
    pub(crate) tenants: Arc<tenants::Facts>,
    pub(crate) events: Counts,
}

impl Summary {
    /// Frames that went into the pipeline, and those that came out at the sink.
    fn frames(&self) -> (u64, u64) {
        let sum = |of: fn(&Principal) -> &AtomicU64| {
            self.principals.iter().map(|principal| load(of(principal))).sum()
        };
        (sum(|it| &it.tally.frames_sent), sum(|it| &it.tally.frames_delivered))
    }

    /// Prints the summary for people.
    pub(crate) fn print(&self, out: &mut impl Write) -> io::Result<()> {
        let (sent, delivered) = self.frames();
        let Counts { raised, cleared, sustained, exhausted, late, silent, recovered } = self.events;
        writeln!(out, "sandbox_host: {:.1} s, ended by {}", self.ran_secs, self.ended_by)?;
        writeln!(out, "frames: {sent} sent, {delivered} reached the sink")?;
        writeln!(
            out,
            "events: {raised} raised, {sustained} sustained, {cleared} cleared, {exhausted} \
             exhausted, {late} late, {silent} silent, {recovered} recovered"
        )?;
        self.print_queues(out)?;
        self.print_guests(out)?;
        self.tenants.print(&self.snapshot, out)?;
        self.print_ledgers(out)?;
        self.print_silences(out)
    }

    fn print_queues(&self, out: &mut impl Write) -> io::Result<()> {
        writeln!(out, "\n{:<28} {:>8} {:>8} {:>9}", "QUEUE", "peak", "capacity", "blocked")?;
        for queue in model::queues(&self.snapshot) {
            let Meter { high_water, capacity, .. } = queue.meter;
            let blocked = format!("{:.1} s", queue.blocked.as_secs_f64());
            writeln!(out, "{:<28} {high_water:>8} {capacity:>8} {blocked:>9}", queue.name)?;
        }
        Ok(())
    }

    fn print_guests(&self, out: &mut impl Write) -> io::Result<()> {
        writeln!(
            out,
            "\n{:<8} {:>5} {:>7} {:>13} {:>11} {:>8} {:>8}",
            "GUEST", "runs", "frames", "memory peak", "turn peak", "trapped", "refused"
        )?;
        let parties = model::parties(&self.snapshot, &self.principals);
        for (principal, party) in self.principals.iter().zip(parties) {
            let tally = &principal.tally;
            let memory = view::mib_of(party.memory_bytes.high_water, party.memory_bytes.capacity);
            let turn = format!("{}/{} ms", party.turn_ms.high_water, party.turn_ms.capacity);
            writeln!(
                out,
                "{:<8} {:>5} {:>7} {:>13} {turn:>11} {:>8} {:>8}",
                party.name,
                load(&tally.runs),
                party.frames,
                format!("{memory} MiB"),
                load(&tally.traps),
                load(&tally.refusals),
            )?;
        }
        Ok(())
    }

    /// Who has used the most, and how far that is certain.
    fn print_ledgers(&self, out: &mut impl Write) -> io::Result<()> {
        let rankings = model::rankings(&self.snapshot);
        for (ledger, ranking) in self.snapshot.ledgers().iter().zip(rankings) {
            writeln!(
                out,
                "\nMOST {}: {} of {} certain, {} turned away",
                ranking.of.to_uppercase(),
                ledger.certified,
                ledger.users().len(),
                ledger.turned_away.unwrap_or(0)
            )?;
            for user in &ranking.users {
                let share = format!("{:.1} %", user.share * 100.0);
                writeln!(out, "{:<9} {:>12} {share:>8}", user.name, user.amount)?;
            }
        }
        Ok(())
    }

    /// What the keep-alive told: a line for each guest that was missed, and one for the others.
    fn print_silences(&self, out: &mut impl Write) -> io::Result<()> {
        let Meter { high_water, capacity, .. } = model::watched(&self.snapshot);
        let silent = model::silent(&self.snapshot).high_water;
        writeln!(
            out,
            "\nKEEP-ALIVE: at most {high_water} of {capacity} runs watched at one time, {silent} \
             silent"
        )?;
        let (missed, others): (Vec<_>, Vec<_>) =
            self.principals.iter().partition(|it| facts(it).silent > 0);
        for principal in missed {
            let window = principal.plan.window.as_secs_f64();
            let name = principal.plan.name;
            writeln!(out, "{name:<8} {} (window {window} s)", facts(principal))?;
        }
        let names: Vec<&str> = others.iter().map(|it| it.plan.name).collect();
        writeln!(out, "never silent: {}", names.join(", "))
    }

    /// The snapshot as it serializes, with one more member, `host`, for what the host knows.
    ///
    /// # Errors
    /// What the serializer says.
    pub(crate) fn to_json(&self) -> serde_json::Result<Value> {
        let (sent, delivered) = self.frames();
        let Counts { raised, cleared, sustained, exhausted, late, silent, recovered } = self.events;
        let principals: Vec<Value> = self.principals.iter().map(|it| principal(it)).collect();
        let mut json = serde_json::to_value(&self.snapshot)?;
        json["host"] = json!({
            "ran_secs": self.ran_secs,
            "ended_by": self.ended_by,
            "frames_sent": sent,
            "frames_delivered": delivered,
            "events": {
                "raised": raised,
                "cleared": cleared,
                "sustained": sustained,
                "exhausted": exhausted,
                "late": late,
                "silent": silent,
                "recovered": recovered,
            },
            "principals": principals,
            "tenants": self.tenants.to_json(),
        });
        Ok(json)
    }
}

fn principal(principal: &Principal) -> Value {
    let tally = &principal.tally;
    let facts = facts(principal);
    let ms = |time: Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
    json!({
        "name": principal.plan.name,
        "instances": principal.plan.instances,
        "state": principal.state().to_string(),
        "runs": load(&tally.runs),
        "frames_sent": load(&tally.frames_sent),
        "frames_delivered": load(&tally.frames_delivered),
        "traps": load(&tally.traps),
        "refusals": load(&tally.refusals),
        "keepalive": {
            "window_ms": ms(principal.plan.window),
            "late": facts.late,
            "silent": facts.silent,
            "recovered": facts.recovered,
            "longest_silence_ms": ms(facts.longest),
        },
    })
}

fn facts(principal: &Principal) -> Facts {
    principal.heartbeats.silences().facts(principal.plan.name)
}

fn load(number: &AtomicU64) -> u64 {
    // Relaxed: the guests have been joined, which ordered everything.
    number.load(Ordering::Relaxed)
}
