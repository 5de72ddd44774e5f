//! Holds the word index of the crate's documentation against the source.

mod property_ids;
mod workspace;

use std::collections::BTreeMap;

use property_ids::property_ids;
use syn::visit::Visit;

const HEADER: &str = "| Word | Width | File | Writers | Readers | Invariants |";

#[test]
fn the_index_names_every_word_and_nothing_else() {
    let files = workspace::rust_files("src");
    let faults = faults(&index(&files["lib.rs"]), &files);
    assert!(faults.is_empty(), "the word index has drifted:\n{}", faults.join("\n"));
}

/// A row of the index as it is written.
struct Row {
    word: String,
    width: String,
    file: String,
    invariants: Vec<String>,
}

/// The rows of the one index table in the crate's documentation.
fn index(documentation: &str) -> Vec<Row> {
    let mut lines =
        documentation.lines().filter_map(|line| line.strip_prefix("//!")).map(str::trim);
    assert!(lines.any(|line| line == HEADER), "no word index");
    assert_eq!(lines.next(), Some("|---|---|---|---|---|---|"));
    lines.take_while(|line| line.starts_with('|')).map(row).collect()
}

fn row(line: &str) -> Row {
    let cells: Vec<_> = line.trim_matches('|').split('|').map(str::trim).collect();
    let [word, width, file, writers, readers, invariants] = cells[..] else {
        panic!("not six cells: {line}");
    };
    assert!(!writers.is_empty() && !readers.is_empty(), "nobody uses the word: {line}");
    let invariants = match invariants.strip_prefix("none: ") {
        Some(_reason) => Vec::new(),
        None => property_ids(invariants),
    };
    assert!(cells[5].starts_with("none: ") || !invariants.is_empty(), "no property: {line}");
    Row {
        word: word.trim_matches('`').into(),
        width: width.into(),
        file: file.trim_matches('`').into(),
        invariants,
    }
}

/// An atomic field or static of the source.
struct Word {
    name: String,
    /// In bits; `4 x 64` for an array.
    width: String,
    file: String,
    is_private: bool,
}

/// What is wrong with the index, in words.
fn faults(rows: &[Row], files: &BTreeMap<String, String>) -> Vec<String> {
    let words: Vec<Word> = files.iter().flat_map(|(file, text)| words(file, text)).collect();
    let mut faults = Vec::new();
    for Word { name, file, is_private, .. } in &words {
        match rows.iter().filter(|row| row.word == *name).count() {
            1 => {}
            count => faults.push(format!("{name} in {file} has {count} rows")),
        }
        if !is_private {
            faults.push(format!("{name} in {file} is not private"));
        }
    }
    for Row { word, width, file, invariants } in rows {
        if !words.iter().any(|w| (&w.name, &w.width, &w.file) == (word, width, file)) {
            faults.push(format!("{file} has no {word} of {width} bits"));
        }
        let text = files.get(file).map_or("", String::as_str);
        for id in invariants.iter().filter(|id| !property_ids(text).contains(id)) {
            faults.push(format!("{word} is said to serve {id}, of which {file} does not speak"));
        }
    }
    faults
}

fn words(file: &str, text: &str) -> Vec<Word> {
    let mut finder = Finder { file, words: Vec::new() };
    finder.visit_file(&syn::parse_file(text).unwrap_or_else(|e| panic!("{file}: {e}")));
    finder.words
}

struct Finder<'a> {
    file: &'a str,
    words: Vec<Word>,
}

impl Finder<'_> {
    fn note(&mut self, name: String, declared: &syn::Type, visibility: &syn::Visibility) {
        let mut atomic = Atomic(None);
        atomic.visit_type(declared);
        if let Some(width) = atomic.0 {
            let width = match length(declared) {
                Some(length) => format!("{length} x {width}"),
                None => width.into(),
            };
            let is_private = matches!(visibility, syn::Visibility::Inherited);
            self.words.push(Word { name, width, file: self.file.into(), is_private });
        }
    }

    fn note_fields(&mut self, owner: &syn::Ident, fields: &syn::Fields) {
        for (position, field) in fields.iter().enumerate() {
            let name = field.ident.as_ref().map_or(position.to_string(), syn::Ident::to_string);
            self.note(format!("{owner}::{name}"), &field.ty, &field.vis);
        }
    }
}

impl Visit<'_> for Finder<'_> {
    fn visit_item_struct(&mut self, item: &syn::ItemStruct) {
        // The model checker's stand-in for an atomic is no word of any protocol.
        if !item.ident.to_string().starts_with("Atomic") {
            self.note_fields(&item.ident, &item.fields);
        }
    }

    fn visit_variant(&mut self, variant: &syn::Variant) {
        self.note_fields(&variant.ident, &variant.fields);
    }

    fn visit_item_static(&mut self, item: &syn::ItemStatic) {
        self.note(item.ident.to_string(), &item.ty, &item.vis);
    }

    fn visit_item_mod(&mut self, item: &syn::ItemMod) {
        let is_test = |attribute: &syn::Attribute| {
            attribute.parse_args::<syn::Ident>().is_ok_and(|condition| condition == "test")
        };
        if !item.attrs.iter().any(is_test) {
            syn::visit::visit_item_mod(self, item);
        }
    }
}

/// The length of an array type, as a number or as it is called.
fn length(declared: &syn::Type) -> Option<String> {
    let syn::Type::Array(array) = declared else { return None };
    match &array.len {
        syn::Expr::Lit(syn::ExprLit { lit: syn::Lit::Int(number), .. }) => {
            Some(number.base10_digits().into())
        }
        syn::Expr::Path(name) => name.path.get_ident().map(syn::Ident::to_string),
        _ => panic!("name the length of an array of words by a constant"),
    }
}

/// The width of the atomic that a type contains, however it is wrapped.
struct Atomic(Option<&'static str>);

impl Visit<'_> for Atomic {
    fn visit_ident(&mut self, ident: &syn::Ident) {
        self.0 = self.0.or(match ident.to_string().strip_prefix("Atomic") {
            Some("Bool" | "U8" | "I8") => Some("8"),
            Some("U16" | "I16") => Some("16"),
            Some("U32" | "I32") => Some("32"),
            Some("U64" | "I64") => Some("64"),
            Some("U128" | "I128") => Some("128"),
            Some("Usize" | "Isize" | "Ptr") => Some("pointer"),
            _ => None,
        });
    }
}

mod the_checker {
    use super::*;

    const GATE: &str = "
        /// POOL-1: it closes. POOL-2: it opens again.
        struct Gate<T> { word: Padded<AtomicU64>, slots: [AtomicU8; 4], plain: u64, item: T }
        struct Mark(AtomicU64);
        struct AtomicU64(loom::AtomicU64);
        #[cfg(test)]
        mod tests { static CALLS: AtomicU64 = AtomicU64::new(0); }
    ";

    const ROWS: [&str; 3] = [
        "| `Gate::word` | 64 | `gate.rs` | all | all | POOL-1, POOL-2 |",
        "| `Gate::slots` | 4 x 8 | `gate.rs` | all | all | POOL-1 |",
        "| `Mark::0` | 64 | `gate.rs` | all | all | none: a hint |",
    ];

    fn faults_of(rows: &[&str], source: &str) -> Vec<String> {
        let table: String = rows.iter().map(|row| format!("//! {row}\n")).collect();
        let documentation = format!("//! {HEADER}\n//! |---|---|---|---|---|---|\n{table}//!\n");
        let files = [("lib.rs", documentation.as_str()), ("gate.rs", source)];
        let files = files.map(|(file, text)| (file.to_string(), text.to_string())).into();
        faults(&index(&documentation), &files)
    }

    #[test]
    fn accepts_an_index_that_agrees() {
        assert_eq!(faults_of(&ROWS, GATE), [""; 0]);
    }

    #[test]
    fn finds_a_missing_row() {
        assert_eq!(faults_of(&ROWS[..2], GATE), ["Mark::0 in gate.rs has 0 rows"]);
    }

    #[test]
    fn finds_a_row_that_is_there_twice() {
        let rows = [ROWS[0], ROWS[1], ROWS[2], ROWS[2]];
        assert_eq!(faults_of(&rows, GATE), ["Mark::0 in gate.rs has 2 rows"]);
    }

    #[test]
    fn finds_a_row_without_a_word() {
        let source = GATE.replace("struct Mark(AtomicU64);", "struct Mark(u64);");
        assert_eq!(faults_of(&ROWS, &source), ["gate.rs has no Mark::0 of 64 bits"]);
    }

    #[test]
    fn finds_a_file_that_is_not_there() {
        let rows = [ROWS[0], ROWS[1], "| `Mark::0` | 64 | `mark.rs` | all | all | none: a hint |"];
        assert_eq!(faults_of(&rows, GATE), ["mark.rs has no Mark::0 of 64 bits"]);
    }

    #[test]
    fn finds_another_width() {
        let source = GATE.replace("Mark(AtomicU64)", "Mark(AtomicUsize)");
        assert_eq!(faults_of(&ROWS, &source), ["gate.rs has no Mark::0 of 64 bits"]);
    }

    #[test]
    fn finds_another_number_of_words() {
        let source = GATE.replace("AtomicU8; 4", "AtomicU8; LEN");
        assert_eq!(faults_of(&ROWS, &source), ["gate.rs has no Gate::slots of 4 x 8 bits"]);
    }

    #[test]
    fn finds_a_word_that_others_could_reach() {
        let source = GATE.replace("Mark(AtomicU64)", "Mark(pub(crate) AtomicU64)");
        assert_eq!(faults_of(&ROWS, &source), ["Mark::0 in gate.rs is not private"]);
    }

    #[test]
    fn finds_a_static_and_a_variant() {
        let source = format!("{GATE} static ALL: AtomicU32 = x(); enum E {{ One(AtomicBool) }}");
        let expected = ["ALL in gate.rs has 0 rows", "One::0 in gate.rs has 0 rows"];
        assert_eq!(faults_of(&ROWS, &source), expected);
    }

    #[test]
    fn finds_a_property_that_the_file_does_not_speak_of() {
        let source = GATE.replace("POOL-2", "POOL-20");
        let expected = ["Gate::word is said to serve POOL-2, of which gate.rs does not speak"];
        assert_eq!(faults_of(&ROWS, &source), expected);
    }

    #[test]
    #[should_panic = "no property"]
    fn refuses_a_row_without_a_property_or_a_reason() {
        faults_of(&["| `Mark::0` | 64 | `gate.rs` | all | all | hint |"], GATE);
    }

    #[test]
    #[should_panic = "no word index"]
    fn refuses_documentation_without_an_index() {
        index("//! A crate.\n");
    }
}
