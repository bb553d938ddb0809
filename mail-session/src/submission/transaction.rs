use mailstore_api::{
    AppendOutcome, AppendSpec, Delivery, ErrorKind, MailStore, NewRecipient, Recipient, StoreError,
    Submission, Submitted,
};
use smtp_submit_proto::{BodyType, ForwardPath, Hold, MailParams, RcptParams, ReversePath};

use super::{
    Refusal,
    census::Census,
    config::OverQuota,
    head::{Gathered, Head},
    trace,
};
use crate::outbound::{Envelope, Wishes};

/// One message on its way: sender, recipients, and what has come of the content. Dropped, it never was.
pub(crate) struct Transaction<D> {
    pub(crate) envelope: Envelope,
    /// When it began.
    pub(crate) arrived: i64,
    /// It is held back until then.
    hold_until: Option<i64>,
    size: Option<u64>,
    declared: Option<BodyType>,
    /// One for each RCPT that was accepted, in their order.
    accepted: Vec<Accepted>,
    /// The mailboxes here, each once.
    recipients: Vec<Recipient>,
    incoming: Option<Incoming<D>>,
}

struct Accepted {
    /// In the client's words.
    address: String,
    wishes: Wishes,
    /// Its place among the mailboxes here; `None`: elsewhere.
    place: Option<usize>,
    /// Somebody before it goes the same way.
    again: bool,
}

struct Incoming<D> {
    delivery: D,
    /// While the header is not through.
    head: Option<Head>,
    /// The header as it goes out, where a report may return it.
    header: Vec<u8>,
    census: Census,
}

/// Where octets of content stand.
pub(crate) enum Looked {
    /// Behind the header: they go on with [`more`](Transaction::more).
    Behind,
    /// In the header, which is held until it ends.
    Within,
    /// The header ends with so many of them: it goes on with [`pass`](Transaction::pass), and the others with
    /// [`more`](Transaction::more).
    End(Gathered, usize),
}

/// A message that is kept, or queued.
pub(crate) struct Kept {
    pub(crate) envelope: Envelope,
    pub(crate) arrived: i64,
    pub(crate) header: Vec<u8>,
    /// For each accepted RCPT, what became of it: in the mailbox, or in the queue, or not.
    pub(crate) fates: Vec<(String, Wishes, Fate)>,
}

#[derive(Debug)]
pub(crate) enum Fate {
    Delivered,
    Queued,
    Refused(Refusal),
}

impl<D: Delivery> Transaction<D> {
    pub(crate) fn new(reverse_path: ReversePath<'_>, params: &MailParams<'_>) -> Self {
        let arrived = trace::seconds();
        let sender = reverse_path.mailbox();
        Self {
            envelope: Envelope::new(sender.as_ref().map(|m| m.as_str()), trace::unique(), params, arrived),
            arrived,
            hold_until: match params.hold {
                Some(Hold::For(seconds)) => Some(arrived.saturating_add(seconds.into())),
                Some(Hold::Until(time)) => trace::seconds_of_utc(time.as_str()),
                _ => None,
            },
            size: params.size,
            declared: params.body,
            accepted: Vec::new(),
            recipients: Vec::new(),
            incoming: None,
        }
    }

    /// The recipient, where there is but one.
    pub(crate) fn only_recipient(&self) -> Option<&str> {
        match &*self.accepted {
            [only] => Some(&only.address),
            _ => None,
        }
    }

    /// One recipient more, in a mailbox here.
    pub(crate) fn add(&mut self, path: ForwardPath<'_>, params: &RcptParams<'_>, mut recipient: Recipient) {
        // Who is named twice gets one copy (RFC 5321 section 4.1.1.3 leaves it to us).
        let known = self
            .recipients
            .iter()
            .position(|r| r.account == recipient.account && r.mailbox == recipient.mailbox);
        let place = known.unwrap_or(self.recipients.len());
        if known.is_none() {
            recipient.prefix = return_path(self.envelope.sender.as_deref(), recipient.prefix);
            self.recipients.push(recipient);
        }
        self.accept(path, params, Some(place), known.is_some());
    }

    /// One recipient more, somewhere else.
    pub(crate) fn add_elsewhere(&mut self, path: ForwardPath<'_>, params: &RcptParams<'_>) {
        let again = self.accepted.iter().any(|a| a.place.is_none() && a.address == path.as_str());
        self.accept(path, params, None, again);
    }

    fn accept(&mut self, path: ForwardPath<'_>, params: &RcptParams<'_>, place: Option<usize>, again: bool) {
        let (address, wishes) = (path.as_str().to_owned(), Wishes::new(params));
        self.accepted.push(Accepted { address, wishes, place, again });
    }

    /// Content is about to come, behind these octets.
    pub(crate) async fn begin<St: MailStore<Delivery = D>>(
        &mut self,
        store: &St,
        header_limit: usize,
    ) -> Result<(), StoreError> {
        let spec = AppendSpec { declared_len: self.size, ..AppendSpec::default() };
        let delivery = store.deliver(spec).await?;
        self.incoming = Some(Incoming {
            delivery,
            head: Some(Head::new(header_limit)),
            header: Vec::new(),
            census: Census::default(),
        });
        Ok(())
    }

    /// Looks at octets of content, and says what is to be done with them.
    pub(crate) fn look(&mut self, octets: &[u8]) -> Looked {
        let binary = self.declared == Some(BodyType::BinaryMime);
        let Some(incoming) = &mut self.incoming else { return Looked::Behind };
        incoming.census.look(octets, binary);
        let Some(head) = &mut incoming.head else { return Looked::Behind };
        match head.push(octets) {
            None => Looked::Within,
            Some((gathered, taken)) => {
                incoming.head = None;
                Looked::End(gathered, taken)
            }
        }
    }

    /// Octets behind the header.
    pub(crate) async fn more(&mut self, octets: &[u8]) -> Result<(), StoreError> {
        let Some(incoming) = &mut self.incoming else { return Ok(()) };
        let done = if octets.is_empty() { Ok(()) } else { incoming.delivery.write(octets).await };
        if done.is_err() {
            self.incoming = None;
        }
        done
    }

    /// The header, where the content has ended within it.
    pub(crate) fn last_of_head(&mut self) -> Option<Gathered> {
        self.incoming.as_mut()?.head.take().map(|mut head| head.finish())
    }

    /// The header, and what came with it, as it is to be kept.
    pub(crate) async fn pass(&mut self, octets: &[u8], header_len: usize) -> Result<(), StoreError> {
        let wanted = self.accepted.iter().any(|a| a.wishes.on_success());
        if let Some(incoming) = self.incoming.as_mut().filter(|_| wanted) {
            incoming.header = octets.get(..header_len).unwrap_or(octets).to_vec();
        }
        self.more(octets).await
    }

    /// The content will not come to anything.
    pub(crate) fn abandon(&mut self) {
        self.incoming = None;
    }

    /// The content has ended. With `keep_for`, who cannot be served now is queued for so many seconds.
    pub(crate) async fn commit(
        mut self,
        bare_newline: bool,
        keep_for: Option<i64>,
        over_quota: OverQuota,
    ) -> Result<Kept, Refusal> {
        let Some(Incoming { delivery, header, census, .. }) = self.incoming.take() else {
            return Err(Refusal::lost());
        };
        self.envelope.content = census.content(bare_newline, self.declared == Some(BodyType::BinaryMime));
        let (local, queued) = match keep_for {
            None => (delivery.commit(&self.recipients).await, None),
            Some(keep_for) => {
                let Submitted { local, queued } = self.submit(delivery, keep_for).await;
                if let Err(error) = queued {
                    tracing::warn!(id = self.envelope.id, %error, "the message cannot be queued");
                    return Err(Refusal::from(&error));
                }
                (local, Some(self.hold_until.is_some()))
            }
        };
        let fates = (self.accepted.into_iter())
            .map(|a| {
                let fate = fate(a.place, &local, queued, over_quota);
                if let Fate::Refused(refusal) = &fate {
                    tracing::warn!(id = self.envelope.id, recipient = a.address, %refusal, "delivery failed");
                }
                (a.address, a.wishes, fate)
            })
            .collect();
        Ok(Kept { envelope: self.envelope, arrived: self.arrived, header, fates })
    }

    /// Mailboxes here and the queue, in one step of the store.
    async fn submit(&mut self, delivery: D, keep_for: i64) -> Submitted {
        let now = trace::seconds();
        let due = self.hold_until.unwrap_or(now).max(now);
        let waiting = (self.accepted.iter().filter(|a| !a.again)).map(|a| NewRecipient {
            address: a.address.clone(),
            data: a.wishes.encode(),
            unless_delivered: if self.hold_until.is_some() { None } else { a.place },
        });
        let entry = self.envelope.entry(self.arrived, due, due.saturating_add(keep_for), waiting.collect());
        let to: &[Recipient] = if self.hold_until.is_some() { &[] } else { &self.recipients };
        delivery.submit(to, Submission { entry: Some(entry), settle: None }).await
    }
}

/// "The final mail data will begin with a return path line" (RFC 5321 section 4.4).
pub(crate) fn return_path(sender: Option<&str>, rest: Vec<u8>) -> Vec<u8> {
    [b"Return-Path: <", sender.unwrap_or_default().as_bytes(), b">\r\n", &rest].concat()
}

/// `queued`: there is a queue, and perhaps all of it went there.
fn fate(
    place: Option<usize>,
    local: &[Result<AppendOutcome, StoreError>],
    queued: Option<bool>,
    over_quota: OverQuota,
) -> Fate {
    match (place, queued) {
        (None, _) | (Some(_), Some(true)) => Fate::Queued,
        (Some(place), _) => match local.get(place) {
            Some(Ok(_)) => Fate::Delivered,
            _ if queued.is_some() => Fate::Queued,
            Some(Err(error)) => Fate::Refused(refusal(error, over_quota)),
            None => Fate::Refused(Refusal::new(
                smtp_submit_proto::status::LOCAL_ERROR,
                "the store did not answer for every recipient",
            )),
        },
    }
}

/// How a store's error is answered.
pub(crate) fn refusal(error: &StoreError, over_quota: OverQuota) -> Refusal {
    let mut refusal = Refusal::from(error);
    if error.kind == ErrorKind::OverQuota && over_quota == OverQuota::Permanent {
        refusal.status = smtp_submit_proto::status::OVER_QUOTA;
    }
    refusal
}
