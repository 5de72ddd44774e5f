//! What a host pays: tantivy's indexer, a real program that moves messages through crossbeam
//! channels, built with raw and with tracked ones.
//!
//! [`build`](mod@build) unpacks and builds it, and [`measure`] runs both builds in turns. It takes
//! minutes and the crates of the program. That is why this is a command of its own,
//! `plimsoll-bench-program`.

pub mod build;
pub mod figures;

use std::io;
use std::path::Path;

use crate::machine::Machine;
use crate::page::Report;
use crate::tool::Tool;
use build::{Builds, VERSION};
use figures::Run;

/// How often, and with how much.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Load {
    /// Pairs of one run with raw channels and one with tracked ones.
    pub pairs: usize,
    /// Documents of a run; each of them is a message.
    pub documents: u64,
}

impl Load {
    /// Figures to quote.
    pub const FULL: Load = Load { pairs: 21, documents: 500_000 };
    /// A look whether it works.
    pub const QUICK: Load = Load { pairs: 1, documents: 2_000 };
}

/// Runs both builds in turns, A B B A: so that what changes evenly meets both alike. A run of each
/// comes first and does not count. `say` gets each pair as soon as it is there.
///
/// # Errors
/// A run that fails or prints something else than figures; tracked channels that saw no message.
pub fn measure(builds: &Builds, load: Load, say: &mut dyn FnMut(&str)) -> io::Result<Report> {
    let machine = Machine::here();
    let [raw, tracked] = [&builds.raw, &builds.tracked];
    for program in [raw, tracked] {
        run(program, load)?;
    }
    let (mut raw_runs, mut tracked_runs) = (Vec::new(), Vec::new());
    for pair in 0..load.pairs {
        let (one, other);
        if pair % 2 == 0 {
            one = run(raw, load)?;
            other = run(tracked, load)?;
        } else {
            other = run(tracked, load)?;
            one = run(raw, load)?;
        }
        if other.high_water == 0 {
            return Err(io::Error::other("no tracked channel has had a message"));
        }
        say(&format!("pair {} of {}: raw {one}; tracked {other}", pair + 1, load.pairs));
        raw_runs.push(one);
        tracked_runs.push(other);
    }
    let Load { pairs, documents } = load;
    let method = format!(
        "tantivy {VERSION} from the registry, built twice with one `use` changed; {pairs} pairs of \
         runs in turns (A B B A), {documents} documents each, a message each"
    );
    let rows = figures::rows(&raw_runs, &tracked_runs);
    Ok(Report { machine, method, rows, apart: Vec::new() })
}

fn run(program: &Path, load: Load) -> io::Result<Run> {
    let text = Tool::new(program).arg(load.documents.to_string()).output()?;
    let run = Run::parse(&text).filter(|run| run.messages == load.documents);
    run.ok_or_else(|| io::Error::other(format!("{}: {text}", program.display())))
}
