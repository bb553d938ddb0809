//! Time is counted in turns and hashes, not measured.

use AuthErrorKind::{Throttled, Wrong};

use super::*;
use crate::{
    address::Address,
    config::{Config, Password},
    stored,
};
use mail_session::{
    auth::{Plaintext, Protocol},
    policy::{Mailbox, Protocols, Switch},
};

struct Scene {
    gate: Gate,
    _dir: tempfile::TempDir,
}

fn scene(edit: impl FnOnce(&mut Config)) -> Scene {
    let dir = tempfile::tempdir().unwrap();
    let mut config = Config::load(None, Some(dir.path())).unwrap();
    edit(&mut config);
    let accounts = Arc::new(Accounts::new(crate::user::open_store(&config).unwrap()));
    for name in ["alice@example.test", "bob@example.test"] {
        let stored = stored::derive(b"secret", true).unwrap();
        accounts.add(&Address::parse(name).unwrap(), Some(&stored)).unwrap();
    }
    let live = Live::new(Settings::new(&config).unwrap());
    let key = Zeroizing::new(vec![7; 32]);
    let gate = Gate::new(accounts, live, Arc::default(), config.limits, key, "mail.example.test").unwrap();
    Scene { gate, _dir: dir }
}

fn context(address: &str) -> LoginContext {
    LoginContext::new(Protocol::Imap4, format!("{address}:4711"), "s1").with_plaintext(Plaintext::Always)
}

impl Scene {
    /// A login that fails: how, after how many periods, and the hashes it took.
    async fn fails(&self, from: &str, user: &str, password: &[u8]) -> (AuthErrorKind, u128, u64) {
        let hashes = self.gate.passwords.hashed();
        let begun = tokio::time::Instant::now();
        let error = self.gate.password(&context(from), user, None, password).await.unwrap_err();
        let periods = begun.elapsed().as_millis() / 500;
        (error.kind, periods, self.gate.passwords.hashed() - hashes)
    }
}

#[tokio::test(start_paused = true)]
async fn unknown_wrong_forbidden_and_held_are_one_answer_after_one_time() {
    let s = scene(|config| {
        config.limits.failed_logins_per_mailbox = 1;
        let alice = Mailbox { protocols: Protocols::all(Switch::Off), ..Mailbox::default() };
        config.policy.mailboxes.insert("alice@example.test".into(), alice);
    });
    for (what, from, user, password, end, hashes) in [
        ("unknown", "192.0.2.1", "nobody@example.test", &b"secret"[..], Wrong, 1),
        ("wrong", "192.0.2.2", "bob@example.test", b"wrong", Wrong, 1),
        (
            "the protocol is off, and the password right",
            "192.0.2.3",
            "alice@example.test",
            b"secret",
            Wrong,
            1,
        ),
        ("wrong again", "192.0.2.4", "bob@example.test", b"wrong", Wrong, 1),
        ("held, and wrong", "192.0.2.5", "bob@example.test", b"wrong", Throttled, 0),
        ("held, and right", "192.0.2.6", "bob@example.test", b"secret", Throttled, 0),
        ("unknown again", "192.0.2.7", "nobody@example.test", b"secret", Wrong, 1),
        ("unknown, and held", "192.0.2.8", "nobody@example.test", b"secret", Wrong, 0),
    ] {
        // What a client is told is the same for both kinds.
        assert_eq!(s.fails(from, user, password).await, (end, 1, hashes), "{what}");
    }
    // When the others wait long for their turn, so does who is held.
    s.gate.passwords.set_waiting(Duration::from_millis(1700));
    assert_eq!(s.fails("192.0.2.5", "bob@example.test", b"secret").await, (Throttled, 4, 0));
}

#[tokio::test(start_paused = true)]
async fn who_was_right_a_short_while_ago_waits_for_no_turn() {
    let s = scene(|_| {});
    let from = context("192.0.2.1");
    let enter = || s.gate.password(&from, "bob@example.test", None, b"secret");
    assert_eq!(enter().await.unwrap().account, "bob@example.test");
    assert_eq!(s.gate.passwords.hashed(), 1);
    assert!(enter().await.is_ok());
    assert_eq!(s.gate.passwords.hashed(), 1);
}

#[tokio::test(start_paused = true)]
async fn many_guesses_at_once_are_no_more_than_one_after_the_other() {
    let s = scene(|config| config.limits.failed_logins_per_mailbox = 2);
    let s = Arc::new(s);
    let mut guesses = tokio::task::JoinSet::new();
    for n in 0..20 {
        let s = Arc::clone(&s);
        guesses.spawn(async move {
            let from = context(&format!("192.0.2.{n}"));
            s.gate.password(&from, "bob@example.test", None, b"wrong").await.unwrap_err().kind
        });
    }
    let kinds = guesses.join_all().await;
    assert_eq!(kinds.len(), 20);
    // One more for each that is hashed at the same time.
    assert!((3..=3 + 4).contains(&s.gate.passwords.hashed()), "{}", s.gate.passwords.hashed());
}

#[tokio::test(start_paused = true)]
async fn a_wrong_proof_is_answered_after_the_same_time_for_known_and_unknown() {
    let s = scene(|_| {});
    for user in ["bob@example.test", "nobody@example.test"] {
        let begun = tokio::time::Instant::now();
        s.gate.disproved(&context("192.0.2.1"), user).await;
        assert_eq!(begun.elapsed().as_millis() / 500, 1, "{user}");
        assert_eq!(s.gate.passwords.hashed(), 0);
    }
}

/// CRAM-MD5 and APOP: a proof, as these make it, of a secret.
async fn proves(
    s: &Scene,
    user: &str,
    secret: &[u8],
) -> (std::result::Result<String, AuthErrorKind>, u128, u64) {
    let (hashes, begun) = (s.gate.passwords.hashed(), tokio::time::Instant::now());
    let digest = auth_sasl::apop::digest(b"<1@h>", secret);
    let entered =
        mail_session::auth::apop(&s.gate, &context("192.0.2.1"), user.as_bytes(), b"<1@h>", &digest).await;
    let periods = begun.elapsed().as_millis() / 500;
    (entered.map(|i| i.account).map_err(|e| e.kind), periods, s.gate.passwords.hashed() - hashes)
}

#[tokio::test(start_paused = true)]
async fn a_wrong_proof_of_a_shared_secret_costs_no_hash_whosever_it_is() {
    let s = scene(|config| {
        config.cram_md5 = true;
        for name in ["alice@example.test", "bob@example.test"] {
            let address = Address::parse(name).unwrap();
            let stated = if name.starts_with("bob") { "secret" } else { "stale" };
            let password = Password::Clear(Secret::new(stated.as_bytes()));
            config.mailboxes.push(crate::config::Mailbox { address, password });
        }
        (config.limits.failed_logins_per_mailbox, config.limits.failed_logins_per_address) = (50, 50);
    });
    let (bob, alice) = ("bob@example.test", "alice@example.test");
    // The first after a restart, and the next.
    for _ in 0..2 {
        for user in [bob, alice, "nobody@example.test"] {
            assert_eq!(proves(&s, user, b"wrong").await, (Err(Wrong), 1, 0), "{user}");
        }
    }
    // Who knows the secret, and nobody else, waits while it is compared with the store: once.
    assert_eq!(proves(&s, bob, b"secret").await, (Ok(bob.into()), 0, 1));
    assert_eq!(proves(&s, bob, b"secret").await, (Ok(bob.into()), 0, 0));
    for user in [bob, "nobody@example.test"] {
        assert_eq!(proves(&s, user, b"wrong").await, (Err(Wrong), 1, 0), "{user}");
    }
    // What the store does not have any more opens nothing.
    assert_eq!(proves(&s, alice, b"stale").await, (Err(Wrong), 1, 1));
    assert_eq!(proves(&s, alice, b"secret").await, (Err(Wrong), 1, 0));
}

#[tokio::test(start_paused = true)]
async fn the_salt_that_scram_shows_tells_nothing_of_a_name() {
    let open = scene(|config| config.limits.failed_logins_per_mailbox = 1);
    let shut = scene(|config| {
        let off = Mailbox { protocols: Protocols::all(Switch::Off), ..Mailbox::default() };
        config.policy.mailboxes.insert("bob@example.test".into(), off);
    });
    for hash in [Hash::Sha1, Hash::Sha256, Hash::Sha512] {
        let mut salts = Vec::new();
        for (s, name) in [(&open, "bob"), (&open, "nobody"), (&shut, "bob")] {
            let domain = "example.test";
            let of = async |user: String| {
                let begun = tokio::time::Instant::now();
                let keys = s.gate.scram_keys(&context("192.0.2.1"), &user, hash).await.unwrap().unwrap();
                assert_eq!(begun.elapsed(), CHALLENGE, "{user}");
                let right = keys.verify(b"secret");
                assert_eq!(right, name == "bob" && std::ptr::eq(s, &open), "{user}");
                assert_eq!((keys.salt().len(), keys.iterations()), (16, DEFAULT_ITERATIONS));
                keys.salt().to_vec()
            };
            // A first look reads the list of domains.
            let _ = s.gate.look_up(name).await;
            let salt = of(format!("{name}@{domain}")).await;
            for spelled in [
                name.to_owned(),
                name.to_uppercase(),
                format!("{}@{}", name.to_uppercase(), domain.to_uppercase()),
                format!("{}\u{ad}{}@{domain}", &name[..1], &name[1..]),
                name.replace('b', "\u{ff42}"),
            ] {
                assert_eq!(of(spelled.clone()).await, salt, "{spelled:?}");
            }
            salts.push(salt);
        }
        assert!(salts[0] != salts[1] && salts[0] != salts[2], "each server, each name has its own");
    }
    // Held back: the same salt as before, and the right password is none.
    let before = open.gate.scram_keys(&context("192.0.2.1"), "bob", Hash::Sha256).await.unwrap().unwrap();
    for _ in 0..3 {
        open.gate.disproved(&context("192.0.2.1"), "bob").await;
    }
    let held = open.gate.scram_keys(&context("192.0.2.1"), "bob", Hash::Sha256).await.unwrap().unwrap();
    assert_eq!(held.salt(), before.salt());
    assert!(before.verify(b"secret") && !held.verify(b"secret"));
}

/// A login is hashed while a new policy comes into force that forbids it: it was looked at under the old one.
#[tokio::test(start_paused = true)]
async fn a_login_that_overtakes_a_new_policy_is_ended_at_once() {
    let s = scene(|_| {});
    let place = s.gate.present.add("s1");
    let from = context("192.0.2.1");
    let entering = s.gate.password(&from, "bob@example.test", None, b"secret");
    let mut entering = std::pin::pin!(entering);
    // It waits for its hash.
    assert!(std::future::poll_fn(|cx| std::task::Poll::Ready(entering.as_mut().poll(cx).is_pending())).await);
    let dir = tempfile::tempdir().unwrap();
    let mut config = Config::load(None, Some(dir.path())).unwrap();
    let off = Mailbox { protocols: Protocols::all(Switch::Off), ..Mailbox::default() };
    config.policy.mailboxes.insert("bob@example.test".into(), off);
    s.gate.live.replace(Settings::new(&config).unwrap());
    // The review of those who are in comes too early for him.
    assert_eq!(s.gate.present.review(&s.gate.live.now().policy), 0);
    assert!(entering.await.is_ok(), "it began when it was permitted");
    let stopping = tokio_util::sync::CancellationToken::new();
    let farewell = tokio::time::timeout(Duration::from_millis(1), place.farewell(&stopping)).await;
    assert_eq!(farewell.unwrap(), mail_session::Farewell::NotPermitted);
    // The next one does not begin.
    assert_eq!(s.fails("192.0.2.1", "bob@example.test", b"secret").await.0, Wrong);
}
