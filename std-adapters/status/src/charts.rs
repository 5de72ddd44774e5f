//! The last ten minutes of limits, for a page that has just been opened.

use plimsoll::{ChartPoint, History, Snapshot};
use serde::Serialize;

/// The page draws the largest value of each bucket.
const BUCKET_MS: u64 = 5_000;
const BUCKETS: usize = 120;

#[derive(Serialize)]
pub(crate) struct Charts {
    bucket_ms: u64,
    /// The number of a limit, and a value for each bucket, oldest first. They are drawn, so that large
    /// ones need not be whole.
    charts: Vec<(u64, Vec<Option<u64>>)>,
}

/// The charts of those limits of a snapshot that have one.
pub(crate) fn of(history: &History, snapshot: &Snapshot) -> Charts {
    let chart = |id: u64| {
        let points = history.chart(id);
        (!points.is_empty()).then(|| (id, buckets(&points)))
    };
    let charts = snapshot.entries().iter().filter_map(|entry| chart(entry.id)).collect();
    Charts { bucket_ms: BUCKET_MS, charts }
}

fn buckets(points: &[ChartPoint]) -> Vec<Option<u64>> {
    let mut buckets = vec![None; BUCKETS];
    for point in points {
        let back = point.age.as_millis() / u128::from(BUCKET_MS);
        let place = usize::try_from(back).ok().and_then(|back| (BUCKETS - 1).checked_sub(back));
        if let Some(place) = place {
            buckets[place] = buckets[place].max(Some(point.peak));
        }
    }
    buckets
}

#[cfg(test)]
mod tests {
    use super::*;
    use plimsoll::{Registry, Watermarks};
    use std::time::Duration;

    #[test]
    fn a_bucket_has_the_largest_of_its_looks_and_the_last_one_is_the_newest() {
        let registry = Registry::new();
        let history = registry.history();
        let frames = registry.gauge("frames", Watermarks::new(1_000)).unwrap();
        for second in 0..12 {
            frames.set(second * 10);
            history.tick(Duration::from_secs(second));
        }
        let _new = registry.gauge("new", Watermarks::new(1)).unwrap();
        let snapshot = registry.snapshot();
        let id = snapshot.entries()[0].id;
        let Charts { charts, .. } = of(&history, &snapshot);
        assert_eq!(charts.len(), 1);
        let (known, values) = &charts[0];
        assert_eq!((*known, values.len()), (id, BUCKETS));
        assert_eq!(values[BUCKETS - 3..], [Some(10), Some(60), Some(110)]);
        assert_eq!(values[BUCKETS - 4], None);
    }
}
