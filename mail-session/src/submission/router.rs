use std::{borrow::Cow, future::Future, sync::Arc};

use mailstore_api::{Recipient, StoreError};
use smtp_submit_proto::{ForwardPath, ReversePath, Status, status};

use crate::auth::Identity;

/// Decides who may send as whom, and where mail goes.
///
/// `who` is `None` only where the configuration does not require authentication.
///
/// ```
/// use mail_session::{auth::Identity, submission::*};
/// use mailstore_api::{MailboxName, Recipient};
/// use smtp_submit_proto::{ForwardPath, ReversePath, status};
///
/// /// Everybody sends as himself, to mailboxes of example.test.
/// struct OneDomain;
/// impl Router for OneDomain {
///     async fn sender(&self, who: Option<&Identity>, path: ReversePath<'_>) -> Result<(), Refusal> {
///         match (who, path.mailbox()) {
///             (Some(_), None) => Ok(()), // a report, as `<>`
///             (Some(who), Some(m)) if m.as_str().eq_ignore_ascii_case(&who.account) => Ok(()),
///             _ => Err(Refusal::new(status::NOT_ALLOWED, "not your address")),
///         }
///     }
///     async fn recipient(&self, _: Option<&Identity>, path: ForwardPath<'_>) -> Result<Route, Refusal> {
///         match path.mailbox() {
///             Some(m) if m.domain().eq_ignore_ascii_case("example.test") => Ok(Route::Local(Recipient {
///                 account: m.as_str().to_lowercase(),
///                 mailbox: MailboxName::inbox(),
///                 prefix: Vec::new(),
///             })),
///             _ => Err(Refusal::new(status::NOT_ALLOWED, "relaying denied")),
///         }
///     }
/// }
/// ```
pub trait Router: Send + Sync + 'static {
    /// Whether this user may send mail whose failures go to `reverse_path` (RFC 6409 section 6.1).
    ///
    /// # Errors
    /// What the client is answered: mostly 550 5.7.1 ([`status::NOT_ALLOWED`]).
    fn sender(
        &self,
        who: Option<&Identity>,
        reverse_path: ReversePath<'_>,
    ) -> impl Future<Output = Result<(), Refusal>> + Send;

    /// Where mail to `forward_path` goes. Two that lead to one mailbox become one message there.
    ///
    /// # Errors
    /// What the client is answered: 550 5.1.1 ([`status::NO_SUCH_MAILBOX`]) for a mailbox that does not exist,
    /// 550 5.7.1 ([`status::NOT_ALLOWED`]) for a domain this server does not serve.
    fn recipient(
        &self,
        who: Option<&Identity>,
        forward_path: ForwardPath<'_>,
    ) -> impl Future<Output = Result<Route, Refusal>> + Send;

    /// Where mail goes that this server accepted before, or sends itself (reports): nobody's permission is asked
    /// any more. As [`recipient`](Self::recipient) for nobody, unless it is said otherwise.
    ///
    /// # Errors
    /// As [`recipient`](Self::recipient).
    fn route(&self, forward_path: ForwardPath<'_>) -> impl Future<Output = Result<Route, Refusal>> + Send {
        self.recipient(None, forward_path)
    }

    /// What VRFY is answered, where [`ask_vrfy`](smtp_submit_proto::Config::ask_vrfy) has it asked: the mailboxes, one a
    /// line (RFC 5321 section 3.5.1). 252 says nothing, and is the answer unless it is said otherwise
    /// (section 7.3: VRFY tells strangers who is here).
    ///
    /// # Errors
    /// What the client is answered: 550 5.1.1 for nobody, 553 for somebody who is not unique.
    fn verify(
        &self,
        who: Option<&Identity>,
        text: &str,
    ) -> impl Future<Output = Result<Option<String>, Refusal>> + Send {
        let _ = (who, text);
        async { Ok(None) }
    }

    /// What EXPN is answered: the members of a list, one a line. Refused with 502 5.5.1 unless it is said otherwise.
    ///
    /// # Errors
    /// As [`verify`](Self::verify).
    fn expand(
        &self,
        who: Option<&Identity>,
        text: &str,
    ) -> impl Future<Output = Result<String, Refusal>> + Send {
        let _ = (who, text);
        async { Err(Refusal::new(status::NOT_IMPLEMENTED, "EXPN is not implemented")) }
    }
}

impl<R: Router> Router for Arc<R> {
    fn sender(
        &self,
        who: Option<&Identity>,
        reverse_path: ReversePath<'_>,
    ) -> impl Future<Output = Result<(), Refusal>> + Send {
        (**self).sender(who, reverse_path)
    }

    fn recipient(
        &self,
        who: Option<&Identity>,
        forward_path: ForwardPath<'_>,
    ) -> impl Future<Output = Result<Route, Refusal>> + Send {
        (**self).recipient(who, forward_path)
    }

    fn route(&self, forward_path: ForwardPath<'_>) -> impl Future<Output = Result<Route, Refusal>> + Send {
        (**self).route(forward_path)
    }

    fn verify(
        &self,
        who: Option<&Identity>,
        text: &str,
    ) -> impl Future<Output = Result<Option<String>, Refusal>> + Send {
        (**self).verify(who, text)
    }

    fn expand(
        &self,
        who: Option<&Identity>,
        text: &str,
    ) -> impl Future<Output = Result<String, Refusal>> + Send {
        (**self).expand(who, text)
    }
}

/// Where a recipient's mail goes.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum Route {
    /// Into a mailbox of the store. `Return-Path:` is put before the recipient's own prefix.
    Local(Recipient),
    /// To another server, by the store's queue ([`outbound`](crate::outbound)). Where the store has none, the
    /// recipient is refused with 550 5.7.1.
    Elsewhere,
}

/// A refusal, as the client is answered.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{status} {text}")]
#[non_exhaustive]
pub struct Refusal {
    /// 4yz or 5yz; anything else is taken for 451 4.3.0.
    pub status: Status,
    /// Words for a person.
    pub text: Cow<'static, str>,
}

impl Refusal {
    /// A refusal.
    pub fn new(status: Status, text: impl Into<Cow<'static, str>>) -> Self {
        let status = if status.is_refusal() { status } else { status::LOCAL_ERROR };
        Self { status, text: text.into() }
    }

    /// There is nothing to be refused: what should have been there is gone.
    pub(crate) fn lost() -> Self {
        Self::new(status::TRANSACTION_FAILED, "there is no message")
    }
}

impl From<&StoreError> for Refusal {
    /// By the store's own table; the text only where it is for the client.
    fn from(error: &StoreError) -> Self {
        let (code, enhanced) = error.kind.smtp();
        let mut parts = enhanced.split('.').skip(1).map_while(|part| part.parse().ok());
        let known = parts.next().zip(parts.next()).and_then(|(s, d)| Status::new(code, s, d));
        let text = if error.kind.is_for_the_client() {
            error.to_string()
        } else {
            "the message could not be stored".to_owned()
        };
        Self::new(known.unwrap_or(status::LOCAL_ERROR), text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use mailstore_api::ErrorKind;

    #[test]
    fn every_store_error_is_a_refusal() {
        for &kind in ErrorKind::ALL {
            let refusal = Refusal::from(&StoreError::new(kind, "at /var/secret"));
            assert_eq!(refusal.status.code(), kind.smtp().0);
            let (class, subject, detail) = refusal.status.enhanced();
            assert_eq!(format!("{class}.{subject}.{detail}"), kind.smtp().1);
            assert_eq!(refusal.text.contains("secret"), kind.is_for_the_client());
        }
        assert_eq!(Refusal::new(status::OK, "").status, status::LOCAL_ERROR);
    }
}
