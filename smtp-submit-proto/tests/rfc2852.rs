//! RFC 2852: DELIVERBY.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests may stop where they fail"
)]

mod common;

use common::{Host, open_config};
use smtp_submit_proto::DeliverByOffer;

/// Section 5 and section 4.
#[test]
fn times_for_delivery() {
    let mut config = open_config();
    config.deliver_by = Some(DeliverByOffer { least: Some(240) });
    let mut host = Host::new(config);
    assert!(host.say("EHLO acme.example.com").contains("250-DELIVERBY 240\r\n"));
    for (value, code) in [
        ("98765;NT", "250"),
        ("120;R", "555"),
        ("240;R", "250"),
        ("120;N", "250"),
        ("0;R", "501"),
        ("x;R", "501"),
    ] {
        host.expect(&format!("MAIL FROM:<eljefe@bigbiz.com> BY={value}"), code);
        host.expect("RSET", "250");
    }
    let mut config = open_config();
    config.deliver_by = Some(DeliverByOffer::default());
    assert!(Host::new(config).say("EHLO x").contains("250-DELIVERBY\r\n"));
    Host::new(open_config()).expect("MAIL FROM:<a@b> BY=1;R", "220");
    host.on_client_but(&["MAIL FROM:<eljefe@bigbiz.com> BY=0;R", "MAIL FROM:<eljefe@bigbiz.com> BY=x;R"]);
}
