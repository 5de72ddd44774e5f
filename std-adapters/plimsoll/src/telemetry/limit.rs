//! Limits: category, name and scope.

use std::borrow::Cow;
use std::fmt;

use super::error::{NAME_BYTES_MAX, RegisterError, SCOPE_BYTES_MAX};
use super::pressure::PressureRule;

/// The kind of thing that a limit bounds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
pub enum Category {
    /// A bounded queue of items.
    Queue,
    /// A countable resource: processes, sockets, open files, inodes.
    Resource,
    /// Memory, in bytes.
    Memory,
    /// Time on a processor, or fuel.
    Cpu,
}

impl Category {
    /// All categories.
    pub const ALL: [Category; 4] =
        [Category::Queue, Category::Resource, Category::Memory, Category::Cpu];

    /// The name in lower case: `"queue"`, `"resource"`, `"memory"`, `"cpu"`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Category::Queue => "queue",
            Category::Resource => "resource",
            Category::Memory => "memory",
            Category::Cpu => "cpu",
        }
    }
}

impl fmt::Display for Category {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// The name of a limit, its category and, where there are several of it, a scope.
///
/// A name has 1 to 64 bytes of `a-z`, `0-9` and `_`; a scope has 1 to 128 bytes without control
/// characters. Both are checked when the limit is registered. Several entries may go by one name.
///
/// A string becomes a queue's limit; the entries of a [catalog](crate::limits) bring their
/// category.
///
/// ```
/// use plimsoll::{Category, Limit};
///
/// let sockets = Limit::new("vm_sockets", Category::Resource).scope("guest-7");
/// assert_eq!((sockets.name(), sockets.scope_label()), ("vm_sockets", Some("guest-7")));
/// assert_eq!(Limit::from("stdout_frames").category(), Category::Queue);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limit {
    name: Cow<'static, str>,
    category: Category,
    scope: Option<Cow<'static, str>>,
    pressure: Option<PressureRule>,
    flow_totals: bool,
}

impl Limit {
    /// Bytes that a name may have.
    pub const NAME_BYTES_MAX: usize = NAME_BYTES_MAX;
    /// Bytes that a scope may have.
    pub const SCOPE_BYTES_MAX: usize = SCOPE_BYTES_MAX;

    /// A limit without a scope.
    pub fn new(name: impl Into<Cow<'static, str>>, category: Category) -> Self {
        Self { name: name.into(), category, scope: None, pressure: None, flow_totals: false }
    }

    /// A limit of [`Category::Queue`].
    pub fn queue(name: impl Into<Cow<'static, str>>) -> Self {
        Self::new(name, Category::Queue)
    }

    /// A limit of [`Category::Resource`].
    pub fn resource(name: impl Into<Cow<'static, str>>) -> Self {
        Self::new(name, Category::Resource)
    }

    /// A limit of [`Category::Memory`].
    pub fn memory(name: impl Into<Cow<'static, str>>) -> Self {
        Self::new(name, Category::Memory)
    }

    /// A limit of [`Category::Cpu`].
    pub fn cpu(name: impl Into<Cow<'static, str>>) -> Self {
        Self::new(name, Category::Cpu)
    }

    /// Tells this one from others of the same name.
    #[must_use]
    pub fn scope(mut self, label: impl Into<Cow<'static, str>>) -> Self {
        self.scope = Some(label.into());
        self
    }

    /// When this limit's edges are announced, whatever the registry's rule is.
    #[must_use]
    pub fn pressure(mut self, rule: PressureRule) -> Self {
        self.pressure = Some(rule);
        self
    }

    /// Has a tracked [channel](crate::channel) under this limit count what was sent and received,
    /// and tell how old its oldest item is: see [`ChannelReading`](crate::channel::ChannelReading).
    ///
    /// Costs a message a few instructions and no clock; one thread of the process, for all such
    /// channels together, notes their totals every 10 ms. Anything else under the limit ignores it.
    #[must_use]
    pub fn flow_totals(mut self) -> Self {
        self.flow_totals = true;
        self
    }

    /// Whether [`flow_totals`](Self::flow_totals) was asked for.
    pub const fn has_flow_totals(&self) -> bool {
        self.flow_totals
    }

    /// The name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The category.
    pub const fn category(&self) -> Category {
        self.category
    }

    /// The scope.
    pub fn scope_label(&self) -> Option<&str> {
        self.scope.as_deref()
    }

    /// The rule, if this limit has one of its own.
    pub const fn pressure_rule(&self) -> Option<PressureRule> {
        self.pressure
    }

    /// Whether `name` is one that a registry accepts.
    pub const fn is_valid_name(name: &str) -> bool {
        let bytes = name.as_bytes();
        let mut i = 0;
        while i < bytes.len() {
            if !is_name_byte(bytes[i]) {
                return false;
            }
            i += 1;
        }
        !bytes.is_empty() && bytes.len() <= Self::NAME_BYTES_MAX
    }

    pub(crate) fn check(&self) -> Result<(), RegisterError> {
        let bytes = self.name.len();
        if bytes == 0 || bytes > Self::NAME_BYTES_MAX {
            return Err(RegisterError::NameLength { bytes });
        }
        if let Some(at) = self.name.bytes().position(|byte| !is_name_byte(byte)) {
            return Err(RegisterError::NameCharacter { at });
        }
        if let Some(label) = &self.scope {
            let bytes = label.len();
            if bytes == 0 || bytes > Self::SCOPE_BYTES_MAX {
                return Err(RegisterError::ScopeLength { bytes });
            }
            if let Some(at) = label.find(char::is_control) {
                return Err(RegisterError::ScopeCharacter { at });
            }
        }
        Ok(())
    }

    pub(crate) fn into_parts(self) -> (Cow<'static, str>, Category, Option<Cow<'static, str>>) {
        (self.name, self.category, self.scope)
    }
}

const fn is_name_byte(byte: u8) -> bool {
    matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_')
}

impl From<&'static str> for Limit {
    fn from(name: &'static str) -> Self {
        Self::queue(name)
    }
}

impl From<String> for Limit {
    fn from(name: String) -> Self {
        Self::queue(name)
    }
}
