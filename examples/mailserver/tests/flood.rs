//! Many wrong logins: FLOOD says how many (10,000 take some minutes; without it, 80).
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test may fail")]

mod support;

use std::{
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use support::{
    ALICE, BOB, Server,
    sasl::{Over, Protocol, connect, good, login, with},
};

/// The tests measure time: one after the other.
static ALONE: Mutex<()> = Mutex::new(());

fn number() -> usize {
    std::env::var("FLOOD").ok().and_then(|n| n.parse().ok()).unwrap_or(80)
}

#[test]
fn a_flood_of_wrong_logins_leaves_the_server_responsive_and_its_memory_flat() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let dir = tempfile::tempdir().unwrap();
    // Without the log of every octet.
    let server = Server::start_quietly(dir.path(), "tls-only", "");
    let enter = |mechanism: &str, user: &str, secret: &str| {
        let mut c = connect(&server, Protocol::Imap4, Over::Tls);
        login(&mut c, Protocol::Imap4, mechanism, &with(mechanism, user, secret)).1
    };
    let many = |n: usize| {
        std::thread::scope(|scope| {
            for thread in 0..8 {
                let enter = &enter;
                scope.spawn(move || {
                    for i in (thread..n).step_by(8) {
                        let user = if i % 2 == 0 {
                            "alice@example.test".to_owned()
                        } else {
                            format!("u{i}@example.test")
                        };
                        let mechanism = if i % 3 == 0 { "SCRAM-SHA-256" } else { "PLAIN" };
                        let last = enter(mechanism, &user, "wrong");
                        assert!(last.starts_with("t NO [AUTHENTICATIONFAILED]"), "{last}");
                    }
                });
            }
        });
    };
    assert!(good(&enter("PLAIN", "bob@example.test", BOB)));
    many(40);
    let before = server.memory();
    let begun = Instant::now();
    let mut longest = Duration::ZERO;
    std::thread::scope(|scope| {
        let flood = scope.spawn(|| many(number()));
        while !flood.is_finished() {
            let one = Instant::now();
            assert!(good(&enter("PLAIN", "bob@example.test", BOB)));
            longest = longest.max(one.elapsed());
            std::thread::sleep(Duration::from_millis(100));
        }
    });
    let (took, after) = (begun.elapsed(), server.memory());
    println!(
        "{} wrong logins in {took:?}; bob's slowest login meanwhile: {longest:?}; memory {before} KiB before, {after} KiB after",
        number()
    );
    assert!(longest < Duration::from_secs(10), "{longest:?}");
    assert!(after < before + 16 * 1024, "{before} KiB, then {after} KiB");
    // Alice's mailbox is held by now: the right password is answered as a wrong one.
    let last = enter("PLAIN", "alice@example.test", ALICE);
    assert!(last.starts_with("t NO [AUTHENTICATIONFAILED]"), "{last}");
}

#[test]
fn unknown_wrong_and_held_take_the_same_time() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let dir = tempfile::tempdir().unwrap();
    let server =
        Server::start_quietly(dir.path(), "tls-only", "[limits]\nfailed_logins_per_mailbox = 1000\n");
    let held = tempfile::tempdir().unwrap();
    let strict = Server::start_quietly(held.path(), "tls-only", "[limits]\nfailed_logins_per_mailbox = 0\n");
    let median = |server: &Server, user: &str, secret: &str| {
        let mut times: Vec<_> = (0..15)
            .map(|_| {
                let mut c = connect(server, Protocol::Imap4, Over::Tls);
                let begun = Instant::now();
                login(&mut c, Protocol::Imap4, "PLAIN", &with("PLAIN", user, secret));
                begun.elapsed()
            })
            .collect();
        times.sort();
        times[times.len() / 2]
    };
    let wrong = median(&server, "alice@example.test", "wrong");
    let unknown = median(&server, "nobody@example.test", "wrong");
    // Many at once, so that all are looked at before one is counted: then the wait is long.
    std::thread::scope(|scope| {
        for _ in 0..10 {
            scope.spawn(|| {
                let mut c = connect(&strict, Protocol::Imap4, Over::Tls);
                login(&mut c, Protocol::Imap4, "PLAIN", &with("PLAIN", "alice@example.test", "wrong"))
            });
        }
    });
    let held = median(&strict, "alice@example.test", ALICE);
    println!("wrong {wrong:?}, unknown {unknown:?}, held {held:?}");
    for other in [unknown, held] {
        let (a, b) = (wrong.as_secs_f64(), other.as_secs_f64());
        assert!(a / b < 2.0 && b / a < 2.0, "{wrong:?} and {other:?}");
    }
}
