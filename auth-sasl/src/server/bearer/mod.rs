mod oauthbearer;
mod xoauth2;

use alloc::vec::Vec;

use super::{ServerMechanism, conclude, name};
use crate::{Answer, BearerError, BearerLogin, Failure, Request, Secret, Step};

/// OAUTHBEARER (RFC 7628) and XOAUTH2 (Google, Microsoft), accepting side: an OAuth 2 access token in one message.
///
/// A refused token is answered with a challenge that holds a JSON object and says why. The client answers that (with
/// one octet 0x01; with XOAUTH2, with nothing) or cancels, and only then the exchange fails.
#[derive(Debug)]
pub struct Bearer {
    name: &'static str,
    read: fn(&[u8]) -> Result<BearerLogin, Failure>,
    refusal: fn(&BearerError) -> Vec<u8>,
    refused: Option<Failure>,
}

impl Bearer {
    /// An exchange of OAUTHBEARER.
    #[must_use]
    pub fn oauthbearer() -> Self {
        let (read, refusal) = (oauthbearer::read, oauthbearer::refusal);
        Self { name: "OAUTHBEARER", read, refusal, refused: None }
    }

    /// An exchange of XOAUTH2.
    #[must_use]
    pub fn xoauth2() -> Self {
        Self { name: "XOAUTH2", read: xoauth2::read, refusal: xoauth2::refusal, refused: None }
    }
}

impl ServerMechanism for Bearer {
    fn name(&self) -> &'static str {
        self.name
    }

    fn respond(&mut self, message: &[u8]) -> Step {
        // Whatever the client says to the refusal, the token stays refused.
        if let Some(failure) = self.refused {
            return Step::Failed(failure);
        }
        match (self.read)(message) {
            Ok(login) => Step::Need(Request::Bearer(login)),
            Err(failure) => Step::Failed(failure),
        }
    }

    fn answer(&mut self, answer: Answer) -> Step {
        let (failure, error) = match answer {
            Answer::BearerRefused(failure, error) => (failure, error),
            Answer::Refused(failure @ (Failure::Credentials | Failure::NotAuthorized)) => {
                (failure, BearerError::default())
            }
            answer => return conclude(answer),
        };
        self.refused = Some(failure);
        Step::Challenge((self.refusal)(&error))
    }
}

/// The `auth` field: `Bearer <token>`, the scheme's name in any case (RFC 9110 section 11.1).
fn token(value: &[u8]) -> Result<Secret, Failure> {
    let (scheme, token) = value.split_at_checked(7).ok_or(Failure::Malformed)?;
    let token = token.trim_ascii_start();
    if !scheme.eq_ignore_ascii_case(b"Bearer ") || token.is_empty() || !token.iter().all(u8::is_ascii_graphic)
    {
        return Err(Failure::Malformed);
    }
    Ok(Secret::new(token))
}
