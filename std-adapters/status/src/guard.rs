//! Who is answered, and what each response says about itself.

use axum::extract::{OriginalUri, Request, State};
use axum::http::header::{self, HeaderName};
use axum::http::{HeaderMap, HeaderValue, StatusCode, Uri};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use crate::host::host_of;
use crate::status::Status;
use crate::token::Token;
use crate::{login, page};

/// Nothing is loaded or sent but from and to this origin, nothing is inline, and nobody frames it.
pub(crate) const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; \
    connect-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; \
    frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'";

const SAID: [(HeaderName, &str); 7] = [
    (header::CONTENT_SECURITY_POLICY, POLICY),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::X_FRAME_OPTIONS, "DENY"),
    (header::REFERRER_POLICY, "no-referrer"),
    (header::CACHE_CONTROL, "no-store"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
];

/// Refuses requests to other hosts, and adds the headers that each response has.
pub(crate) async fn addressed(
    State(status): State<Status>,
    request: Request,
    next: Next,
) -> Response {
    let allowed = host_of(&request).is_some_and(|host| status.0.settings.hosts.allow(host));
    let mut response = if allowed {
        next.run(request).await
    } else {
        let text = "this host is not served: ask localhost, or configure the host's name\n";
        (StatusCode::FORBIDDEN, text).into_response()
    };
    for (name, value) in SAID {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response
}

/// Refuses who does not know the token, if there is one. People get a form.
pub(crate) async fn known(
    State(status): State<Status>,
    OriginalUri(uri): OriginalUri,
    request: Request,
    next: Next,
) -> Response {
    match &status.0.settings.token {
        Some(token) if !is_known(token, request.headers()) => unknown(&uri, request.headers()),
        _ => next.run(request).await,
    }
}

fn is_known(token: &Token, headers: &HeaderMap) -> bool {
    let bearer = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let bearer = bearer.and_then(|value| value.split_once(' '));
    let by_header = bearer.is_some_and(|(scheme, given)| {
        scheme.eq_ignore_ascii_case("bearer") && token.is(given.trim())
    });
    by_header || login::sessions(headers).any(|session| token.is_session(session))
}

fn unknown(uri: &Uri, headers: &HeaderMap) -> Response {
    let accepts = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok());
    let mut response = if accepts.is_some_and(|accepts| accepts.contains("text/html")) {
        page::form(uri, "")
    } else if headers.contains_key(header::AUTHORIZATION) {
        "this is not the token: send it as `Authorization: Bearer TOKEN`\n".into_response()
    } else {
        "a token is needed: send it as `Authorization: Bearer TOKEN`\n".into_response()
    };
    *response.status_mut() = StatusCode::UNAUTHORIZED;
    response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    response
}
