//! For `prometheus-client`: an exporter is a collector.

use std::fmt;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{
    DescriptorEncoder, EncodeLabelSet, LabelSetEncoder, MetricEncoder, NoLabelSet,
};
use prometheus_client::metrics::MetricType;
use prometheus_client::registry::Unit as ClientUnit;

use crate::exporter::Exporter;
use crate::family::{Family, Kind, Unit};
use crate::sample::{Sample, Value};
use crate::scrape::Scrape;

/// Reads the registry whenever a registry of `prometheus-client` is encoded.
///
/// Names and values are those of the text formats. A registry with labels of its own that are called
/// `limit`, `category`, `scope` or `n` makes a text that a server refuses.
///
/// ```
/// use plimsoll::{Registry, Watermarks};
/// use plimsoll_export::Exporter;
///
/// let registry = Registry::new();
/// let frames = registry.gauge("stdout_frames", Watermarks::new(10))?;
///
/// let mut metrics = prometheus_client::registry::Registry::default();
/// metrics.register_collector(Box::new(Exporter::new(&registry)));
///
/// let mut text = String::new();
/// prometheus_client::encoding::text::encode(&mut text, &metrics)?;
/// assert!(text.contains("plimsoll_queue_size{limit=\"stdout_frames\""));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
impl Collector for Exporter {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        let scrape = self.scrape();
        Scrape::families().try_for_each(|family| encode(&scrape, family, &mut encoder))
    }
}

/// One descriptor for the family, and its series.
fn encode(
    scrape: &Scrape,
    family: &Family,
    encoder: &mut DescriptorEncoder<'_>,
) -> Result<(), fmt::Error> {
    let mut is_empty = true;
    scrape.for_each_sample(family, |_| is_empty = false);
    if is_empty {
        return Ok(());
    }
    let (name, unit) = name_and_unit(family);
    let unit = unit.as_ref();
    let mut metric = encoder.encode_descriptor(name, family.help, unit, metric_type(family))?;
    let mut result = Ok(());
    scrape.for_each_sample(family, |sample| {
        if result.is_ok() {
            result = metric
                .encode_family(&Labels(sample))
                .and_then(|metric| series(family, sample.value, metric));
        }
    });
    result
}

fn series(
    family: &Family,
    value: Value<'_>,
    mut metric: MetricEncoder<'_>,
) -> Result<(), fmt::Error> {
    let is_counter = family.kind == Kind::Counter;
    match value {
        Value::Integer(number) if is_counter => {
            metric.encode_counter::<NoLabelSet, _, u64>(&number, None)
        }
        Value::Real(number) if is_counter => {
            metric.encode_counter::<NoLabelSet, _, f64>(&number, None)
        }
        Value::Integer(number) => metric.encode_gauge(&number),
        Value::Real(number) => metric.encode_gauge(&number),
        Value::Histogram(times) => {
            // It adds the counts up itself.
            let buckets: Vec<_> = times.buckets().collect();
            metric.encode_histogram::<NoLabelSet>(times.sum(), times.count(), &buckets, None)
        }
    }
}

/// It adds the unit, and `_total`, to the name itself.
fn name_and_unit(family: &Family) -> (&'static str, Option<ClientUnit>) {
    let name = family.base_name();
    let unit = match family.unit {
        Unit::Bytes => Some(ClientUnit::Bytes),
        Unit::Seconds => Some(ClientUnit::Seconds),
        Unit::One | Unit::Ratio | Unit::Things(_) => None,
    };
    let suffix = family.unit.suffix().and_then(|suffix| name.strip_suffix(suffix));
    (suffix.map_or(name, |name| name.trim_end_matches('_')), unit)
}

fn metric_type(family: &Family) -> MetricType {
    match family.kind {
        Kind::Counter => MetricType::Counter,
        Kind::UpDown | Kind::Gauge => MetricType::Gauge,
        Kind::Histogram => MetricType::Histogram,
    }
}

struct Labels<'a>(Sample<'a>);

impl EncodeLabelSet for Labels<'_> {
    fn encode(&self, encoder: &mut LabelSetEncoder<'_>) -> Result<(), fmt::Error> {
        use prometheus_client::encoding::EncodeLabel;
        let mut result = Ok(());
        self.0.for_each_label(|name, value| {
            if result.is_ok() {
                result = (name, value).encode(encoder.encode_label());
            }
        });
        result
    }
}
