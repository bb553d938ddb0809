//! One attempt at one entry of the queue.

use std::time::Duration;

use mail_drive::Timer;
use mailstore_api::{
    AppendSpec, Body as _, Delivery as _, ErrorKind, MailQueue, MailStore, Next, QueueEntry, Recipient,
    RecipientState, RecipientUpdate, Result, Settlement, StoreError,
};
use smtp_submit_proto::ByMode;

use super::{
    Envelope, Original, Wishes,
    config::{dice, seconds},
    envelope::forward_path,
    link::LinkError,
    runner::{Connect, Held, Outbound},
    send::{Answer, Letter, no_address},
    send_report,
};
use crate::{
    report::{Action, Fate, Report},
    submission::{Refusal, Route, Router, return_path, trace},
};

/// Octets read from the store at once.
const CHUNK: usize = 64 * 1024;
/// Before a report that could not be sent is tried again.
const REPORT_RETRY: i64 = 60;

/// A recipient that waits, and what has come of it by now.
struct Tried {
    place: usize,
    address: String,
    wishes: Wishes,
    outcome: Outcome,
}

enum Outcome {
    /// Not tried.
    Open,
    /// In a mailbox here.
    Delivered,
    /// In the hands of the smart host, which reports deliveries or not.
    Relayed { answer: Answer, reports: bool },
    /// Not now, or not at all.
    Not(Answer),
}

impl Tried {
    fn refuse(&mut self, refusal: &Refusal) {
        self.outcome = Outcome::Not(Answer::own(refusal.status.enhanced(), refusal.text.to_string()));
    }
}

impl<St: MailStore, R: Router, C: Connect, T: Timer + Clone> Outbound<St, R, C, T> {
    /// Tries an entry, and writes down what came of it.
    pub(super) async fn work(&self, queue: &dyn MailQueue, entry: QueueEntry, link: &mut Held<C, T>) {
        let id = entry.id.clone();
        match self.attempt(queue, &entry, link).await {
            Ok(()) => {}
            // Somebody dropped it, or took it over.
            Err(error) if matches!(error.kind, ErrorKind::Gone | ErrorKind::NotFound) => {
                tracing::info!(queue = id.0, "the entry is gone");
            }
            Err(error) => {
                tracing::error!(queue = id.0, %error, "the store failed; tried again later");
                let settlement = Settlement {
                    lease: entry.lease(),
                    recipients: Vec::new(),
                    data: None,
                    next: Next::At(trace::seconds() + self.config.retry_after(entry.attempts, dice())),
                };
                // Where that fails too, its lease ends by itself.
                let _ = queue.settle(&settlement).await;
            }
        }
    }

    async fn attempt(&self, queue: &dyn MailQueue, entry: &QueueEntry, link: &mut Held<C, T>) -> Result<()> {
        let envelope = Envelope::of(entry);
        let mut waiting: Vec<Tried> = (entry.recipients.iter().enumerate())
            .filter(|(_, r)| r.state == RecipientState::Waiting)
            .map(|(place, r)| Tried {
                place,
                address: r.address.clone(),
                wishes: Wishes::of(r),
                outcome: Outcome::Open,
            })
            .collect();
        let now = trace::seconds();
        let too_late = envelope.deliver_by.is_some_and(|by| by.mode == ByMode::Return && by.at <= now);
        if too_late {
            // RFC 2852 section 4.1.3
            for tried in &mut waiting {
                tried.outcome = Outcome::Not(Answer::own((5, 4, 7), "delivery time expired"));
            }
        } else {
            let (local, remote) = self.sort(&mut waiting).await;
            if !local.is_empty() {
                self.deliver(queue, entry, &envelope, &mut waiting, local).await?;
            }
            if !remote.is_empty() {
                self.relay(queue, entry, &envelope, &mut waiting, &remote, link).await?;
            }
        }
        self.conclude(queue, entry, envelope, waiting).await
    }

    /// The recipients with a mailbox here, and the places of those elsewhere.
    async fn sort(&self, waiting: &mut [Tried]) -> (Vec<(usize, Recipient)>, Vec<usize>) {
        let (mut local, mut remote) = (Vec::new(), Vec::new());
        for (at, tried) in waiting.iter_mut().enumerate() {
            let Some(path) = forward_path(&tried.address) else {
                tried.outcome = Outcome::Not(no_address());
                continue;
            };
            match self.router.route(path).await {
                Ok(Route::Local(recipient)) => local.push((at, recipient)),
                Ok(Route::Elsewhere) => remote.push(at),
                Err(refusal) => tried.refuse(&refusal),
            }
        }
        (local, remote)
    }

    async fn deliver(
        &self,
        queue: &dyn MailQueue,
        entry: &QueueEntry,
        envelope: &Envelope,
        waiting: &mut [Tried],
        local: Vec<(usize, Recipient)>,
    ) -> Result<()> {
        let mut body = queue.body(&entry.id).await?;
        let mut delivery = self.store.deliver(AppendSpec::default()).await?;
        let mut at = 0;
        while at < body.len() {
            let octets = body.read_at(at, CHUNK).await?;
            if octets.is_empty() {
                return Err(ErrorKind::Corrupt.into());
            }
            at += octets.len() as u64;
            delivery.write(&octets).await?;
        }
        let (places, to): (Vec<usize>, Vec<Recipient>) = (local.into_iter())
            .map(|(at, mut recipient)| {
                recipient.prefix = return_path(envelope.sender.as_deref(), recipient.prefix);
                (at, recipient)
            })
            .unzip();
        let results = delivery.commit(&to).await;
        for (at, result) in places.into_iter().zip(results) {
            let Some(tried) = waiting.get_mut(at) else { continue };
            match result {
                Ok(_) => tried.outcome = Outcome::Delivered,
                Err(error) => tried.refuse(&Refusal::from(&error)),
            }
        }
        Ok(())
    }

    async fn relay(
        &self,
        queue: &dyn MailQueue,
        entry: &QueueEntry,
        envelope: &Envelope,
        waiting: &mut [Tried],
        remote: &[usize],
        link: &mut Held<C, T>,
    ) -> Result<()> {
        let Some(connect) = &self.connect else {
            let nowhere = Answer::own((5, 4, 4), "there is no way to other servers from here");
            set(waiting, remote, &nowhere);
            return Ok(());
        };
        if let Some(error) = self.host_error() {
            set(waiting, remote, &Answer::own((4, 4, 1), error));
            return Ok(());
        }
        let mut answers = Vec::new();
        // A link that was idle may have been closed at its other end: that is no failure of the host.
        for fresh in [false, true] {
            let reused = link.is_some();
            let done = self.carry(queue, connect, entry, envelope, waiting, remote, link, &mut answers).await;
            match done {
                Ok(()) => {
                    self.host_works();
                    break;
                }
                Err(error) => {
                    *link = None;
                    if let LinkError::Store(error) = error {
                        return Err(error);
                    }
                    if reused && !fresh && answers.iter().all(Option::is_none) {
                        tracing::debug!(host = connect.name(), %error, "the link is opened anew");
                        continue;
                    }
                    let text = error.to_string();
                    tracing::warn!(
                        queue = entry.id.0,
                        host = connect.name(),
                        error = text,
                        "the smart host fails"
                    );
                    self.host_failed(&text);
                    answers.resize(remote.len(), None);
                    let lost = Answer::own((4, 4, 2), text);
                    answers.iter_mut().for_each(|answer| _ = answer.get_or_insert_with(|| lost.clone()));
                    break;
                }
            }
        }
        let reports = link.as_ref().is_some_and(|link| link.capabilities().dsn);
        for (at, answer) in remote.iter().zip(answers) {
            let Some(tried) = waiting.get_mut(*at) else { continue };
            let answer = answer.unwrap_or_else(|| Answer::own((4, 5, 0), "the server did not answer"));
            tried.outcome = match answer.is_taken() {
                true => Outcome::Relayed { answer, reports },
                false => Outcome::Not(answer),
            };
        }
        Ok(())
    }

    #[allow(clippy::too_many_arguments, reason = "the parts of one attempt")]
    async fn carry(
        &self,
        queue: &dyn MailQueue,
        connect: &C,
        entry: &QueueEntry,
        envelope: &Envelope,
        waiting: &[Tried],
        remote: &[usize],
        link: &mut Held<C, T>,
        answers: &mut Vec<Option<Answer>>,
    ) -> std::result::Result<(), LinkError> {
        answers.clear();
        answers.resize(remote.len(), None);
        self.linked(connect, link).await?;
        let now = trace::seconds();
        // What is slow to carry shall not be taken by another meanwhile.
        let size = Duration::from_secs(entry.size / 4096);
        if size > self.config.lease / 4 {
            let until = now.saturating_add(seconds(self.config.lease)).saturating_add(seconds(size));
            let hold = Settlement {
                lease: entry.lease(),
                recipients: Vec::new(),
                data: None,
                next: Next::Hold(until),
            };
            queue.settle(&hold).await?;
        }
        let mut body = queue.body(&entry.id).await?;
        loop {
            let Some(open) = link.as_mut() else { return Ok(()) };
            let (left, recipients): (Vec<_>, Vec<_>) = (answers.iter_mut().zip(remote))
                .filter(|(answer, _)| answer.is_none())
                .filter_map(|(answer, at)| Some((answer, waiting.get(*at)?)))
                .map(|(answer, tried)| (answer, (&*tried.address, &tried.wishes)))
                .unzip();
            if recipients.is_empty() {
                return Ok(());
            }
            let mut some = Vec::new();
            let sent =
                open.send(&Letter { envelope, recipients: &recipients, now }, &mut body, &mut some).await;
            let none_served = some.iter().all(Option::is_none);
            left.into_iter().zip(some).for_each(|(place, answer)| *place = answer);
            sent?;
            if none_served || answers.iter().all(Option::is_some) {
                return Ok(());
            }
            // The rest of them over another connection, where this one takes no more (RFC 9422 section 4.1).
            self.linked(connect, link).await?;
        }
    }

    /// What became of each is written down, and its sender told, in one step.
    async fn conclude(
        &self,
        queue: &dyn MailQueue,
        entry: &QueueEntry,
        mut envelope: Envelope,
        waiting: Vec<Tried>,
    ) -> Result<()> {
        let now = trace::seconds();
        let expired = entry.expires <= now;
        let notice_due = entry.created.saturating_add(seconds(self.config.delay_notice)) <= now;
        let by_passed = envelope.deliver_by.is_some_and(|by| by.at <= now && !by.told);
        let next_try = self.next_try(entry, &envelope, now);
        let mut updates = Vec::new();
        let mut fates = Vec::new();
        let mut left = false;
        for mut tried in waiting {
            let verdict = self.verdict(&mut tried, &envelope, expired, notice_due, by_passed);
            self.log(entry, &envelope, &tried, verdict.state);
            left |= verdict.state == RecipientState::Waiting;
            if let Some(mut fate) = verdict.fate {
                fate.last_attempt = Some(now);
                if fate.action == Action::Delayed {
                    fate.retry_until = Some(entry.expires);
                }
                fates.push(fate);
            }
            updates.push(RecipientUpdate {
                place: tried.place,
                state: verdict.state,
                data: verdict.told.then(|| {
                    tried.wishes.told_delay = true;
                    tried.wishes.encode()
                }),
                error: match tried.outcome {
                    Outcome::Not(answer) => Some(answer.text),
                    _ => None,
                },
            });
        }
        let mut data = None;
        if by_passed
            && left
            && let Some(by) = &mut envelope.deliver_by
        {
            by.told = true;
            data = Some(envelope.encode());
        }
        let next = if left { Next::At(next_try) } else { Next::Remove };
        let settlement = Settlement { lease: entry.lease(), recipients: updates, data, next };
        let report = match fates.is_empty() {
            true => None,
            false => Report::new(&self.config.hostname, &envelope, entry.created, fates),
        };
        let Some(report) = report else { return queue.settle(&settlement).await };
        let body = queue.body(&entry.id).await?;
        let original = Original::Message { body, limit: self.config.return_limit };
        let keep_for = seconds(self.config.retention);
        let sent =
            send_report(&self.store, &self.router, &report, original, Some(settlement.clone()), keep_for)
                .await;
        match sent {
            Err(error) if error.kind != ErrorKind::Gone => {
                self.without_report(queue, settlement, &error).await
            }
            other => other,
        }
    }

    /// The report cannot be sent now: who is served stays served, the others come again, and with them the report.
    async fn without_report(
        &self,
        queue: &dyn MailQueue,
        mut settlement: Settlement,
        error: &StoreError,
    ) -> Result<()> {
        tracing::warn!(queue = settlement.lease.id.0, %error, "a report cannot be sent now");
        for update in &mut settlement.recipients {
            update.data = None;
            if update.state == RecipientState::Failed {
                update.state = RecipientState::Waiting;
            }
        }
        settlement.data = None;
        if settlement.recipients.iter().any(|u| u.state == RecipientState::Waiting) {
            settlement.next = Next::At(trace::seconds() + REPORT_RETRY);
        }
        queue.settle(&settlement).await
    }

    fn next_try(&self, entry: &QueueEntry, envelope: &Envelope, now: i64) -> i64 {
        let next = now.saturating_add(self.config.retry_after(entry.attempts, dice()));
        // When its time is over it is looked at once more.
        let next = next.min(entry.expires.max(now + 1));
        match envelope.deliver_by {
            Some(by) if by.at > now => next.min(by.at),
            _ => next,
        }
    }

    fn verdict(
        &self,
        tried: &mut Tried,
        envelope: &Envelope,
        expired: bool,
        notice_due: bool,
        by_passed: bool,
    ) -> Verdict {
        let wishes = &tried.wishes;
        let fate = |action, status| {
            let mut fate = Fate::new(&tried.address, action, status);
            fate.original.clone_from(&wishes.original);
            fate
        };
        let host = self.connect.as_ref().map_or("", Connect::name);
        let with = |fate: Fate, answer: &Answer| match answer.replied {
            true => fate.with_reply(host, &answer.text),
            false => fate.because(&answer.text),
        };
        let done = |fate| Verdict { state: RecipientState::Done, fate, told: false };
        match &tried.outcome {
            Outcome::Delivered => done(wishes.on_success().then(|| fate(Action::Delivered, (2, 0, 0)))),
            Outcome::Relayed { answer, reports } => {
                // RFC 3461 section 5.2.2, RFC 2852 section 4.1.4
                let traced =
                    envelope.deliver_by.is_some_and(|by| by.trace || (by.mode == ByMode::Notify && !reports));
                let tell = (wishes.on_success() && !reports) || (traced && !wishes.never());
                done(tell.then(|| with(fate(Action::Relayed, (2, 0, 0)), answer)))
            }
            Outcome::Not(answer) if !answer.is_transient() || expired => {
                let (_, subject, detail) = answer.status;
                // RFC 3463 section 3.5: X.4.7, delivery time expired
                let status = if answer.is_transient() { (5, 4, 7) } else { (5, subject, detail) };
                let told = wishes.on_failure().then(|| with(fate(Action::Failed, status), answer));
                Verdict { state: RecipientState::Failed, fate: told, told: false }
            }
            Outcome::Not(answer) => {
                let late = by_passed || (notice_due && !wishes.told_delay);
                let status = if by_passed { (4, 4, 7) } else { answer.status };
                let told = (late && wishes.on_delay()).then(|| with(fate(Action::Delayed, status), answer));
                Verdict { state: RecipientState::Waiting, told: told.is_some(), fate: told }
            }
            Outcome::Open => Verdict { state: RecipientState::Waiting, fate: None, told: false },
        }
    }

    fn log(&self, entry: &QueueEntry, envelope: &Envelope, tried: &Tried, state: RecipientState) {
        let (queue, id, recipient) = (&*entry.id.0, &*envelope.id, &*tried.address);
        let attempt = entry.attempts;
        match (&tried.outcome, state) {
            (Outcome::Delivered, _) => tracing::info!(queue, id, recipient, attempt, "delivered"),
            (Outcome::Relayed { answer, .. }, _) => {
                let host = self.connect.as_ref().map_or("", Connect::name);
                tracing::info!(queue, id, recipient, attempt, host, reply = answer.text, "relayed");
            }
            (Outcome::Not(answer), RecipientState::Failed) => {
                tracing::warn!(queue, id, recipient, attempt, reason = answer.text, "given up");
            }
            (Outcome::Not(answer), _) => {
                tracing::info!(queue, id, recipient, attempt, reason = answer.text, "put off");
            }
            (Outcome::Open, _) => {}
        }
    }
}

struct Verdict {
    state: RecipientState,
    fate: Option<Fate>,
    /// That it is late was told.
    told: bool,
}

fn set(waiting: &mut [Tried], places: &[usize], answer: &Answer) {
    for at in places {
        if let Some(tried) = waiting.get_mut(*at) {
            tried.outcome = Outcome::Not(answer.clone());
        }
    }
}
