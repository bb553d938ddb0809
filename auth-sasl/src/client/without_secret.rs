use super::{ClientError, ClientLogin, ClientMechanism, ClientStep, sendable};
use crate::{Secret, prepare};

/// EXTERNAL (RFC 4422 appendix A) and ANONYMOUS (RFC 4505): one message that is no secret.
#[derive(Debug)]
pub(super) struct WithoutSecret {
    name: &'static str,
    message: Option<Secret>,
}

impl WithoutSecret {
    pub(super) fn external(login: &ClientLogin) -> Result<Self, ClientError> {
        let authzid = match &login.authzid {
            Some(authzid) => sendable(authzid)?,
            None => "",
        };
        Ok(Self { name: "EXTERNAL", message: Some(Secret::new(authzid.as_bytes())) })
    }

    pub(super) fn anonymous(login: &ClientLogin) -> Result<Self, ClientError> {
        let trace = login.anonymous.as_deref().ok_or(ClientError::Unusable)?;
        if trace.chars().nth(255).is_some() || !prepare::is_trace(trace) {
            return Err(ClientError::Unusable);
        }
        Ok(Self { name: "ANONYMOUS", message: Some(Secret::new(trace.as_bytes())) })
    }
}

impl ClientMechanism for WithoutSecret {
    fn name(&self) -> &'static str {
        self.name
    }

    fn client_first(&self) -> bool {
        true
    }

    fn step(&mut self, challenge: &[u8]) -> Result<ClientStep, ClientError> {
        match self.message.take() {
            Some(message) if challenge.is_empty() => Ok(ClientStep::Last(message)),
            _ => Err(ClientError::Unexpected),
        }
    }
}
