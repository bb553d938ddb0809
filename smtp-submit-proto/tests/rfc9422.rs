//! RFC 9422: LIMITS.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests may stop where they fail"
)]

mod common;

use common::{Host, open_config, replay};

/// Section 5.
#[test]
fn limits_are_told_and_kept() {
    let mut config = open_config();
    config.tell_limits = true;
    config.limits.recipients = 2;
    config.limits.transactions = 2;
    let mut host = Host::new(config);
    replay(
        &mut host,
        "S: 220*
         C: EHLO client.example.com
         S: 250-*
         S: 250-PIPELINING
         S: 250-SIZE
         S: 250-8BITMIME
         S: 250-LIMITS RCPTMAX=2 MAILMAX=2
         S: 250 ENHANCEDSTATUSCODES
         C: MAIL FROM:<a@b>
         S: 250*
         C: RCPT TO:<a@b>
         S: 250*
         C: RCPT TO:<b@b>
         S: 250*
         C: RCPT TO:<c@b>
         S: 452 4.5.3*
         C: RSET
         S: 250*
         C: MAIL FROM:<a@b>
         S: 250*
         C: RSET
         S: 250*
         C: MAIL FROM:<a@b>
         S: 452 4.5.3*",
    );
    host.on_client_but(&[]);
}
