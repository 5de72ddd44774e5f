//! Mutants: one change in one line of the source.

use std::fmt;
use std::path::Path;

/// What is replaced by what. An operator with spaces around it stands for itself in formatted code.
const OPERATORS: [(&str, &str); 24] = [
    (" < ", " <= "),
    (" <= ", " < "),
    (" > ", " >= "),
    (" >= ", " > "),
    (" == ", " != "),
    (" != ", " == "),
    (" && ", " || "),
    (" || ", " && "),
    (" + ", " - "),
    (" - ", " + "),
    (" += ", " -= "),
    (" -= ", " += "),
    (" << ", " >> "),
    (" >> ", " << "),
    ("Ordering::Acquire", "Ordering::Relaxed"),
    ("Ordering::Release", "Ordering::Relaxed"),
    ("Ordering::AcqRel", "Ordering::Relaxed"),
    (".min(", ".max("),
    (".max(", ".min("),
    ("true", "false"),
    ("false", "true"),
    // Error paths that change places.
    (".is_ok()", ".is_err()"),
    (".is_err()", ".is_ok()"),
    (".is_none()", ".is_some()"),
];

/// Lines without mutants: what the compiler checks, and what runs in debug builds and models only.
const SKIPPED: [&str; 4] = ["debug_assert", "const _", "impl<", "where"];

/// Files of the adapters that are compiled into models, and those models.
const MODELS: [(&str, &str); 6] = [
    ("ledger/places.rs", "places"),
    ("pressure/word.rs", "pressure"),
    ("registry/levels.rs", "levels"),
    ("store/hands.rs", "hand_over"),
    ("store/moments.rs", "hand_over"),
    ("store/uses.rs", "uses"),
];

/// One change in one line.
#[derive(Clone, Debug)]
pub(crate) struct Mutant {
    /// From the root of the repository.
    pub(crate) file: String,
    line: usize,
    column: usize,
    was: &'static str,
    is: &'static str,
    /// The line as it was, which still names the mutant when lines above it have changed.
    text: String,
    /// How many mutants before this one in the file have the same name otherwise.
    repetition: usize,
}

impl Mutant {
    /// All mutants of a file's text. Tests, comments and attributes have none.
    pub(crate) fn all_of(file: &str, source: &str) -> Vec<Mutant> {
        let mut mutants = Vec::new();
        for (line, text) in source.lines().enumerate() {
            let code = text.trim_start();
            if code.starts_with("#[cfg(test") || code.starts_with("#[cfg(all(test") {
                break;
            }
            if code.starts_with("//") || code.starts_with('#') {
                continue;
            }
            if SKIPPED.iter().any(|skipped| code.contains(skipped)) {
                continue;
            }
            let end = text.find(" // ").unwrap_or(text.len());
            for (was, is) in OPERATORS {
                for (column, _) in text[..end].match_indices(was) {
                    if !is_operator(&text[..column], was, &text[column + was.len()..]) {
                        continue;
                    }
                    let (file, text, repetition) = (file.to_owned(), code.to_owned(), 0);
                    let mut mutant = Mutant { file, line, column, was, is, text, repetition };
                    mutant.repetition = mutants.iter().filter(|m| mutant.is_alike(m)).count();
                    mutants.push(mutant);
                }
            }
        }
        mutants
    }

    fn is_alike(&self, other: &Mutant) -> bool {
        (&self.text, self.was, self.is) == (&other.text, other.was, other.is)
    }

    /// Where the change is.
    pub(crate) fn place(&self) -> String {
        format!("{}:{}", self.line + 1, self.column + 1)
    }

    /// The source with this change.
    pub(crate) fn apply(&self, source: &str) -> String {
        let mut changed = String::with_capacity(source.len() + 8);
        for (line, text) in source.split_inclusive('\n').enumerate() {
            if line == self.line {
                let (before, rest) = text.split_at(self.column);
                changed.extend([before, self.is, &rest[self.was.len()..]]);
            } else {
                changed.push_str(text);
            }
        }
        changed
    }

    /// Whether it weakens an ordering: in the core, only the models can find that.
    pub(crate) fn is_ordering(&self) -> bool {
        self.was.starts_with("Ordering::")
    }

    /// The models that this file of the adapters is compiled into.
    pub(crate) fn models(&self) -> Option<&'static str> {
        MODELS.iter().find(|(file, _)| self.file.ends_with(file)).map(|(_, models)| *models)
    }

    /// All models of files of the adapters.
    pub(crate) fn all_models() -> impl Iterator<Item = &'static str> {
        MODELS.iter().map(|(_, models)| *models)
    }

    /// The file without its folders.
    pub(crate) fn stem(&self) -> &str {
        Path::new(&self.file).file_stem().and_then(|stem| stem.to_str()).unwrap_or("")
    }
}

/// Whether it is an operator there: not the `||` of a closure, nor the `+` of a bound.
fn is_operator(before: &str, was: &str, after: &str) -> bool {
    match was {
        " || " => !before.ends_with(['=', '(', ',', '{', '>']) && !before.ends_with("move"),
        " + " => {
            !["Send", "Sync", "Fn", "'", "use<", "?"].iter().any(|bound| after.starts_with(bound))
        }
        _ => true,
    }
}

/// How it is named in lists of results: the same for as long as its line is the same, wherever that is.
impl fmt::Display for Mutant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Mutant { file, was, is, text, repetition, .. } = self;
        write!(f, "{file}: `{}` -> `{}`: {text}", was.trim(), is.trim())?;
        if *repetition > 0 { write!(f, " #{}", repetition + 1) } else { Ok(()) }
    }
}
