use alloc::{format, string::ToString as _, vec::Vec};

use super::{ClientError, ClientLogin, ClientMechanism, ClientStep, sendable};
use crate::{BearerError, Secret, json, scram::message::escape};

/// OAUTHBEARER (RFC 7628) and XOAUTH2 (Google, Microsoft): a token in one message. A server that
/// refuses it says why in a challenge, or doesn't and fails at once.
#[derive(Debug)]
pub(super) struct Bearer {
    standard: bool,
    message: Option<Secret>,
    told: Option<BearerError>,
}

impl Bearer {
    pub(super) fn oauthbearer(login: &ClientLogin) -> Result<Self, ClientError> {
        let mut head = match &*login.authcid {
            "" => "n,,\x01".into(),
            user => format!("n,a={},\x01", escape(sendable(user)?)),
        };
        for (key, value) in [("host", &login.host), ("port", &login.port.map(|p| p.to_string()))] {
            if let Some(value) = value {
                if value.bytes().any(|b| b.is_ascii_control()) {
                    return Err(ClientError::Unusable);
                }
                head.push_str(&format!("{key}={value}\x01"));
            }
        }
        Self::new(true, &head, login)
    }

    pub(super) fn xoauth2(login: &ClientLogin) -> Result<Self, ClientError> {
        Self::new(false, &format!("user={}\x01", sendable(&login.authcid)?), login)
    }

    fn new(standard: bool, head: &str, login: &ClientLogin) -> Result<Self, ClientError> {
        let token = login.token.as_ref().map(Secret::expose).unwrap_or_default();
        // What separates the fields must not be in them.
        if token.is_empty() || !token.iter().all(u8::is_ascii_graphic) || login.authcid.contains('\x01') {
            return Err(ClientError::Unusable);
        }
        let mut message = Vec::with_capacity(head.len() + token.len() + 14);
        message.extend_from_slice(head.as_bytes());
        message.extend_from_slice(b"auth=Bearer ");
        message.extend_from_slice(token);
        message.extend_from_slice(b"\x01\x01");
        Ok(Self { standard, message: Some(Secret::from(message)), told: None })
    }
}

impl ClientMechanism for Bearer {
    fn name(&self) -> &'static str {
        if self.standard { "OAUTHBEARER" } else { "XOAUTH2" }
    }

    fn client_first(&self) -> bool {
        true
    }

    fn step(&mut self, challenge: &[u8]) -> Result<ClientStep, ClientError> {
        match self.message.take() {
            Some(message) if challenge.is_empty() => Ok(ClientStep::Last(message)),
            None if self.told.is_none() => {
                let member = |name| json::member(challenge, name).unwrap_or_default().into();
                self.told = Some(BearerError {
                    status: member("status"),
                    schemes: member("schemes"),
                    scope: member("scope"),
                    openid_configuration: member("openid-configuration"),
                });
                // RFC 7628 section 3.2.3: one octet 0x01; XOAUTH2: nothing. The refusal follows, and
                // nothing but a refusal may.
                Ok(ClientStep::Respond(Secret::new(if self.standard { b"\x01" } else { b"" })))
            }
            _ => Err(ClientError::Unexpected),
        }
    }

    fn bearer_error(&self) -> Option<&BearerError> {
        self.told.as_ref()
    }
}
