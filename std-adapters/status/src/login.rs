//! A token becomes a cookie.

use axum::Form;
use axum::RequestExt;
use axum::extract::rejection::FormRejection;
use axum::extract::{DefaultBodyLimit, OriginalUri, Request, State};
use axum::http::header::{COOKIE, LOCATION, SET_COOKIE};
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;

use crate::error::TOKEN_BYTES_MAX;
use crate::host::host_of;
use crate::page;
use crate::status::Status;

/// What the names of the cookies begin with. Cookies do not tell ports apart, so the port follows.
const COOKIE_PREFIX: &str = "plimsoll_status_";

/// A token whose bytes are all escaped, and its name.
pub(crate) const FORM_BYTES_MAX: usize = 3 * TOKEN_BYTES_MAX + 16;

#[derive(Deserialize)]
struct Login {
    token: String,
}

/// Answers the form: with a cookie for the page, or with the form again.
pub(crate) async fn login(
    State(status): State<Status>,
    OriginalUri(uri): OriginalUri,
    request: Request,
) -> Response {
    let Some(token) = &status.0.settings.token else {
        return redirect(&uri).into_response();
    };
    let cookie = Cookie::of(&request);
    let mut request = request;
    DefaultBodyLimit::max(FORM_BYTES_MAX).apply(&mut request);
    let given: Result<Form<Login>, FormRejection> = request.extract().await;
    match given {
        Ok(Form(Login { token: given })) if token.is(given.trim()) => {
            ([(SET_COOKIE, cookie.with(token.session()))], redirect(&uri)).into_response()
        }
        Ok(_) => {
            let mut response = page::form(&uri, "This is not the token.");
            *response.status_mut() = StatusCode::UNAUTHORIZED;
            response
        }
        Err(rejection) => rejection.into_response(),
    }
}

/// To the page, from beside it: a proxy may have taken the front of the path away, and no text of a
/// path leads to another host.
fn redirect(uri: &Uri) -> impl IntoResponse + use<> {
    let mount = uri.path().strip_suffix("/login").unwrap_or_default();
    let path = match mount.rsplit('/').next() {
        None | Some("") => "./".into(),
        Some(last) => format!("../{last}"),
    };
    (StatusCode::SEE_OTHER, [(LOCATION, path)])
}

/// What the sessions of a request's cookies say.
pub(crate) fn sessions(headers: &HeaderMap) -> impl Iterator<Item = &str> {
    let lines = headers.get_all(COOKIE).iter().filter_map(|line| line.to_str().ok());
    let cookies = lines.flat_map(|line| line.split(';'));
    cookies
        .filter_map(|cookie| cookie.trim().strip_prefix(COOKIE_PREFIX)?.split_once('='))
        .map(|(_, session)| session)
}

struct Cookie {
    name: String,
    is_secure: bool,
}

impl Cookie {
    fn of(request: &Request) -> Self {
        let host = host_of(request).unwrap_or_default();
        let port = host.rsplit_once(':').and_then(|(_, port)| port.parse::<u16>().ok());
        let scheme = request.headers().get("x-forwarded-proto");
        Self {
            name: port.map_or(COOKIE_PREFIX.into(), |port| format!("{COOKIE_PREFIX}{port}")),
            is_secure: scheme.is_some_and(|scheme| scheme.as_bytes() == b"https"),
        }
    }

    fn with(&self, session: &str) -> String {
        let secure = if self.is_secure { "; Secure" } else { "" };
        format!("{}={session}; Path=/; HttpOnly; SameSite=Strict{secure}", self.name)
    }
}
