//! RFC 4865: FUTURERELEASE.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests may stop where they fail"
)]

mod common;

use common::{Host, open_config};
use smtp_submit_proto::FutureReleaseOffer;

/// Section 5.
#[test]
fn messages_held() {
    let mut config = open_config();
    config.future_release =
        Some(FutureReleaseOffer { longest: 1_000_000, latest: "2007-04-20T15:46:17Z".into() });
    let mut host = Host::new(config);
    assert!(host.say("EHLO x").contains("250-FUTURERELEASE 1000000 2007-04-20T15:46:17Z\r\n"));
    for (parameter, code) in [
        ("HOLDFOR=86400", "250"),
        ("HOLDFOR=1000001", "501 5.5.4"),
        ("HOLDFOR=0", "501 5.5.4"),
        ("HOLDUNTIL=2007-04-12T15:46:17Z", "250"),
        ("HOLDUNTIL=2007-04-20T15:46:18Z", "501 5.5.4"),
        ("HOLDUNTIL=tomorrow", "501 5.5.4"),
        ("HOLDFOR=1 HOLDUNTIL=2007-04-12T15:46:17Z", "501 5.5.4"),
    ] {
        host.expect(&format!("MAIL FROM:<a@b> {parameter}"), code);
        host.expect("RSET", "250");
    }
    host.on_client_but(&[
        "MAIL FROM:<a@b> HOLDFOR=0",
        "MAIL FROM:<a@b> HOLDUNTIL=tomorrow",
        "MAIL FROM:<a@b> HOLDFOR=1 HOLDUNTIL=2007-04-12T15:46:17Z",
    ]);
}
