//! A small HTTP server, for programs that talk to a test.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::thread;
use std::time::Duration;

/// A request, as far as it was read: its head, and its body.
pub(crate) struct Request {
    pub(crate) head: String,
    #[allow(dead_code, reason = "not every test reads it")]
    pub(crate) body: Vec<u8>,
}

impl Request {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut headers = self.head.lines().filter_map(|line| line.split_once(':'));
        let (_, value) = headers.find(|(it, _)| it.eq_ignore_ascii_case(name))?;
        Some(value.trim())
    }
}

/// Answers HTTP/1.1 on a port of its own, one request per connection, until the test ends.
pub(crate) fn serve(
    answer: impl Fn(&Request) -> (String, Vec<u8>) + Send + Sync + 'static,
) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            // The connection of a client that says nothing is closed.
            let _ = one(stream, &answer);
        }
    });
    address
}

fn one(
    mut stream: TcpStream,
    answer: &dyn Fn(&Request) -> (String, Vec<u8>),
) -> std::io::Result<()> {
    stream.set_read_timeout(Some(Duration::from_secs(10)))?;
    let request = read(&mut stream)?;
    let (content_type, body) = answer(&request);
    let head = format!(
        "HTTP/1.1 200 OK\r\nContent-Type: {content_type}\r\nContent-Length: {}\r\n\
         Connection: close\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes())?;
    stream.write_all(&body)
}

fn read(stream: &mut TcpStream) -> std::io::Result<Request> {
    let mut bytes = Vec::new();
    let mut buffer = [0; 4096];
    let end = loop {
        let count = stream.read(&mut buffer)?;
        bytes.extend_from_slice(&buffer[..count]);
        if let Some(end) = bytes.windows(4).position(|it| it == b"\r\n\r\n") {
            break end;
        }
        if count == 0 || bytes.len() > 1 << 20 {
            return Err(std::io::ErrorKind::InvalidData.into());
        }
    };
    let body = bytes.split_off(end + 4);
    let mut request = Request { head: String::from_utf8_lossy(&bytes).into_owned(), body };
    let length = request.header("content-length").and_then(|it| it.parse().ok()).unwrap_or(0);
    let mut rest = vec![0; usize::saturating_sub(length, request.body.len())];
    stream.read_exact(&mut rest)?;
    request.body.append(&mut rest);
    Ok(request)
}
