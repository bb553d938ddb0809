use alloc::borrow::ToOwned;

use super::{ServerMechanism, name, password, user};
use crate::{Failure, PasswordLogin, Request, Step};

/// PLAIN (RFC 4616): one message with the identity to act as, the user and the password.
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct Plain;

impl ServerMechanism for Plain {
    fn name(&self) -> &'static str {
        "PLAIN"
    }

    fn respond(&mut self, message: &[u8]) -> Step {
        match read(message) {
            Ok(login) => Step::Need(Request::Password(login)),
            Err(failure) => Step::Failed(failure),
        }
    }
}

/// RFC 4616 section 2: `message = [authzid] UTF8NUL authcid UTF8NUL passwd`, name and password prepared
/// by SASLprep; a password in an older charset than UTF-8 is taken as it is.
fn read(message: &[u8]) -> Result<PasswordLogin, Failure> {
    let (authzid, rest) = at_nul(message)?;
    let (authcid, passwd) = at_nul(rest)?;
    let authzid = if authzid.is_empty() { None } else { Some(name(authzid)?.to_owned()) };
    Ok(PasswordLogin { authcid: user(authcid)?, authzid, password: password(passwd)? })
}

/// What is before the first NUL, and what after it.
fn at_nul(message: &[u8]) -> Result<(&[u8], &[u8]), Failure> {
    let nul = message.iter().position(|b| *b == 0).ok_or(Failure::Malformed)?;
    let (before, after) = message.split_at_checked(nul).ok_or(Failure::Malformed)?;
    Ok((before, after.get(1..).unwrap_or(&[])))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{MAX_FIELD, Secret};
    use alloc::{format, string::String, vec};

    fn login(authzid: Option<&str>, authcid: &str, password: &[u8]) -> Result<PasswordLogin, Failure> {
        Ok(PasswordLogin {
            authcid: authcid.into(),
            authzid: authzid.map(String::from),
            password: Secret::new(password),
        })
    }

    #[test]
    fn messages_are_read_or_refused() {
        for (message, expected) in [
            // RFC 4616 section 4, both examples.
            (&b"\0tim\0tanstaaftanstaaf"[..], login(None, "tim", b"tanstaaftanstaaf")),
            (b"Ursel\0Kurt\0xipj3plmq", login(Some("Ursel"), "Kurt", b"xipj3plmq")),
            ("\0jörg\0pä ss".as_bytes(), login(None, "jörg", "pä ss".as_bytes())),
            // An 8-bit password that is no UTF-8.
            (b"\0u\0p\xe4\xff", login(None, "u", b"p\xe4\xff")),
            (b"", Err(Failure::Malformed)),
            (b"tim", Err(Failure::Malformed)),
            (b"\0tim", Err(Failure::Malformed)),
            (b"\0\0pass", Err(Failure::Malformed)),
            (b"\0tim\0", Err(Failure::Malformed)),
            // NUL in the password: nothing after it is cut off silently.
            (b"\0tim\0pass\0word", Err(Failure::Malformed)),
            (b"\0tim\0pass\0", Err(Failure::Malformed)),
            (b"\0\xff\0pass", Err(Failure::Malformed)),
            (b"\xff\0tim\0pass", Err(Failure::Malformed)),
        ] {
            assert_eq!(read(message), expected, "{message:?}");
        }
    }

    #[test]
    fn fields_of_255_octets_are_taken_and_endless_ones_refused() {
        for (lengths, ok) in [
            ([255, 255, 255], true),
            ([MAX_FIELD, MAX_FIELD, MAX_FIELD], true),
            ([MAX_FIELD + 1, 1, 1], false),
            ([1, MAX_FIELD + 1, 1], false),
            ([1, 1, MAX_FIELD + 1], false),
        ] {
            let message = lengths.map(|n| vec![b'x'; n]).join(&0);
            assert_eq!(read(&message).is_ok(), ok, "{lengths:?}");
            if !ok {
                assert_eq!(read(&message), Err(Failure::TooLong));
            }
        }
    }

    #[test]
    fn debug_shows_no_password() {
        let step = Plain.respond(b"\0tim\0tanstaaf");
        assert!(!format!("{step:?}").contains("tanstaaf"));
    }
}
