//! The text formats of Prometheus, written without a library.

mod encode;
mod negotiate;

use crate::scrape::Scrape;

/// A text format that a Prometheus server reads.
///
/// ```
/// use plimsoll::{Registry, Watermarks};
/// use plimsoll_export::{Exporter, Format};
///
/// let registry = Registry::new();
/// let frames = registry.gauge("stdout_frames", Watermarks::new(10))?;
/// frames.add(3);
///
/// // In the handler of `GET /metrics`:
/// let format = Format::negotiate("application/openmetrics-text;version=1.0.0,*/*;q=0.1");
/// let body = Exporter::new(&registry).scrape().text(format);
/// assert_eq!(format, Format::OpenMetrics);
/// assert!(body.contains("plimsoll_queue_size{limit=\"stdout_frames\",category=\"queue\"} 3\n"));
/// assert!(body.ends_with("# EOF\n"));
/// # Ok::<(), plimsoll::RegisterError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Format {
    /// Prometheus text 0.0.4: what every server and tool reads.
    #[default]
    Prometheus,
    /// OpenMetrics 1.0.
    OpenMetrics,
}

impl Format {
    /// The value of the header `Content-Type`. A server goes by it, and refuses a scrape whole whose
    /// content is of another format.
    pub const fn content_type(self) -> &'static str {
        match self {
            Format::Prometheus => "text/plain; version=0.0.4; charset=utf-8",
            Format::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
        }
    }

    /// The format that the header `Accept` asks for: OpenMetrics if it is ranked at least as high as
    /// plain text, and plain text for all else, an empty or broken header too.
    pub fn negotiate(accept: &str) -> Self {
        negotiate::negotiate(accept)
    }
}

impl Scrape {
    /// All families as text.
    pub fn text(&self, format: Format) -> String {
        let mut text = String::new();
        self.write_text(format, &mut text);
        text
    }

    /// Adds all families as text to a buffer, which keeps its room from scrape to scrape if it is
    /// cleared in between.
    pub fn write_text(&self, format: Format, out: &mut String) {
        encode::encode(self, format, out);
    }
}
