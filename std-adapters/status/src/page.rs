//! The page and its parts.

use axum::http::header::CONTENT_TYPE;
use axum::http::{StatusCode, Uri};
use axum::response::{IntoResponse, Response};

/// Where the page finds its parts stands for this in its text.
const BASE: &str = "{{base}}";
const MESSAGE: &str = "{{message}}";

const HTML: &str = "text/html; charset=utf-8";
const CSS: &str = "text/css; charset=utf-8";
const SCRIPT: &str = "text/javascript; charset=utf-8";

macro_rules! files {
    ($($name:literal: $kind:expr),* $(,)?) => {
        /// Name, content type and text of each part.
        pub(crate) const FILES: &[(&str, &str, &str)] =
            &[$(($name, $kind, include_str!(concat!("../page/", $name)))),*];
    };
}

files! {
    "style.css": CSS,
    "main.js": SCRIPT,
    "limits.js": SCRIPT,
    "history.js": SCRIPT,
    "tables.js": SCRIPT,
    "events.js": SCRIPT,
    "fleet.js": SCRIPT,
    "text.js": SCRIPT,
    "icon.svg": "image/svg+xml",
}

pub(crate) fn index(uri: &Uri) -> Response {
    let text = include_str!("../page/index.html").replace(BASE, &base(uri));
    ([(CONTENT_TYPE, HTML)], text).into_response()
}

/// The form that asks for the token.
pub(crate) fn form(uri: &Uri, message: &str) -> Response {
    let text = include_str!("../page/login.html").replace(BASE, &base(uri));
    ([(CONTENT_TYPE, HTML)], text.replace(MESSAGE, &escaped(message))).into_response()
}

pub(crate) fn file(name: &str) -> Response {
    match FILES.iter().find(|(known, ..)| *known == name) {
        Some((_, kind, text)) => ([(CONTENT_TYPE, *kind)], *text).into_response(),
        None => (StatusCode::NOT_FOUND, "the page has no such part\n").into_response(),
    }
}

/// What leads from this page to the routes beside it, wherever they are mounted, also behind a proxy
/// that takes a part of the path away.
fn base(uri: &Uri) -> String {
    let last = uri.path().rsplit('/').next().unwrap_or_default();
    match last {
        "" | "login" => "./".into(),
        last => format!("./{}/", escaped(last)),
    }
}

/// The text as an attribute, or between tags.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            c => escaped.push(c),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_lead_to_the_routes_beside_the_page() {
        let base = |path: &str| base(&path.parse().unwrap());
        assert_eq!(base("/"), "./");
        assert_eq!(base("/status"), "./status/");
        assert_eq!(base("/a/status/"), "./");
        assert_eq!(base("/a/status/login"), "./");
        assert_eq!(base("/a/%22%3E?x=%3C"), "./%22%3E/");
        assert_eq!(base("/a/'onload='b"), "./&#39;onload=&#39;b/");
    }

    #[test]
    fn see_4_the_page_makes_no_markup_of_text_and_loads_nothing_from_elsewhere() {
        let html = [include_str!("../page/index.html"), include_str!("../page/login.html")];
        for text in FILES.iter().map(|(_, _, text)| *text).chain(html) {
            for retired in [
                "innerHTML",
                "outerHTML",
                "insertAdjacentHTML",
                "document.write",
                "eval(",
                "<script>",
                "style=\"",
                "onclick=",
                "src=\"http",
                "url(http",
                "@import",
            ] {
                assert!(!text.contains(retired), "{retired}");
            }
        }
        for text in html {
            assert!(text.contains(BASE), "the page finds its parts");
        }
    }
}
