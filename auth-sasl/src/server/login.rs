use alloc::string::String;

use super::{ServerMechanism, password, user};
use crate::{Failure, PasswordLogin, Request, Step};

/// LOGIN (draft-murchison-sasl-login-00): the user name, then the password. No authorization identity.
///
/// The challenges are `Username:` and `Password:`, which one widely used client insists on, in
/// place of the draft's. An initial response is the user name, as some SMTP clients send it.
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct Login {
    user: Option<String>,
}

impl ServerMechanism for Login {
    fn name(&self) -> &'static str {
        "LOGIN"
    }

    fn start(&mut self, initial: Option<&[u8]>) -> Step {
        match initial {
            // An empty one says no more than none.
            None | Some([]) => Step::Challenge(b"Username:".to_vec()),
            Some(user) => self.respond(user),
        }
    }

    fn respond(&mut self, response: &[u8]) -> Step {
        let Some(authcid) = self.user.take() else {
            return match user(response) {
                Ok(user) => {
                    self.user = Some(user);
                    Step::Challenge(b"Password:".to_vec())
                }
                Err(failure) => Step::Failed(failure),
            };
        };
        // Section 2 of the draft leaves out NUL, CR and LF.
        if response.iter().any(|b| matches!(b, 0 | b'\r' | b'\n')) {
            return Step::Failed(Failure::Malformed);
        }
        match password(response) {
            Ok(password) => Step::Need(Request::Password(PasswordLogin { authcid, authzid: None, password })),
            Err(failure) => Step::Failed(failure),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Answer, MAX_FIELD};
    use alloc::vec;

    #[test]
    fn user_then_password() {
        for initial in [None, Some(&b""[..]), Some(b"tim")] {
            let mut m = Login::default();
            let mut step = m.start(initial);
            if initial != Some(b"tim") {
                assert!(matches!(step, Step::Challenge(c) if c == b"Username:"));
                step = m.respond(b"tim");
            }
            assert!(matches!(step, Step::Challenge(c) if c == b"Password:"));
            let Step::Need(Request::Password(login)) = m.respond(b"p\xe4 ss") else { panic!() };
            assert_eq!((login.authcid.as_str(), login.authzid), ("tim", None));
            assert_eq!(login.password.expose(), b"p\xe4 ss");
            assert!(matches!(
                m.answer(Answer::Refused(Failure::Credentials)),
                Step::Failed(Failure::Credentials)
            ));
        }
    }

    #[test]
    fn what_cannot_be_a_name_or_a_password_is_refused() {
        let long = vec![b'a'; MAX_FIELD + 1];
        for (user, failure) in [
            (&b""[..], Failure::Malformed),
            (b"a\0b", Failure::Malformed),
            (b"\xff", Failure::Malformed),
            (&long, Failure::TooLong),
        ] {
            let mut m = Login::default();
            let _ = m.start(None);
            assert!(matches!(m.respond(user), Step::Failed(f) if f == failure), "{user:?}");
        }
        for (password, failure) in [
            (&b""[..], Failure::Malformed),
            (b"a\0b", Failure::Malformed),
            (b"a\r\n", Failure::Malformed),
            (&long, Failure::TooLong),
        ] {
            let mut m = Login::default();
            let _ = m.start(Some(b"u"));
            assert!(matches!(m.respond(password), Step::Failed(f) if f == failure), "{password:?}");
        }
    }
}
