//! For the facade `metrics`.

use metrics::{Key, Label, Level, Metadata, Recorder, Unit as FacadeUnit};

use crate::exporter::Exporter;
use crate::family::{Family, Kind, Unit};
use crate::sample::{Sample, Value};
use crate::scrape::Scrape;

impl Exporter {
    /// Reads the registry, and sets all of its numbers in the recorder that is installed, if there is
    /// one. To be called at an interval that is shorter than the idle timeout of the recorder, if that
    /// has one: without a timeout, what has left the registry keeps its last value for ever.
    ///
    /// Handles are asked for at each report, since one that is kept dies with an idle timeout. Counters
    /// of the facade are whole numbers, so that those of seconds are gauges here. A histogram cannot be
    /// set: it is its `_bucket`, `_sum` and `_count`, as in the text formats.
    ///
    /// ```
    /// use plimsoll::{Registry, Watermarks};
    /// use plimsoll_export::Exporter;
    ///
    /// let registry = Registry::new();
    /// let frames = registry.gauge("stdout_frames", Watermarks::new(10))?;
    /// let exporter = Exporter::new(&registry);
    /// exporter.report(); // and again, every few seconds
    /// # Ok::<(), plimsoll::RegisterError>(())
    /// ```
    pub fn report(&self) {
        metrics::with_recorder(|recorder| self.report_to(recorder));
    }

    /// As [`report`](Self::report), to a recorder that is not installed.
    pub fn report_to(&self, recorder: &dyn Recorder) {
        let scrape = self.scrape();
        for family in Scrape::families() {
            let mut is_described = false;
            scrape.for_each_sample(family, |sample| {
                if !std::mem::replace(&mut is_described, true) {
                    describe(family, recorder);
                }
                set(family, &sample, recorder);
            });
        }
    }
}

static METADATA: Metadata<'static> = Metadata::new("plimsoll", Level::INFO, None);

/// The names, and whether each is a counter.
fn parts(family: &Family) -> Vec<(String, bool)> {
    if family.kind == Kind::Histogram {
        let parts = [("_bucket", true), ("_sum", false), ("_count", true)];
        return parts
            .map(|(part, is_counter)| (format!("{}{part}", family.name), is_counter))
            .into();
    }
    vec![(family.name.to_owned(), family.kind == Kind::Counter && family.is_integer())]
}

fn describe(family: &Family, recorder: &dyn Recorder) {
    let unit = match family.unit {
        Unit::Bytes => FacadeUnit::Bytes,
        Unit::Seconds => FacadeUnit::Seconds,
        Unit::One | Unit::Ratio | Unit::Things(_) => FacadeUnit::Count,
    };
    for (name, is_counter) in parts(family) {
        let (name, help) = (name.into(), family.help.into());
        if is_counter {
            recorder.describe_counter(name, Some(unit), help);
        } else {
            recorder.describe_gauge(name, Some(unit), help);
        }
    }
}

fn set(family: &Family, sample: &Sample<'_>, recorder: &dyn Recorder) {
    let mut labels = Vec::new();
    sample.for_each_label(|name, value| labels.push(Label::new(name, value.to_owned())));
    let counter = |name: String, labels: Vec<Label>, number: u64| {
        let key = Key::from_parts(name, labels);
        recorder.register_counter(&key, &METADATA).absolute(number);
    };
    let gauge = |name: String, labels: Vec<Label>, number: f64| {
        recorder.register_gauge(&Key::from_parts(name, labels), &METADATA).set(number);
    };
    let name = family.name;
    match sample.value {
        Value::Integer(number) if family.kind == Kind::Counter => {
            counter(name.to_owned(), labels, number);
        }
        Value::Integer(number) => gauge(name.to_owned(), labels, number as f64),
        Value::Real(number) => gauge(name.to_owned(), labels, number),
        Value::Histogram(times) => {
            for (bound, count) in times.cumulative() {
                let bound = if bound.is_finite() { bound.to_string() } else { "+Inf".to_owned() };
                let labels = labels.iter().cloned().chain([Label::new("le", bound)]).collect();
                counter(format!("{name}_bucket"), labels, count);
            }
            gauge(format!("{name}_sum"), labels.clone(), times.sum());
            counter(format!("{name}_count"), labels, times.count());
        }
    }
}
