use mailstore_api::{
    AppendSpec, Body, Delivery, ErrorKind, MailStore, NewRecipient, Recipient, Result, Settlement,
    StoreError, Submission,
};
use smtp_submit_proto::status;

use super::envelope::forward_path;
use crate::{
    report::{Report, Returned},
    submission::{Refusal, Route, Router, return_path, trace},
};

/// Octets read from the store at once.
const CHUNK: usize = 64 * 1024;
/// Octets of a header that is returned.
const HEADER: usize = 64 * 1024;

/// What a report returns.
pub(crate) enum Original<'a, B = NoBody> {
    /// A header.
    Header(&'a [u8]),
    /// The message, or so much of it as the report wants: up to `limit` octets whole.
    Message { body: B, limit: u64 },
}

/// There is none.
#[derive(Debug)]
pub(crate) enum NoBody {}

impl Body for NoBody {
    fn len(&self) -> u64 {
        match *self {}
    }

    async fn read_at(&mut self, _: u64, _: usize) -> Result<bytes::Bytes> {
        match *self {}
    }
}

/// Sends a report to whom it is for: into his mailbox here, or into the queue; and settles the entry it comes
/// from in the same step. Somebody who is nowhere is not told, and the entry is settled all the same.
pub(crate) async fn send_report<St: MailStore, R: Router, B: Body>(
    store: &St,
    router: &R,
    report: &Report<'_>,
    original: Original<'_, B>,
    settle: Option<Settlement>,
    keep_for: i64,
) -> Result<()> {
    let envelope = report.envelope();
    let mut to: Vec<Recipient> = Vec::new();
    let mut waiting = Vec::new();
    let recipient = NewRecipient { address: report.to().to_owned(), ..NewRecipient::default() };
    match route(router, report.to()).await {
        Ok(Route::Local(mut mailbox)) => {
            mailbox.prefix = return_path(None, mailbox.prefix);
            to.push(mailbox);
            waiting.push(NewRecipient { unless_delivered: Some(0), ..recipient });
        }
        Ok(Route::Elsewhere) => waiting.push(recipient),
        Err(refusal) if refusal.status.is_transient() => {
            return Err(StoreError::new(ErrorKind::Unavailable, refusal.to_string()));
        }
        Err(refusal) => {
            tracing::warn!(to = report.to(), %refusal, "a report can be sent to nobody");
            return match (store.queue(), settle) {
                (Some(queue), Some(settle)) => queue.settle(&settle).await,
                _ => Ok(()),
            };
        }
    }
    let mut delivery = store.deliver(AppendSpec::default()).await?;
    match original {
        Original::Header(header) => {
            delivery.write(&report.before(Returned::Header)).await?;
            delivery.write(header).await?;
        }
        Original::Message { mut body, limit } => {
            let returned = report.returns(body.len(), limit);
            delivery.write(&report.before(returned)).await?;
            copy(&mut body, &mut delivery, returned).await?;
        }
    }
    delivery.write(&report.after()).await?;
    if store.queue().is_none() {
        return delivery.commit(&to).await.into_iter().try_for_each(|result| result.map(|_| ()));
    }
    let now = trace::seconds();
    let entry = envelope.entry(now, now, now.saturating_add(keep_for), waiting);
    let id = envelope.id;
    let queued = delivery.submit(&to, Submission { entry: Some(entry), settle }).await.queued?;
    tracing::info!(id, to = report.to(), queue = queued.as_ref().map(|q| &*q.0), "report sent");
    Ok(())
}

async fn route<R: Router>(router: &R, address: &str) -> std::result::Result<Route, Refusal> {
    match forward_path(address) {
        Some(path) => router.route(path).await,
        None => Err(Refusal::new(status::NO_SUCH_MAILBOX, "the sender is no mail address")),
    }
}

/// All of it, or its header.
async fn copy<B: Body, D: Delivery>(body: &mut B, delivery: &mut D, returned: Returned) -> Result<()> {
    if returned == Returned::Header {
        return delivery.write(&header(body).await?).await;
    }
    let mut at = 0;
    while at < body.len() {
        let octets = body.read_at(at, CHUNK).await?;
        if octets.is_empty() {
            return Err(ErrorKind::Corrupt.into());
        }
        at += octets.len() as u64;
        delivery.write(&octets).await?;
    }
    Ok(())
}

/// A message's header; nothing where it has none that is text.
async fn header<B: Body>(body: &mut B) -> Result<Vec<u8>> {
    let mut held = Vec::new();
    let mut end = HeaderEnd::default();
    while (held.len() as u64) < body.len() && held.len() < HEADER {
        let octets = body.read_at(held.len() as u64, CHUNK).await?;
        if octets.is_empty() {
            return Err(ErrorKind::Corrupt.into());
        }
        let found = end.find(&octets);
        held.extend_from_slice(octets.get(..found.unwrap_or(octets.len())).unwrap_or(&octets));
        if found.is_some() {
            break;
        }
    }
    let lines = held.split_inclusive(|c| *c == b'\n');
    let is_text = lines.into_iter().all(|line| {
        line.strip_suffix(b"\r\n").is_some_and(|line| !line.iter().any(|c| matches!(c, 0 | b'\r')))
    });
    Ok(if is_text { held } else { Vec::new() })
}

/// Finds the empty line, over any split.
#[derive(Default)]
struct HeaderEnd {
    /// The line so far is empty, or a CR.
    empty: Empty,
}

#[derive(Clone, Copy, PartialEq, Eq, Default)]
enum Empty {
    #[default]
    Nothing,
    Cr,
    No,
}

impl HeaderEnd {
    /// Where the empty line ends, in these octets.
    fn find(&mut self, octets: &[u8]) -> Option<usize> {
        for (i, octet) in octets.iter().enumerate() {
            self.empty = match (octet, self.empty) {
                (b'\n', Empty::Nothing | Empty::Cr) => return Some(i + 1),
                (b'\n', Empty::No) => Empty::Nothing,
                (b'\r', Empty::Nothing) => Empty::Cr,
                _ => Empty::No,
            };
        }
        None
    }
}
