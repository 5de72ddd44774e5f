//! What all series of one name have in common.

use crate::model::Model;
use crate::sample::Sink;

/// A name, and what the series of that name mean.
#[derive(Debug)]
#[non_exhaustive]
pub struct Family {
    /// The name for Prometheus, with its unit; that of a counter ends in `_total`.
    pub name: &'static str,
    /// The name for OpenTelemetry.
    pub otel: &'static str,
    /// What changes in this number mean.
    pub kind: Kind,
    /// What it is counted in.
    pub unit: Unit,
    /// One sentence.
    pub help: &'static str,
    /// How the label beside those of the limit is called in OpenTelemetry, if not as here.
    pub(crate) otel_label: Option<&'static str>,
    /// What tells this family from others of one name in OpenTelemetry.
    pub(crate) otel_state: Option<(&'static str, &'static str)>,
    pub(crate) read: fn(&Model, &mut Sink<'_>),
}

/// What changes in a number mean.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// It grows, for as long as what it counts is registered.
    Counter,
    /// It goes up and down, and a sum of several means something.
    UpDown,
    /// It goes up and down, and a sum of several means nothing.
    Gauge,
    /// It counts times by their length.
    Histogram,
}

/// What a number is counted in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Unit {
    /// Nothing that has a name.
    One,
    /// Bytes.
    Bytes,
    /// Seconds.
    Seconds,
    /// A part of a whole: 1 is all of it.
    Ratio,
    /// Things, such as `"{item}"`.
    Things(&'static str),
}

impl Family {
    pub(crate) const fn new(
        kind: Kind,
        (name, otel): (&'static str, &'static str),
        unit: Unit,
        help: &'static str,
        read: fn(&Model, &mut Sink<'_>),
    ) -> Self {
        Self { name, otel, kind, unit, help, otel_label: None, otel_state: None, read }
    }

    /// Has the label beside those of the limit called so in OpenTelemetry.
    pub(crate) const fn otel_label(mut self, name: &'static str) -> Self {
        self.otel_label = Some(name);
        self
    }

    /// Shares its name in OpenTelemetry with others, from which this attribute tells it.
    pub(crate) const fn otel_state(mut self, name: &'static str, value: &'static str) -> Self {
        self.otel_state = Some((name, value));
        self
    }

    /// The name without the `_total` of a counter, as OpenMetrics has it.
    pub fn base_name(&self) -> &'static str {
        match self.kind {
            Kind::Counter => self.name.strip_suffix("_total").unwrap_or(self.name),
            _ => self.name,
        }
    }

    /// Whether all its values are [integers](crate::Value::Integer).
    pub const fn is_integer(&self) -> bool {
        !matches!((self.kind, self.unit), (Kind::Histogram, _) | (_, Unit::Seconds | Unit::Ratio))
    }
}

impl Kind {
    /// The word for it in the text formats of Prometheus.
    pub const fn as_str(self) -> &'static str {
        match self {
            Kind::Counter => "counter",
            Kind::UpDown | Kind::Gauge => "gauge",
            Kind::Histogram => "histogram",
        }
    }
}

impl Unit {
    /// The word for it at the end of a name; `None` for what is counted in things.
    pub const fn suffix(self) -> Option<&'static str> {
        match self {
            Unit::Bytes => Some("bytes"),
            Unit::Seconds => Some("seconds"),
            Unit::One | Unit::Ratio | Unit::Things(_) => None,
        }
    }

    /// Its code for OpenTelemetry, by the Unified Code for Units of Measure.
    pub const fn ucum(self) -> &'static str {
        match self {
            Unit::One | Unit::Ratio => "1",
            Unit::Bytes => "By",
            Unit::Seconds => "s",
            Unit::Things(things) => things,
        }
    }
}
