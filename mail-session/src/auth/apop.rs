use std::fmt::Write as _;

use auth_sasl::Credential;

use super::{AuthError, AuthErrorKind, Authority, Identity, LoginContext};

/// The timestamp for the greeting of one POP3 connection, `<...@host>`, where this authority serves APOP (RFC 1939
/// section 7): it knows secrets in the clear ([`Credential::CramMd5`]) and has random octets.
pub fn apop_timestamp<A: Authority>(authority: &A, context: &LoginContext) -> Option<String> {
    let mut random = [0; 16];
    if !authority.credentials(context).contains(&Credential::CramMd5) || !authority.random(&mut random) {
        return None;
    }
    let mut timestamp = String::with_capacity(64);
    timestamp.push('<');
    for octet in random {
        // A String takes all that is written.
        let _ = write!(timestamp, "{octet:02x}");
    }
    let _ = write!(timestamp, "@{}>", authority.host());
    Some(timestamp)
}

/// APOP: whether `digest` is made with the connection's timestamp (with its angle brackets, as the greeting
/// had it) and the user's secret, and whether he may log in.
///
/// # Errors
/// As [`login`](super::login); [`AuthErrorKind::Unsupported`] where APOP is not served.
pub async fn apop<A: Authority>(
    authority: &A,
    context: &LoginContext,
    user: &[u8],
    timestamp: &[u8],
    digest: &[u8; 16],
) -> Result<Identity, AuthError> {
    if !authority.credentials(context).contains(&Credential::CramMd5) {
        return Err(AuthErrorKind::Unsupported.into());
    }
    let user = str::from_utf8(user).ok().filter(|user| user.len() <= auth_sasl::MAX_FIELD).unwrap_or("");
    prove(authority, context, user, |secret| auth_sasl::apop::verify(timestamp, secret, digest)).await
}

/// A proof made with a shared secret: looked up, checked, authorized or counted.
pub(super) async fn prove<A: Authority>(
    authority: &A,
    context: &LoginContext,
    user: &str,
    right: impl FnOnce(&[u8]) -> bool + Send,
) -> Result<Identity, AuthError> {
    let secret = authority.shared_secret(context, user).await?;
    // The same work for a user without one.
    let proved = right(secret.as_ref().map_or(b"\0", auth_sasl::Secret::expose));
    if secret.is_some() && proved {
        return authority.secret_proved(context, user).await;
    }
    authority.disproved(context, user).await;
    Err(AuthErrorKind::Wrong.into())
}
