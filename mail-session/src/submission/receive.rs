//! MAIL, RCPT, and the content.

use mail_wire::Misuse;
use mailstore_api::MailStore;
use smtp_submit_proto::{ForwardPath, MailParams, Mailbox, RcptParams, ReversePath, Server, Status, status};
use tracing::{info, warn};

use super::{
    Config, HeaderFrom, Refusal, Route, Router,
    head::{Found, Gathered},
    repair::{Header, Repair},
    serve::{Session, refuse},
    trace::{Received, With},
    transaction::{Fate, Kept, Looked, Transaction},
};
use crate::{
    auth::{Authority, Identity},
    outbound::{Original, Wishes, send_report},
    report::{self, Action, Report},
};

impl<St: MailStore, A: Authority, R: Router> Session<'_, St, A, R> {
    pub(super) async fn mail(
        &mut self,
        reverse_path: ReversePath<'_>,
        params: &MailParams<'_>,
        machine: &mut Server,
    ) -> Result<(), Misuse> {
        // An MTA that hands mail in speaks for senders anywhere.
        let allowed = match self.lmtp {
            true => Ok(()),
            false => self.router.sender(self.identity.as_ref(), reverse_path).await,
        };
        match allowed {
            Ok(()) => {
                self.transaction = Some(Box::new(Transaction::new(reverse_path, params)));
                machine.accept_mail()
            }
            Err(refusal) => {
                info!(%reverse_path, %refusal, "sender refused");
                refuse(machine, &refusal)
            }
        }
    }

    pub(super) async fn rcpt(
        &mut self,
        forward_path: ForwardPath<'_>,
        params: &RcptParams<'_>,
        machine: &mut Server,
    ) -> Result<(), Misuse> {
        let route = self.router.recipient(self.identity.as_ref(), forward_path).await;
        let relays = !self.lmtp && self.store.queue().is_some();
        match (route, &mut self.transaction) {
            (Ok(Route::Local(recipient)), Some(transaction)) => {
                transaction.add(forward_path, params, recipient);
            }
            (Ok(Route::Elsewhere), Some(transaction)) if relays => {
                if self.config.qualified_domains
                    && let Some(refusal) = unqualified(transaction.envelope.sender.as_deref(), forward_path)
                {
                    info!(%forward_path, %refusal, "recipient refused");
                    return refuse(machine, &refusal);
                }
                transaction.add_elsewhere(forward_path, params);
            }
            (Ok(Route::Elsewhere), _) => {
                info!(%forward_path, "recipient refused: nothing relays");
                return machine.refuse(status::NOT_ALLOWED, "relaying denied");
            }
            (Ok(_), None) => return refuse(machine, &Refusal::lost()),
            (Err(refusal), _) => {
                info!(%forward_path, %refusal, "recipient refused");
                return refuse(machine, &refusal);
            }
        }
        machine.accept_rcpt()
    }

    pub(super) async fn data_begin(&mut self, machine: &mut Server) -> Result<(), Misuse> {
        let Some(transaction) = &mut self.transaction else { return refuse(machine, &Refusal::lost()) };
        match transaction.begin(self.store, self.config.header_limit).await {
            Ok(()) => machine.accept_data(),
            Err(error) => {
                info!(%error, "the store takes no message");
                refuse(machine, &Refusal::from(&error))
            }
        }
    }

    /// Octets of content. What is done with most of them is little, and so is its future.
    pub(super) async fn data_chunk(&mut self, octets: &[u8], machine: &mut Server) -> Result<(), Misuse> {
        let Some(transaction) = &mut self.transaction else { return Ok(()) };
        let done = match transaction.look(octets) {
            Looked::Behind => Box::pin(transaction.more(octets)).await.map_err(|e| Refusal::from(&e)),
            Looked::Within => Ok(()),
            Looked::End(gathered, taken) => {
                let rest = octets.get(taken..).unwrap_or_default();
                Box::pin(self.header_and(gathered, rest, machine)).await
            }
        };
        match done {
            Ok(()) => Ok(()),
            Err(refusal) => {
                info!(%refusal, "the message is refused");
                if let Some(transaction) = &mut self.transaction {
                    transaction.abandon();
                }
                refuse(machine, &refusal)
            }
        }
    }

    /// The header is whole: it goes on, and what came with it.
    async fn header_and(&mut self, gathered: Gathered, rest: &[u8], machine: &Server) -> Result<(), Refusal> {
        self.header(gathered, machine).await?;
        match &mut self.transaction {
            Some(transaction) => transaction.more(rest).await.map_err(|e| Refusal::from(&e)),
            None => Err(Refusal::lost()),
        }
    }

    /// The header is whole: it goes on behind what is added.
    async fn header(&mut self, gathered: Gathered, machine: &Server) -> Result<(), Refusal> {
        let header = Header::of(&gathered);
        if header.hops() > self.config.hops {
            let status = Status::new(554, 4, 6).unwrap_or(status::TRANSACTION_FAILED);
            return Err(Refusal::new(status, "the message goes round in circles: too many Received fields"));
        }
        let held = gathered.octets.len();
        let received = self.received(machine, held).into_bytes();
        let (length, whole) = if self.lmtp {
            // What an MTA hands over is not ours to mend.
            let mut whole = received;
            if gathered.found == Found::NoHeader {
                whole.extend_from_slice(b"\r\n");
            }
            whole.extend_from_slice(&gathered.octets);
            (0, whole)
        } else {
            let length = match gathered.found {
                Found::Header(end) => end,
                Found::NoHeader | Found::TooLong => 0,
            };
            let sender = self.transaction.as_ref().and_then(|t| t.envelope.sender.as_deref());
            let who = Who { router: self.router, identity: self.identity.as_ref() };
            let repair = repair_for(who, self.config, sender, &gathered, &header).await?;
            let whole = repair.apply(&header, received);
            (length, whole)
        };
        // Behind the header nothing was changed.
        let header_len = whole.len().saturating_sub(held.saturating_sub(length));
        let Some(transaction) = &mut self.transaction else { return Err(Refusal::lost()) };
        transaction.pass(&whole, header_len).await.map_err(|e| Refusal::from(&e))
    }

    /// With room behind it for so many octets.
    fn received(&self, machine: &Server, room: usize) -> String {
        let front = self.front_end.as_deref();
        let transaction = self.transaction.as_deref();
        let envelope = transaction.map(|t| &t.envelope);
        Received {
            client: front
                .and_then(|f| f.helo.as_deref())
                .or_else(|| machine.client_name())
                .unwrap_or_default(),
            peer: self.config.trace_address.then_some(&*self.context.peer),
            name: front.and_then(|f| f.name.as_deref()),
            hostname: &self.config.smtp.hostname,
            with: With {
                extended: machine.is_extended(),
                lmtp: self.lmtp,
                utf8: envelope.is_some_and(|e| e.smtp_utf8),
                encrypted: machine.is_encrypted(),
                authenticated: machine.is_authenticated(),
            },
            id: envelope.map_or("", |e| &e.id),
            recipient: transaction.and_then(Transaction::only_recipient),
        }
        .field(room)
    }

    pub(super) async fn data_end(
        &mut self,
        octets: u64,
        bare_newline: bool,
        machine: &mut Server,
    ) -> Result<(), Misuse> {
        let held = self.transaction.as_mut().and_then(|t| t.last_of_head());
        if let Some(gathered) = held
            && let Err(refusal) = Box::pin(self.header(gathered, machine)).await
        {
            self.transaction = None;
            return refuse(machine, &refusal);
        }
        let Some(transaction) = self.transaction.take() else { return refuse(machine, &Refusal::lost()) };
        let keep_for = self.store.queue().filter(|_| !self.lmtp).map(|_| self.config.keep_for());
        match transaction.commit(bare_newline, keep_for, self.config.over_quota).await {
            Ok(kept) if self.lmtp => answer_each(&kept, octets, machine),
            Ok(kept) => answer(self.store, self.router, self.config, &kept, octets, machine).await,
            Err(refusal) => refuse(machine, &refusal),
        }
    }
}

/// Why an envelope cannot leave: a domain in it is not fully qualified (RFC 6409 section 4.2, "Reply code 554").
fn unqualified(sender: Option<&str>, to: ForwardPath<'_>) -> Option<Refusal> {
    let whole = |mailbox: Mailbox<'_>| mailbox.is_address_literal() || mailbox.domain().contains('.');
    let refusal = |detail, text| {
        Some(Refusal::new(Status::new(554, 1, detail).unwrap_or(status::TRANSACTION_FAILED), text))
    };
    if !to.mailbox().is_none_or(whole) {
        return refusal(2, "the recipient's domain is not fully qualified");
    }
    if !sender.and_then(|s| Mailbox::parse_accepted(s).ok()).is_none_or(whole) {
        return refusal(8, "the sender's domain is not fully qualified");
    }
    None
}

/// Whose message it is.
struct Who<'a, R> {
    router: &'a R,
    identity: Option<&'a Identity>,
}

/// What is to be put right, by whom `From:` and `Sender:` name (RFC 6409 sections 6.1 and 8.1).
async fn repair_for<'a, R: Router>(
    who: Who<'_, R>,
    config: &'a Config,
    sender: Option<&'a str>,
    gathered: &Gathered,
    header: &Header<'_>,
) -> Result<Repair<'a>, Refusal> {
    let mut repair =
        Repair { repairs: config.repairs, hostname: &config.smtp.hostname, sender, name_sender: false };
    let looks = config.header_from != HeaderFrom::Any && who.identity.is_some();
    if gathered.found == Found::TooLong && (looks || config.repairs.strip_bcc) {
        return Err(Refusal::new(status::TOO_BIG, "the header of the message is too long"));
    }
    if !looks {
        return Ok(repair);
    }
    let Some(authors) = header.authors() else { return Ok(repair) };
    let mut own = 0_usize;
    for author in &authors {
        own += usize::from(who.is(author).await?);
    }
    if own < authors.len() && config.header_from == HeaderFrom::Refuse {
        return Err(Refusal::new(status::NOT_ALLOWED, "From: names somebody you may not send as"));
    }
    // RFC 5322 section 3.6.2: of several authors, `Sender:` says who sent it.
    if own == 0 || authors.len() > 1 {
        let named = match header.senders().as_deref() {
            Some([only]) => who.is(only).await?,
            _ => false,
        };
        repair.name_sender = !named;
    }
    Ok(repair)
}

impl<R: Router> Who<'_, R> {
    /// Whether the user may send as this mailbox. One that cannot be read is nobody's.
    async fn is(&self, mailbox: &str) -> Result<bool, Refusal> {
        let Ok(mailbox) = Mailbox::parse_accepted(mailbox) else { return Ok(false) };
        match self.router.sender(self.identity, ReversePath::Mailbox(mailbox)).await {
            Ok(()) => Ok(true),
            Err(refusal) if refusal.status.is_transient() => Err(refusal),
            Err(_) => Ok(false),
        }
    }
}

/// One reply for all: 250 only where the message is kept for everybody.
async fn answer<St: MailStore, R: Router>(
    store: &St,
    router: &R,
    config: &Config,
    kept: &Kept,
    octets: u64,
    machine: &mut Server,
) -> Result<(), Misuse> {
    let id = &kept.envelope.id;
    let failed: Vec<_> = (kept.fates.iter())
        .filter_map(|(name, _, fate)| match fate {
            Fate::Refused(refusal) => Some((name, refusal)),
            Fate::Delivered | Fate::Queued => None,
        })
        .collect();
    let Some((_, first)) = failed.first() else {
        let queued = kept.fates.iter().filter(|(.., fate)| matches!(fate, Fate::Queued)).count();
        info!(id, recipients = kept.fates.len(), queued, octets, "message accepted");
        if kept.fates.iter().any(succeeds_and_tells) {
            Box::pin(report_success(store, router, config, kept)).await;
        }
        return machine.end_accepted(&format!("kept as {id}"));
    };
    // 4yz as soon as trying again may help anybody: 5yz would tell the client to give up.
    let worst = failed.iter().map(|(_, r)| r).find(|r| r.status.is_transient()).unwrap_or(first);
    let mut text = worst.text.to_string();
    for (name, _) in &failed {
        text.push_str("\n<");
        text.push_str(name);
        text.push('>');
    }
    machine.refuse(worst.status, &text)
}

/// Whether it is in the mailbox, and its sender wants to know.
fn succeeds_and_tells((_, wishes, fate): &(String, Wishes, Fate)) -> bool {
    matches!(fate, Fate::Delivered) && wishes.on_success()
}

/// NOTIFY=SUCCESS (RFC 3461 section 5.2.3): the message is in the mailbox, and the sender wants to know.
async fn report_success<St: MailStore, R: Router>(store: &St, router: &R, config: &Config, kept: &Kept) {
    let told = kept.fates.iter().filter(|fate| succeeds_and_tells(fate));
    let fates = told
        .map(|(address, wishes, _)| {
            let mut fate = report::Fate::new(address, Action::Delivered, (2, 0, 0));
            fate.original.clone_from(&wishes.original);
            fate
        })
        .collect();
    let hostname = &config.smtp.hostname;
    let Some(report) = Report::new(hostname, &kept.envelope, kept.arrived, fates) else { return };
    let original: Original<'_> = Original::Header(&kept.header);
    let keep_for = config.keep_for();
    if let Err(error) = send_report(store, router, &report, original, None, keep_for).await {
        // The message is in its mailbox: that its sender is not told so does not undo it.
        warn!(id = kept.envelope.id, %error, "the report of delivery is lost");
    }
}

/// LMTP: a reply for each recipient (RFC 2033 section 4.2).
fn answer_each(kept: &Kept, octets: u64, machine: &mut Server) -> Result<(), Misuse> {
    let id = &kept.envelope.id;
    for (recipient, _, fate) in &kept.fates {
        match fate {
            Fate::Refused(refusal) => {
                info!(id, recipient, %refusal, octets, "not delivered");
                machine.end_recipient(refusal.status, &refusal.text)?;
            }
            Fate::Delivered | Fate::Queued => {
                info!(id, recipient, octets, "delivered");
                machine.end_recipient(status::MESSAGE_OK, &format!("<{recipient}> delivered as {id}"))?;
            }
        }
    }
    Ok(())
}
