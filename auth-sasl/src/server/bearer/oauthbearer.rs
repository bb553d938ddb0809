//! OAUTHBEARER (RFC 7628).

use alloc::{borrow::ToOwned as _, vec::Vec};

use super::{name, token as read_token};
use crate::{
    BearerError, BearerLogin, Failure, MAX_FIELD, Secret, json,
    scram::message::{Flag, gs2},
};

/// RFC 7628 section 3.1: `gs2-header kvsep *kvpair kvsep`. Keys that are not known are passed over.
pub(super) fn read(message: &[u8]) -> Result<BearerLogin, Failure> {
    let message = core::str::from_utf8(message).map_err(|_| Failure::Malformed)?;
    let header = gs2(message).ok_or(Failure::Malformed)?;
    // There is no channel binding in this mechanism; section 3.1 has `n`, and `y` says no less.
    if matches!(header.flag, Flag::Binds(_)) {
        return Err(Failure::Malformed);
    }
    let user = match header.authzid {
        Some(user) => Some(name(user.as_bytes())?.to_owned()),
        None => None,
    };
    let pairs = header.rest.strip_prefix('\x01').and_then(|r| r.strip_suffix("\x01\x01"));
    let (mut token, mut host, mut port) = (None, None, None);
    for pair in pairs.ok_or(Failure::Malformed)?.split('\x01') {
        let (key, value) = pair.split_once('=').ok_or(Failure::Malformed)?;
        let twice = match key {
            // Section 4.3: an empty one asks for the scope.
            "auth" if value.is_empty() => token.replace(Secret::default()).is_some(),
            "auth" => token.replace(read_token(value.as_bytes())?).is_some(),
            "host" if value.len() > MAX_FIELD => return Err(Failure::TooLong),
            "host" => host.replace(value.to_owned()).is_some(),
            "port" => port.replace(value.parse().map_err(|_| Failure::Malformed)?).is_some(),
            // Section 3.1: `key = 1*(ALPHA)`.
            _ => key.is_empty() || !key.bytes().all(|b| b.is_ascii_alphabetic()),
        };
        if twice {
            return Err(Failure::Malformed);
        }
    }
    let mut login = BearerLogin::new(user, token.ok_or(Failure::Malformed)?);
    login.host = host;
    login.port = port;
    Ok(login)
}

/// Section 3.2.2: the status is an OAuth error code (RFC 6750 section 3.1), not an HTTP status.
pub(super) fn refusal(error: &BearerError) -> Vec<u8> {
    let status = match &*error.status {
        "400" => "invalid_request",
        "401" => "invalid_token",
        "403" => "insufficient_scope",
        status => status,
    };
    let members = [
        ("status", status),
        ("scope", &*error.scope),
        ("openid-configuration", &*error.openid_configuration),
    ];
    let given: Vec<_> = members.into_iter().filter(|(_, value)| !value.is_empty()).collect();
    json::write(&given)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn malformed_messages_are_refused() {
        for message in [
            "",
            "n,,",
            "n,,\x01",
            "n,,\x01\x01",
            "n,,\x01auth=Bearer t\x01",
            "n,,auth=Bearer t\x01\x01",
            "p=tls-exporter,,\x01auth=Bearer t\x01\x01",
            "n,a=,\x01auth=Bearer t\x01\x01",
            "n,user=a,\x01auth=Bearer t\x01\x01",
            "n,,\x01auth=Basic t\x01\x01",
            "n,,\x01auth=Bearer t\x01auth=Bearer t\x01\x01",
            "n,,\x01port=x\x01auth=Bearer t\x01\x01",
            "n,,\x01port=65536\x01auth=Bearer t\x01\x01",
            "n,,\x011=x\x01auth=Bearer t\x01\x01",
            "n,,\x01host=x\x01\x01",
        ] {
            assert_eq!(read(message.as_bytes()), Err(Failure::Malformed), "{message:?}");
        }
    }

    #[test]
    fn the_user_is_optional_and_may_hold_a_comma() {
        let of = |message: &str| read(message.as_bytes()).map(|l| l.user);
        assert_eq!(of("n,,\x01auth=Bearer t\x01\x01"), Ok(None));
        assert_eq!(of("y,a=a=2Cb,\x01auth=bearer t\x01x=y\x01\x01"), Ok(Some("a,b".into())));
    }
}
