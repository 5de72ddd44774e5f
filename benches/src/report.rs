//! The rows of a comparison, and the file they go to.

use std::env;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::stats::{Spread, ratios};

/// One subject's figures in one case.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Row {
    /// The area, as on the command line.
    pub area: String,
    /// What was done.
    pub case: String,
    /// Who did it.
    pub subject: String,
    /// By how many threads.
    pub threads: usize,
    /// Nanoseconds for one operation: the median over the rounds.
    pub ns_median: f64,
    /// Nanoseconds in the quickest round.
    pub ns_min: f64,
    /// Nanoseconds in the slowest round.
    pub ns_max: f64,
    /// The subject of the same case that the ratios are to.
    pub baseline: String,
    /// The median of the ratios of each round.
    pub ratio_median: f64,
    /// The smallest ratio of a round.
    pub ratio_min: f64,
    /// The largest ratio of a round.
    pub ratio_max: f64,
}

/// A name, and its figures, one of each round.
pub type Figures<'a> = (&'a str, &'a [f64]);

impl Row {
    /// The row of a subject beside its baseline, in a case of an area.
    ///
    /// # Panics
    /// If the two are not from the same number of rounds, or from none.
    pub fn of(
        [area, case]: [&str; 2],
        threads: usize,
        (subject, figures): Figures<'_>,
        (baseline, base): Figures<'_>,
    ) -> Row {
        let (ns, ratio) = (Spread::of(figures), Spread::of(&ratios(figures, base)));
        Row {
            area: area.to_owned(),
            case: case.to_owned(),
            subject: subject.to_owned(),
            threads,
            ns_median: ns.median,
            ns_min: ns.min,
            ns_max: ns.max,
            baseline: baseline.to_owned(),
            ratio_median: ratio.median,
            ratio_min: ratio.min,
            ratio_max: ratio.max,
        }
    }
}

/// Writes `NAME.json` into `folder`, which is made if need be, and answers its path.
///
/// # Errors
/// What the file system says.
pub fn write_json(folder: &Path, name: &str, figures: &impl Serialize) -> io::Result<PathBuf> {
    fs::create_dir_all(folder)?;
    let path = folder.join(format!("{name}.json"));
    fs::write(&path, serde_json::to_string_pretty(figures)? + "\n")?;
    Ok(path)
}

/// Removes a folder, if there is one.
///
/// # Errors
/// What the file system says.
pub fn remove_folder(folder: &Path) -> io::Result<()> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// Where reports go: `plimsoll-bench` in cargo's target folder.
///
/// The running executable lies in that folder, wherever `--target-dir`, `CARGO_TARGET_DIR` or a
/// configuration file put it. An executable that was moved elsewhere reports to
/// `CARGO_TARGET_DIR`, or else to `target` in the current folder.
pub fn folder() -> PathBuf {
    let executable = env::current_exe().unwrap_or_default();
    let target = marked_ancestor(&executable).map(Path::to_owned);
    let target = target.or_else(|| env::var_os("CARGO_TARGET_DIR").map(PathBuf::from));
    target.unwrap_or_else(|| PathBuf::from("target")).join("plimsoll-bench")
}

/// What cargo leaves at the root of a target folder: the first only where it made the folder
/// itself, the second unless it was told not to.
const MARKS: [&str; 2] = ["CACHEDIR.TAG", ".rustc_info.json"];

fn marked_ancestor(path: &Path) -> Option<&Path> {
    let marked = |folder: &&Path| MARKS.iter().any(|mark| folder.join(mark).is_file());
    path.ancestors().skip(1).find(marked)
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A row whose baseline takes 10 ns.
    pub(crate) fn row(subject: &str, baseline: &str, ns: f64) -> Row {
        let ratio = if subject == baseline { 10.0 } else { ns };
        Row {
            area: "gauge".into(),
            case: "pair".into(),
            subject: subject.into(),
            threads: 1,
            ns_median: ns,
            ns_min: ns / 2.0,
            ns_max: ns * 2.0,
            baseline: baseline.into(),
            ratio_median: ratio / 10.0,
            ratio_min: ratio / 20.0,
            ratio_max: ratio / 5.0,
        }
    }

    #[test]
    fn either_mark_tells_the_target_folder() {
        for mark in MARKS {
            let target = env::temp_dir().join(format!("plimsoll-{}{mark}", std::process::id()));
            let executable = target.join("release").join("deps").join("bench");
            fs::create_dir_all(executable.parent().unwrap()).unwrap();
            fs::write(target.join(mark), "").unwrap();
            assert_eq!(marked_ancestor(&executable), Some(&*target));
            fs::remove_dir_all(target).unwrap();
        }
    }

    #[test]
    fn reports_have_a_folder_of_their_own() {
        assert!(folder().ends_with("plimsoll-bench"));
    }

    #[test]
    fn no_mark_no_folder() {
        assert_eq!(marked_ancestor(Path::new("/nowhere/at/all")), None);
    }

    #[test]
    fn the_file_is_a_list_of_rows_with_the_documented_fields_in_order() {
        let row = Row {
            area: "gauge".into(),
            case: "pair".into(),
            subject: "bare".into(),
            threads: 2,
            ns_median: 1.5,
            ns_min: 1.0,
            ns_max: 2.0,
            baseline: "bare".into(),
            ratio_median: 1.0,
            ratio_min: 1.0,
            ratio_max: 1.0,
        };
        let expected = concat!(
            r#"[{"area":"gauge","case":"pair","subject":"bare","threads":2,"ns_median":1.5,"#,
            r#""ns_min":1.0,"ns_max":2.0,"baseline":"bare","ratio_median":1.0,"ratio_min":1.0,"#,
            r#""ratio_max":1.0}]"#
        );
        assert_eq!(serde_json::to_string(&[row]).unwrap(), expected);
    }
}
