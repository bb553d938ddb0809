use alloc::borrow::ToOwned as _;

use super::{ServerMechanism, name};
use crate::{CertificateLogin, Channel, Failure, Request, Secret, Step};

/// EXTERNAL (RFC 4422 appendix A), accepting side: the client is whom its TLS certificate stands for.
#[derive(Debug)]
pub struct External {
    certificate: Option<Secret>,
}

impl External {
    /// An exchange on `channel`; it fails if the client showed no certificate.
    #[must_use]
    pub fn new(channel: &Channel<'_>) -> Self {
        Self { certificate: channel.client_certificate.map(Secret::new) }
    }
}

impl ServerMechanism for External {
    fn name(&self) -> &'static str {
        "EXTERNAL"
    }

    fn respond(&mut self, message: &[u8]) -> Step {
        let Some(certificate) = self.certificate.take() else { return Step::Failed(Failure::Credentials) };
        // `external-initial-response = authz-id-string`: empty, or any UTF-8 without NUL.
        let authzid = match message {
            [] => None,
            _ => match name(message) {
                Ok(authzid) => Some(authzid.to_owned()),
                Err(failure) => return Step::Failed(failure),
            },
        };
        Step::Need(Request::Certificate(CertificateLogin::new(certificate.expose(), authzid)))
    }
}
