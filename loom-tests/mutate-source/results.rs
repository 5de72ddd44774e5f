//! Results: what became of each mutant, and why some survive.

use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use crate::mutant::Mutant;

const FOLDER: &str = "loom-tests/mutants";

/// What became of a mutant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    /// A test failed, or did not end.
    Found,
    Survived,
    DoesNotBuild,
}

const FATES: [(Fate, &str); 3] =
    [(Fate::Found, "found"), (Fate::Survived, "survived"), (Fate::DoesNotBuild, "does-not-build")];

impl fmt::Display for Fate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(FATES.iter().find(|(fate, _)| fate == self).map_or("", |(_, name)| name))
    }
}

/// The results of one area and seed, which later runs go on from.
pub(crate) struct Results {
    list: PathBuf,
}

impl Results {
    pub(crate) fn of(area: &str, seed: usize) -> Results {
        Results { list: Path::new(FOLDER).join(format!("{area}-{seed}.txt")) }
    }

    /// Forgets the results of earlier runs.
    pub(crate) fn forget(&self) -> Result<(), String> {
        if !self.list.exists() {
            return Ok(());
        }
        fs::remove_file(&self.list).map_err(|error| format!("{}: {error}", self.list.display()))
    }

    /// The results of earlier runs, by the names of the mutants.
    pub(crate) fn known(&self) -> Result<BTreeMap<String, Fate>, String> {
        let mut known = BTreeMap::new();
        for line in read_or_empty(&self.list).lines() {
            let (name, mutant) = line.split_once('\t').ok_or_else(|| format!("{line}?"))?;
            let fate = FATES.iter().find(|(_, text)| *text == name);
            known.insert(mutant.to_owned(), fate.ok_or_else(|| format!("{line}?"))?.0);
        }
        Ok(known)
    }

    /// Adds a result to the list.
    pub(crate) fn note(&self, mutant: &Mutant, fate: Fate) -> Result<(), String> {
        fs::create_dir_all(FOLDER).map_err(|error| error.to_string())?;
        let file = fs::OpenOptions::new().create(true).append(true).open(&self.list);
        let written = file.and_then(|mut file| writeln!(file, "{fate}\t{mutant}"));
        written.map_err(|error| format!("{}: {error}", self.list.display()))
    }
}

/// Why some mutants survive, by their names.
pub(crate) fn reasons() -> BTreeMap<String, String> {
    let text = read_or_empty(Path::new("loom-tests/survivors.txt"));
    let pairs = text.lines().filter_map(|line| line.split_once('\t'));
    pairs.map(|(name, reason)| (name.to_owned(), reason.to_owned())).collect()
}

fn read_or_empty(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_default()
}
