//! Files under the root folder, read with a bound.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use super::error::ProbeError;
use super::limit::ProbeLimit;

/// What is read of a file at most. The longest one, of all mounts, has about 200 bytes a line.
const BYTES_MAX: u64 = 1 << 20;

/// The folder under which `/proc` and `/sys` are.
#[derive(Clone, Debug)]
pub(super) struct Root(PathBuf);

impl Root {
    pub(super) fn new(folder: PathBuf) -> Self {
        Self(folder)
    }

    /// Where an absolute path is under the root.
    pub(super) fn at(&self, path: &str) -> PathBuf {
        self.0.join(path.trim_start_matches('/'))
    }

    pub(super) fn folder(&self) -> &Path {
        &self.0
    }
}

/// The text of a file. What is no UTF-8 in it is replaced.
pub(super) fn text(file: &Path) -> io::Result<String> {
    let mut bytes = Vec::new();
    File::open(file)?.take(BYTES_MAX).read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// Whether an error says that there is no such file, or that the kernel does not do this: a
/// pressure file says that when it is read.
pub(super) fn is_missing(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::Unsupported)
}

/// A file on behalf of a limit.
pub(super) struct Asked<'a> {
    pub(super) limit: ProbeLimit,
    pub(super) file: &'a Path,
}

impl Asked<'_> {
    /// Reads the file, of which `parse` takes what is `expected`.
    pub(super) fn parsed<T>(
        &self,
        expected: &'static str,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> Result<T, ProbeError> {
        let text = text(self.file).map_err(|error| self.refused(&error))?;
        let (limit, file) = (self.limit, self.file.to_owned());
        parse(&text).ok_or(ProbeError::Content { limit, file, expected })
    }

    fn refused(&self, error: &io::Error) -> ProbeError {
        match is_missing(error) {
            true => self.not_here(),
            false => ProbeError::Unreadable {
                limit: self.limit,
                file: self.file.to_owned(),
                cause: error.kind(),
            },
        }
    }

    pub(super) fn not_here(&self) -> ProbeError {
        let needs = self.limit.needs();
        ProbeError::NotHere { limit: self.limit, file: self.file.to_owned(), needs }
    }
}
