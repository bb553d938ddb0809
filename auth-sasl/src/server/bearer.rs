use alloc::vec::Vec;

use super::conclude;
use crate::{Answer, BearerError, BearerLogin, Failure, Request, Secret, Step};

/// What OAUTHBEARER and XOAUTH2 have in common: one message with a token; a refused one is answered with a challenge
/// that says why, and the exchange fails only with the client's next message.
#[derive(Debug)]
pub(super) struct Bearer {
    read: fn(&[u8]) -> Result<BearerLogin, Failure>,
    refusal: fn(&BearerError) -> Vec<u8>,
    refused: Option<Failure>,
}

impl Bearer {
    /// By how the mechanism writes the message and the refusal.
    pub(super) fn new(
        read: fn(&[u8]) -> Result<BearerLogin, Failure>,
        refusal: fn(&BearerError) -> Vec<u8>,
    ) -> Self {
        Self { read, refusal, refused: None }
    }

    pub(super) fn start(&mut self, initial: Option<&[u8]>) -> Step {
        match initial {
            Some(message) => self.respond(message),
            None => Step::Challenge(Vec::new()),
        }
    }

    pub(super) fn respond(&mut self, message: &[u8]) -> Step {
        // Whatever the client says to the refusal, the token stays refused.
        if let Some(failure) = self.refused {
            return Step::Failed(failure);
        }
        match (self.read)(message) {
            Ok(login) => Step::Need(Request::Bearer(login)),
            Err(failure) => Step::Failed(failure),
        }
    }

    pub(super) fn answer(&mut self, answer: Answer) -> Step {
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
pub(super) fn token(value: &[u8]) -> Result<Secret, Failure> {
    let (scheme, token) = value.split_at_checked(7).ok_or(Failure::Malformed)?;
    let token = token.trim_ascii_start();
    if !scheme.eq_ignore_ascii_case(b"Bearer ") || token.is_empty() || !token.iter().all(u8::is_ascii_graphic)
    {
        return Err(Failure::Malformed);
    }
    Ok(Secret::new(token))
}
