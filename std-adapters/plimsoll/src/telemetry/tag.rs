//! The tag of a limit: its name and its bounds, as snapshots and events share them.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use plimsoll_core::Watermarks;

use super::in_line::InLine;
use super::limit::{Category, Limit};

/// What a limit is called, and its bounds. Snapshots and events keep it alive, and nothing else.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Tag {
    pub(crate) name: Cow<'static, str>,
    pub(crate) category: Category,
    pub(crate) scope: Option<Cow<'static, str>>,
    pub(crate) watermarks: Watermarks,
}

impl Tag {
    pub(crate) fn new(limit: Limit, watermarks: Watermarks) -> Self {
        let (name, category, scope) = limit.into_parts();
        Self { name, category, scope, watermarks }
    }

    /// Of an event without a registration: nothing is known of its bounds.
    pub(crate) fn unregistered(limit: Limit) -> Arc<Self> {
        Arc::new(Self::new(limit, Watermarks::unbounded()))
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
        match &self.0.scope {
            Some(label) => write!(f, "[{}]", InLine(label)),
            None => Ok(()),
        }
    }
}

/// What the parts of a snapshot tell of their tags.
macro_rules! tag_accessors {
    ($part:ty) => {
        impl $part {
            /// The name of its limit.
            pub fn name(&self) -> &str {
                &self.tag.name
            }

            /// The category of its limit.
            pub fn category(&self) -> $crate::telemetry::Category {
                self.tag.category
            }

            /// The scope of its limit.
            pub fn scope(&self) -> Option<&str> {
                self.tag.scope.as_deref()
            }
        }
    };
}
pub(in crate::telemetry) use tag_accessors;
