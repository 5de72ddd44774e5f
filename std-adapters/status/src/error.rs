//! What can be refused: settings, and an address.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

pub(crate) const TOKEN_BYTES_MIN: usize = 16;
pub(crate) const TOKEN_BYTES_MAX: usize = 512;
pub(crate) const REFRESH_MIN: Duration = Duration::from_millis(100);
pub(crate) const REFRESH_MAX: Duration = Duration::from_secs(15);
pub(crate) const READER_TIMEOUT_MIN: Duration = Duration::from_secs(1);

/// Why a [`Status`](crate::Status) could not be built.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum StatusError {
    /// A token has 16 to 512 bytes.
    TokenLength {
        /// How many it had.
        bytes: usize,
    },
    /// A token consists of visible ASCII characters.
    TokenCharacter {
        /// The first byte that is none.
        at: usize,
    },
    /// A host is a name or an IP address, without a scheme, a port or a path.
    Host {
        /// What was given.
        host: String,
    },
    /// One stream of events at least can be open.
    ZeroStreams,
    /// Streams are sent something each 100 ms to 15 s.
    Refresh {
        /// What was asked.
        asked: Duration,
    },
    /// A reader has a second at least to read what it was sent.
    ReaderTimeout {
        /// What was asked.
        asked: Duration,
    },
    /// The operating system gave no random bytes for sessions.
    Random,
}

impl fmt::Display for StatusError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TokenLength { bytes } => write!(
                f,
                "a token has {TOKEN_BYTES_MIN} to {TOKEN_BYTES_MAX} bytes (this one: {bytes})"
            ),
            Self::TokenCharacter { at } => {
                write!(f, "a token consists of visible ASCII characters (byte {at} is none)")
            }
            Self::Host { host } => write!(
                f,
                "a host is a name or an IP address, without scheme, port or path (asked {host:?})"
            ),
            Self::ZeroStreams => f.write_str("one stream of events at least can be open"),
            Self::Refresh { asked } => {
                write!(f, "the refresh is {REFRESH_MIN:?} to {REFRESH_MAX:?} (asked {asked:?})")
            }
            Self::ReaderTimeout { asked } => {
                write!(f, "a reader has {READER_TIMEOUT_MIN:?} at least (asked {asked:?})")
            }
            Self::Random => f.write_str("the operating system gave no random bytes"),
        }
    }
}

impl std::error::Error for StatusError {}

/// Why nothing is served, or no longer.
#[derive(Debug)]
#[non_exhaustive]
pub enum ServeError {
    /// What was given is no address: `127.0.0.1:7070` or `localhost:7070` is.
    Address {
        /// What was given.
        asked: String,
        /// What was wrong with it.
        cause: io::Error,
    },
    /// The address can be reached from other machines, which has to be
    /// [allowed](crate::StatusBuilder::allow_remote).
    Remote {
        /// The address.
        addr: SocketAddr,
    },
    /// The address could not be bound: the port is taken, or is not this program's to take.
    Bind {
        /// The address.
        addr: SocketAddr,
        /// What the operating system said.
        cause: io::Error,
    },
    /// The thread of [`Status::spawn`](crate::Status::spawn) could not be started.
    Thread {
        /// What the operating system said.
        cause: io::Error,
    },
    /// The server has ended.
    Ended {
        /// What the operating system said.
        cause: io::Error,
    },
}

impl fmt::Display for ServeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address { asked, cause } => {
                write!(f, "no address to listen on: {asked:?} ({cause}); as in 127.0.0.1:7070")
            }
            Self::Remote { addr } => write!(
                f,
                "{addr} can be reached from other machines: listen on 127.0.0.1, or say \
                 `allow_remote` and give a token"
            ),
            Self::Bind { addr, cause } => write!(f, "cannot listen on {addr}: {cause}"),
            Self::Thread { cause } => write!(f, "cannot start the thread of the server: {cause}"),
            Self::Ended { cause } => write!(f, "the server has ended: {cause}"),
        }
    }
}

impl std::error::Error for ServeError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Address { cause, .. }
            | Self::Bind { cause, .. }
            | Self::Thread { cause }
            | Self::Ended { cause } => Some(cause),
            Self::Remote { .. } => None,
        }
    }
}
