//! RFC 6710: MT-PRIORITY.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests may stop where they fail"
)]

mod common;

use common::{Host, open_config};

#[test]
fn priorities() {
    let mut config = open_config();
    config.mt_priority = Some("STANAG4406".into());
    let mut host = Host::new(config);
    assert!(host.say("EHLO x").contains("250-MT-PRIORITY STANAG4406\r\n"));
    // Section 10
    for (value, code) in
        [("6", "250"), ("-9", "250"), ("0", "250"), ("10", "501"), ("+1", "501"), ("", "501")]
    {
        host.expect(&format!("MAIL FROM:<eljefe@example.net> MT-PRIORITY={value}"), code);
        host.expect("RSET", "250");
    }
    host.expect("MAIL FROM:<a@b> MT-PRIORITY=1 MT-PRIORITY=1", "501");
    host.on_client_but(&[
        "MAIL FROM:<eljefe@example.net> MT-PRIORITY=10",
        "MAIL FROM:<eljefe@example.net> MT-PRIORITY=+1",
        "MAIL FROM:<eljefe@example.net> MT-PRIORITY=",
        "MAIL FROM:<a@b> MT-PRIORITY=1 MT-PRIORITY=1",
    ]);
}
