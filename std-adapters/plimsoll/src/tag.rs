//! The name of a limit.

use std::borrow::Cow;
use std::fmt;

use plimsoll_core::Watermarks;

use crate::in_line::InLine;
use crate::limit::{Category, Limit};

/// What a limit is called, and its bounds. Snapshots and events keep it alive, and nothing else.
#[derive(Debug)]
pub(crate) struct Tag {
    pub(crate) name: Cow<'static, str>,
    pub(crate) category: Category,
    pub(crate) instance: Option<Cow<'static, str>>,
    pub(crate) watermarks: Watermarks,
}

impl Tag {
    pub(crate) fn new(limit: Limit, watermarks: Watermarks) -> Self {
        let (name, category, instance) = limit.into_parts();
        Self { name, category, instance, watermarks }
    }

    /// The name without the category, for a table.
    pub(crate) fn label(&self) -> String {
        Label(self).to_string()
    }
}

/// `queue stdout_frames[guest-7]`
impl fmt::Display for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.category, Label(self))
    }
}

/// `stdout_frames[guest-7]`
struct Label<'a>(&'a Tag);

impl fmt::Display for Label<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        InLine(&self.0.name).fmt(f)?;
        match &self.0.instance {
            Some(label) => write!(f, "[{}]", InLine(label)),
            None => Ok(()),
        }
    }
}
