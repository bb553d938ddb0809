//! `mailserver policy show`: what is in force for one mailbox, and which rule says so.

use std::fmt::Write as _;

use mail_session::{
    auth::Protocol,
    policy::{Attempt, Proof},
};

use crate::{
    address::Address,
    cli,
    config::Config,
    fault::{Fault, Result},
    token,
    user::say,
};

const PROTOCOLS: [Protocol; 3] = [Protocol::Pop3, Protocol::Imap4, Protocol::Submission];

pub(crate) fn run(command: &cli::Policy, config: &Config) -> Result<()> {
    let cli::Policy::Show { address } = command;
    let address = Address::parse(address).map_err(Fault::new)?;
    say(&shown(&address, config))
}

/// A line for each protocol and kind of proof.
fn shown(address: &Address, config: &Config) -> String {
    let (name, policy, now) = (address.as_str(), &config.policy, token::now());
    let mut out = format!("{name}\n");
    let proofs = [
        ("password", Proof::Password),
        ("scram", Proof::PasswordProof),
        ("token", Proof::Bearer { issued_at: Some(now) }),
        ("certificate", Proof::Certificate),
    ];
    for protocol in PROTOCOLS {
        for (kind, proof) in proofs {
            let (answer, why) = if unserved(kind, config) {
                ("no", "the server is not set up for it".to_owned())
            } else {
                let decision = policy.decide(&Attempt::new(protocol, name, proof, now));
                (if decision.permitted { "yes" } else { "no" }, decision.rule.to_string())
            };
            // A String takes all that is written.
            let _ = writeln!(out, "  {:<11} {kind:<12} {answer:<4} {why}", protocol.to_string());
        }
    }
    if let Some(mailbox) = policy.mailboxes.get(name) {
        if let Some(from) = mailbox.valid_from {
            let _ = writeln!(out, "  valid from {from}: older tokens are refused, older sessions ended");
        }
        for who in &mailbox.shared_with {
            let _ = writeln!(out, "  shared with {who}");
        }
    }
    for (other, _) in policy.mailboxes.iter().filter(|(_, m)| m.shared_with.contains(name)) {
        for protocol in PROTOCOLS {
            let attempt = Attempt::new(protocol, name, Proof::Bearer { issued_at: Some(now) }, now);
            let decision = policy.decide(&attempt.opening(other));
            let answer = if decision.permitted { "yes" } else { "no" };
            let _ = writeln!(out, "  opens {other} by {protocol}: {answer}, {}", decision.rule);
        }
    }
    if policy.anonymous.as_deref() == Some(name) {
        out.push_str("  open to anybody by ANONYMOUS, by pop3 and imap4\n");
    }
    out
}

/// Whether the server cannot serve this kind for anybody, whatever the policy says.
fn unserved(kind: &str, config: &Config) -> bool {
    match kind {
        "scram" => !config.scram,
        "token" => config.tokens.is_none(),
        "certificate" => config.client_ca.is_none(),
        _ => false,
    }
}
