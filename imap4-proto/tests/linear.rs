//! With the feature `count`: the machine looks at no octet twice, however the input is cut.
#![cfg(feature = "count")]
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "tests may panic")]

mod common;

use common::{Talk, config};
use imap4_proto::server::{Event, Server};

#[test]
fn no_octet_is_looked_at_twice() {
    let long = format!("a UID FETCH {}1 FLAGS\r\n", "1234567,".repeat(5000));
    let wire = format!("{long}b APPEND x {{9+}}\r\n123456789\r\nc SEARCH TEXT {{3+}}\r\nabc\r\n");
    // Payloads and buffered literals are passed on unseen: 9 and 3, and of the parts 4 and 2.
    let wire = format!("{wire}d UID REPLACE 3 x CATENATE (URL a TEXT {{4+}}\r\n) b) URL {{2+}}\r\nc))\r\n");
    for piece in [1, 64, 4096, wire.len()] {
        let mut talk = Talk::logged_in(config(), true);
        let before = talk.server.octets_looked_at();
        let mut host = |s: &mut Server, event: Event<'_>| match event {
            Event::Command(_) | Event::AppendEnd => s.ok(None, "done").unwrap(),
            Event::AppendBegin(_) | Event::AppendPart(_) => s.accept_literal().unwrap(),
            _ => {}
        };
        let answers: String = wire.as_bytes().chunks(piece).map(|p| talk.send(p, &mut host)).collect();
        assert_eq!(answers, "a OK done\r\nb OK done\r\nc OK done\r\nd OK done\r\n");
        let looked = talk.server.octets_looked_at() - before;
        assert_eq!(looked, wire.len() as u64 - 9 - 3 - 4 - 2, "in pieces of {piece}");
    }
}
