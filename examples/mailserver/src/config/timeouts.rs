//! How long a client is waited for, phase by phase.

use std::{num::NonZeroU32, sync::Arc, time::Duration};

use mail_session::{imap, pop3};
use serde::Deserialize;

/// `[timeouts]`, in seconds. What is left out is what the protocol's own default says, which its RFC permits.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Timeouts {
    /// From the greeting to the login, whatever comes meanwhile: IMAP and POP3.
    login: Option<NonZeroU32>,
    /// Between an answer and the next command, and in IDLE.
    idle: Option<NonZeroU32>,
    /// From the first octet of a command to its last.
    command: Option<NonZeroU32>,
    /// How far a message that comes in may fall behind 64 octets a second.
    payload: Option<NonZeroU32>,
    /// A TLS handshake, at the start or after STARTTLS.
    handshake: Option<NonZeroU32>,
    /// How far a client's reading may fall behind 64 octets a second.
    stall: Option<NonZeroU32>,
    /// For reading the last of what was sent, at the end.
    close: Option<NonZeroU32>,
}

impl Timeouts {
    pub(crate) fn apply_to_imap(self, imap: &mut imap::Config) {
        let times = &mut imap.protocol.timeouts;
        set(&mut times.login, self.login);
        set(&mut times.idle, self.idle);
        set(&mut times.command, self.command);
        set(&mut times.payload_grace, self.payload);
    }

    pub(crate) fn apply_to_pop3(self, pop3: &mut pop3::Config) {
        let times = &mut Arc::make_mut(&mut pop3.protocol).timeouts;
        set(&mut times.login, self.login);
        set(&mut times.idle, self.idle);
        set(&mut times.line, self.command);
        set(&mut times.stls, self.handshake);
    }

    /// Submission and LMTP.
    pub(crate) fn apply_to_smtp(self, smtp: &mut smtp_submit_proto::Config) {
        set(&mut smtp.pace.idle, self.idle);
        set(&mut smtp.pace.frame, self.command);
        set(&mut smtp.pace.grace, self.payload);
    }

    /// What lies below the protocols.
    pub(crate) fn driver(self) -> mail_drive::Limits {
        let mut limits = mail_drive::Limits::default();
        set(&mut limits.handshake, self.handshake);
        set(&mut limits.stall, self.stall);
        set(&mut limits.close, self.close);
        limits
    }
}

fn set(time: &mut Duration, seconds: Option<NonZeroU32>) {
    if let Some(seconds) = seconds {
        *time = Duration::from_secs(seconds.get().into());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const S: Duration = Duration::from_secs(1);

    #[test]
    fn each_key_reaches_its_place_and_what_is_left_out_stays() {
        let t: Timeouts = toml::from_str(
            "login = 11\nidle = 12\ncommand = 13\npayload = 14\nhandshake = 15\nstall = 16\nclose = 17",
        )
        .unwrap();
        let mut imap = imap::Config::new("x");
        t.apply_to_imap(&mut imap);
        let i = imap.protocol.timeouts;
        assert_eq!((i.login, i.idle, i.command, i.payload_grace), (11 * S, 12 * S, 13 * S, 14 * S));
        let mut pop3 = pop3::Config::new("x");
        t.apply_to_pop3(&mut pop3);
        let p = pop3.protocol.timeouts;
        assert_eq!((p.login, p.idle, p.line, p.stls), (11 * S, 12 * S, 13 * S, 15 * S));
        let mut smtp = smtp_submit_proto::Config::new("x");
        t.apply_to_smtp(&mut smtp);
        assert_eq!((smtp.pace.idle, smtp.pace.frame, smtp.pace.grace), (12 * S, 13 * S, 14 * S));
        let d = t.driver();
        assert_eq!((d.handshake, d.stall, d.close), (15 * S, 16 * S, 17 * S));

        let mut untouched = imap::Config::new("x");
        Timeouts::default().apply_to_imap(&mut untouched);
        assert_eq!(untouched.protocol.timeouts, imap::Config::new("x").protocol.timeouts);
        assert_eq!(Timeouts::default().driver(), mail_drive::Limits::default());
    }

    #[test]
    fn no_time_at_all_is_refused() {
        assert!(toml::from_str::<Timeouts>("idle = 0").is_err());
        assert!(toml::from_str::<Timeouts>("idel = 1").is_err());
    }
}
