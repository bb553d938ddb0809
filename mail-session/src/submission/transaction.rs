use mailstore_api::{AppendSpec, Delivery, MailStore, Recipient, StoreError};
use smtp_submit_proto::{ForwardPath, ReversePath, Server, status};

use super::{Config, Refusal, head::Head, trace};

/// One message on its way: sender, recipients, and what has come of the content. Dropped, it never was.
pub(super) struct Transaction<D> {
    /// With its angle brackets.
    reverse_path: String,
    recipients: Vec<Recipient>,
    /// Who they are in the client's words, in the same order.
    names: Vec<String>,
    incoming: Option<Incoming<D>>,
}

struct Incoming<D> {
    delivery: D,
    /// While the header is not through.
    head: Option<Head>,
    id: String,
}

/// A message that is kept.
pub(super) struct Kept {
    pub(super) id: String,
    pub(super) recipients: usize,
}

impl<D: Delivery> Transaction<D> {
    pub(super) fn new(reverse_path: ReversePath<'_>) -> Self {
        Self {
            reverse_path: reverse_path.to_string(),
            recipients: Vec::new(),
            names: Vec::new(),
            incoming: None,
        }
    }

    /// One recipient more. Who is named twice gets one copy (RFC 5321 section 4.1.1.3 leaves it to us).
    pub(super) fn add(&mut self, forward_path: ForwardPath<'_>, mut recipient: Recipient) {
        let known =
            self.recipients.iter().any(|r| r.account == recipient.account && r.mailbox == recipient.mailbox);
        if known {
            return;
        }
        // RFC 5321 section 4.4: "the final mail data will begin with a return path line".
        let mut prefix = format!("Return-Path: {}\r\n", self.reverse_path).into_bytes();
        prefix.append(&mut recipient.prefix);
        recipient.prefix = prefix;
        self.recipients.push(recipient);
        self.names.push(forward_path.as_str().to_owned());
    }

    /// Content is about to come.
    pub(super) async fn begin<St: MailStore<Delivery = D>>(
        &mut self,
        store: &St,
        machine: &Server,
        peer: Option<&str>,
        config: &Config,
    ) -> Result<(), StoreError> {
        let id = trace::unique();
        let hostname = &config.smtp.hostname;
        let received = trace::Received {
            client: machine.client_name().unwrap_or_default(),
            peer,
            hostname,
            extended: machine.is_extended(),
            encrypted: machine.is_encrypted(),
            authenticated: machine.is_authenticated(),
            id: &id,
            recipient: match &*self.names {
                [only] => Some(only),
                _ => None,
            },
        };
        let head = Head::new(received.field().into_bytes(), hostname.clone(), config.header_limit);
        let delivery = store.deliver(AppendSpec::default()).await?;
        self.incoming = Some(Incoming { delivery, head: Some(head), id });
        Ok(())
    }

    /// Octets of content.
    pub(super) async fn write(&mut self, octets: &[u8]) -> Result<(), StoreError> {
        let Some(incoming) = &mut self.incoming else { return Ok(()) };
        let done = match incoming.head.as_mut().map(|head| head.push(octets)) {
            None => incoming.delivery.write(octets).await,
            Some(None) => Ok(()),
            Some(Some(whole)) => {
                incoming.head = None;
                incoming.delivery.write(&whole).await
            }
        };
        if done.is_err() {
            self.incoming = None;
        }
        done
    }

    /// The content has ended.
    pub(super) async fn commit(mut self) -> Result<Kept, Refusal> {
        let Some(Incoming { mut delivery, head, id }) = self.incoming.take() else {
            return Err(Refusal::new(status::TRANSACTION_FAILED, "there is no message"));
        };
        if let Some(mut head) = head {
            delivery.write(&head.finish()).await.map_err(|e| Refusal::from(&e))?;
        }
        let results = delivery.commit(&self.recipients).await;
        let answered = results.len();
        let failed: Vec<_> = self
            .names
            .iter()
            .zip(results)
            .filter_map(|(name, result)| result.err().map(|e| (name, Refusal::from(&e), e)))
            .collect();
        for (name, refusal, error) in &failed {
            tracing::warn!(id, recipient = %name, %error, status = %refusal.status, "delivery failed");
        }
        if answered < self.recipients.len() {
            return Err(Refusal::new(status::LOCAL_ERROR, "the store did not answer for every recipient"));
        }
        let Some((_, first, _)) = failed.first() else {
            return Ok(Kept { id, recipients: answered });
        };
        // 4yz as soon as trying again may help anybody: 5yz would tell the client to give up.
        let worst = failed.iter().map(|(_, r, _)| r).find(|r| r.status.is_transient()).unwrap_or(first);
        let mut text = worst.text.to_string();
        for (name, ..) in &failed {
            text.push_str("\n<");
            text.push_str(name);
            text.push('>');
        }
        Err(Refusal::new(worst.status, text))
    }
}
