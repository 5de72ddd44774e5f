//! The text formats: names, labels, escapes, and what a server refuses.
#![cfg(feature = "text")]
#![forbid(unsafe_code)]

mod common;

use std::collections::HashSet;
use std::fs;
use std::path::Path;
use std::thread;
use std::time::Duration;

use common::{Buffers, GROWING, HOSTILE, assert_same, everything, series};
use plimsoll::pool::{Isolation, Pool};
use plimsoll::{Limit, RegisterError, Registry, Watermarks};
use plimsoll_export::{Exporter, Format, Kind, Scrape, Times};

/// Compares with a file, but for the passing of time; writes it anew if `UPDATE_GOLDEN` is set.
fn golden(file: &str, text: &str) {
    let timeless = |line: &str| match line.rsplit_once(' ') {
        Some((series, _)) if GROWING.iter().any(|it| series.starts_with(it)) => {
            format!("{series} 0.5\n")
        }
        _ => format!("{line}\n"),
    };
    let text: String = text.lines().map(timeless).collect();
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(file);
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        fs::write(&path, &text).unwrap();
    }
    let expected = fs::read_to_string(&path).unwrap();
    for (line, expected) in text.lines().zip(expected.lines()) {
        assert_eq!(line, expected, "{file}");
    }
    assert_eq!(text, expected, "{file}");
}

#[test]
fn everything_is_written_as_the_files_say() {
    let all = everything();
    let exporter = Exporter::new(&all.registry).top_principals(true);
    golden("everything.txt", &exporter.scrape().text(Format::Prometheus));
    golden("everything.openmetrics.txt", &exporter.scrape().text(Format::OpenMetrics));
}

#[test]
fn see_5_both_formats_have_the_same_series() {
    let all = everything();
    let scrape = Exporter::new(&all.registry).scrape();
    let [plain, open] =
        [Format::Prometheus, Format::OpenMetrics].map(|it| series(&scrape.text(it)));
    assert_same(&plain, &open);
    assert!(plain.len() > 100, "{}", plain.len());
}

#[test]
fn head_lines_stand_once_and_before_their_series() {
    let all = everything();
    let scrape = Exporter::new(&all.registry).scrape();
    for format in [Format::Prometheus, Format::OpenMetrics] {
        let text = scrape.text(format);
        let mut seen = HashSet::new();
        let mut family = None;
        for line in text.lines() {
            let words: Vec<_> = line.splitn(4, ' ').collect();
            match words[..] {
                ["#", what @ ("HELP" | "TYPE" | "UNIT"), name, _] => {
                    assert!(seen.insert((what, name.to_owned())), "{line}");
                    if what == "HELP" {
                        let is_it = |it: &&plimsoll_export::Family| {
                            name == if format == Format::OpenMetrics {
                                it.base_name()
                            } else {
                                it.name
                            }
                        };
                        family = Scrape::families().find(is_it);
                    }
                    assert!(family.is_some(), "{line}");
                }
                ["#", "EOF"] => assert_eq!(format, Format::OpenMetrics),
                _ => {
                    let family = family.unwrap();
                    let name = line.split(['{', ' ']).next().unwrap();
                    let suffix = name.strip_prefix(family.name).unwrap();
                    let is_histogram = family.kind == Kind::Histogram;
                    let expected = ["_bucket", "_sum", "_count"].contains(&suffix);
                    assert!(if is_histogram { expected } else { suffix.is_empty() }, "{line}");
                }
            }
        }
        assert_eq!(text.ends_with("# EOF\n"), format == Format::OpenMetrics);
        assert_eq!(text.matches("# EOF").count(), usize::from(format == Format::OpenMetrics));
        assert!(text.ends_with('\n') && !text.contains(['\r', '\u{1b}']) && !text.contains("\n\n"));
    }
}

#[test]
fn hostile_labels_are_escaped_and_larger_ones_refused() {
    let all = everything();
    let text = Exporter::new(&all.registry).top_principals(true).scrape().text(Format::Prometheus);
    let scope = HOSTILE.replace('\\', "\\\\").replace('"', "\\\"");
    let line = format!(
        "plimsoll_queue_size{{limit=\"stdout_frames\",category=\"queue\",scope=\"{scope}\"}} 10\n"
    );
    assert!(text.contains(&line), "{text}");
    let line = format!("rank=\"1\",principal=\"{scope}\"}} 1\n");
    assert!(text.contains(&line), "{text}");
    assert!(all.peaks.record("a\nb", 1).is_err());

    let register = |limit: Limit| all.registry.gauge(limit, Watermarks::new(1)).map(drop);
    let huge = "a".repeat(1 << 20);
    for (limit, error) in [
        (Limit::queue(huge.clone()), RegisterError::NameLength { bytes: 1 << 20 }),
        (Limit::queue("q").scope(huge), RegisterError::ScopeLength { bytes: 1 << 20 }),
        (Limit::queue("a\nb"), RegisterError::NameCharacter { at: 1 }),
        (Limit::queue("q").scope("a\nb"), RegisterError::ScopeCharacter { at: 1 }),
    ] {
        assert_eq!(register(limit).unwrap_err().to_string(), error.to_string());
    }
}

#[test]
fn any_scope_comes_back_as_it_was() {
    const SCOPES: u64 = 500;
    let registry = Registry::new();
    let alphabet: Vec<char> = "\\\"\\\"n,={}#_ aé😀\u{202e}".chars().collect();
    let scope = |seed: u64| {
        // The digits of a number that looks random, and its own so that no two are the same.
        let mut digits = (seed + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        let mut scope = String::new();
        for _ in 0..1 + seed % 12 {
            scope.push(alphabet[(digits % alphabet.len() as u64) as usize]);
            digits /= alphabet.len() as u64;
        }
        format!("{scope}{seed}")
    };
    let gauge = |seed| {
        let limit = Limit::queue("frames").scope(scope(seed));
        let gauge = registry.gauge(limit, Watermarks::unbounded()).unwrap();
        gauge.add(seed);
        gauge
    };
    let gauges: Vec<_> = (0..SCOPES).map(gauge).collect();
    let all = series(&Exporter::new(&registry).scrape().text(Format::Prometheus));
    let prefix = "plimsoll_queue_size{category=\"queue\",limit=\"frames\",scope=\"";
    let mut sizes = 0;
    for (series, size) in &all {
        let Some(label) = series.strip_prefix(prefix) else { continue };
        let (mut chars, mut value) = (label.strip_suffix("\"}").unwrap().chars(), String::new());
        while let Some(c) = chars.next() {
            value.push(if c == '\\' { chars.next().unwrap() } else { c });
        }
        assert_eq!(value, scope(*size as u64));
        sizes += 1;
    }
    assert_eq!(sizes, SCOPES);
    drop(gauges);
}

#[test]
fn limits_of_one_name_and_scope_are_told_apart_by_a_number() {
    let registry = Registry::new();
    let gauge = |depth| {
        let gauge = registry.gauge("frames", Watermarks::new(10)).unwrap();
        gauge.add(depth);
        gauge
    };
    let gauges = [1, 2, 3].map(gauge);
    let exporter = Exporter::new(&registry);
    let sizes = || -> Vec<(String, f64)> {
        let text = exporter.scrape().text(Format::Prometheus);
        let all = series(&text).into_iter();
        all.filter(|(name, _)| name.starts_with("plimsoll_queue_size{")).collect()
    };
    let size = |n: &str, size| {
        (format!("plimsoll_queue_size{{category=\"queue\",limit=\"frames\"{n}}}"), size)
    };
    let expected = [size(",n=\"2\"", 2.0), size(",n=\"3\"", 3.0), size("", 1.0)];
    assert_eq!(sizes(), expected);
    let [first, ..] = gauges;
    drop(first);
    assert_eq!(sizes(), [size(",n=\"2\"", 3.0), size("", 2.0)], "what is dropped vanishes");
}

#[test]
fn see_4_principals_are_shown_only_if_asked_for() {
    let all = everything();
    let exporter = Exporter::new(&all.registry);
    let quiet = exporter.scrape().text(Format::Prometheus);
    assert!(!quiet.contains("guest-11") && !quiet.contains("principal="), "{quiet}");
    let told = exporter.top_principals(true).scrape().text(Format::Prometheus);
    assert!(told.contains("rank=\"2\",principal=\"guest-11\"} 1\n"), "{told}");
}

#[test]
fn see_2_series_do_not_grow_with_traffic() {
    let all = everything();
    let exporter = Exporter::new(&all.registry);
    let before = exporter.scrape().series();
    for guest in 0..10_000_u64 {
        all.peaks.record(&*format!("other-{guest}"), guest * 1_000).unwrap();
        all.sums.record(guest, guest).unwrap();
        all.gauges[0].set(guest % 100);
    }
    let top = |scrape: Scrape| {
        let text = scrape.text(Format::Prometheus);
        text.lines().filter(|line| line.contains("rank=\"10\"")).count()
    };
    // The sum ledger had two users before.
    assert_eq!(exporter.scrape().series(), before + 8);
    assert_eq!(top(exporter.scrape()), 2);
    assert!(!exporter.scrape().text(Format::Prometheus).contains("rank=\"11\""));
}

#[test]
fn a_registry_that_is_gone_is_an_empty_text() {
    let exporter = Exporter::new(&Registry::new());
    let scrape = exporter.scrape();
    assert_eq!(scrape.series(), 0);
    assert_eq!(scrape.text(Format::Prometheus), "");
    assert_eq!(scrape.text(Format::OpenMetrics), "# EOF\n");
}

#[test]
fn a_histogram_counts_each_time_once_up_to_its_bound() {
    const HELD: Duration = Duration::from_millis(20);
    let registry = Registry::new();
    // One that is there already, so that nobody waits for it to be built.
    let builder = Pool::builder(Buffers).max(1).objects([Vec::new()]).isolation(Isolation::Shared);
    let pool = builder.registry(&registry, Limit::resource("interpreters")).build().unwrap();
    let [acme, other] = ["acme", "other"].map(|name| pool.principal(name).unwrap());
    let lease = pool.checkout_blocking(&acme).unwrap();
    thread::scope(|scope| {
        let waiter = scope.spawn(|| pool.checkout_blocking(&other).unwrap().complete());
        while pool.stats().waiting == 0 {
            thread::sleep(Duration::from_millis(1));
        }
        thread::sleep(HELD);
        lease.complete();
        waiter.join().unwrap();
    });
    let stats = pool.stats();
    let all = series(&Exporter::new(&registry).scrape().text(Format::Prometheus));
    let labels = "category=\"resource\",limit=\"interpreters\"";
    for (name, times) in [("wait", &stats.wait), ("use", &stats.hold), ("create", &stats.create)] {
        let of = |part: &str| all[&format!("plimsoll_pool_{name}_seconds_{part}{{{labels}}}")];
        assert_eq!(of("count"), times.count() as f64, "{name}");
        assert_eq!(of("sum"), times.sum().as_secs_f64(), "{name}");
        let mut bounds = 0;
        for (series, number) in &all {
            let bucket =
                format!("plimsoll_pool_{name}_seconds_bucket{{category=\"resource\",le=\"");
            let Some(bound) = series.strip_prefix(&bucket) else { continue };
            let bound = bound.split('"').next().unwrap();
            let bound = if bound == "+Inf" { f64::INFINITY } else { bound.parse().unwrap() };
            let up_to = times.buckets().filter(|(upper, _)| upper.as_secs_f64() <= bound);
            assert_eq!(*number, up_to.map(|(_, count)| count).sum::<u64>() as f64, "{series}");
            bounds += 1;
        }
        assert_eq!(bounds, Times::BOUNDS.len() + 1, "{name}");
    }
    // The one that had to wait has waited for as long as the lease was held.
    let wait = |le: &str| {
        all[&format!(
            "plimsoll_pool_wait_seconds_bucket{{category=\"resource\",le=\"{le}\",limit=\"interpreters\"}}"
        )]
    };
    assert_eq!(wait("+Inf") - wait("0.016777216"), 1.0);
    let waited = all[&format!("plimsoll_pool_checkouts_total{{{labels},path=\"waited\"}}")];
    assert_eq!(waited, stats.checkouts.waited as f64);
    assert!(waited >= 1.0);
}

#[test]
fn the_time_at_a_level_grows_while_it_holds() {
    let registry = Registry::new();
    let watermarks = Watermarks::counts(10, 4, 1).with_level(8, 6);
    let gauge = registry.gauge("frames", watermarks).unwrap();
    let exporter = Exporter::new(&registry);
    let read = || {
        let all = series(&exporter.scrape().text(Format::Prometheus));
        ["elevated", "critical"].map(|level| {
            let labels = format!("{{category=\"queue\",level=\"{level}\",limit=\"frames\"}}");
            let of = |family: &str| all[&format!("plimsoll_limit_{family}{labels}")];
            (of("raised_total"), of("pressure_seconds_total"))
        })
    };
    let text = exporter.scrape().text(Format::Prometheus);
    assert!(!text.contains("level=\"full\"") && !text.contains("level=\"normal\""), "{text}");
    assert_eq!(read(), [(0.0, 0.0); 2]);
    for round in [1.0, 2.0] {
        let [(_, before), _] = read();
        gauge.set(5);
        thread::sleep(Duration::from_millis(20));
        let [(raised, held), other] = read();
        assert!(raised == round && held - before >= 0.02, "{raised} {held} {before}");
        assert_eq!(other, (0.0, 0.0));
        gauge.set(0);
        let [cleared, later] = [(); 2].map(|()| read());
        assert_eq!(cleared, later, "no time passes below");
    }
}
