use super::*;
use crate::auth::{AuthErrorKind, Protocol};

const ALL: [Protocol; 3] = [Protocol::Pop3, Protocol::Imap4, Protocol::Submission];
const NOW: u64 = 1_790_000_000;
const TOKEN: Proof = Proof::Bearer { issued_at: Some(NOW - 60) };

/// A policy with everything in it, to vary.
fn policy() -> Policy {
    let mut p = Policy::default();
    p.auth_policies.insert("modern".into(), AuthPolicy::MODERN_ONLY);
    p.auth_policies.insert("all".into(), AuthPolicy::ALL);
    p.auth_policies.insert(
        "no-tokens-by-pop".into(),
        AuthPolicy {
            basic: Protocols { pop3: true, imap4: false, submission: true },
            modern: Protocols { pop3: false, imap4: true, submission: true },
        },
    );
    p
}

fn mailbox(p: &mut Policy, name: &str, set: impl FnOnce(&mut Mailbox)) {
    set(p.mailboxes.entry(name.to_owned()).or_default());
}

fn organisation(p: &mut Policy, set: impl FnOnce(&mut Organisation)) {
    set(p.organisations.entry("example.test".to_owned()).or_default());
}

fn decide(p: &Policy, protocol: Protocol, proof: Proof) -> Decision {
    p.decide(&Attempt::new(protocol, "alice@example.test", proof, NOW))
}

#[test]
fn a_switch_of_three_states_follows_the_mailbox_then_the_organisation() {
    use Switch::{Inherit, Off, On};
    for (org, own, open) in [
        (Inherit, Inherit, true),
        (Inherit, On, true),
        (Inherit, Off, false),
        (On, Inherit, true),
        (On, On, true),
        (On, Off, false),
        (Off, Inherit, false),
        (Off, On, true),
        (Off, Off, false),
    ] {
        for protocol in ALL {
            let mut p = policy();
            let set = |to: &mut Protocols<Switch>, value| match protocol {
                Protocol::Pop3 => to.pop3 = value,
                Protocol::Imap4 => to.imap4 = value,
                Protocol::Submission => to.submission = value,
            };
            organisation(&mut p, |o| set(&mut o.protocols, org));
            mailbox(&mut p, "alice@example.test", |m| set(&mut m.protocols, own));
            for proof in [Proof::Password, Proof::PasswordProof, TOKEN, Proof::Certificate] {
                for other in ALL {
                    let decision = decide(&p, other, proof);
                    assert_eq!(
                        decision.permitted,
                        open || other != protocol,
                        "{org:?} {own:?} {protocol} {other}"
                    );
                    let level = match own {
                        Off => Level::Mailbox("alice@example.test".into()),
                        _ => Level::Organisation("example.test".into()),
                    };
                    let rule = if decision.permitted { Rule::Permitted } else { Rule::Off(level, protocol) };
                    assert_eq!(decision.rule, rule);
                }
            }
            // Another organisation is not concerned.
            let other = Attempt::new(protocol, "alice@example.org", Proof::Password, NOW);
            assert!(p.decide(&other).permitted);
        }
    }
}

#[test]
fn authenticated_smtp_is_off_with_exceptions_and_on_with_exceptions() {
    for (org, exception, alice, others) in
        [(Switch::Off, Switch::On, true, false), (Switch::On, Switch::Off, false, true)]
    {
        let mut p = policy();
        organisation(&mut p, |o| o.protocols.submission = org);
        mailbox(&mut p, "alice@example.test", |m| m.protocols.submission = exception);
        let may = |name: &str, protocol| p.decide(&Attempt::new(protocol, name, TOKEN, NOW)).permitted;
        assert_eq!(may("alice@example.test", Protocol::Submission), alice);
        assert_eq!(may("bob@example.test", Protocol::Submission), others);
        assert!(may("bob@example.test", Protocol::Imap4));
    }
}

#[test]
fn authentication_policies_allow_basic_and_modern_by_protocol() {
    let no =
        |of: Level, name: &str, basic, protocol| Rule::AuthPolicy { name: name.into(), of, protocol, basic };
    let own = || Level::Mailbox("alice@example.test".into());
    let org = || Level::Organisation("example.test".into());
    use Protocol::{Imap4, Pop3, Submission};
    for (server, organisations, mailboxes, protocol, proof, rule) in [
        (None, None, None, Imap4, Proof::Password, Rule::Permitted),
        (Some("modern"), None, None, Imap4, Proof::Password, no(Level::Server, "modern", true, Imap4)),
        (Some("modern"), None, None, Imap4, TOKEN, Rule::Permitted),
        (
            Some("modern"),
            None,
            None,
            Submission,
            Proof::PasswordProof,
            no(Level::Server, "modern", true, Submission),
        ),
        (Some("modern"), Some("all"), None, Imap4, Proof::Password, Rule::Permitted),
        (Some("modern"), Some("all"), Some("modern"), Pop3, Proof::Password, no(own(), "modern", true, Pop3)),
        (None, Some("modern"), None, Pop3, Proof::Password, no(org(), "modern", true, Pop3)),
        (None, Some("modern"), Some("all"), Pop3, Proof::Password, Rule::Permitted),
        (None, None, Some("no-tokens-by-pop"), Pop3, Proof::Password, Rule::Permitted),
        (None, None, Some("no-tokens-by-pop"), Pop3, TOKEN, no(own(), "no-tokens-by-pop", false, Pop3)),
        (
            None,
            None,
            Some("no-tokens-by-pop"),
            Pop3,
            Proof::Certificate,
            no(own(), "no-tokens-by-pop", false, Pop3),
        ),
        (
            None,
            None,
            Some("no-tokens-by-pop"),
            Imap4,
            Proof::PasswordProof,
            no(own(), "no-tokens-by-pop", true, Imap4),
        ),
        (None, None, Some("no-tokens-by-pop"), Imap4, TOKEN, Rule::Permitted),
        (None, None, Some("gone"), Imap4, TOKEN, Rule::NoSuchAuthPolicy("gone".into())),
    ] {
        let mut p = policy();
        p.default_auth_policy = server.map(str::to_owned);
        organisation(&mut p, |o| o.auth_policy = organisations.map(str::to_owned));
        mailbox(&mut p, "alice@example.test", |m| m.auth_policy = mailboxes.map(str::to_owned));
        let decision = decide(&p, protocol, proof);
        assert_eq!(decision.permitted, rule == Rule::Permitted);
        assert_eq!(decision.rule, rule, "{server:?} {organisations:?} {mailboxes:?} {protocol} {proof:?}");
    }
}

#[test]
fn security_defaults_turn_passwords_off_whatever_else_is_set() {
    for everywhere in [true, false] {
        let mut p = policy();
        p.security_defaults = everywhere;
        organisation(&mut p, |o| o.security_defaults = !everywhere);
        p.default_auth_policy = Some("all".into());
        mailbox(&mut p, "alice@example.test", |m| {
            m.auth_policy = Some("all".into());
            m.protocols = Protocols::all(Switch::On);
        });
        for protocol in ALL {
            for proof in [Proof::Password, Proof::PasswordProof] {
                let level =
                    if everywhere { Level::Server } else { Level::Organisation("example.test".into()) };
                assert_eq!(decide(&p, protocol, proof), Decision::of(false, Rule::SecurityDefaults(level)));
            }
            assert!(decide(&p, protocol, TOKEN).permitted);
            assert!(decide(&p, protocol, Proof::Certificate).permitted);
        }
        let elsewhere = Attempt::new(Protocol::Imap4, "carol@example.org", Proof::Password, NOW);
        assert_eq!(p.decide(&elsewhere).permitted, !everywhere);
    }
}

#[test]
fn valid_from_refuses_older_tokens_and_ends_older_sessions() {
    let mut p = policy();
    mailbox(&mut p, "alice@example.test", |m| m.valid_from = Some(NOW));
    for (proof, at, permitted) in [
        (Proof::Bearer { issued_at: Some(NOW - 1) }, NOW + 5, false),
        (Proof::Bearer { issued_at: Some(NOW) }, NOW + 5, true),
        (Proof::Bearer { issued_at: None }, NOW + 5, false),
        // Sessions, looked at again.
        (Proof::Bearer { issued_at: Some(NOW) }, NOW - 1, false),
        (Proof::Password, NOW - 1, false),
        (Proof::Certificate, NOW - 1, false),
        (Proof::Password, NOW, true),
        (Proof::PasswordProof, NOW + 5, true),
    ] {
        let attempt = Attempt::new(Protocol::Imap4, "alice@example.test", proof, at);
        let decision = p.decide(&attempt);
        assert_eq!(decision.permitted, permitted, "{proof:?} {at}");
        if !permitted {
            assert!(matches!(decision.rule, Rule::ValidFrom(..)));
            assert_eq!(
                decision.refusal(proof).kind,
                AuthErrorKind::Wrong,
                "a revoked token is an invalid one"
            );
        }
    }
    assert!(p.decide(&Attempt::new(Protocol::Imap4, "bob@example.test", TOKEN, NOW)).permitted);
}

#[test]
fn mailboxes_that_are_nobodys_own_have_no_pop3_and_no_imap4() {
    for kind in [MailboxKind::Administrator, MailboxKind::Guest, MailboxKind::Anonymous] {
        let mut p = policy();
        mailbox(&mut p, "alice@example.test", |m| {
            m.kind = kind;
            m.protocols = Protocols::all(Switch::On);
        });
        for (protocol, permitted) in
            [(Protocol::Pop3, false), (Protocol::Imap4, false), (Protocol::Submission, true)]
        {
            for proof in [Proof::Password, Proof::PasswordProof, TOKEN, Proof::Certificate] {
                assert_eq!(decide(&p, protocol, proof).permitted, permitted, "{kind} {protocol}");
            }
        }
    }
}

#[test]
fn a_shown_password_wants_tls_and_nothing_else_does() {
    let p = policy();
    for (proof, permitted) in
        [(Proof::Password, false), (Proof::PasswordProof, true), (TOKEN, true), (Proof::Certificate, true)]
    {
        let attempt =
            Attempt::new(Protocol::Imap4, "alice@example.test", proof, NOW).with_password_allowed(false);
        assert_eq!(p.decide(&attempt).permitted, permitted);
    }
    let attempt = Attempt::new(Protocol::Imap4, "a@b", Proof::Password, NOW).with_password_allowed(false);
    let refusal = p.decide(&attempt).refusal(Proof::Password);
    assert_eq!(refusal.kind, AuthErrorKind::EncryptionRequired);
}

#[test]
fn anonymous_opens_one_mailbox_for_reading_mail() {
    let mut p = policy();
    assert_eq!(decide(&p, Protocol::Imap4, Proof::Anonymous).rule, Rule::NoAnonymous);
    p.anonymous = Some("alice@example.test".into());
    p.default_auth_policy = Some("modern".into());
    assert!(decide(&p, Protocol::Imap4, Proof::Anonymous).permitted);
    assert!(decide(&p, Protocol::Pop3, Proof::Anonymous).permitted);
    assert!(!decide(&p, Protocol::Submission, Proof::Anonymous).permitted);
    mailbox(&mut p, "bob@example.test", |m| m.shared_with.extend(["alice@example.test".to_owned()]));
    let other = Attempt::new(Protocol::Imap4, "alice@example.test", Proof::Anonymous, NOW);
    assert!(!p.decide(&other.opening("bob@example.test")).permitted);
}

#[test]
fn a_shared_mailbox_opens_where_it_is_granted() {
    let shared = || "office@example.test".to_owned();
    let mut p = policy();
    mailbox(&mut p, "office@example.test", |m| m.shared_with.extend(["alice@example.test".to_owned()]));
    let open = |p: &Policy, who: &str, proof| {
        p.decide(&Attempt::new(Protocol::Imap4, who, proof, NOW).opening(shared()))
    };
    for proof in [Proof::Password, Proof::PasswordProof, TOKEN, Proof::Certificate] {
        assert_eq!(open(&p, "alice@example.test", proof), Decision::of(true, Rule::Shared(shared())));
        let refused = open(&p, "bob@example.test", proof);
        assert!(refused.rule.is_of_sharing());
        assert_eq!(refused.refusal(proof).kind, AuthErrorKind::NotAllowed);
        assert!(open(&p, "office@example.test", proof).permitted, "its own");
    }
    // What holds for the one who logs in holds here too, and what holds for the mailbox he opens.
    for (set, name) in [
        ("switch", "office@example.test"),
        ("kind", "office@example.test"),
        ("switch", "alice@example.test"),
        ("policy", "alice@example.test"),
    ] {
        let mut p = p.clone();
        mailbox(&mut p, name, |m| match set {
            "switch" => m.protocols.imap4 = Switch::Off,
            "kind" => m.kind = MailboxKind::Guest,
            _ => m.auth_policy = Some("modern".into()),
        });
        let decision = open(&p, "alice@example.test", Proof::Password);
        assert!(!decision.permitted && !decision.rule.is_of_sharing(), "{set} {name}: {decision:?}");
    }
    mailbox(&mut p, "office@example.test", |m| m.valid_from = Some(NOW + 1));
    assert!(!open(&p, "alice@example.test", Proof::Password).permitted);
}

#[test]
fn who_shows_a_password_learns_nothing_of_the_policy() {
    let mut p = policy();
    organisation(&mut p, |o| o.protocols.imap4 = Switch::Off);
    for (proof, told) in [
        (Proof::Password, AuthErrorKind::Wrong),
        (Proof::PasswordProof, AuthErrorKind::Wrong),
        (TOKEN, AuthErrorKind::NotAllowed),
        (Proof::Certificate, AuthErrorKind::NotAllowed),
    ] {
        let error = decide(&p, Protocol::Imap4, proof).refusal(proof);
        assert_eq!(error.kind, told);
        assert_eq!(error.detail.unwrap(), "policy: organisation example.test: imap4 is off", "for the log");
    }
}
