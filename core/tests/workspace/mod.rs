//! The text of the workspace, for tests that hold documentation against it.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

/// The Rust files below `folder`, which is relative to this package, by their paths in it.
pub(crate) fn rust_files(folder: &str) -> BTreeMap<String, String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let files = files_below(&root, ".rs");
    assert!(!files.is_empty(), "no Rust files in {}", root.display());
    files
}

/// The texts of the files with that ending, by their paths below `root`; nothing hidden, nor what is built.
pub(crate) fn files_below(root: &Path, ending: &str) -> BTreeMap<String, String> {
    let mut files = BTreeMap::new();
    collect(root, "", ending, &mut files);
    files
}

fn collect(folder: &Path, prefix: &str, ending: &str, files: &mut BTreeMap<String, String>) {
    let entries = fs::read_dir(folder).unwrap_or_else(|e| panic!("{}: {e}", folder.display()));
    for entry in entries {
        let path = entry.unwrap().path();
        let file = path.file_name().unwrap().to_string_lossy().into_owned();
        if file.starts_with('.') || file == "target" {
            continue;
        }
        let name = format!("{prefix}{file}");
        if path.is_dir() {
            collect(&path, &format!("{name}/"), ending, files);
        } else if name.ends_with(ending) {
            files.insert(name, fs::read_to_string(&path).unwrap());
        }
    }
}
