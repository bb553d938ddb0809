use futures_io::{AsyncRead, AsyncWrite};
use mail_drive::{Accept, Timer, Turn};
use mailstore_api::{Body, ErrorKind, StoreError};
use smtp_submit_proto::{
    BodyType, ByMode, Capabilities, DeliverBy, MailParams, Mailbox, Notify, OriginalRecipient, Priority,
    RcptParams, Reply, ReversePath, Xtext, client::Event,
};

use super::{
    Content, Envelope, Wishes,
    envelope::forward_path,
    link::{Link, LinkError, words},
};

/// Octets read from the store at once, and a chunk of BDAT.
const CHUNK: usize = 64 * 1024;
/// Octets of unsent output beyond which nothing is read.
const HIGH_WATER: usize = 256 * 1024;
/// Recipients of one transaction: what every server takes (RFC 5321 section 4.5.3.1.8).
const RECIPIENTS: usize = 100;

/// What a server answered for one recipient.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct Answer {
    /// The code's first digit is that of the reply; without a code of RFC 3463, `x.0.0`.
    pub status: (u16, u16, u16),
    /// The reply; or why it was not asked.
    pub text: String,
    /// The text is the server's.
    pub replied: bool,
}

impl Answer {
    /// The server is responsible for it now.
    #[must_use]
    pub const fn is_taken(&self) -> bool {
        self.status.0 == 2
    }

    /// The same may work later.
    #[must_use]
    pub const fn is_transient(&self) -> bool {
        self.status.0 == 4
    }

    /// Of this server, by itself.
    pub(super) fn own(status: (u16, u16, u16), text: impl Into<String>) -> Self {
        Self { status, text: text.into(), replied: false }
    }

    fn of(reply: Reply<'_>) -> Self {
        let enhanced = reply.enhanced().unwrap_or_else(|| (reply.code() / 100, 0, 0));
        // What is neither 2yz nor 5yz decides nothing.
        let status = if matches!(enhanced.0, 2 | 4 | 5) { enhanced } else { (4, 5, 0) };
        Self { status, text: words(reply), replied: true }
    }
}

/// A message for a [`Link`]: what goes into MAIL and RCPT.
#[derive(Clone, Copy, Debug)]
pub struct Letter<'a> {
    /// What its sender asked for.
    pub envelope: &'a Envelope,
    /// Whom it is for, and what was asked for them.
    pub recipients: &'a [(&'a str, &'a Wishes)],
    /// Seconds since 1970, for DELIVERBY.
    pub now: i64,
}

impl<S, T, X> Link<S, T, X>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    T: Timer,
    X: Accept<S>,
{
    /// Carries a message to the server, in as many transactions as its limits want: an answer for each recipient, in their
    /// order. What the message wants and the server does not offer is answered 5yz without asking it. Where the server takes no
    /// further transaction over this connection (`MAILMAX` of RFC 9422), those that are left have no answer: they want another link.
    ///
    /// # Errors
    /// When the link is of no use any more. `answers` has those that came before; who has none may or may not have
    /// been served.
    pub async fn send<B: Body>(
        &mut self,
        letter: &Letter<'_>,
        body: &mut B,
        answers: &mut Vec<Option<Answer>>,
    ) -> Result<(), LinkError> {
        answers.clear();
        answers.resize(letter.recipients.len(), None);
        if let Some(lacks) = self.lacks(letter, body.len()) {
            answers.fill(Some(lacks));
            return Ok(());
        }
        let most = self.capabilities().rcpt_max.and_then(|n| usize::try_from(n).ok());
        let step = most.map_or(RECIPIENTS, |n| n.clamp(1, RECIPIENTS));
        let transactions = self.capabilities().mail_max.map_or(u32::MAX, |n| n.max(1));
        for (some, answers) in letter.recipients.chunks(step).zip(answers.chunks_mut(step)) {
            if self.carried >= transactions {
                break;
            }
            self.carried = self.carried.saturating_add(1);
            self.transaction(&Letter { recipients: some, ..*letter }, body, answers).await?;
        }
        Ok(())
    }

    /// Why the server cannot have it.
    fn lacks(&self, letter: &Letter<'_>, size: u64) -> Option<Answer> {
        let Letter { envelope, .. } = letter;
        let has = self.capabilities();
        let no = |detail: (u16, u16), text: &str| Some(Answer::own((5, detail.0, detail.1), text));
        // RFC 1870 section 6.1
        if has.size_limit.is_some_and(|limit| size > limit) {
            return no((3, 4), "the message is larger than the next server takes");
        }
        // RFC 6531 section 3.4
        if needs_utf8(letter) && !has.smtp_utf8 {
            return no((6, 7), "the next server takes no internationalised mail");
        }
        // RFC 3030 section 3
        if envelope.content == Content::Binary && (!has.binary_mime || !has.chunking || self.lmtp) {
            return no((6, 3), "the next server takes no binary content");
        }
        // RFC 8689 section 4.2.1
        if envelope.require_tls && !(has.require_tls && self.is_encrypted()) {
            return no((7, 30), "REQUIRETLS is wanted, and the next server does not offer it");
        }
        // RFC 2852 section 4.1.4.1
        let by = envelope.deliver_by.filter(|by| by.mode == ByMode::Return)?;
        let left = by.at.saturating_sub(letter.now);
        let least = has.deliver_by_least.map_or(0, i64::from);
        if !has.deliver_by || left < least.max(1) {
            return no((4, 7), "the next server does not promise delivery in time");
        }
        None
    }

    async fn transaction<B: Body>(
        &mut self,
        letter: &Letter<'_>,
        body: &mut B,
        answers: &mut [Option<Answer>],
    ) -> Result<(), LinkError> {
        self.envelope(letter, body.len())?;
        // Which place in `answers` an index of RCPT stands for: those that could be written.
        let mut asked = Vec::with_capacity(answers.len());
        for (place, (address, wishes)) in letter.recipients.iter().enumerate() {
            match self.recipient(address, wishes, letter.envelope) {
                true => asked.push(place),
                false => set(answers, Some(place), &no_address()),
            }
        }
        if asked.is_empty() {
            self.driver.machine_mut().rset()?;
            return self.settle().await;
        }
        self.driver.machine_mut().data()?;
        loop {
            let Some(Turn { event, mut peer }) = self.driver.next().await? else {
                return Err(LinkError::Closed("in the middle".to_owned()));
            };
            match event {
                Event::Mail(reply) if !reply.is_positive() => {
                    asked.iter().for_each(|place| set(answers, Some(*place), &Answer::of(reply)));
                }
                Event::Rcpt { index, reply } if !reply.is_positive() => {
                    let place = usize::try_from(index).ok().and_then(|i| asked.get(i)).copied();
                    set(answers, place, &Answer::of(reply));
                }
                Event::BodyWanted => {
                    let mut at = 0;
                    while at < body.len() {
                        let octets = body.read_at(at, CHUNK).await?;
                        if octets.is_empty() {
                            // The connection ends: what it has of the message must not look whole.
                            return Err(StoreError::from(ErrorKind::Corrupt).into());
                        }
                        at += octets.len() as u64;
                        peer.machine.body(octets)?;
                        peer.drain(HIGH_WATER).await?;
                    }
                    peer.machine.end_body()?;
                }
                Event::Sent { recipient, last, reply } => {
                    let answer = Answer::of(reply);
                    match recipient.and_then(|i| usize::try_from(i).ok()) {
                        Some(index) => set(answers, asked.get(index).copied(), &answer),
                        None => asked.iter().for_each(|place| set(answers, Some(*place), &answer)),
                    }
                    if last {
                        return self.settle().await;
                    }
                }
                Event::DataRefused(reply) => {
                    asked.iter().for_each(|place| set(answers, Some(*place), &Answer::of(reply)));
                    // Where MAIL was refused there is nothing to reset, and no harm in it.
                    peer.machine.rset()?;
                    return self.settle().await;
                }
                Event::NoRecipient => return self.settle().await,
                Event::Closing(reply) => return Err(LinkError::Closed(words(reply))),
                _ => {}
            }
        }
    }

    /// Waits for the replies that are still to come.
    async fn settle(&mut self) -> Result<(), LinkError> {
        while self.driver.machine().awaited() > 0 {
            match self.driver.next().await? {
                Some(Turn { event: Event::Closing(reply), .. }) => {
                    return Err(LinkError::Closed(words(reply)));
                }
                Some(_) => {}
                None => return Err(LinkError::Closed("in the middle".to_owned())),
            }
        }
        Ok(())
    }

    fn envelope(&mut self, letter: &Letter<'_>, size: u64) -> Result<(), LinkError> {
        let Letter { envelope, now, .. } = letter;
        let has = self.capabilities();
        let mut params = MailParams::default();
        params.size = Some(size);
        params.smtp_utf8 = needs_utf8(letter);
        // A server without 8BITMIME is sent eight bits all the same: it is what all do, and all can.
        params.body = match envelope.content {
            Content::Binary => Some(BodyType::BinaryMime),
            Content::EightBit if has.eight_bit_mime => Some(BodyType::EightBitMime),
            Content::EightBit | Content::SevenBit => None,
        };
        if has.dsn {
            params.ret = envelope.ret;
            params.envid = envelope.envid.as_deref().and_then(Xtext::new);
        }
        params.require_tls = envelope.require_tls;
        if has.deliver_by {
            params.deliver_by = envelope.deliver_by.and_then(|by| {
                let left = by.at.saturating_sub(*now).clamp(-999_999_999, 999_999_999);
                DeliverBy::new(i32::try_from(left).ok()?, by.mode, by.trace)
            });
        }
        if has.mt_priority.is_some() && envelope.priority != 0 {
            params.priority = Priority::new(envelope.priority);
        }
        let sender = envelope.sender.as_deref().map(Mailbox::parse_accepted);
        let path = match sender {
            Some(Ok(mailbox)) => ReversePath::Mailbox(mailbox),
            _ => ReversePath::Null,
        };
        Ok(self.driver.machine_mut().mail(path, &params)?)
    }

    /// Whether RCPT could be written.
    fn recipient(&mut self, address: &str, wishes: &Wishes, envelope: &Envelope) -> bool {
        let mut params = RcptParams::default();
        let has = self.capabilities();
        if has.dsn {
            params.notify = notify(wishes, envelope, has);
            params.orcpt = wishes
                .original
                .as_ref()
                .and_then(|(kind, address)| OriginalRecipient::new(kind, Xtext::new(address)?));
        }
        forward_path(address).is_some_and(|path| self.driver.machine_mut().rcpt(path, &params).is_ok())
    }
}

/// RFC 2852 section 4.1.4.2: where the next server does not know DELIVERBY, it is asked to report a delay.
fn notify(wishes: &Wishes, envelope: &Envelope, has: &Capabilities) -> Option<Notify> {
    let wants_delay = envelope.deliver_by.is_some() && !has.deliver_by && !wishes.never();
    if !wants_delay {
        return wishes.notify;
    }
    let base = wishes.notify.unwrap_or(Notify { success: false, failure: true, delay: true });
    Some(Notify { delay: true, ..base })
}

/// What is in the queue as an address and is none (RFC 3463 section 3.2: X.1.3).
pub(super) fn no_address() -> Answer {
    Answer::own((5, 1, 3), "that is no mail address")
}

/// UTF-8 is said where it is used: some clients say SMTPUTF8 of everything.
fn needs_utf8(letter: &Letter<'_>) -> bool {
    let Letter { envelope, recipients, .. } = letter;
    (envelope.smtp_utf8 && envelope.content != Content::SevenBit)
        || envelope.sender.as_ref().is_some_and(|s| !s.is_ascii())
        || recipients.iter().any(|(address, _)| !address.is_ascii())
}

/// The first answer counts: after a refusal nothing better follows.
fn set(answers: &mut [Option<Answer>], place: Option<usize>, answer: &Answer) {
    if let Some(slot) = place.and_then(|place| answers.get_mut(place)) {
        slot.get_or_insert_with(|| answer.clone());
    }
}
