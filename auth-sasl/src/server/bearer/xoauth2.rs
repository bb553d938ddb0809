//! XOAUTH2 (Google, Microsoft).

use alloc::{borrow::ToOwned as _, vec::Vec};

use super::{name, token as read_token};
use crate::{BearerError, BearerLogin, Failure, json};

/// `user=<address> 0x01 auth=Bearer <token> 0x01 0x01`. The fields are taken in any order; one that
/// is not known is passed over.
pub(super) fn read(message: &[u8]) -> Result<BearerLogin, Failure> {
    let fields = message.strip_suffix(b"\x01\x01").ok_or(Failure::Malformed)?;
    let (mut user, mut token) = (None, None);
    for field in fields.split(|b| *b == 1) {
        if let Some(value) = field.strip_prefix(b"user=") {
            let value = name(value)?.to_owned();
            if user.replace(value).is_some() {
                return Err(Failure::Malformed);
            }
        } else if let Some(value) = field.strip_prefix(b"auth=") {
            if token.replace(read_token(value)?).is_some() {
                return Err(Failure::Malformed);
            }
        } else if !field.contains(&b'=') {
            return Err(Failure::Malformed);
        }
    }
    match (user, token) {
        (Some(user), Some(token)) => Ok(BearerLogin::new(Some(user), token)),
        _ => Err(Failure::Malformed),
    }
}

pub(super) fn refusal(error: &BearerError) -> Vec<u8> {
    json::write(&[("status", &error.status), ("schemes", &error.schemes), ("scope", &error.scope)])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Answer, Identity, Request, ServerMechanism as _, Step, server::Bearer};
    use base64::{Engine as _, engine::general_purpose::STANDARD};

    #[test]
    fn the_vendors_vectors_are_read() {
        for (wire, user, token) in [
            (
                "dXNlcj1zb21ldXNlckBleGFtcGxlLmNvbQFhdXRoPUJlYXJlciB5YTI5LnZGOWRmdDRxbVRjMk52YjNSbGNrQmhkSFJoZG1semRHRXVZMjl0Q2cBAQ==",
                "someuser@example.com",
                "ya29.vF9dft4qmTc2Nvb3RlckBhdHRhdmlzdGEuY29tCg",
            ),
            (
                "dXNlcj10ZXN0QGNvbnRvc28ub25taWNyb3NvZnQuY29tAWF1dGg9QmVhcmVyIEV3QkFBbDNCQUFVRkZwVUFvN0ozVmUwYmpMQldaV0NjbFJDM0VvQUEBAQ==",
                "test@contoso.onmicrosoft.com",
                "EwBAAl3BAAUFFpUAo7J3Ve0bjLBWZWCclRC3EoAA",
            ),
        ] {
            let login = read(&STANDARD.decode(wire).unwrap()).unwrap();
            assert_eq!(login.user.as_deref(), Some(user));
            assert_eq!(login.token.expose(), token.as_bytes());
        }
    }

    #[test]
    fn malformed_messages_are_refused() {
        for message in [
            &b""[..],
            b"\x01\x01",
            b"user=a\x01auth=Bearer t\x01",
            b"user=a\x01\x01",
            b"auth=Bearer t\x01\x01",
            b"user=\x01auth=Bearer t\x01\x01",
            b"user=a\x01auth=Bearer \x01\x01",
            b"user=a\x01auth=Basic t\x01\x01",
            b"user=a\x01auth=Bearer a b\x01\x01",
            b"user=a\x01user=b\x01auth=Bearer t\x01\x01",
            b"user=a\x01auth=Bearer t\x01auth=Bearer u\x01\x01",
            b"user=a\x01auth=\x01\x01",
            b"user=\xff\x01auth=Bearer t\x01\x01",
        ] {
            assert_eq!(read(message), Err(Failure::Malformed), "{message:?}");
        }
    }

    #[test]
    fn a_refused_token_fails_only_after_the_client_read_the_json() {
        let mut m = Bearer::xoauth2();
        assert!(matches!(m.start(None), Step::Challenge(c) if c.is_empty()));
        assert!(matches!(m.respond(b"user=a\x01auth=bearer t\x01\x01"), Step::Need(Request::Bearer(_))));
        let error = BearerError {
            status: "401".into(),
            schemes: "bearer mac".into(),
            scope: "https://mail.google.com/".into(),
            ..BearerError::default()
        };
        let Step::Challenge(challenge) = m.answer(Answer::BearerRefused(Failure::Credentials, error)) else {
            panic!()
        };
        let vector = "eyJzdGF0dXMiOiI0MDEiLCJzY2hlbWVzIjoiYmVhcmVyIG1hYyIsInNjb3BlIjoiaHR0cHM6Ly9tYWlsLmdvb2dsZS5jb20vIn0K";
        assert_eq!(challenge, STANDARD.decode(vector).unwrap().trim_ascii());
        assert!(matches!(m.respond(b""), Step::Failed(Failure::Credentials)));
    }

    #[test]
    fn an_unanswerable_request_fails_at_once() {
        let mut m = Bearer::xoauth2();
        let _ = m.start(Some(b"user=a\x01auth=Bearer t\x01\x01"));
        assert!(matches!(
            m.answer(Answer::Refused(Failure::Unavailable)),
            Step::Failed(Failure::Unavailable)
        ));
    }

    #[test]
    fn an_accepted_token_needs_no_challenge() {
        let mut m = Bearer::xoauth2();
        let _ = m.start(Some(b"user=a\x01auth=Bearer t\x01\x01"));
        assert!(matches!(m.answer(Answer::Accepted(Identity::new("a", None))), Step::Done(_)));
    }

    #[test]
    fn json_text_is_escaped() {
        let error = BearerError { status: "4\"0\\\n".into(), ..BearerError::default() };
        assert_eq!(refusal(&error), br#"{"status":"4\"0\\\u000a","schemes":"bearer","scope":""}"#);
    }
}
