//! Threads that are there before the clock starts.

use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

/// What one thread does.
pub type Job<'a> = Box<dyn FnOnce() + Send + 'a>;

/// Runs every job in a thread of its own and answers the time from the first one's start to the
/// last one's end.
///
/// The threads wait for each other before they begin; starting and joining them is not counted.
pub fn together(jobs: Vec<Job<'_>>) -> Duration {
    let line = Barrier::new(jobs.len());
    let line = &line;
    thread::scope(|scope| {
        let run = |job: Job<'_>| {
            line.wait();
            let start = Instant::now();
            job();
            (start, Instant::now())
        };
        let workers: Vec<_> = jobs.into_iter().map(|job| scope.spawn(move || run(job))).collect();
        span(workers.into_iter().map(|worker| worker.join().expect("no job panics")))
    })
}

/// From the earliest start to the latest end; nothing for no jobs.
pub fn span(times: impl IntoIterator<Item = (Instant, Instant)>) -> Duration {
    let whole = times.into_iter().reduce(|all, one| (all.0.min(one.0), all.1.max(one.1)));
    whole.map_or(Duration::ZERO, |(start, end)| end - start)
}

/// Times `job` while each of `neighbours` does its work again and again in a thread of its own.
///
/// Every neighbour has done its work once before the clock starts.
pub fn beside(neighbours: &[&(dyn Fn() + Sync)], job: impl FnOnce()) -> Duration {
    let line = Barrier::new(neighbours.len() + 1);
    let done = AtomicBool::new(false);
    let (line, done) = (&line, &done);
    thread::scope(|scope| {
        for work in neighbours {
            scope.spawn(move || {
                work();
                line.wait();
                // Relaxed: only to stop; the scope's join orders the rest.
                while !done.load(Ordering::Relaxed) {
                    work();
                }
            });
        }
        line.wait();
        let start = Instant::now();
        job();
        let took = start.elapsed();
        // Relaxed: as above.
        done.store(true, Ordering::Relaxed);
        took
    })
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicU32;

    use super::*;

    #[test]
    fn the_span_covers_all_threads_and_no_start_up() {
        let now = Instant::now();
        let at = |ms| now + Duration::from_millis(ms);
        let times = [(at(5), at(9)), (at(3), at(6)), (at(4), at(11))];
        assert_eq!(span(times), Duration::from_millis(8));
        assert_eq!(span([]), Duration::ZERO);
    }

    #[test]
    fn jobs_run_at_the_same_time() {
        // Each job waits for the other: this ends only if both are there.
        let (left, right) = (Barrier::new(2), Barrier::new(2));
        let meet = || {
            left.wait();
            thread::sleep(Duration::from_millis(2));
            right.wait();
        };
        assert!(together(vec![Box::new(meet), Box::new(meet)]) >= Duration::from_millis(2));
    }

    #[test]
    fn neighbours_work_before_and_while_the_job_runs() {
        let turns = AtomicU32::new(0);
        let work = || {
            turns.fetch_add(1, Ordering::Relaxed);
        };
        beside(&[&work, &work], || {
            let before = turns.load(Ordering::Relaxed);
            assert!(before >= 2);
            while turns.load(Ordering::Relaxed) < before + 100 {
                thread::yield_now();
            }
        });
    }
}
