//! What EHLO is told.

use alloc::vec::Vec;

use mail_wire::OutputQueue;

use crate::{
    Config, DeliverByOffer, Limits,
    encode::{ReplyWriter, number},
};

/// What is offered on a connection as it is now.
pub(super) struct Offer<'s> {
    pub(super) config: &'s Config,
    pub(super) starttls: bool,
    pub(super) tls: bool,
    pub(super) certificate: bool,
    pub(super) xclient: bool,
}

impl Offer<'_> {
    /// `ehlo-ok-rsp = ( "250-" Domain [ SP ehlo-greet ] CRLF *( "250-" ehlo-line CRLF ) "250" SP ehlo-line CRLF )`
    pub(super) fn write(&self, name: &str, out: &mut OutputQueue) {
        let mut w = ReplyWriter::new(out);
        w.line(250, b'-', &[self.config.hostname.as_bytes(), b" greets ", name.as_bytes()]);
        // RFC 5321 section 4.2: an `ehlo-line` holds printable ASCII; the configuration's names are looked at by `line`.
        w.lines_of(|out| {
            out.extend_from_slice(b"250-PIPELINING\r\n250-SIZE");
            if let Some(limit) = self.config.size_limit {
                out.push(b' ');
                number(out, limit);
            }
            out.extend_from_slice(b"\r\n250-8BITMIME\r\n");
            if self.starttls {
                out.extend_from_slice(b"250-STARTTLS\r\n");
            }
        });
        self.mechanisms(&mut w);
        w.lines_of(|out| self.of_configuration(out));
        match self.config.mt_priority.as_deref() {
            Some("") => w.line(250, b'-', &[b"MT-PRIORITY"]),
            Some(profile) => w.line(250, b'-', &[b"MT-PRIORITY ", profile.as_bytes()]),
            None => {}
        }
        if let Some(offer) = &self.config.future_release {
            let mut longest = Vec::new();
            number(&mut longest, offer.longest.into());
            w.line(250, b'-', &[b"FUTURERELEASE ", &longest, b" ", offer.latest.as_bytes()]);
        }
        w.lines_of(|out| {
            if self.xclient {
                out.extend_from_slice(b"250-XCLIENT NAME ADDR PORT PROTO HELO LOGIN DESTADDR DESTPORT\r\n");
            }
            out.extend_from_slice(b"250 ENHANCEDSTATUSCODES\r\n");
        });
    }

    fn mechanisms(&self, w: &mut ReplyWriter<'_>) {
        let names = || {
            self.config
                .mechanisms
                .iter()
                .filter(|m| (self.tls || !m.needs_tls) && (self.certificate || !m.needs_certificate))
                .map(|m| &*m.name)
        };
        if names().next().is_some() {
            let mut parts: Vec<&[u8]> = Vec::with_capacity(1 + 2 * self.config.mechanisms.len());
            parts.push(b"AUTH");
            parts.extend(names().flat_map(|name| [b" ", name.as_bytes()]));
            w.line(250, b'-', &parts);
        }
    }

    /// What the configuration turns on, and needs no text of its own.
    fn of_configuration(&self, out: &mut Vec<u8>) {
        let config = self.config;
        let offered: [(bool, &[u8]); 5] = [
            (config.chunking, b"250-CHUNKING\r\n"),
            (config.chunking && config.binary_mime, b"250-BINARYMIME\r\n"),
            (config.dsn, b"250-DSN\r\n"),
            (config.smtp_utf8, b"250-SMTPUTF8\r\n"),
            // RFC 8689 section 2: under TLS alone.
            (config.require_tls && self.tls, b"250-REQUIRETLS\r\n"),
        ];
        for (_, line) in offered.iter().filter(|(on, _)| *on) {
            out.extend_from_slice(line);
        }
        if config.tell_limits {
            // RFC 9422 section 4: up to six digits.
            let Limits { recipients, transactions, .. } = config.limits;
            out.extend_from_slice(b"250-LIMITS RCPTMAX=");
            number(out, recipients.clamp(1, 999_999).into());
            if transactions != 0 {
                out.extend_from_slice(b" MAILMAX=");
                number(out, transactions.min(999_999).into());
            }
            out.extend_from_slice(b"\r\n");
        }
        if let Some(DeliverByOffer { least }) = config.deliver_by {
            out.extend_from_slice(b"250-DELIVERBY");
            if let Some(least) = least {
                out.push(b' ');
                number(out, least.into());
            }
            out.extend_from_slice(b"\r\n");
        }
    }
}
