use bytes::Bytes;
use mail_drive::Peer;
use mailstore_api::{Body, ErrorKind, MailStore, Mailbox, Part, StoreError, Uid};
use pop3_proto::{MessageNumber, RespCode, Server};

use super::Internationalised;
use super::session::{Answer, HIGH_WATER, Session, system};
use crate::{SessionError, ahead::Ahead, auth::Authority};

/// Octets of messages opened ahead, where a client fetches one after the other.
const AHEAD: u64 = 64 * 1024;
/// Octets read from the store at once.
const CHUNK: usize = 64 * 1024;

impl<St: MailStore, A: Authority> Session<'_, St, A> {
    /// RETR (RFC 1939 section 5).
    pub(super) async fn retrieve(&mut self, n: MessageNumber, peer: &mut Peer<'_, Server>) -> Answer {
        let Some((maildrop, message)) = self.maildrop.as_ref().and_then(|m| Some((m, m.message(n)?))) else {
            return self.no_such_message(peer);
        };
        let in_a_row = self.last.is_some_and(|last| last.index() + 1 == n.index());
        self.last = Some(n);
        let opened = if in_a_row {
            let ahead = self.ahead.get_or_insert_with(|| Box::new(Ahead::new(Part::Whole)));
            ahead.open(&maildrop.mailbox, message.uid, maildrop.coming(n, AHEAD)).await
        } else {
            self.ahead = None;
            maildrop.mailbox.body(message.uid, Part::Whole).await
        };
        let mut body = match opened {
            Ok(body) => body,
            Err(error) => return unreadable(&error, peer),
        };
        // RFC 6856 section 2.1
        let strict = self.config.internationalised == Internationalised::Refuse && !peer.machine.utf8();
        if strict && is_internationalised(&maildrop.mailbox, message.uid).await {
            return refuse_utf8(peer);
        }
        if self.config.remove_retrieved {
            self.fetched.push(n);
        }
        peer.machine.begin_body(&format!("{} octets", message.octets()))?;
        send(&mut body, &mut None, peer).await?;
        peer.machine.end_body()?;
        self.retrieved = self.retrieved.saturating_add(1);
        Ok(())
    }

    /// TOP: "the headers of the message, the blank line separating the headers from the body, and then
    /// the number of lines of the indicated message's body" (RFC 1939 section 7).
    pub(super) async fn top(&mut self, n: MessageNumber, lines: u64, peer: &mut Peer<'_, Server>) -> Answer {
        let Some((maildrop, message)) = self.maildrop.as_ref().and_then(|m| Some((m, m.message(n)?))) else {
            return self.no_such_message(peer);
        };
        let mailbox = &maildrop.mailbox;
        // Both are open before anything is answered: the message may be expunged meanwhile.
        let header = mailbox.body(message.uid, Part::Header).await;
        let mut header = match header {
            Ok(header) => header,
            Err(error) => return unreadable(&error, peer),
        };
        let text = if lines == 0 { None } else { Some(mailbox.body(message.uid, Part::Text).await) };
        let text = match text.transpose() {
            Ok(text) => text,
            Err(error) => return unreadable(&error, peer),
        };
        // RFC 6856 section 2.1
        let strict = self.config.internationalised == Internationalised::Refuse && !peer.machine.utf8();
        if strict && is_internationalised(&maildrop.mailbox, message.uid).await {
            return refuse_utf8(peer);
        }
        peer.machine.begin_body("top of message follows")?;
        send(&mut header, &mut None, peer).await?;
        if let Some(mut text) = text {
            send(&mut text, &mut Some(lines), peer).await?;
        }
        Ok(peer.machine.end_body()?)
    }
}

/// Whether UTF-8 stands in the header. One that cannot be read now is found out later.
async fn is_internationalised<M: Mailbox>(mailbox: &M, uid: Uid) -> bool {
    let Ok(mut header) = mailbox.body(uid, Part::Header).await else { return false };
    let mut at = 0;
    while at < header.len() {
        match header.read_at(at, CHUNK).await {
            Ok(octets) if octets.is_empty() || !octets.is_ascii() => return !octets.is_empty(),
            Ok(octets) => at += octets.len() as u64,
            Err(_) => return false,
        }
    }
    false
}

fn refuse_utf8(peer: &mut Peer<'_, Server>) -> Answer {
    Ok(peer.machine.err(Some(RespCode::Utf8), "this message is internationalised: say UTF8 first")?)
}

/// Sends octets, all or up to the end of so many lines.
///
/// Where half is sent and the rest cannot be, the session ends and with it the connection, without the
/// termination octet: the client must not take the half for the whole.
async fn send<B: Body>(body: &mut B, lines: &mut Option<u64>, peer: &mut Peer<'_, Server>) -> Answer {
    let mut at = 0;
    while at < body.len() && *lines != Some(0) {
        let octets = match body.read_at(at, CHUNK).await {
            Ok(octets) if !octets.is_empty() => octets,
            Ok(_) => return Err(SessionError::Store(ErrorKind::Corrupt.into())),
            Err(error) => return Err(SessionError::Store(error)),
        };
        at += octets.len() as u64;
        peer.machine.body(up_to_line(octets, lines))?;
        peer.drain(HIGH_WATER).await?;
    }
    Ok(())
}

/// The octets up to the end of the last line that is wanted.
fn up_to_line(mut octets: Bytes, lines: &mut Option<u64>) -> Bytes {
    if let Some(left) = lines {
        for end in memchr::memchr_iter(b'\n', &octets) {
            *left -= 1;
            if *left == 0 {
                octets.truncate(end + 1);
                break;
            }
        }
    }
    octets
}

/// A message that cannot be opened: gone, where another session expunged it (the maildrop's lock holds
/// off POP3 alone).
fn unreadable(error: &StoreError, peer: &mut Peer<'_, Server>) -> Answer {
    if error.kind == ErrorKind::Gone {
        return Ok(peer.machine.err(None, "no such message any more: it was removed meanwhile")?);
    }
    tracing::warn!(%error, "a message cannot be read");
    Ok(peer.machine.err(system(error), "the message cannot be read")?)
}
