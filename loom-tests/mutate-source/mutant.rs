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

/// Code that no test can judge: what is checked by the compiler, or in debug builds and models only.
const SKIPPED: [&str; 5] = ["debug_assert", "const _", "is_planted", "impl<", "where"];

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
                    let text = code.to_owned();
                    mutants.push(Mutant { file: file.to_owned(), line, column, was, is, text });
                }
            }
        }
        mutants
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

    /// Whether a test of the model checker alone can tell: no other run weakens an ordering.
    pub(crate) fn is_ordering(&self) -> bool {
        self.was.starts_with("Ordering::")
    }

    /// The file without its folders.
    pub(crate) fn stem(&self) -> &str {
        Path::new(&self.file).file_stem().and_then(|stem| stem.to_str()).unwrap_or("")
    }
}

/// How it is named in lists of results: the same for the same source.
impl fmt::Display for Mutant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Mutant { file, line, column, was, is, text } = self;
        write!(f, "{file}:{}:{}: `{}` -> `{}`: {text}", line + 1, column + 1, was.trim(), is.trim())
    }
}
