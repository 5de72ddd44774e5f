//! For OpenTelemetry.

use std::fmt;
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use opentelemetry::KeyValue;
use opentelemetry::metrics::{AsyncInstrument, Meter};
use plimsoll::WeakRegistry;
use std::sync::Mutex;

use crate::exporter::Exporter;
use crate::family::{Family, Kind};
use crate::sample::{Sample, Times, Value};
use crate::scrape::Scrape;

/// How long the instruments of one collection read one scrape.
const FRESH: Duration = Duration::from_millis(100);

impl Exporter {
    /// Makes one observable instrument per name in `meter`. They read the registry whenever the meter's
    /// provider collects, all of one collection the same snapshot, for as long as the returned value and
    /// the registry live. What leaves the registry is missing from the next collection.
    ///
    /// A callback of OpenTelemetry cannot be removed. So a registry is registered once at a time; for
    /// several destinations give a provider several readers.
    ///
    /// A provider keeps 2,000 series of an instrument, and makes one meaningless series of the rest. With
    /// more limits than that give it a view:
    ///
    /// ```
    /// use opentelemetry::metrics::MeterProvider;
    /// use opentelemetry_sdk::metrics::{Instrument, SdkMeterProvider, Stream};
    /// use plimsoll::{Registry, Watermarks};
    /// use plimsoll_export::Exporter;
    ///
    /// let registry = Registry::new();
    /// let frames = registry.gauge("stdout_frames", Watermarks::new(10))?;
    ///
    /// let more_series = |instrument: &Instrument| {
    ///     let is_ours = instrument.name().starts_with("plimsoll.");
    ///     is_ours.then(|| Stream::builder().with_cardinality_limit(20_000).build().ok()).flatten()
    /// };
    /// let provider = SdkMeterProvider::builder().with_view(more_series).build();
    /// let _registered = Exporter::new(&registry).register(&provider.meter("plimsoll"))?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`AlreadyRegistered`], while the value of an earlier call for this registry lives.
    pub fn register(&self, meter: &Meter) -> Result<Registered, AlreadyRegistered> {
        let cache = Arc::new(Cache { exporter: self.clone(), scrape: Mutex::new(None) });
        {
            let mut registered = REGISTERED.lock().unwrap_or_else(|poison| poison.into_inner());
            registered.retain(|cache| cache.strong_count() > 0);
            let is_same = |cache: Weak<Cache>| {
                cache.upgrade().is_some_and(|it| it.registry().is_same(self.registry()))
            };
            if registered.iter().cloned().any(is_same) {
                return Err(AlreadyRegistered);
            }
            registered.push(Arc::downgrade(&cache));
        }
        let mut made: Vec<&str> = Vec::new();
        for family in Scrape::families() {
            if !made.contains(&family.otel) {
                made.push(family.otel);
                instruments(family, meter, &cache);
            }
        }
        Ok(Registered(cache))
    }
}

/// The registries that are registered.
static REGISTERED: Mutex<Vec<Weak<Cache>>> = Mutex::new(Vec::new());

/// Keeps a registry [registered](Exporter::register); with it, all series end.
#[derive(Debug)]
#[must_use = "nothing is exported once it is dropped"]
pub struct Registered(#[expect(dead_code, reason = "it is there to be dropped")] Arc<Cache>);

/// The registry is [registered](Exporter::register) already: a second time would make every series
/// twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AlreadyRegistered;

impl fmt::Display for AlreadyRegistered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(
            "this registry is registered with OpenTelemetry already: one registration at a time, \
             which ends when its value is dropped",
        )
    }
}

impl std::error::Error for AlreadyRegistered {}

/// The last scrape, and when it was made.
#[derive(Debug)]
struct Cache {
    exporter: Exporter,
    scrape: Mutex<Option<(Instant, Arc<Scrape>)>>,
}

impl Cache {
    fn registry(&self) -> &WeakRegistry {
        self.exporter.registry()
    }

    fn scrape(&self) -> Arc<Scrape> {
        let mut cached = self.scrape.lock().unwrap_or_else(|poison| poison.into_inner());
        match &*cached {
            Some((at, scrape)) if at.elapsed() < FRESH => scrape.clone(),
            _ => {
                let scrape = Arc::new(self.exporter.scrape());
                *cached = Some((Instant::now(), scrape.clone()));
                scrape
            }
        }
    }
}

/// The instruments of one name: one, but three for a histogram, which cannot be observed.
fn instruments(family: &'static Family, meter: &Meter, cache: &Arc<Cache>) {
    let (name, help, unit) = (family.otel, family.help, family.unit.ucum());
    macro_rules! observe {
        ($method:ident, $name:expr, $unit:expr, $number:expr) => {{
            let read = reader(family, cache, $number);
            let builder = meter.$method($name).with_description(help).with_unit($unit);
            // The instrument is nothing but its callback.
            let _ = builder.with_callback(move |it| read(it)).build();
        }};
    }
    match (family.kind, family.is_integer()) {
        (Kind::Histogram, _) => {
            observe!(u64_observable_counter, format!("{name}.bucket"), "{request}", buckets);
            observe!(u64_observable_counter, format!("{name}.count"), "{request}", count);
            observe!(f64_observable_counter, format!("{name}.sum"), unit, sum);
        }
        (Kind::Counter, true) => observe!(u64_observable_counter, name, unit, integer),
        (Kind::Counter, false) => observe!(f64_observable_counter, name, unit, real),
        (Kind::UpDown, true) => observe!(i64_observable_up_down_counter, name, unit, signed),
        (Kind::UpDown, false) => observe!(f64_observable_up_down_counter, name, unit, real),
        (Kind::Gauge, true) => observe!(u64_observable_gauge, name, unit, integer),
        (Kind::Gauge, false) => observe!(f64_observable_gauge, name, unit, real),
    }
}

/// What a callback does: reads all families of the name.
fn reader<T: 'static>(
    family: &'static Family,
    cache: &Arc<Cache>,
    number: fn(&dyn AsyncInstrument<T>, Value<'_>, Vec<KeyValue>),
) -> impl Fn(&dyn AsyncInstrument<T>) + Send + Sync + 'static {
    let cache = Arc::downgrade(cache);
    move |instrument| {
        let Some(scrape) = cache.upgrade().map(|cache| cache.scrape()) else {
            return;
        };
        for same in Scrape::families().filter(|other| other.otel == family.otel) {
            scrape.for_each_sample(same, |sample| {
                number(instrument, sample.value, attributes(same, &sample));
            });
        }
    }
}

fn attributes(family: &Family, sample: &Sample<'_>) -> Vec<KeyValue> {
    let own = sample.labels.first().map(|(name, _)| *name);
    let mut attributes = Vec::with_capacity(5);
    sample.for_each_label(|name, value| {
        let name = family.otel_label.filter(|_| Some(name) == own).unwrap_or(name);
        attributes.push(KeyValue::new(name, value.to_owned()));
    });
    attributes.extend(family.otel_state.map(|(name, value)| KeyValue::new(name, value)));
    attributes
}

fn integer(instrument: &dyn AsyncInstrument<u64>, value: Value<'_>, attributes: Vec<KeyValue>) {
    if let Value::Integer(number) = value {
        instrument.observe(number, &attributes);
    }
}

fn signed(instrument: &dyn AsyncInstrument<i64>, value: Value<'_>, attributes: Vec<KeyValue>) {
    if let Value::Integer(number) = value {
        instrument.observe(number.try_into().unwrap_or(i64::MAX), &attributes);
    }
}

fn real(instrument: &dyn AsyncInstrument<f64>, value: Value<'_>, attributes: Vec<KeyValue>) {
    if let Value::Real(number) = value {
        instrument.observe(number, &attributes);
    }
}

fn count(instrument: &dyn AsyncInstrument<u64>, value: Value<'_>, attributes: Vec<KeyValue>) {
    times(value, |times| instrument.observe(times.count(), &attributes));
}

fn sum(instrument: &dyn AsyncInstrument<f64>, value: Value<'_>, attributes: Vec<KeyValue>) {
    times(value, |times| instrument.observe(times.sum(), &attributes));
}

fn buckets(instrument: &dyn AsyncInstrument<u64>, value: Value<'_>, attributes: Vec<KeyValue>) {
    times(value, |times| {
        for (bound, count) in times.cumulative() {
            let bound = if bound.is_finite() { bound.to_string() } else { "+Inf".to_owned() };
            let bucket: Vec<_> =
                attributes.iter().cloned().chain([KeyValue::new("le", bound)]).collect();
            instrument.observe(count, &bucket);
        }
    });
}

fn times(value: Value<'_>, observe: impl FnOnce(&Times)) {
    if let Value::Histogram(times) = value {
        observe(times);
    }
}
