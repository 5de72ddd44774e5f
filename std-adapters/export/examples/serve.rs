//! A host that serves `/metrics` on a port of its own, with the standard library alone: something for a
//! Prometheus server to scrape.
//!
//! ```console
//! cargo run -p plimsoll-export --example serve
//! curl localhost:9000/metrics
//! ```

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::thread;
use std::time::Duration;

use plimsoll::channel::crossbeam as tracked;
use plimsoll::{Limit, Registry};
use plimsoll_export::{Exporter, Format};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let registry = Registry::global();
    // Peaks of the last minute, and shares of time.
    let _history = registry.spawn_history()?;
    let limit = Limit::queue("stdout_frames").scope("guest-7").flow_totals();
    let (frames, received) = tracked::bounded(registry, limit, 1024)?;

    // A guest that writes in bursts, and a reader that is too slow for them.
    thread::spawn(move || {
        for number in 0_u64.. {
            if frames.send(number).is_err() {
                return;
            }
            if number % 3_000 == 0 {
                thread::sleep(Duration::from_secs(2));
            }
        }
    });
    thread::spawn(move || received.iter().for_each(|_| thread::sleep(Duration::from_millis(1))));

    let address = std::env::args().nth(1).unwrap_or_else(|| "127.0.0.1:9000".to_owned());
    let listener = TcpListener::bind(&address)?;
    println!("http://{}/metrics", listener.local_addr()?);
    let exporter = Exporter::new(registry);
    for stream in listener.incoming() {
        // A client that goes away, or is too slow, is none.
        let _ = stream.and_then(|stream| answer(stream, &exporter));
    }
    Ok(())
}

fn answer(mut stream: TcpStream, exporter: &Exporter) -> std::io::Result<()> {
    stream.set_read_timeout(Some(Duration::from_secs(5)))?;
    stream.set_write_timeout(Some(Duration::from_secs(5)))?;
    let mut accept = String::new();
    for line in BufReader::new(&stream).lines() {
        let line = line?;
        match line.split_once(':') {
            _ if line.is_empty() => break,
            Some((name, value)) if name.eq_ignore_ascii_case("accept") => accept = value.to_owned(),
            _ => {}
        }
    }
    let format = Format::negotiate(&accept);
    let body = exporter.scrape().text(format);
    let (kind, length) = (format.content_type(), body.len());
    write!(
        stream,
        "HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\nContent-Length: {length}\r\n\
         Connection: close\r\n\r\n{body}"
    )
}
