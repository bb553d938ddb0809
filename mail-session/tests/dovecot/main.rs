//! Our clients' logins at Dovecot, over IMAP, POP3 and submission: every mechanism it has. Skipped where it is missing, or
//! does not start.
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test may fail")]

mod clients;
mod server;

use auth_sasl::{ClientLogin, Secret};
use clients::{Protocol, Way, enter};
use server::{Dovecot, PASSWORD};

fn password(user: &str, password: &str) -> ClientLogin {
    ClientLogin::password(user, Secret::new(password.as_bytes()))
}

/// With what a mechanism logs in well, and with what it does not.
fn logins(dovecot: &Dovecot, mechanism: &str) -> (ClientLogin, Option<ClientLogin>) {
    let token = |subject, seconds| {
        let token = dovecot.token(subject, seconds);
        ClientLogin::token("user", Secret::new(token.as_bytes())).at("localhost", 143)
    };
    match mechanism {
        "EXTERNAL" => (ClientLogin::external(), None),
        "ANONYMOUS" => (ClientLogin::anonymous("sirhc"), None),
        "OAUTHBEARER" | "XOAUTH2" => (token("user", 600), Some(token("user", -600))),
        _ => (password("user", PASSWORD), Some(password("user", "wrong"))),
    }
}

#[test]
fn every_mechanism_of_dovecot_on_every_protocol() {
    let dovecot = match Dovecot::start() {
        Ok(dovecot) => dovecot,
        Err(why) => {
            println!("{why}: not tested");
            return;
        }
    };
    let mut failed = Vec::new();
    let mut number = 0;
    for protocol in Protocol::ALL {
        let ways: &[Way] = match protocol {
            // Its submission has no port with TLS from the start here.
            Protocol::Submission => &[Way::StartTls],
            _ => &[Way::Tls, Way::StartTls],
        };
        for mechanism in server::MECHANISMS {
            // Dovecot does not let nobody submit.
            if (protocol, mechanism) == (Protocol::Submission, "ANONYMOUS") {
                continue;
            }
            let (right, wrong) = logins(&dovecot, mechanism);
            for way in ways {
                let entered = enter(&dovecot, protocol, *way, mechanism, &right);
                number += 1;
                if entered != Ok(()) {
                    failed.push(format!("{protocol:?} {way:?} {mechanism}: {entered:?}"));
                }
            }
            // One of a kind: each costs Dovecot's patience.
            if let Some(wrong) = wrong {
                let entered = enter(&dovecot, protocol, ways[0], mechanism, &wrong);
                number += 1;
                if !matches!(&entered, Err(e) if e.starts_with("refused")) {
                    failed.push(format!("{protocol:?} {mechanism}, wrong: {entered:?}"));
                }
            }
        }
        // Without TLS no password is shown, and a proof is enough.
        let clear = |mechanism| enter(&dovecot, protocol, Way::Plain, mechanism, &password("user", PASSWORD));
        for (mechanism, right) in [("SCRAM-SHA-256", true), ("PLAIN", false)] {
            let entered = clear(mechanism);
            number += 1;
            if entered.is_ok() != right {
                failed.push(format!("{protocol:?} in the clear, {mechanism}: {entered:?}"));
            }
        }
    }
    println!("{number} logins at Dovecot");
    assert!(failed.is_empty(), "{}\n{}", failed.join("\n"), dovecot.log());
}
