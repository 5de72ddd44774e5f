//! How a fleet's server is reached, and what its hosts write to there.

use std::fmt;
use std::io;
use std::time::Duration;

use async_nats::jetstream::stream::{self, DiscardPolicy, RetentionPolicy, StorageType};
use async_nats::{Client, ConnectOptions, ServerAddr};
use percent_encoding::percent_decode_str;

use crate::error::FleetError;
use crate::state::HostName;

/// A fleet: the server that its hosts write to and its readers read from, and how long that keeps
/// what they write.
///
/// What it keeps is the same for all hosts of a fleet. The first of them makes the stream and the
/// bucket; the others hold their settings against it, and say what is different. Readers take what
/// there is.
///
/// | made on the server | name | kept |
/// |---|---|---|
/// | the stream of events | `NAME_events` | 7 days, up to 256 MiB; the oldest leave |
/// | the bucket of states | `NAME_hosts` | the latest of each host, 10 minutes, up to 1 GiB |
///
/// Subjects of events are `NAME.events.HOST.KIND`; keys of states are as [`state`](crate::state)
/// says.
///
/// ```
/// use std::time::Duration;
///
/// use plimsoll_fleet::Fleet;
///
/// let fleet = Fleet::new("nats://127.0.0.1:4222")?
///     .name("staging")?
///     .events_max_age(Duration::from_secs(24 * 3_600));
/// # Ok::<(), plimsoll_fleet::FleetError>(())
/// ```
#[derive(Clone)]
#[must_use = "nothing is connected until a publisher or a reader runs"]
pub struct Fleet {
    server: Server,
    name: String,
    events_max_age: Duration,
    events_max_bytes: i64,
    duplicate_window: Duration,
    states_max_age: Duration,
    states_max_bytes: i64,
    storage: StorageType,
    replicas: usize,
}

#[derive(Clone)]
enum Server {
    Addresses(Vec<ServerAddr>, Box<ConnectOptions>),
    Client(Client),
}

/// Who an address says that the client is. The client itself does not look there.
#[derive(PartialEq, Eq)]
struct Credentials {
    user: String,
    password: Option<String>,
}

impl Credentials {
    fn of(address: &ServerAddr) -> Option<Self> {
        let plain = |text: &str| percent_decode_str(text).decode_utf8_lossy().into_owned();
        let (user, password) = (plain(address.username()?), address.password().map(plain));
        Some(Self { user, password })
    }

    fn options(self) -> ConnectOptions {
        match self.password {
            Some(password) => ConnectOptions::with_user_and_password(self.user, password),
            None => ConnectOptions::with_token(self.user),
        }
    }
}

impl Fleet {
    /// The name of a fleet that is not given another one.
    pub const NAME_DEFAULT: &'static str = "plimsoll";

    /// A fleet on the server at this address, or at several with commas between them:
    /// `nats://127.0.0.1:4222`, or `tls://...`. A user and a password in an address
    /// (`nats://user:password@host`), or a token (`nats://token@host`), are for all addresses, until
    /// [options](Self::options) take their place.
    ///
    /// # Errors
    /// [`FleetError::Address`], also if two addresses have different users.
    pub fn new(addresses: impl AsRef<str>) -> Result<Self, FleetError> {
        let parse = |address: &str| {
            let error = |why: io::Error| FleetError::Address {
                asked: without_secrets(address),
                why: why.to_string(),
            };
            let parsed: ServerAddr = address.trim().parse().map_err(error)?;
            // The client takes an empty text for an address.
            match parsed.host() {
                "" => Err(error(io::Error::other("it has no host"))),
                _ => Ok(parsed),
            }
        };
        let texts = addresses.as_ref().split(',');
        let addresses = texts.clone().map(parse).collect::<Result<Vec<_>, _>>()?;
        let mut credentials = None;
        for (address, text) in addresses.iter().zip(texts) {
            let its = Credentials::of(address);
            if its.is_some() && credentials.is_some() && its != credentials {
                return Err(FleetError::Address {
                    asked: without_secrets(text),
                    why: "its user is not that of the addresses before it".into(),
                });
            }
            credentials = its.or(credentials);
        }
        let options = credentials.map_or_else(ConnectOptions::new, Credentials::options);
        Ok(Self::on(Server::Addresses(addresses, Box::new(options))))
    }

    /// A fleet on the server of a client that the host has anyhow.
    pub fn with_client(client: Client) -> Self {
        Self::on(Server::Client(client))
    }

    fn on(server: Server) -> Self {
        Self {
            server,
            name: Self::NAME_DEFAULT.into(),
            events_max_age: Duration::from_secs(7 * 24 * 3_600),
            events_max_bytes: 256 << 20,
            duplicate_window: Duration::from_secs(120),
            states_max_age: Duration::from_secs(600),
            states_max_bytes: 1 << 30,
            storage: StorageType::File,
            replicas: 1,
        }
    }

    /// Credentials, TLS, NKEYs and all else that the client knows. The first connection is retried
    /// whatever they say. A fleet [of a client](Self::with_client) goes by that client's own.
    pub fn options(mut self, options: ConnectOptions) -> Self {
        if let Server::Addresses(_, its) = &mut self.server {
            **its = options;
        }
        self
    }

    /// The name of the fleet, by default [`NAME_DEFAULT`](Self::NAME_DEFAULT): fleets of different
    /// names share nothing.
    ///
    /// # Errors
    /// [`FleetError::Name`], for what is not one as a [`HostName`] is.
    pub fn name(mut self, name: impl Into<String>) -> Result<Self, FleetError> {
        self.name = HostName::new(name).map_err(FleetError::Name)?.into();
        Ok(self)
    }

    /// How long events are kept; 7 days by default. Zero keeps them for as long as there is room.
    pub fn events_max_age(mut self, max_age: Duration) -> Self {
        self.events_max_age = max_age;
        self
    }

    /// Bytes of events that are kept, which the server reserves; 256 MiB by default.
    pub fn events_max_bytes(mut self, bytes: u64) -> Self {
        self.events_max_bytes = whole(bytes);
        self
    }

    /// For how long the server knows an event again that it is sent twice; 2 minutes by default, and
    /// never longer than [events are kept](Self::events_max_age). After a longer outage an event may be
    /// stored twice, with the same `source` and `id`.
    pub fn duplicate_window(mut self, window: Duration) -> Self {
        self.duplicate_window = window;
        self
    }

    /// How long the state of a host is kept that is gone; 10 minutes by default.
    pub fn states_max_age(mut self, max_age: Duration) -> Self {
        self.states_max_age = max_age;
        self
    }

    /// Bytes of states that are kept, which the server reserves; 1 GiB by default. A state that
    /// finds no room is refused.
    pub fn states_max_bytes(mut self, bytes: u64) -> Self {
        self.states_max_bytes = whole(bytes);
        self
    }

    /// Keeps everything in the memory of the server, and not in files.
    pub fn in_memory(mut self) -> Self {
        self.storage = StorageType::Memory;
        self
    }

    /// On how many servers of a cluster everything is kept; 1 by default.
    pub fn replicas(mut self, replicas: usize) -> Self {
        self.replicas = replicas;
        self
    }

    /// # Errors
    /// [`FleetError::Zero`]: the server takes 0 for something else.
    pub(crate) fn check(&self) -> Result<(), FleetError> {
        let settings = [
            ("events_max_bytes", self.events_max_bytes == 0),
            ("duplicate_window", self.duplicate_window.is_zero()),
            ("states_max_bytes", self.states_max_bytes == 0),
            ("replicas", self.replicas == 0),
        ];
        match settings.into_iter().find(|(_, is_zero)| *is_zero) {
            Some((setting, _)) => Err(FleetError::Zero { setting }),
            None => Ok(()),
        }
    }

    pub(crate) fn states_age(&self) -> Duration {
        self.states_max_age
    }

    pub(crate) fn fleet_name(&self) -> &str {
        &self.name
    }

    /// The name of the stream of events.
    pub fn events_stream(&self) -> String {
        format!("{}_events", self.name)
    }

    /// The name of the bucket of states.
    pub fn states_bucket(&self) -> String {
        format!("{}_hosts", self.name)
    }

    /// What the subjects of all events begin with, the dot included.
    pub fn events_prefix(&self) -> String {
        format!("{}.events.", self.name)
    }

    /// A client, connected or about to be.
    pub(crate) async fn connect(&self) -> Result<Client, FleetError> {
        match &self.server {
            Server::Client(client) => Ok(client.clone()),
            Server::Addresses(addresses, options) => {
                let options = (**options).clone().retry_on_initial_connect();
                let client = options.connect(addresses.clone()).await;
                client.map_err(|why| server_error("connect", &why))
            }
        }
    }

    pub(crate) fn events_config(&self) -> stream::Config {
        stream::Config {
            name: self.events_stream(),
            description: Some("Events of hosts, as CloudEvents".into()),
            subjects: vec![format!("{}>", self.events_prefix())],
            retention: RetentionPolicy::Limits,
            discard: DiscardPolicy::Old,
            max_age: self.events_max_age,
            max_bytes: self.events_max_bytes,
            duplicate_window: match self.events_max_age {
                Duration::ZERO => self.duplicate_window,
                max_age => self.duplicate_window.min(max_age),
            },
            storage: self.storage,
            num_replicas: self.replicas,
            max_messages_per_subject: -1,
            ..Default::default()
        }
    }

    /// What a key-value bucket is on the server. The client's own way to make one asks for the
    /// account, whose answer it cannot read from servers before 2.10.
    pub(crate) fn states_config(&self) -> stream::Config {
        let bucket = self.states_bucket();
        stream::Config {
            name: format!("KV_{bucket}"),
            description: Some("The latest states of hosts".into()),
            subjects: vec![format!("$KV.{bucket}.>")],
            discard: DiscardPolicy::New,
            max_age: self.states_max_age,
            max_bytes: self.states_max_bytes,
            duplicate_window: self.states_max_age.min(Duration::from_secs(120)),
            max_messages_per_subject: 1,
            allow_rollup: true,
            deny_delete: true,
            allow_direct: true,
            ..self.events_config()
        }
    }
}

/// What the client or the server said of something that was tried.
pub(crate) fn server_error(doing: &'static str, why: &dyn std::error::Error) -> FleetError {
    let mut said = why.to_string();
    let causes = std::iter::successors(why.source(), |error| error.source());
    for cause in causes.map(ToString::to_string) {
        if !said.contains(&cause) {
            said.push_str(": ");
            said.push_str(&cause);
        }
    }
    FleetError::Server { doing, why: said }
}

/// An address without the name and the password that it may hold.
fn without_secrets(address: &str) -> String {
    match address.rsplit_once('@') {
        Some((secrets, host)) => {
            let scheme = secrets.split_once("://").map_or("", |(scheme, _)| scheme);
            format!("{scheme}://...@{host}")
        }
        None => address.into(),
    }
}

fn whole(bytes: u64) -> i64 {
    i64::try_from(bytes).unwrap_or(i64::MAX)
}

impl fmt::Debug for Fleet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Addresses may hold a password.
        f.debug_struct("Fleet").field("name", &self.name).finish_non_exhaustive()
    }
}
