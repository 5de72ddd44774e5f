//! Errors of names, settings, servers, and states of other hosts.

use std::time::Duration;

use serde_json::error::Category;

use crate::state::HostName;

/// Why a text is not the name of a host.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum HostNameError {
    /// It is empty.
    #[error("a host's name has at least 1 character")]
    Empty,
    /// It is too long.
    #[error("a host's name has up to {max} characters (got {bytes})")]
    TooLong {
        /// Bytes that it has.
        bytes: usize,
        /// Bytes that it can have.
        max: usize,
    },
    /// It has a character that subjects or keys of the server cannot hold, or give a meaning to.
    #[error(
        "a host's name has letters and digits of ASCII, `-` and `_` (got {found:?} at byte {at})"
    )]
    Character {
        /// The character.
        found: char,
        /// Its place, in bytes.
        at: usize,
    },
}

/// Why bytes are not the state of a host.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum StateError {
    /// They begin otherwise.
    #[error("not a state of a host: it does not begin with PLIM")]
    Foreign,
    /// A newer program has written them.
    #[error("a state of version {found}; this program reads version {read}")]
    Version {
        /// The version that was found.
        found: u8,
        /// The version that is read.
        read: u8,
    },
    /// They end too early.
    #[error("the state ends within {within}")]
    Short {
        /// The part that is cut off.
        within: &'static str,
    },
    /// A part is no such thing.
    #[error("{what} of the state cannot be read: {why}")]
    Malformed {
        /// The part.
        what: &'static str,
        /// What is wrong with it.
        why: String,
    },
    /// It claims to be larger than states can be.
    #[error("a state has up to {max} bytes (this one says {bytes})")]
    TooLarge {
        /// Bytes that it claims.
        bytes: u64,
        /// Bytes that it can have.
        max: u64,
    },
}

/// What is wrong with a fleet: its settings, or its server.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FleetError {
    /// It is no address of a server.
    #[error("no address of a server: {asked:?} ({why}); as in nats://127.0.0.1:4222")]
    Address {
        /// What was given.
        asked: String,
        /// What is wrong with it.
        why: String,
    },
    /// The name of a fleet is as that of a host.
    #[error("the name of a fleet: {0}")]
    Name(#[source] HostNameError),
    /// States are written each 100 ms to an hour.
    #[error("the interval is {min:?} to {max:?} (asked {asked:?})")]
    Interval {
        /// What was asked.
        asked: Duration,
        /// The shortest.
        min: Duration,
        /// The longest.
        max: Duration,
    },
    /// The states of a host that lives would be gone before the next one is written.
    #[error(
        "the interval is at most half of the {max_age:?} for which states are kept (asked \
         {interval:?}): see `Fleet::states_max_age`"
    )]
    Retention {
        /// The time between two states.
        interval: Duration,
        /// How long the bucket keeps one.
        max_age: Duration,
    },
    /// A time-out is 10 ms to 10 minutes.
    #[error("the time-out is {min:?} to {max:?} (asked {asked:?})")]
    Timeout {
        /// What was asked.
        asked: Duration,
        /// The shortest.
        min: Duration,
        /// The longest.
        max: Duration,
    },
    /// A setting of the fleet is above zero.
    #[error("`Fleet::{setting}` is above zero")]
    Zero {
        /// Which one.
        setting: &'static str,
    },
    /// The buffer holds 1 event at least.
    #[error("the buffer holds 1 to {max} events (asked {asked})")]
    Buffer {
        /// What was asked.
        asked: usize,
        /// The most.
        max: usize,
    },
    /// The operating system gave no random bytes for the number of this run.
    #[error("the operating system gave no random bytes")]
    Random,
    /// There is no runtime of tokio here, or no thread could be started.
    #[error("cannot start: {why}")]
    Start {
        /// What was said.
        why: String,
    },
    /// The server is not connected: it is away, or refuses the credentials.
    #[error("the server cannot be reached, or refuses the credentials: events wait until it can")]
    Away,
    /// A reader does not read any more.
    #[error("the reader was stopped")]
    Stopped,
    /// The server has no JetStream, or not for this account.
    #[error("the server has no JetStream for this account: `jetstream {{}}` in its configuration")]
    NoJetStream,
    /// What is on the server has other settings than this fleet.
    #[error(
        "{of} is there with {setting} {found}, and not {asked}: ask for what is there, or change it"
    )]
    Settings {
        /// The stream, or the bucket.
        of: String,
        /// The setting.
        setting: &'static str,
        /// What this fleet asks for.
        asked: String,
        /// What is there.
        found: String,
    },
    /// Another run of a host writes under the same name.
    #[error("another host writes as {host}: each needs a name of its own")]
    NameTaken {
        /// The name.
        host: HostName,
    },
    /// The state cannot be written.
    #[error(transparent)]
    State(#[from] StateError),
    /// The server, or the client, refused something, or did not answer. It is tried again.
    #[error("cannot {doing}: {why}")]
    Server {
        /// What was tried.
        doing: &'static str,
        /// What was said.
        why: String,
    },
}

/// What is wrong with a text that is no JSON of ours. The error's own text quotes what it has found, which
/// may be the name of a principal.
pub(crate) fn without_values(error: &serde_json::Error) -> String {
    let what = match error.classify() {
        Category::Data => "JSON of another form",
        Category::Eof => "it ends within its JSON",
        Category::Io | Category::Syntax => "no JSON",
    };
    format!("{what}, at line {}, column {}", error.line(), error.column())
}
