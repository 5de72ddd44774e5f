//! A load for tantivy's indexer: two threads hand it documents, as in tantivy's own example
//! `index_from_multiple_threads`, and two of its workers index them. Prints one line of figures.
//! Written into the folder of the real program; see `benches/README.md`.

use std::time::{Duration, Instant};
use std::{env, thread};

use rustix::time::{ClockId, clock_gettime};
use tantivy::schema::{Field, STORED, Schema, TEXT, TantivyDocument};
use tantivy::{Index, IndexWriter};

const PRODUCERS: u64 = 2;
const WORKERS: usize = 2;
const ARENA_BYTES: usize = 100_000_000;

fn main() {
    let start = Instant::now();
    let documents: u64 = env::args().nth(1).and_then(|text| text.parse().ok()).expect("DOCUMENTS");
    let mut schema = Schema::builder();
    let title = schema.add_text_field("title", TEXT | STORED);
    let body = schema.add_text_field("body", TEXT);
    let index = Index::create_in_ram(schema.build());
    let mut writer: IndexWriter =
        index.writer_with_num_threads(WORKERS, ARENA_BYTES).expect("a writer");
    let writer_of_all = &writer;
    let mut times: Vec<Duration> = thread::scope(|scope| {
        let spawn = |producer| {
            scope.spawn(move || produce(writer_of_all, [title, body], producer, documents))
        };
        let producers: Vec<_> = (0..PRODUCERS).map(spawn).collect();
        producers.into_iter().flat_map(|it| it.join().expect("no producer panics")).collect()
    });
    let high_water = high_water();
    writer.commit().expect("a commit");
    writer.wait_merging_threads().expect("no merge fails");
    let (wall, cpu) = (start.elapsed(), cpu_time());
    let indexed = index.reader().expect("a reader").searcher().num_docs();
    assert_eq!(indexed, times.len() as u64, "every document is in the index");
    times.sort_unstable();
    let [p50, p99, p999] = [500, 990, 999].map(|part| percentile(&times, part).as_nanos());
    println!(
        "wall_ns={} cpu_ns={} p50_ns={p50} p99_ns={p99} p999_ns={p999} messages={indexed} \
         high_water={high_water}",
        wall.as_nanos(),
        cpu.as_nanos()
    );
}

/// Hands over every second document, and times each of these calls: one message each.
fn produce(writer: &IndexWriter, fields: [Field; 2], producer: u64, all: u64) -> Vec<Duration> {
    let mut words = Words(0x9E37_79B9_7F4A_7C15 + producer);
    let hand_over = |_| {
        let mut document = TantivyDocument::default();
        document.add_text(fields[0], words.text(4));
        document.add_text(fields[1], words.text(12));
        let before = Instant::now();
        writer.add_document(document).expect("a writer that lives");
        before.elapsed()
    };
    (producer..all).step_by(PRODUCERS as usize).map(hand_over).collect()
}

/// Words of a vocabulary of 65,536, the small numbers more often: the same ones in each run.
struct Words(u64);

impl Words {
    fn next(&mut self) -> u64 {
        // Xorshift (Marsaglia 2003).
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 >> 32
    }

    fn text(&mut self, words: usize) -> String {
        let word = |_| {
            let (one, other) = (self.next() & 0xFFFF, self.next() & 0xFFFF);
            format!("word{:x} ", one * other >> 16)
        };
        (0..words).map(word).collect()
    }
}

/// The smallest sample that so many of a thousand do not exceed.
fn percentile(sorted: &[Duration], per_thousand: usize) -> Duration {
    sorted[(sorted.len() * per_thousand).div_ceil(1_000).max(1) - 1]
}

/// The time for which all threads of this process have been running.
fn cpu_time() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(time.tv_sec.unsigned_abs(), time.tv_nsec as u32)
}

#[cfg(feature = "tracked")]
fn high_water() -> u64 {
    plimsoll_shim::high_water()
}

#[cfg(not(feature = "tracked"))]
fn high_water() -> u64 {
    0
}
