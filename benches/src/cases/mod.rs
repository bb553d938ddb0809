//! All that is counted, and the peers beside it.

mod growth;
mod imap_client;
mod imap_server;
mod linear;
mod payload;
mod pop3;
mod sasl;
mod smtp;

pub use growth::growth;

use crate::{case::Case, sessions};

/// All cases, in the order of the table.
#[must_use]
pub fn all() -> Vec<Case> {
    [
        imap_server::jobs(),
        imap_client::jobs(),
        smtp::jobs(),
        payload::jobs(),
        pop3::jobs(),
        linear::jobs(),
        sasl::jobs(),
    ]
    .into_iter()
    .flatten()
    .flat_map(crate::case::Job::cases)
    .collect()
}

/// Whole sessions: timed, and not counted.
#[must_use]
pub fn of_sessions() -> Vec<Case> {
    sessions::jobs().into_iter().flat_map(crate::case::Job::cases).collect()
}
