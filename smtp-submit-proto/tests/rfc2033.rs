//! RFC 2033: LMTP.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests may stop where they fail"
)]

mod common;

use common::{Host, open_config, replay};
use smtp_submit_proto::{Config, Status, status};

fn config() -> Config {
    let mut config = open_config();
    config.lmtp = true;
    config.chunking = true;
    config
}

/// Section 4.2.
#[test]
fn each_recipient_has_its_reply() {
    let mut host = Host::new(config());
    host.per_recipient =
        vec![(Status::new(250, 1, 5).unwrap(), "OK"), (Status::new(452, 2, 1).unwrap(), "is full")];
    host.all_answered = true;
    replay(
        &mut host,
        "S: 220*
         C: EHLO foo.edu
         S: 500 5.5.2*
         C: HELO foo.edu
         S: 500 5.5.2*
         C: LHLO foo.edu
         S: 250-*
         S: 250-PIPELINING
         S: 250-SIZE
         S: 250-8BITMIME
         S: 250-CHUNKING
         S: 250 ENHANCEDSTATUSCODES
         C: MAIL FROM:<chris@bar.com>
         S: 250 2.1.0*
         C: RCPT TO:<pat@foo.edu>
         S: 250*
         C: RCPT TO:<nobody@foo.edu>
         S: 550 5.1.1*
         C: RCPT TO:<green@foo.edu>
         S: 250*
         C: DATA
         S: 354*
         C: Blah blah blah...
         C: ...etc. etc. etc.
         C: .
         S: 250 2.1.5 OK
         S: 452 4.2.1 is full
         C: QUIT
         S: 221*",
    );
    host.on_client_but(&["EHLO foo.edu", "HELO foo.edu"]);
}

#[test]
fn one_answer_for_all_that_are_left() {
    let mut host = Host::new(config());
    host.feed(b"LHLO x\r\nMAIL FROM:<>\r\nRCPT TO:<a@b>\r\nRCPT TO:<b@b>\r\nRCPT TO:<c@b>\r\n");
    host.sent();
    host.per_recipient = vec![(status::MAILBOX_FULL, "full")];
    host.feed(b"BDAT 2\r\nabBDAT 2 LAST\r\ncd");
    assert_eq!(
        host.sent(),
        "250 2.0.0 2 octets received\r\n452 4.2.2 full\r\n250 2.0.0 kept\r\n250 2.0.0 kept\r\n"
    );
    host.feed(b"MAIL FROM:<>\r\nRCPT TO:<a@b>\r\nRCPT TO:<b@b>\r\nDATA\r\n");
    host.sent();
    host.refuse_after = Some(1);
    host.feed(b"x\r\n.\r\n");
    assert_eq!(host.sent(), "451 4.3.0 disk trouble\r\n".repeat(2));
    host.expect("DATA", "503");
}

#[test]
fn lhlo_is_for_lmtp() {
    let mut host = Host::new(open_config());
    host.feed(b"");
    host.sent();
    host.expect("LHLO x", "502");
}
