//! What is known of each limit: its number, its gauge in the registry, its pressure, its errors.

use std::sync::Arc;

use plimsoll_core::{Level, MAX_CAPACITY, Watermarks};

use super::error::ProbeError;
use super::limit::{LIMITS, ProbeLimit};
use super::measured::Measured;
use crate::gauge::RecordedGauge;
use crate::pressure::{Pressure, PressureSwitch};
use crate::registry::Registry;
use crate::sync::Mutex;

/// The limits, by their places in the catalog.
pub(super) struct Listed(Mutex<[Entry; LIMITS]>);

#[derive(Default)]
struct Entry {
    measured: Option<Measured>,
    level: Level,
    /// Where the number lies between the watermarks, from 0 to 1.
    scaled: f64,
    gauge: Option<(Watermarks, RecordedGauge)>,
    /// Present once its pressure was asked for.
    switch: Option<Arc<PressureSwitch>>,
    error: Option<ProbeError>,
    /// The kinds of errors that were returned once.
    told: u8,
}

impl Entry {
    fn gauge(&self, watermarks: Watermarks) -> Option<RecordedGauge> {
        self.gauge.as_ref().filter(|(of, _)| *of == watermarks).map(|(_, gauge)| gauge.clone())
    }
}

impl Listed {
    pub(super) fn new() -> Self {
        Self(Mutex::new(Default::default()))
    }

    fn with<R>(&self, limit: ProbeLimit, step: impl FnOnce(&mut Entry) -> R) -> R {
        step(&mut self.0.lock()[limit as usize])
    }

    pub(super) fn measured(&self, limit: ProbeLimit) -> Option<Measured> {
        self.with(limit, |entry| entry.measured)
    }

    pub(super) fn errors(&self) -> Vec<ProbeError> {
        self.0.lock().iter().filter_map(|entry| entry.error.clone()).collect()
    }

    /// The pressure that is on while the limit is raised.
    pub(super) fn pressure(&self, limit: ProbeLimit) -> Pressure {
        let new = || Arc::new(Pressure::manual().0);
        let switch = self.with(limit, |entry| entry.switch.get_or_insert_with(new).clone());
        self.turn(limit, &switch);
        switch.pressure().clone()
    }

    /// Turns a switch to what is known of its limit.
    fn turn(&self, limit: ProbeLimit, switch: &PressureSwitch) {
        let known = || self.with(limit, |entry| (entry.level > Level::Normal, entry.scaled));
        let mut told = known();
        loop {
            // It wakes, hence under no lock: another thread may turn it to what is older, or newer.
            switch.set_scaled(told.1);
            switch.set(told.0);
            let now = known();
            if now == told {
                return;
            }
            told = now;
        }
    }

    /// Forgets the number of a limit, as that of another cgroup.
    pub(super) fn forget(&self, limit: ProbeLimit) {
        self.with(limit, |entry| entry.measured = None);
    }

    /// Records what was measured. Its gauge is registered anew if the watermarks are others.
    ///
    /// No lock is held while an edge is handed on, or the gauge that was replaced is dropped.
    ///
    /// # Returns
    /// What was measured before.
    pub(super) fn record(
        &self,
        registry: &Registry,
        limit: ProbeLimit,
        watermarks: Watermarks,
        measured: Measured,
    ) -> Result<Option<Measured>, ProbeError> {
        let depth = measured.value.min(MAX_CAPACITY);
        let (before, gauge, switch) = self.with(limit, |entry| {
            entry.level = watermarks.judge(entry.level, depth);
            entry.scaled = scaled(watermarks, depth);
            (entry.measured.replace(measured), entry.gauge(watermarks), entry.switch.clone())
        });
        if let Some(switch) = switch {
            self.turn(limit, &switch);
        }
        let gauge = match gauge {
            Some(gauge) => gauge,
            None => {
                let gauge = registry
                    .recorded_gauge(limit, watermarks)
                    .map_err(|error| ProbeError::Register { limit, error })?;
                let new = Some((watermarks, gauge.clone()));
                let replaced = self.with(limit, |entry| std::mem::replace(&mut entry.gauge, new));
                drop(replaced);
                gauge
            }
        };
        gauge.record(depth);
        self.with(limit, |entry| entry.error = None);
        Ok(before)
    }

    /// The limit is not measured now: it leaves the registry. One that the registry does not take
    /// is measured still.
    ///
    /// # Returns
    /// The error, if none of its kind was returned for this limit.
    pub(super) fn fail(&self, error: ProbeError) -> Option<ProbeError> {
        let is_measured = matches!(error, ProbeError::Register { .. });
        let limit = error.limit();
        let (left, switch, is_new) = self.with(limit, |entry| {
            if !is_measured {
                (entry.measured, entry.level, entry.scaled) = (None, Level::Normal, 0.0);
            }
            let is_new = entry.told & error.kind() == 0;
            entry.told |= error.kind();
            entry.error = Some(error.clone());
            (entry.gauge.take(), entry.switch.clone(), is_new)
        });
        drop(left);
        if let Some(switch) = switch {
            self.turn(limit, &switch);
        }
        is_new.then_some(error)
    }
}

/// Nothing measures any more: no pressure stays on.
impl Drop for Listed {
    fn drop(&mut self) {
        let switches = self.0.get_mut().iter_mut().filter_map(|entry| entry.switch.take());
        switches.for_each(|switch| {
            switch.set_scaled(0.0);
            switch.set(false);
        });
    }
}

/// Where `depth` lies between the watermarks, from 0 to 1; 0 without any.
fn scaled(watermarks: Watermarks, depth: u64) -> f64 {
    let level = Level::Elevated;
    let Some((low, high)) = watermarks.low(level).zip(watermarks.high(level)) else { return 0.0 };
    // The switch keeps it within 0 and 1.
    depth.saturating_sub(low) as f64 / (high - low) as f64
}
