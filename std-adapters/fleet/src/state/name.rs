//! Names of hosts.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::error::HostNameError;

/// The name of a host in its fleet: 1 to 64 letters and digits of ASCII, `-` and `_`.
///
/// It is a token of subjects and keys of the server, so it has no dots, spaces or wildcards. Two
/// hosts that run at one time have different names; a host that restarts keeps its own.
///
/// ```
/// use plimsoll_fleet::{HostName, HostNameError};
///
/// let host: HostName = "web-1".parse()?;
/// assert_eq!(host.as_str(), "web-1");
/// let wildcard = HostName::new("web.*");
/// assert_eq!(wildcard, Err(HostNameError::Character { found: '.', at: 3 }));
/// # Ok::<(), HostNameError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct HostName(Arc<str>);

impl HostName {
    /// Bytes that a name can have.
    pub const BYTES_MAX: usize = 64;

    /// The name that is this text.
    ///
    /// # Errors
    /// [`HostNameError`], if it has none, too many, or other characters.
    pub fn new(text: impl Into<String>) -> Result<Self, HostNameError> {
        let text = text.into();
        let max = Self::BYTES_MAX;
        if text.is_empty() {
            return Err(HostNameError::Empty);
        }
        if text.len() > max {
            return Err(HostNameError::TooLong { bytes: text.len(), max });
        }
        let is_other = |c: char| !(c.is_ascii_alphanumeric() || c == '-' || c == '_');
        match text.char_indices().find(|(_, c)| is_other(*c)) {
            Some((at, found)) => Err(HostNameError::Character { found, at }),
            None => Ok(Self(text.into())),
        }
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for HostName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl FromStr for HostName {
    type Err = HostNameError;

    fn from_str(text: &str) -> Result<Self, HostNameError> {
        Self::new(text)
    }
}

impl TryFrom<String> for HostName {
    type Error = HostNameError;

    fn try_from(text: String) -> Result<Self, HostNameError> {
        Self::new(text)
    }
}

impl TryFrom<&str> for HostName {
    type Error = HostNameError;

    fn try_from(text: &str) -> Result<Self, HostNameError> {
        Self::new(text)
    }
}

impl From<HostName> for String {
    fn from(name: HostName) -> Self {
        name.0.as_ref().into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_tokens_of_subjects_and_keys() {
        for good in ["a", "web-1", "A_b-9", &"x".repeat(64)] {
            assert_eq!(HostName::new(good).map(String::from), Ok(good.into()));
        }
        for (bad, at) in
            [("a.b", 1), ("*", 0), (">", 0), ("a b", 1), ("tab\t", 3), ("größe", 2), ("a/b", 1)]
        {
            let Err(HostNameError::Character { at: found, .. }) = HostName::new(bad) else {
                panic!("{bad:?} is a name");
            };
            assert_eq!(found, at, "{bad:?}");
        }
        assert_eq!(HostName::new(""), Err(HostNameError::Empty));
        assert_eq!(
            HostName::new("x".repeat(65)),
            Err(HostNameError::TooLong { bytes: 65, max: 64 })
        );
    }
}
