//! Many wrong logins: FLOOD says how many (10,000 take a few minutes; without it, 200).
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test may fail")]

mod support;

use std::{
    sync::atomic::{AtomicUsize, Ordering},
    time::{Duration, Instant},
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use support::{
    ALICE, BOB, Client, Server, base64,
    sasl::{Over, Protocol, connect, good, login, with},
};

/// Connections that guess at once.
const GUESSERS: usize = 50;
/// What a connection may guess before the server ends it.
const OF_ONE_CONNECTION: usize = 5;

fn number() -> usize {
    std::env::var("FLOOD").ok().and_then(|n| n.parse().ok()).unwrap_or(200)
}

/// A wrong proof, which costs this side nothing: the guesses are the server's burden, not the test's.
fn guess_by_scram(c: &mut Client, user: &str) -> String {
    let go_on =
        |answer: String| answer.trim_end().strip_prefix("+ ").map(|text| STANDARD.decode(text).unwrap());
    let first = base64(format!("n,,n={user},r=eighteen.octets.or.more"));
    let answer = c.ask(&format!("t AUTHENTICATE SCRAM-SHA-256 {first}"), |_| true);
    let Some(challenge) = go_on(answer.clone()) else { return answer };
    let challenge = String::from_utf8(challenge).unwrap();
    let nonce = challenge.split(',').next().unwrap();
    c.ask(&base64(format!("c=biws,{nonce},p={}", base64([0; 32]))), |_| true)
}

fn enter(c: &mut Client, mechanism: &str, user: &str, secret: &str) -> String {
    login(c, Protocol::Imap4, mechanism, &with(mechanism, user, secret)).1
}

/// Half of the guesses are for one mailbox, half for names that each come once. How many are told to come later, since too
/// many wait.
fn flood(server: &Server, n: usize) -> usize {
    let (next, later) = (AtomicUsize::new(0), AtomicUsize::new(0));
    std::thread::scope(|scope| {
        for _ in 0..GUESSERS {
            scope.spawn(|| {
                while next.load(Ordering::Relaxed) < n {
                    let mut c = connect(server, Protocol::Imap4, Over::Tls);
                    for _ in 0..OF_ONE_CONNECTION {
                        let i = next.fetch_add(1, Ordering::Relaxed);
                        let user = match i % 2 {
                            0 => "alice@example.test".to_owned(),
                            _ => format!("u{i}@example.test"),
                        };
                        let last = match i % 3 {
                            0 => guess_by_scram(&mut c, &user),
                            _ => enter(&mut c, "PLAIN", &user, "wrong"),
                        };
                        if last.starts_with("t NO [UNAVAILABLE]") {
                            later.fetch_add(1, Ordering::Relaxed);
                        } else {
                            assert!(last.starts_with("t NO [AUTHENTICATIONFAILED]"), "{last}");
                        }
                    }
                }
            });
        }
    });
    later.into_inner()
}

/// How long it takes to connect and log in by PLAIN.
fn enters(server: &Server, user: &str, secret: &str) -> Duration {
    let begun = Instant::now();
    let last = enter(&mut connect(server, Protocol::Imap4, Over::Tls), "PLAIN", user, secret);
    assert!(good(&last), "{user}: {last}");
    begun.elapsed()
}

#[test]
fn a_flood_of_wrong_logins_leaves_the_server_responsive_and_its_memory_flat() {
    let dir = tempfile::tempdir().unwrap();
    // Without the log of every octet.
    let server = Server::start_quietly(dir.path(), "tls-only", "");
    let strangers: Vec<_> = (0..8).map(|n| format!("stranger{n}@example.test")).collect();
    for name in &strangers {
        let made = server.user(&["add", name], "a password\n");
        assert!(made.status.success(), "{made:?}");
    }
    enters(&server, "bob@example.test", BOB);
    flood(&server, GUESSERS * OF_ONE_CONNECTION);
    let before = server.memory();
    let begun = Instant::now();
    let (mut bobs, mut theirs, mut memory) = (Vec::new(), Vec::new(), before);
    let later = std::thread::scope(|scope| {
        let flooding = scope.spawn(|| flood(&server, number()));
        let mut strangers = strangers.iter();
        while !flooding.is_finished() {
            // Who was in a short while ago, and who was never in and has to be hashed for.
            bobs.push(enters(&server, "bob@example.test", BOB));
            theirs.extend(strangers.next().map(|name| enters(&server, name, "a password")));
            memory = memory.max(server.memory());
            std::thread::sleep(Duration::from_millis(100));
        }
        flooding.join().unwrap()
    });
    let (took, after) = (begun.elapsed(), server.memory());
    bobs.sort();
    theirs.sort();
    let (bob, theirs) = (bobs[bobs.len() - 1], theirs[theirs.len() - 1]);
    println!(
        "{} wrong logins in {took:.1?}, {later} of them put off; meanwhile {} logins of bob, the median {:.1?}, the slowest {bob:.1?}; the slowest first \
         login of another {theirs:.1?}; memory {before} KiB before, {memory} KiB at most, {after} KiB after",
        number(),
        bobs.len(),
        bobs[bobs.len() / 2],
    );
    assert!(bob < Duration::from_secs(15), "{bob:?}");
    // The longest that the server lets anybody wait for a turn.
    assert!(theirs < Duration::from_secs(20), "{theirs:?}");
    assert!(after < before + 8 * 1024, "{before} KiB, then {after} KiB");
    // 19 MiB for each password that is hashed, on half of the cores.
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let hashing = 19 * 1024 * (cores / 2).clamp(1, 4) as u64;
    assert!(memory < before + hashing + 8 * 1024, "{before} KiB, then {memory} KiB");
    // Alice's mailbox is held by now: the right password is answered as a wrong one.
    let last = enter(&mut connect(&server, Protocol::Imap4, Over::Tls), "PLAIN", "alice@example.test", ALICE);
    assert!(last.starts_with("t NO [AUTHENTICATIONFAILED]"), "{last}");
}
