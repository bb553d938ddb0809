//! What a client is told of a failed store call.

use std::borrow::Cow;

use imap4_proto::types::Code;
use mailstore_api::{ErrorKind, StoreError};

/// The response code (RFC 5530) and the text.
pub(super) fn of(error: &StoreError) -> (Option<Code<'static>>, Cow<'static, str>) {
    if error.kind.is_for_the_client() {
        tracing::debug!(kind = ?error.kind, %error, "the store refuses");
    } else {
        tracing::error!(kind = ?error.kind, %error, "the store fails");
    }
    let code = error.kind.imap_code().map(|name| Code::Other(name, None));
    let text = if error.kind.is_for_the_client() {
        Cow::Owned(error.to_string())
    } else {
        Cow::Borrowed("Internal error, see the server's log")
    };
    (code, text)
}

/// The same for the target of APPEND, COPY and MOVE: one that is not there could be created (RFC 9051
/// section 6.3.12).
pub(super) fn of_target(error: &StoreError) -> (Option<Code<'static>>, Cow<'static, str>) {
    match error.kind {
        ErrorKind::NotFound => (Some(Code::TryCreate), Cow::Borrowed("The mailbox does not exist")),
        _ => of(error),
    }
}
