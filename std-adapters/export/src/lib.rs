//! What a [registry](plimsoll::Registry) knows, for those who look from outside the process.
//!
//! An [`Exporter`] reads the registry whenever it is asked. What it reads is a [`Scrape`]: families of
//! series, from one table, which every encoder of this crate goes through. So what they say of one
//! moment agrees, and an encoder of your own agrees with them.
//!
//! # `text`: Prometheus and OpenMetrics, without a library
//! ```
//! # #[cfg(feature = "text")] {
//! use plimsoll::{Registry, Watermarks};
//! use plimsoll_export::{Exporter, Format};
//!
//! let registry = Registry::new();
//! let frames = registry.gauge("stdout_frames", Watermarks::percent(1024, 80, 50))?;
//! frames.add(7);
//!
//! let format = Format::negotiate("application/openmetrics-text;version=1.0.0"); // header `Accept`
//! let body = Exporter::new(&registry).scrape().text(format);
//! assert!(body.contains("plimsoll_queue_size{limit=\"stdout_frames\",category=\"queue\"} 7\n"));
//! # }
//! # Ok::<(), plimsoll::RegisterError>(())
//! ```
//!
//! # `prometheus`: with `prometheus-client`
//! ```
//! # #[cfg(feature = "prometheus")] {
//! use plimsoll::{Registry, Watermarks};
//! use plimsoll_export::Exporter;
//!
//! let registry = Registry::new();
//! let frames = registry.gauge("stdout_frames", Watermarks::new(10))?;
//!
//! let mut metrics = prometheus_client::registry::Registry::default();
//! metrics.register_collector(Box::new(Exporter::new(&registry)));
//! let mut text = String::new();
//! prometheus_client::encoding::text::encode(&mut text, &metrics)?;
//! assert!(text.contains("plimsoll_queue_capacity{limit=\"stdout_frames\""));
//! # }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # `opentelemetry`: with OpenTelemetry, and so OTLP
//! ```
//! # #[cfg(feature = "opentelemetry")] {
//! use opentelemetry::metrics::MeterProvider;
//! use opentelemetry_sdk::metrics::{InMemoryMetricExporter, SdkMeterProvider};
//! use plimsoll::{Registry, Watermarks};
//! use plimsoll_export::Exporter;
//!
//! let registry = Registry::new();
//! let frames = registry.gauge("stdout_frames", Watermarks::new(10))?;
//!
//! let exported = InMemoryMetricExporter::default(); // or that of `opentelemetry-otlp`
//! let provider = SdkMeterProvider::builder().with_periodic_exporter(exported.clone()).build();
//! let _registered = Exporter::new(&registry).register(&provider.meter("plimsoll"))?;
//!
//! provider.force_flush()?;
//! assert!(!exported.get_finished_metrics()?.is_empty());
//! # }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # `metrics`: with the facade `metrics`
//! ```
//! # #[cfg(feature = "metrics")] {
//! use plimsoll::{Registry, Watermarks};
//! use plimsoll_export::Exporter;
//!
//! let registry = Registry::new();
//! let frames = registry.gauge("stdout_frames", Watermarks::new(10))?;
//! let exporter = Exporter::new(&registry);
//! exporter.report(); // to the recorder that is installed; again every few seconds
//! # }
//! # Ok::<(), plimsoll::RegisterError>(())
//! ```
//!
//! # What is exported
//! Each [`Family`] tells its name, unit and meaning; [`Scrape::families`] lists all. Peaks of the last
//! minute and shares of time are there while the registry has a [history](plimsoll::History), and sent
//! and received totals where [flow totals](plimsoll::Limit::flow_totals) are asked for.
//!
//! Labels are `limit`, `category` and `scope`, and `n` for limits of one name and scope from the second
//! on. If an earlier one of these leaves, those after it move up. Names of limits say what is counted by
//! their end: `_bytes`, `_seconds`, `_ms`, `_us`, `_ns`; what is of
//! [`Category::Memory`](plimsoll::Category::Memory) is in bytes without that.
//!
//! # Decisions
//! - *Text is written by this crate too.* A registry of `prometheus-client` would be built from each
//!   scrape, for a server that reads text; with its own writer the default feature needs one small
//!   crate. To be looked at again when servers ask for what text cannot say, such as native histograms.
//! - *A running number tells limits of one name apart, not their number in the registry.* The latter
//!   never comes again, so that each limit that comes and goes would leave a series for ever.
//! - *Bytes and seconds are in OpenTelemetry's names, too.* One name of several units is a conflict
//!   there, and a translation to Prometheus gives the same names either way.
//! - *Histograms have 13 fixed bounds, powers of four.* They are bounds of a pool's own buckets, so that
//!   no count is an estimate, and the same in every host, so that sums over hosts mean something.
#![forbid(unsafe_code)]

#[cfg(all(doctest, feature = "text"))]
#[doc = include_str!("../README.md")]
struct Readme;

#[cfg(feature = "prometheus")]
mod client;
mod exporter;
#[cfg(feature = "metrics")]
mod facade;
mod family;
mod measure;
mod model;
#[cfg(feature = "opentelemetry")]
mod otel;
mod sample;
mod scrape;
mod table;
#[cfg(feature = "text")]
mod text;

pub use exporter::Exporter;
pub use family::{Family, Kind, Unit};
#[cfg(feature = "opentelemetry")]
pub use otel::{AlreadyRegistered, Registered};
pub use sample::{Label, LimitLabels, Sample, Times, Value};
pub use scrape::Scrape;
#[cfg(feature = "text")]
pub use text::Format;
