//! The same jobs on inputs that grow: what they cost should grow as the inputs do.

use super::{imap_client, imap_server, linear};
use crate::case::{Case, Job};

/// Each job in the order of its sizes.
#[must_use]
pub fn growth() -> Vec<Case> {
    let over =
        |sizes: &[usize], job: &dyn Fn(usize) -> Job| -> Vec<Job> { sizes.iter().map(|n| job(*n)).collect() };
    let octets = [1000, 2000, 4000, 8000, 16_000, 32_000, 60_000];
    [
        over(&octets, &|n| imap_server::long("IMAP, a command", n)),
        over(&octets, &|n| imap_client::search("IMAP, a SEARCH answer", n)),
        over(&[2, 4, 8, 16, 32, 60], &|n| imap_client::nested("IMAP, a BODYSTRUCTURE, by its depth", n)),
        over(&[500, 1000, 2000, 4000, 8000], &|n| {
            linear::smtp_lines("SMTP, AUTH with an initial response", n)
        }),
        over(&[13, 26, 52, 104, 208, 416, 832], &|n| {
            linear::smtp_data("SMTP, content with a dot on every line", n)
        }),
        over(&[13, 26, 52, 104, 208, 416, 832], &|n| linear::pop3_message("POP3, a message fetched", n)),
        over(&[50, 100, 200, 400, 800, 1600], &|n| linear::pop3_list("POP3, a list", n)),
    ]
    .into_iter()
    .flatten()
    .flat_map(Job::cases)
    .collect()
}
