use alloc::{format, string::String};
use core::fmt::Write as _;

use super::ServerMechanism;
use crate::{Channel, Failure, MAX_FIELD, Request, Step, cram_md5::CramLogin};

/// CRAM-MD5 (RFC 2195), accepting side: a challenge, answered with a digest of it and the password.
/// Off unless a server lists it. No authorization identity.
#[derive(Debug)]
pub struct CramMd5 {
    challenge: Option<String>,
}

impl CramMd5 {
    /// An exchange on `channel`, which must have [`scram::MIN_RANDOM`](crate::scram::MIN_RANDOM)
    /// random octets, and best a host name.
    #[must_use]
    pub fn new(channel: &Channel<'_>) -> Self {
        let random = channel.random.filter(|r| r.len() >= crate::scram::MIN_RANDOM);
        let challenge = random.map(|random| {
            let mut digits = String::with_capacity(64);
            for octet in random.iter().take(24) {
                // A String takes all that is written.
                let _ = write!(digits, "{octet:02x}");
            }
            let host = channel.host.unwrap_or("localhost");
            format!("<{digits}@{host}>")
        });
        Self { challenge }
    }
}

impl ServerMechanism for CramMd5 {
    fn name(&self) -> &'static str {
        "CRAM-MD5"
    }

    fn start(&mut self, initial: Option<&[u8]>) -> Step {
        match (initial, &self.challenge) {
            // Server first: nothing to say yet (RFC 4422 section 4).
            (Some([_, ..]), _) => Step::Failed(Failure::Malformed),
            (_, Some(challenge)) => Step::Challenge(challenge.clone().into_bytes()),
            (_, None) => Step::Failed(Failure::Unavailable),
        }
    }

    fn respond(&mut self, response: &[u8]) -> Step {
        let Some(challenge) = self.challenge.take() else { return Step::Failed(Failure::Malformed) };
        match CramLogin::read(challenge.as_bytes(), response) {
            Some(login) if login.authcid.len() > MAX_FIELD => Step::Failed(Failure::TooLong),
            Some(login) => Step::Need(Request::CramMd5(login)),
            None => Step::Failed(Failure::Malformed),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cram_md5::keyed_md5;

    const CHALLENGE: &[u8] = b"<1896.697170952@postoffice.reston.mci.net>";

    #[test]
    fn rfc_2195_section_2_example_is_verified() {
        let login = CramLogin::read(CHALLENGE, b"tim b913a602c7eda7a495b4e6e7334d3890").unwrap();
        assert_eq!(login.authcid, "tim");
        assert!(login.verify(b"tanstaaftanstaaf"));
        assert!(!login.verify(b"tanstaaftanstaag"));
    }

    /// RFC 2202 section 2, test cases 2 and 6.
    #[test]
    fn keys_shorter_and_longer_than_a_block() {
        assert_eq!(
            keyed_md5(b"Jefe", b"what do ya want for nothing?"),
            0x750c_783e_6ab0_b503_eaa8_6e31_0a5d_b738_u128.to_be_bytes()
        );
        assert_eq!(
            keyed_md5(&[0xaa; 80], b"Test Using Larger Than Block-Size Key - Hash Key First"),
            0x6b1a_b7fe_4bd7_bf8f_0b62_e6ce_61b9_d0cd_u128.to_be_bytes()
        );
    }

    #[test]
    fn malformed_responses_are_refused() {
        for response in [
            "",
            "tim",
            " b913a602c7eda7a495b4e6e7334d3890",
            "tim b913a602c7eda7a495b4e6e7334d389",
            "tim b913a602c7eda7a495b4e6e7334d38900",
            "tim B913A602C7EDA7A495B4E6E7334D3890",
            "tim g913a602c7eda7a495b4e6e7334d3890",
        ] {
            assert_eq!(CramLogin::read(CHALLENGE, response.as_bytes()), None, "{response}");
        }
    }
}
