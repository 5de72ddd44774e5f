//! Families as lines.

use std::fmt::Write;

use super::Format;
use crate::family::Family;
use crate::sample::{LimitLabels, Sample, Times, Value};
use crate::scrape::Scrape;

pub(super) fn encode(scrape: &Scrape, format: Format, out: &mut String) {
    let blocks = Blocks::of(scrape);
    let mut last = "";
    for family in Scrape::families() {
        scrape.for_each_sample(family, |sample| {
            // A family without series is not mentioned.
            if last != family.name {
                last = family.name;
                head(family, format, out);
            }
            series(family, &blocks, &sample, out);
        });
    }
    if format == Format::OpenMetrics {
        out.push_str("# EOF\n");
    }
}

/// The labels of each limit as text: written once, used by each of its series.
struct Blocks {
    text: String,
    ends: Vec<usize>,
}

impl Blocks {
    fn of(scrape: &Scrape) -> Self {
        let mut blocks = Self { text: String::new(), ends: Vec::new() };
        for labels in scrape.model.iter().flat_map(|model| model.labels()) {
            let sample = Sample { limit: Some(labels), labels: &[], value: Value::Integer(0) };
            let begin = blocks.text.len();
            sample.for_each_label(|name, value| {
                if blocks.text.len() > begin {
                    blocks.text.push(',');
                }
                label(name, value, &mut blocks.text);
            });
            blocks.ends.push(blocks.text.len());
        }
        blocks
    }

    fn block(&self, labels: &LimitLabels<'_>) -> &str {
        let begin = labels.index.checked_sub(1).map_or(0, |before| self.ends[before]);
        &self.text[begin..self.ends[labels.index]]
    }
}

fn head(family: &Family, format: Format, out: &mut String) {
    let name = match format {
        Format::Prometheus => family.name,
        Format::OpenMetrics => family.base_name(),
    };
    let line = |out: &mut String, what: &str, text: &str| {
        [what, name, " ", text, "\n"].into_iter().for_each(|part| out.push_str(part));
    };
    line(out, "# HELP ", family.help);
    line(out, "# TYPE ", family.kind.as_str());
    if let Some(unit) = family.unit.suffix().filter(|_| format == Format::OpenMetrics) {
        line(out, "# UNIT ", unit);
    }
}

fn series(family: &Family, blocks: &Blocks, sample: &Sample<'_>, out: &mut String) {
    let mut line = |suffix: &str, bound: Option<f64>, value: Value<'_>| {
        out.push_str(family.name);
        out.push_str(suffix);
        labels(blocks, sample, bound, out);
        match value {
            Value::Integer(number) => out.push_str(itoa::Buffer::new().format(number)),
            Value::Real(number) => real(number, out),
            Value::Histogram(_) => {}
        }
        out.push('\n');
    };
    match sample.value {
        Value::Histogram(times) => histogram(times, line),
        value => line("", None, value),
    }
}

fn histogram(times: &Times, mut line: impl FnMut(&str, Option<f64>, Value<'_>)) {
    for (bound, count) in times.cumulative() {
        line("_bucket", Some(bound), Value::Integer(count));
    }
    line("_sum", None, Value::Real(times.sum()));
    line("_count", None, Value::Integer(times.count()));
}

/// The labels, and the space after them.
fn labels(blocks: &Blocks, sample: &Sample<'_>, bound: Option<f64>, out: &mut String) {
    let mut separator = '{';
    if let Some(limit) = &sample.limit {
        out.push('{');
        out.push_str(blocks.block(limit));
        separator = ',';
    }
    for (name, value) in sample.labels {
        out.push(std::mem::replace(&mut separator, ','));
        label(name, value, out);
    }
    if let Some(bound) = bound {
        out.push(std::mem::replace(&mut separator, ','));
        out.push_str("le=\"");
        real(bound, out);
        out.push('"');
    }
    out.push_str(if separator == ',' { "} " } else { " " });
}

fn label(name: &str, value: &str, out: &mut String) {
    out.push_str(name);
    out.push_str("=\"");
    let mut rest = value;
    while let Some(at) = rest.find(['\\', '"', '\n']) {
        out.push_str(&rest[..at]);
        out.push_str(match rest.as_bytes()[at] {
            b'\\' => "\\\\",
            b'"' => "\\\"",
            _ => "\\n",
        });
        rest = &rest[at + 1..];
    }
    out.push_str(rest);
    out.push('"');
}

fn real(number: f64, out: &mut String) {
    if number == f64::INFINITY {
        out.push_str("+Inf");
    } else {
        // Writing to a string succeeds.
        let _ = write!(out, "{number}");
    }
}
