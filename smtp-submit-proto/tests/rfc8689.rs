//! RFC 8689: REQUIRETLS.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests may stop where they fail"
)]

mod common;

use common::{Host, open_config};

#[test]
fn under_tls_alone() {
    let mut config = open_config();
    config.require_tls = true;
    config.starttls = true;
    let mut host = Host::new(config);
    assert!(!host.say("EHLO x").contains("REQUIRETLS"));
    host.expect("MAIL FROM:<a@b> REQUIRETLS", "555");
    host.expect("STARTTLS", "220");
    assert!(host.say("EHLO x").contains("250-REQUIRETLS\r\n"));
    host.expect("MAIL FROM:<roger@example.org> REQUIRETLS=1", "501");
    // Section 4.4
    host.expect("MAIL FROM:<roger@example.org> REQUIRETLS", "250");
    assert!(host.log.last().unwrap().contains("require_tls: true"));
    host.on_client_but(&["MAIL FROM:<a@b> REQUIRETLS", "MAIL FROM:<roger@example.org> REQUIRETLS=1"]);
}
