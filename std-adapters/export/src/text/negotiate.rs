//! Which format a client asks for.

use super::Format;

/// Goes by the header `Accept` (RFC 9110, section 12.5.1), as far as two formats need it.
pub(super) fn negotiate(accept: &str) -> Format {
    let (mut open_metrics, mut plain, mut any) = (0, None, 0);
    for range in accept.split(',') {
        let mut parts = range.split(';').map(str::trim);
        let media = parts.next().unwrap_or_default();
        let mut quality = 1_000;
        let mut version = None;
        for part in parts {
            let (name, value) = part.split_once('=').unwrap_or((part, ""));
            match &*name.trim().to_ascii_lowercase() {
                "q" => quality = thousandths(value.trim()),
                "version" => version = Some(value.trim().trim_matches('"')),
                _ => {}
            }
        }
        let is = |name: &str| media.eq_ignore_ascii_case(name);
        if is("application/openmetrics-text") {
            // 1.0.0 is a superset of 0.0.1 in all that is written here.
            if matches!(version, None | Some("1.0.0" | "0.0.1")) {
                open_metrics = quality.max(open_metrics);
            }
        } else if is("text/plain") {
            if matches!(version, None | Some("0.0.4")) {
                plain = Some(quality.max(plain.unwrap_or(0)));
            }
        } else if is("text/*") || is("*/*") {
            any = quality.max(any);
        }
    }
    if open_metrics > 0 && open_metrics >= plain.unwrap_or(any) {
        Format::OpenMetrics
    } else {
        Format::Prometheus
    }
}

/// A quality from 0 to 1 in thousandths; what is none counts as 0.
fn thousandths(quality: &str) -> u32 {
    let value: f32 = quality.parse().unwrap_or(0.0);
    if (0.0..=1.0).contains(&value) { (value * 1_000.0).round() as u32 } else { 0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_higher_rank_decides() {
        use Format::{OpenMetrics, Prometheus};
        for (accept, format) in [
            ("", Prometheus),
            ("*/*", Prometheus),
            ("text/html,application/xhtml+xml,*/*;q=0.8", Prometheus),
            ("text/plain", Prometheus),
            ("application/openmetrics-text", OpenMetrics),
            // What Prometheus 2.42 sends.
            (
                "application/openmetrics-text;version=1.0.0,\
                 application/openmetrics-text;version=0.0.1;q=0.75,\
                 text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
                OpenMetrics,
            ),
            // What 3.x sends, with a format that nobody writes here.
            (
                "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,\
                 application/openmetrics-text;version=0.0.1;q=0.5,\
                 text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,\
                 text/plain;version=0.0.4;q=0.3,*/*;q=0.2",
                OpenMetrics,
            ),
            ("text/plain;q=0.9, application/openmetrics-text;q=0.5", Prometheus),
            (
                "Application/OpenMetrics-Text; Version=\"1.0.0\"; Q=0.5, text/plain; q=0.4",
                OpenMetrics,
            ),
            ("application/openmetrics-text;version=2.0.0", Prometheus),
            ("application/openmetrics-text;q=0", Prometheus),
            ("application/openmetrics-text;q=nan, text/plain;q=0.1", Prometheus),
            ("application/openmetrics-text;q=7", Prometheus),
            (";;;,,,===;q=;\u{0}\"", Prometheus),
        ] {
            assert_eq!(negotiate(accept), format, "{accept}");
        }
        assert_eq!(negotiate(&"application/openmetrics-text,".repeat(100_000)), OpenMetrics);
    }
}
