//! The access policy: who may enter by what, as data.
//!
//! A host fills a [`Policy`] from its configuration or directory, and asks [`Policy::decide`] at every login,
//! and again for open sessions when the policy changes. It is evaluated nowhere else, has no clock and no store;
//! names are whatever the host uses for accounts, addresses for instance, each in one spelling.
//!
//! ```
//! use mail_session::{auth::Protocol, policy::*};
//!
//! let mut policy = Policy::default();
//! policy.auth_policies.insert("modern".into(), AuthPolicy::MODERN_ONLY);
//! let mut org = Organisation::default();
//! org.protocols.pop3 = Switch::Off;
//! org.auth_policy = Some("modern".into());
//! policy.organisations.insert("example.test".into(), org);
//!
//! let attempt = Attempt::new(Protocol::Imap4, "alice@example.test", Proof::Password, 1_790_000_000);
//! let decision = policy.decide(&attempt);
//! assert!(!decision.permitted);
//! // For the log and for `policy show`; the client reads "Authentication failed".
//! assert_eq!(
//!     decision.rule.to_string(),
//!     "authentication policy \"modern\" of organisation example.test: basic imap4 is off"
//! );
//! ```
//!
//! # The rules, in this order
//! | | refuses |
//! |---|---|
//! | mailbox kind | anonymous, guest and administrator mailboxes by POP3 and IMAP4 |
//! | protocol switch | the mailbox's, else its organisation's, else on |
//! | encryption | a password that is shown, without TLS (the connection's rule, given in the attempt) |
//! | security defaults | passwords, everywhere |
//! | authentication policy | basic or modern by protocol: the mailbox's policy, else its organisation's, else the default |
//! | valid-from | tokens issued, and logins made, before it |
//! | anonymous | nobody, but to the one mailbox for him, and never by submission |
//! | sharing | another's mailbox that is not granted, or that its own kind or switch closes |

mod data;
mod decide;
mod rule;
#[cfg(test)]
mod tests;

pub use data::{AuthPolicy, Mailbox, MailboxKind, Organisation, Policy, Protocols, Switch};
pub use decide::{Attempt, Proof};
pub use rule::{Decision, Level, Rule};
