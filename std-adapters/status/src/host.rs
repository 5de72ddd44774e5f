//! The names under which a status may be asked.

use std::net::IpAddr;

use axum::extract::Request;
use axum::http::header::HOST;

use crate::error::StatusError;

/// Hosts that the `Host` of a request may name, besides loopback. Everything else is refused: a page of
/// another site whose name was turned to this address (DNS rebinding) reads nothing.
#[derive(Clone, Debug, Default)]
pub(crate) struct Hosts(Vec<String>);

impl Hosts {
    pub(crate) fn add(&mut self, host: &str) -> Result<(), StatusError> {
        let given = host;
        let host = without_root(host);
        let is_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
        let is_valid = host.parse::<IpAddr>().is_ok()
            || ((1..=253).contains(&host.len()) && host.chars().all(is_name));
        if !is_valid {
            return Err(StatusError::Host { host: given.into() });
        }
        self.0.push(host.to_ascii_lowercase());
        Ok(())
    }

    /// Whether a `Host` header's value is loopback or one of these, whatever its port.
    pub(crate) fn allow(&self, header: &str) -> bool {
        let Some(host) = without_port(header) else { return false };
        match host.parse::<IpAddr>() {
            Ok(ip) if ip.is_loopback() => true,
            Ok(ip) => self.0.iter().any(|known| known.parse() == Ok(ip)),
            Err(_) => {
                let host = without_root(host);
                host.eq_ignore_ascii_case("localhost")
                    || self.0.iter().any(|known| known.eq_ignore_ascii_case(host))
            }
        }
    }
}

/// The host that a request names, if it names one.
pub(crate) fn host_of(request: &Request) -> Option<&str> {
    let mut named = request.headers().get_all(HOST).iter();
    match (named.next(), named.next()) {
        (Some(host), None) => host.to_str().ok(),
        // HTTP/2 has it in the request's target.
        (None, _) => request.uri().authority().map(|authority| authority.as_str()),
        (Some(_), Some(_)) => None,
    }
}

/// The name without the dot that may end it.
fn without_root(host: &str) -> &str {
    host.strip_suffix('.').unwrap_or(host)
}

/// The host of `host`, `host:port`, `[v6]` or `[v6]:port`.
fn without_port(header: &str) -> Option<&str> {
    let (host, rest) = match header.strip_prefix('[') {
        Some(v6) => v6.split_once(']')?,
        None => header.find(':').map_or((header, ""), |at| header.split_at(at)),
    };
    let is_port = |port: &str| port.parse::<u16>().is_ok();
    (rest.is_empty() || rest.strip_prefix(':').is_some_and(is_port)).then_some(host)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loopback_and_what_is_configured_are_allowed() {
        let mut hosts = Hosts::default();
        hosts.add("status.Example.org").unwrap();
        hosts.add("10.0.0.7").unwrap();
        hosts.add("fd00::7").unwrap();
        for host in [
            "localhost",
            "LOCALHOST:80",
            "localhost.:7070",
            "127.0.0.1",
            "127.8.9.1:7070",
            "[::1]:7070",
            "[::1]",
            "Status.example.org:443",
            "10.0.0.7:1",
            "[fd00:0::7]:1",
        ] {
            assert!(hosts.allow(host), "{host}");
        }
        for host in [
            "",
            ":80",
            "evil.example",
            "localhost.evil.example",
            "127.0.0.1.evil.example",
            "status.example.org.evil.example",
            "localhost:80:80",
            "localhost:x",
            "localhost@evil.example",
            "10.0.0.8",
            "[::1",
            "[::2]",
            "0.0.0.0",
        ] {
            assert!(!hosts.allow(host), "{host}");
        }
    }

    #[test]
    fn a_name_may_end_with_the_dot_of_the_root() {
        let mut hosts = Hosts::default();
        hosts.add("status.example.org.").unwrap();
        assert!(hosts.allow("status.example.org") && hosts.allow("status.example.org.:80"));
        assert!(hosts.add(".").is_err() && !hosts.allow("") && !hosts.allow(":80"));
    }

    #[test]
    fn a_host_with_more_than_a_name_is_refused() {
        for host in ["", "https://a.example", "a.example:443", "a.example/", "a b", "[::1]", "é"] {
            let error = Hosts::default().add(host).unwrap_err();
            assert_eq!(error, StatusError::Host { host: host.into() });
        }
    }
}
