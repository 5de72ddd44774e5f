//! The connection to a host's status page.

use std::fmt;
use std::time::Duration;

use http_body_util::{BodyExt, Empty};
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::http1;
use hyper::header::HeaderValue;
use hyper::{Request, Response, StatusCode, Uri, header};
use hyper_util::rt::TokioIo;
use plimsoll::InLine;
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::sse::{Event, Parser, TooLarge};

/// How long a connection and the head of a response may take.
const PATIENCE: Duration = Duration::from_secs(5);
/// How long a stream may say nothing. The server says something each second, or as it is configured.
const SILENCE_MAX: Duration = Duration::from_secs(90);
/// Bytes of a snapshot at most.
const SNAPSHOT_BYTES_MAX: usize = 256 << 20;

/// Bytes of an event's id at most.
const ID_BYTES_MAX: usize = 256;
/// Characters of what a server has sent that an error tells at most.
const TOLD_MAX: usize = 300;

/// Where a host is.
#[derive(Clone, Debug)]
pub(super) struct Address {
    authority: String,
    host: String,
    port: u16,
    /// Without a slash at its end.
    path: String,
}

/// Why there is no answer.
#[derive(Debug)]
pub(super) enum ClientError {
    /// It is no address.
    Address(&'static str),
    /// Nobody is there, or it went away.
    Io(std::io::Error),
    /// What was sent is not HTTP, or was cut off.
    Http(hyper::Error),
    /// It took too long.
    TimedOut(&'static str),
    /// The server refuses, and says why.
    Refused(StatusCode),
    /// The server has another token.
    WrongToken,
    /// What was sent is not what the status page sends.
    NotStatus(String),
    /// What was sent is no snapshot that this program reads.
    NoSnapshot(serde_json::Error),
    /// The stream has ended.
    Ended,
}

/// What is wrong can quote what was sent: it is cut, and kept on one line (REG-12).
fn told(text: &str) -> String {
    match text.char_indices().nth(TOLD_MAX) {
        Some((end, _)) => format!("{}…", InLine(&text[..end])),
        None => InLine(text).to_string(),
    }
}

impl ClientError {
    /// Whether another try may do better.
    pub(super) fn may_pass(&self) -> bool {
        match self {
            Self::Address(_) | Self::NotStatus(_) | Self::NoSnapshot(_) => false,
            Self::Refused(status) => status.is_server_error() || status.as_u16() == 429,
            Self::Io(_) | Self::Http(_) | Self::TimedOut(_) | Self::Ended => true,
            Self::WrongToken => false,
        }
    }
}

impl fmt::Display for ClientError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address(wrong) => f.write_str(wrong),
            Self::Io(error) => error.fmt(f),
            Self::Http(error) => write!(f, "no proper HTTP: {error}"),
            Self::TimedOut(what) => write!(f, "{what} takes too long"),
            Self::Refused(StatusCode::UNAUTHORIZED) => {
                f.write_str("the server asks for a token: --token or PLIMSOLL_TOKEN")
            }
            Self::WrongToken => f.write_str("the server does not accept this token"),
            Self::Refused(StatusCode::NOT_FOUND) => {
                f.write_str("there is no status page at this address")
            }
            Self::Refused(status) => write!(f, "the server answers {status}"),
            Self::NotStatus(what) => write!(f, "this is no status page: {}", told(what)),
            Self::NoSnapshot(error) => {
                write!(f, "this is no snapshot: {}", told(&error.to_string()))
            }
            Self::Ended => f.write_str("the stream has ended"),
        }
    }
}

impl std::error::Error for ClientError {}

impl From<std::io::Error> for ClientError {
    fn from(error: std::io::Error) -> Self {
        Self::Io(error)
    }
}

impl From<hyper::Error> for ClientError {
    fn from(error: hyper::Error) -> Self {
        Self::Http(error)
    }
}

impl Address {
    /// Reads `http://host:port/path`; `host:port` will do.
    pub(super) fn parse(text: &str) -> Result<Self, ClientError> {
        let with_scheme =
            if text.contains("://") { text.to_owned() } else { format!("http://{text}") };
        let uri: Uri = with_scheme.parse().map_err(|_| {
            ClientError::Address("this is no address such as http://127.0.0.1:7070")
        })?;
        if uri.scheme_str() != Some("http") {
            return Err(ClientError::Address(
                "only http:// is spoken here; use a tunnel for others",
            ));
        }
        let authority = uri.authority().filter(|authority| !authority.host().is_empty());
        let authority = authority.ok_or(ClientError::Address("the address has no host"))?;
        // A port out of range is none to the parser.
        let has_port = |rest: &str| rest.len() > 1 && authority.port_u16().is_none();
        if authority.as_str().rsplit_once(authority.host()).is_some_and(|(_, rest)| has_port(rest))
        {
            return Err(ClientError::Address("a port is a number from 1 to 65535"));
        }
        if authority.as_str().contains('@') {
            return Err(ClientError::Address("an address has no user: give --token"));
        }
        let host = authority.host().trim_start_matches('[').trim_end_matches(']').to_owned();
        Ok(Self {
            authority: authority.to_string(),
            host,
            port: authority.port_u16().unwrap_or(80),
            path: uri.path().trim_end_matches('/').to_owned(),
        })
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "http://{}{}", self.authority, self.path)
    }
}

/// Asks one host. A stream goes on after the last event that it has given.
#[derive(Debug)]
pub(super) struct Client {
    pub(super) address: Address,
    token: Option<String>,
    last_id: Option<HeaderValue>,
}

/// A response, whose connection lives as long as this.
struct Answer {
    response: Response<Incoming>,
    connection: JoinHandle<()>,
}

impl Drop for Answer {
    fn drop(&mut self) {
        self.connection.abort();
    }
}

impl Client {
    pub(super) fn new(address: Address, token: Option<String>) -> Self {
        Self { address, token, last_id: None }
    }

    /// The JSON of one snapshot.
    pub(super) async fn snapshot(&self) -> Result<Vec<u8>, ClientError> {
        let mut answer = self.get("/snapshot.json", "application/json").await?;
        let mut json = Vec::new();
        let read = async {
            while let Some(frame) = answer.response.body_mut().frame().await {
                let part = frame?.into_data().unwrap_or_default();
                json.extend_from_slice(&part);
                if json.len() > SNAPSHOT_BYTES_MAX {
                    return Err(ClientError::NotStatus("a snapshot without an end".into()));
                }
            }
            Ok(())
        };
        timeout(SILENCE_MAX, read).await.map_err(|_| ClientError::TimedOut("the snapshot"))??;
        Ok(json)
    }

    /// Hands on the events of the stream until it ends, or `on_event` says so.
    ///
    /// # Errors
    /// Why it ended: there is always a reason, if it is not `on_event`'s.
    pub(super) async fn follow(
        &mut self,
        mut on_event: impl FnMut(Event) -> Result<(), ClientError>,
    ) -> Result<(), ClientError> {
        let mut answer = self.get("/events", "text/event-stream").await?;
        let mut parser = Parser::default();
        loop {
            let frame = timeout(SILENCE_MAX, answer.response.body_mut().frame()).await;
            let frame = frame.map_err(|_| ClientError::TimedOut("the next word of the stream"))?;
            let part = frame.ok_or(ClientError::Ended)??.into_data().unwrap_or_default();
            let events = parser.take(&part);
            let events = events.map_err(|TooLarge| {
                ClientError::NotStatus("an event of the stream has no end".into())
            })?;
            for event in events {
                let id = event.id.as_ref().filter(|id| id.len() <= ID_BYTES_MAX);
                // What cannot be sent back is no id of a status page.
                if let Some(id) = id.and_then(|id| HeaderValue::from_str(id).ok()) {
                    self.last_id = Some(id);
                }
                on_event(event)?;
            }
        }
    }

    async fn get(&self, path: &str, kind: &'static str) -> Result<Answer, ClientError> {
        let asked = async {
            let target = (self.address.host.as_str(), self.address.port);
            let stream = TcpStream::connect(target).await?;
            let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
            // What it fails of is seen in the response.
            let connection = tokio::spawn(async move { drop(connection.await) });
            let request = self.request(path, kind)?;
            let sent = sender.send_request(request).await;
            let response = sent.inspect_err(|_| connection.abort())?;
            Ok::<_, ClientError>(Answer { response, connection })
        };
        let asked = timeout(PATIENCE, asked).await;
        let answer = asked.map_err(|_| ClientError::TimedOut("the answer"))??;
        let (status, headers) = (answer.response.status(), answer.response.headers());
        match status {
            StatusCode::OK => {}
            StatusCode::UNAUTHORIZED if self.token.is_some() => {
                return Err(ClientError::WrongToken);
            }
            _ => return Err(ClientError::Refused(status)),
        }
        let given = headers.get(header::CONTENT_TYPE).and_then(|given| given.to_str().ok());
        match given {
            Some(given) if given.starts_with(kind) => Ok(answer),
            given => {
                let given = given.unwrap_or("nothing of a known type");
                Err(ClientError::NotStatus(format!("it sends {given}, and not {kind}")))
            }
        }
    }

    fn request(&self, path: &str, kind: &str) -> Result<Request<Empty<Bytes>>, ClientError> {
        let mut request = Request::get(format!("{}{path}", self.address.path))
            .header(header::HOST, &self.address.authority)
            .header(header::ACCEPT, kind)
            .header(header::USER_AGENT, concat!("plimsoll/", env!("CARGO_PKG_VERSION")));
        if let Some(token) = &self.token {
            request = request.header(header::AUTHORIZATION, format!("Bearer {token}"));
        }
        if let Some(id) = &self.last_id {
            request = request.header("last-event-id", id);
        }
        request.body(Empty::new()).map_err(|_| {
            ClientError::Address("the token or the path has characters that cannot be sent")
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_may_be_short_and_bad_ones_are_named() {
        let parsed = |text| Address::parse(text).map(|address| (address.to_string(), address.port));
        let is = |text, shown: &str, port| {
            assert_eq!(parsed(text).expect(text), (shown.to_owned(), port));
        };
        is("127.0.0.1:7070", "http://127.0.0.1:7070", 7070);
        is("http://host/status/", "http://host/status", 80);
        is("http://[::1]:81", "http://[::1]:81", 81);
        for bad in ["", "http://", "https://host", "http://a b", "ftp://x", "http://u:p@host", "::"]
            .into_iter()
            .chain(["127.0.0.1:99999", "http://host:65536/status", "[::1]:x"])
        {
            let error = parsed(bad).expect_err(bad);
            assert!(!error.to_string().is_empty() && !error.may_pass(), "{bad}");
        }
    }
}
