//! The documents of the workspace, for tests that hold them against the source.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::workspace::files_below;

/// The folder that all paths of documents are relative to.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// All Markdown files by their paths, `docs/GLOSSARY.md` and the like.
pub(crate) fn documents() -> BTreeMap<String, String> {
    let documents = files_below(&root(), ".md");
    assert!(documents.contains_key("README.md"), "not the root: {}", root().display());
    documents
}
