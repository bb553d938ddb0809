//! PLAIN, LOGIN and CRAM-MD5.

use alloc::vec::Vec;

use super::{ClientError, ClientLogin, ClientMechanism, ClientStep, sendable};
use crate::{Secret, cram_md5::keyed_md5};

/// PLAIN (RFC 4616). Names and password go as they are: the server prepares them.
#[derive(Debug)]
pub(super) struct Plain(Option<Secret>);

impl Plain {
    pub(super) fn new(login: &ClientLogin) -> Result<Self, ClientError> {
        let authzid = match &login.authzid {
            Some(authzid) => sendable(authzid)?,
            None => "",
        };
        let authcid = sendable(&login.authcid)?;
        let password = password(login, &[0])?;
        let parts = [authzid.as_bytes(), b"\0", authcid.as_bytes(), b"\0", password];
        Ok(Self(Some(joined(&parts))))
    }
}

impl ClientMechanism for Plain {
    fn name(&self) -> &'static str {
        "PLAIN"
    }

    fn client_first(&self) -> bool {
        true
    }

    fn step(&mut self, challenge: &[u8]) -> Result<ClientStep, ClientError> {
        match self.0.take() {
            Some(message) if challenge.is_empty() => Ok(ClientStep::Last(message)),
            _ => Err(ClientError::Unexpected),
        }
    }
}

/// LOGIN (draft-murchison-sasl-login): the user, then the password. What the challenges say is not
/// read, for servers say different things.
#[derive(Debug)]
pub(super) struct Login {
    user: Option<Secret>,
    password: Option<Secret>,
}

impl Login {
    pub(super) fn new(login: &ClientLogin) -> Result<Self, ClientError> {
        let user = Secret::new(sendable(&login.authcid)?.as_bytes());
        Ok(Self { user: Some(user), password: Some(Secret::new(password(login, b"\0\r\n")?)) })
    }
}

impl ClientMechanism for Login {
    fn name(&self) -> &'static str {
        "LOGIN"
    }

    fn client_first(&self) -> bool {
        false
    }

    fn step(&mut self, _: &[u8]) -> Result<ClientStep, ClientError> {
        match (self.user.take(), &mut self.password) {
            (Some(user), _) => Ok(ClientStep::Respond(user)),
            (None, password) => password.take().map(ClientStep::Last).ok_or(ClientError::Unexpected),
        }
    }
}

/// CRAM-MD5 (RFC 2195).
#[derive(Debug)]
pub(super) struct CramMd5 {
    user: Secret,
    password: Option<Secret>,
}

impl CramMd5 {
    pub(super) fn new(login: &ClientLogin) -> Result<Self, ClientError> {
        let user = Secret::new(sendable(&login.authcid)?.as_bytes());
        Ok(Self { user, password: Some(Secret::new(password(login, &[])?)) })
    }
}

impl ClientMechanism for CramMd5 {
    fn name(&self) -> &'static str {
        "CRAM-MD5"
    }

    fn client_first(&self) -> bool {
        false
    }

    fn step(&mut self, challenge: &[u8]) -> Result<ClientStep, ClientError> {
        let password = self.password.take().ok_or(ClientError::Unexpected)?;
        if challenge.is_empty() {
            return Err(ClientError::Malformed);
        }
        let mut hex = [0_u8; 32];
        for (pair, octet) in hex.chunks_exact_mut(2).zip(keyed_md5(password.expose(), challenge)) {
            for (digit, nibble) in pair.iter_mut().zip([octet >> 4, octet & 15]) {
                *digit = if nibble < 10 { b'0' + nibble } else { b'a' + nibble - 10 };
            }
        }
        Ok(ClientStep::Last(joined(&[self.user.expose(), b" ", &hex])))
    }
}

fn password<'a>(login: &'a ClientLogin, forbidden: &[u8]) -> Result<&'a [u8], ClientError> {
    let password = login.password.as_ref().map(Secret::expose).filter(|p| !p.is_empty());
    password.filter(|p| !p.iter().any(|b| forbidden.contains(b))).ok_or(ClientError::Unusable)
}

/// One piece, nothing of it left elsewhere.
fn joined(parts: &[&[u8]]) -> Secret {
    let mut all = Vec::with_capacity(parts.iter().map(|p| p.len()).sum());
    for part in parts {
        all.extend_from_slice(part);
    }
    Secret::from(all)
}
