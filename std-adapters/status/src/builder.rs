//! Settings of a status.

use std::fmt;
use std::time::Duration;

use plimsoll::Registry;
#[cfg(feature = "fleet")]
use plimsoll_fleet::view::LiveView;

use crate::error::{READER_TIMEOUT_MIN, REFRESH_MAX, REFRESH_MIN, StatusError};
#[cfg(feature = "fleet")]
use crate::fleet;
use crate::host::Hosts;
use crate::status::{Settings, Status};
use crate::token::Token;

/// Settings of a [`Status`].
///
/// ```
/// use std::time::Duration;
/// use plimsoll::Registry;
/// use plimsoll_status::Status;
///
/// let status = Status::builder(&Registry::new())
///     .token("a long and secret text".replace(' ', "-"))
///     .host("status.example.org")
///     .refresh(Duration::from_millis(500))
///     .build()?;
/// let router = status.router();
/// # drop(router);
/// # Ok::<(), plimsoll_status::StatusError>(())
/// ```
#[derive(Clone)]
#[must_use = "it has no effect until `build`"]
pub struct StatusBuilder {
    registry: Registry,
    token: Option<String>,
    hosts: Vec<String>,
    is_remote: bool,
    shows_principals: bool,
    refresh: Duration,
    streams_max: usize,
    reader_timeout: Duration,
    log_events: usize,
    has_history: bool,
    #[cfg(feature = "fleet")]
    fleet: Option<LiveView>,
}

impl Status {
    /// A status with the default [settings](StatusBuilder).
    pub fn new(registry: &Registry) -> Self {
        Self::builder(registry).build().expect("the defaults are in range")
    }

    /// Settings for a status.
    pub fn builder(registry: &Registry) -> StatusBuilder {
        StatusBuilder::new(registry)
    }
}

impl StatusBuilder {
    /// How often the page is brought up to date by default.
    pub const REFRESH_DEFAULT: Duration = Duration::from_secs(1);
    /// Streams that may be open at one time by default.
    pub const STREAMS_MAX_DEFAULT: usize = 128;
    /// How long a reader may leave unread what it was sent, by default.
    pub const READER_TIMEOUT_DEFAULT: Duration = Duration::from_secs(10);
    /// Events that are kept for readers who come later, by default.
    pub const LOG_EVENTS_DEFAULT: usize = 200;

    fn new(registry: &Registry) -> Self {
        Self {
            registry: registry.clone(),
            token: None,
            hosts: Vec::new(),
            is_remote: false,
            shows_principals: false,
            refresh: Self::REFRESH_DEFAULT,
            streams_max: Self::STREAMS_MAX_DEFAULT,
            reader_timeout: Self::READER_TIMEOUT_DEFAULT,
            log_events: Self::LOG_EVENTS_DEFAULT,
            has_history: true,
            #[cfg(feature = "fleet")]
            fleet: None,
        }
    }

    /// Answers only requests with this secret of 16 to 512 visible ASCII characters. Programs send it as
    /// `Authorization: Bearer TOKEN`; people type it into a form, and get a cookie. It is never in a URL.
    pub fn token(mut self, token: impl Into<String>) -> Self {
        self.token = Some(token.into());
        self
    }

    /// Answers requests to this name or IP address too, besides loopback: a name without scheme and
    /// port. Requests to any other host are refused, so that no page of another site can read this one
    /// through a name that it has turned to this address.
    pub fn host(mut self, host: impl Into<String>) -> Self {
        self.hosts.push(host.into());
        self
    }

    /// Lets [`bind`](Status::bind) take an address that other machines reach. Give a
    /// [token](Self::token), the [host](Self::host) by which it is asked, and TLS in front.
    pub fn allow_remote(mut self) -> Self {
        self.is_remote = true;
        self
    }

    /// Whether principals are shown by their ids. By default they are left out.
    pub fn show_principals(mut self, shows: bool) -> Self {
        self.shows_principals = shows;
        self
    }

    /// How often readers of `/events` get a snapshot: each second by default, 100 ms to 15 s.
    pub fn refresh(mut self, interval: Duration) -> Self {
        self.refresh = interval;
        self
    }

    /// How many readers of `/events` there may be at one time. Others get 503.
    pub fn max_streams(mut self, max: usize) -> Self {
        self.streams_max = max;
        self
    }

    /// How long a reader may leave unread what it was sent until it is dropped: a second at least.
    pub fn reader_timeout(mut self, timeout: Duration) -> Self {
        self.reader_timeout = timeout;
        self
    }

    /// How many events are kept for readers. With 0 this subscribes to nothing, and readers get
    /// snapshots only.
    pub fn log_events(mut self, count: usize) -> Self {
        self.log_events = count;
        self
    }

    /// Whether this keeps a [history](plimsoll::Registry::spawn_history) of the registry, which it does by
    /// default: charts of the last ten minutes for readers who come later, blocked shares, and the
    /// peak of the last minute. If another thread cannot be started, there is none.
    pub fn history(mut self, keeps: bool) -> Self {
        self.has_history = keeps;
        self
    }

    /// Shows what the hosts of a fleet say together, beside this one: a section of the page, an event of
    /// the stream, and `/fleet.json`. The caller feeds the view by a reader, and keeps that running.
    ///
    /// ```
    /// use plimsoll::Registry;
    /// use plimsoll_fleet::Fleet;
    /// use plimsoll_fleet::view::{FleetReader, LiveView};
    /// use plimsoll_status::Status;
    ///
    /// let view = LiveView::default();
    /// // It connects in the background, now or later.
    /// let _reading = view.spawn_thread(FleetReader::new(Fleet::new("nats://127.0.0.1:4222")?))?;
    /// let status = Status::builder(&Registry::new()).fleet(&view).build()?;
    /// # drop(status);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[cfg(feature = "fleet")]
    pub fn fleet(mut self, view: &LiveView) -> Self {
        self.fleet = Some(view.clone());
        self
    }

    /// Makes the status. From now on it keeps events.
    ///
    /// # Errors
    /// [`StatusError`], which says what is wrong and what is allowed.
    pub fn build(self) -> Result<Status, StatusError> {
        if !(REFRESH_MIN..=REFRESH_MAX).contains(&self.refresh) {
            return Err(StatusError::Refresh { asked: self.refresh });
        }
        if self.reader_timeout < READER_TIMEOUT_MIN {
            return Err(StatusError::ReaderTimeout { asked: self.reader_timeout });
        }
        if self.streams_max == 0 {
            return Err(StatusError::ZeroStreams);
        }
        let mut hosts = Hosts::default();
        for host in &self.hosts {
            hosts.add(host)?;
        }
        #[cfg(feature = "fleet")]
        let fleet = self.fleet.map(|view| fleet::latest(view, self.shows_principals));
        #[cfg(not(feature = "fleet"))]
        let fleet = None;
        let token = self.token.map(Token::new).transpose()?;
        Ok(Status::with(Settings {
            registry: self.registry,
            token,
            hosts,
            is_remote: self.is_remote,
            shows_principals: self.shows_principals,
            refresh: self.refresh,
            streams_max: self.streams_max,
            reader_timeout: self.reader_timeout,
            log_events: self.log_events,
            has_history: self.has_history,
            fleet,
        }))
    }
}

/// Without the token.
impl fmt::Debug for StatusBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("StatusBuilder");
        debug.field("has_token", &self.token.is_some()).field("hosts", &self.hosts);
        debug.field("is_remote", &self.is_remote).field("refresh", &self.refresh);
        debug.finish_non_exhaustive()
    }
}
