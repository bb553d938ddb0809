use auth_sasl::{Channel, Credential, Mechanism, Offer, ServerExchange};
use mail_wire::TlsInfo;
use zeroize::Zeroizing;

use super::{AuthError, AuthErrorKind, Authority, LoginContext};

/// A mechanism to list, and what of the connection it wants first.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct Listed {
    /// Its name.
    pub name: &'static str,
    /// It is neither listed nor accepted before TLS.
    pub needs_tls: bool,
    /// It is neither listed nor accepted before the client has shown a certificate.
    pub needs_certificate: bool,
}

/// The mechanisms to list on this connection as it is now.
pub fn offered<A: Authority>(authority: &A, context: &LoginContext) -> impl Iterator<Item = &'static str> {
    let served = authority.credentials(context);
    let names: Vec<_> = offer(authority, &served, context)
        .iter()
        .filter(|m| has_certificate(m, context))
        .map(Mechanism::name)
        .collect();
    names.into_iter()
}

/// The mechanisms of this connection, as it is now and as it can become: for machines that decide by themselves
/// what is listed.
pub fn listed<A: Authority>(authority: &A, context: &LoginContext) -> Vec<Listed> {
    let mut encrypted = context.clone();
    if context.tls_possible() {
        encrypted.tls.get_or_insert_with(TlsInfo::default);
    }
    let served = authority.credentials(&encrypted);
    let allowed_now = context.password_allowed();
    offer(authority, &served, &encrypted)
        .iter()
        .map(|m| Listed {
            name: m.name(),
            needs_tls: m.clear_password() && !allowed_now,
            needs_certificate: m.credential() == Credential::Certificate,
        })
        .collect()
}

/// Begins the mechanism of this name, if it is offered here and now.
pub(super) fn begin<A: Authority>(
    authority: &A,
    context: &LoginContext,
    mechanism: &str,
) -> Result<ServerExchange, AuthError> {
    let served = authority.credentials(context);
    let offer = offer(authority, &served, context);
    let refusal = |kind: AuthErrorKind| Err(kind.into());
    let Some(known) = offer.find(mechanism) else {
        return refusal(if offer.wants_encryption(mechanism) {
            AuthErrorKind::EncryptionRequired
        } else {
            AuthErrorKind::Unsupported
        });
    };
    if !has_certificate(known, context) {
        return refusal(AuthErrorKind::Unsupported);
    }
    let mut channel = Channel::default();
    if let Some(tls) = &context.tls {
        channel.tls_exporter = tls.exporter.as_ref().map(<[u8; 32]>::as_slice);
        channel.tls_server_end_point = tls.server_end_point.as_deref();
        channel.client_certificate = tls.peer_certificate.as_deref();
    }
    // Not for the many that show what they have: asking the system costs something.
    let mut random = Zeroizing::new([0; 32]);
    let wants_random = !matches!(known.credential(), Credential::Password | Credential::Bearer);
    if wants_random && authority.random(&mut *random) {
        channel.random = Some(&*random);
    }
    channel.decoy = authority.decoy();
    channel.host = Some(authority.host());
    match offer.begin(mechanism, &channel) {
        Some(exchange) => Ok(exchange),
        None => refusal(AuthErrorKind::Unsupported),
    }
}

fn offer<'a, A: Authority>(authority: &'a A, served: &'a [Credential], context: &LoginContext) -> Offer<'a> {
    Offer::new(authority.mechanisms(context))
        .serves(served)
        .clear_passwords(context.password_allowed())
        .channel_bindings(context.tls_possible())
}

fn has_certificate(mechanism: &Mechanism, context: &LoginContext) -> bool {
    mechanism.credential() != Credential::Certificate || context.has_certificate()
}
