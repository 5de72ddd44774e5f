//! The token, and the session that a page gets for it.

use std::fmt;

use constant_time_eq::constant_time_eq;

use crate::error::{StatusError, TOKEN_BYTES_MAX, TOKEN_BYTES_MIN};

/// A secret that programs send in a header, and a session that stands for it in a cookie.
///
/// The session is random and new with each start, so that no cookie holds the token.
pub(crate) struct Token {
    token: String,
    session: String,
}

impl Token {
    pub(crate) fn new(token: String) -> Result<Self, StatusError> {
        let bytes = token.len();
        if !(TOKEN_BYTES_MIN..=TOKEN_BYTES_MAX).contains(&bytes) {
            return Err(StatusError::TokenLength { bytes });
        }
        if let Some(at) = token.bytes().position(|byte| !byte.is_ascii_graphic()) {
            return Err(StatusError::TokenCharacter { at });
        }
        let mut random = [0; 32];
        getrandom::fill(&mut random).map_err(|_| StatusError::Random)?;
        let session = random.iter().map(|byte| format!("{byte:02x}")).collect();
        Ok(Self { token, session })
    }

    /// Whether this is the token. Takes the same time wherever they differ.
    pub(crate) fn is(&self, asked: &str) -> bool {
        constant_time_eq(self.token.as_bytes(), asked.as_bytes())
    }

    /// Whether this is the session. Takes the same time wherever they differ.
    pub(crate) fn is_session(&self, asked: &str) -> bool {
        constant_time_eq(self.session.as_bytes(), asked.as_bytes())
    }

    pub(crate) fn session(&self) -> &str {
        &self.session
    }
}

/// Without the secrets.
impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Token").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_out_of_form_are_refused_by_what_is_wrong() {
        let refused = |token: &str| Token::new(token.into()).unwrap_err();
        assert_eq!(refused("fifteen-letters"), StatusError::TokenLength { bytes: 15 });
        assert_eq!(refused(&"x".repeat(513)), StatusError::TokenLength { bytes: 513 });
        assert_eq!(refused("sixteen letters!"), StatusError::TokenCharacter { at: 7 });
        assert_eq!(refused("sixteen-lettersé"), StatusError::TokenCharacter { at: 15 });
    }

    #[test]
    fn a_session_is_not_the_token_and_is_new_each_time() {
        let [one, other] = [(); 2].map(|()| Token::new("sixteen-letters!".into()).unwrap());
        assert!(one.is("sixteen-letters!") && !one.is("sixteen-letters?") && !one.is(""));
        assert!(one.is_session(one.session()) && !one.is_session(other.session()));
        assert_eq!(one.session().len(), 64);
        assert!(!format!("{one:?}").contains("letters"));
    }
}
