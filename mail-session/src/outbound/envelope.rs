use std::fmt::Write as _;

use mailstore_api::{NewEntry, NewRecipient, QueueEntry, QueuedRecipient};
use smtp_submit_proto::{ByMode, ForwardPath, MailParams, Mailbox, Notify, RcptParams, Ret};

/// What a message asks of whoever carries it: the part of its envelope that concerns all recipients.
///
/// In the queue it is text, one attribute a line, so that a person can read it.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
#[non_exhaustive]
pub struct Envelope {
    /// Where failures go: MAIL's mailbox; `None` for `<>`.
    pub sender: Option<String>,
    /// What it is called in `Received:` and in logs.
    pub id: String,
    /// What its octets are.
    pub content: Content,
    /// Its header or addresses hold UTF-8 (RFC 6531).
    pub smtp_utf8: bool,
    /// How much of it a report of failure returns (RFC 3461 section 4.3).
    pub ret: Option<Ret>,
    /// The sender's own name for it, as xtext (RFC 3461 section 4.4).
    pub envid: Option<String>,
    /// It never travels in the clear (RFC 8689).
    pub require_tls: bool,
    /// By when it is to be delivered (RFC 2852).
    pub deliver_by: Option<Deadline>,
    /// From -9 to 9 (RFC 6710); those of higher priority go first.
    pub priority: i8,
}

/// What a message's octets are, whatever its sender called them.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default)]
pub enum Content {
    /// Lines of ASCII.
    #[default]
    SevenBit,
    /// Lines of any octets (RFC 6152).
    EightBit,
    /// No lines: only BDAT can carry it (RFC 3030 section 3).
    Binary,
}

/// DELIVERBY as the queue knows it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Deadline {
    /// When, in seconds since 1970.
    pub at: i64,
    /// What happens then.
    pub mode: ByMode,
    /// Relays that do not know the extension are reported.
    pub trace: bool,
    /// That it has passed was reported.
    pub told: bool,
}

/// What the sender asks for one recipient (RFC 3461).
#[derive(Clone, PartialEq, Eq, Debug, Default)]
#[non_exhaustive]
pub struct Wishes {
    /// When to report; `None` where nothing was said: on failure, and perhaps on delay.
    pub notify: Option<Notify>,
    /// `ORCPT`: kind, and address as it stands on the wire.
    pub original: Option<(String, String)>,
    /// A delay was reported.
    pub told_delay: bool,
}

impl Envelope {
    /// By MAIL's parameters, at the time `now`.
    pub(crate) fn new(sender: Option<&str>, id: String, params: &MailParams<'_>, now: i64) -> Self {
        Self {
            sender: sender.map(str::to_owned),
            id,
            content: Content::SevenBit,
            smtp_utf8: params.smtp_utf8,
            ret: params.ret,
            envid: params.envid.map(|x| x.as_str().to_owned()),
            require_tls: params.require_tls,
            deliver_by: params.deliver_by.map(|by| Deadline {
                at: now.saturating_add(by.seconds().into()),
                mode: by.mode(),
                trace: by.trace(),
                told: false,
            }),
            priority: params.priority.map_or(0, smtp_submit_proto::Priority::get),
        }
    }

    /// As the queue keeps it.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut out = ["id ", &self.id, "\n"].concat();
        let _ = match self.content {
            Content::SevenBit => Ok(()),
            Content::EightBit => writeln!(out, "body 8bit"),
            Content::Binary => writeln!(out, "body binary"),
        };
        if self.smtp_utf8 {
            out.push_str("smtputf8\n");
        }
        if let Some(ret) = self.ret {
            let _ = writeln!(out, "ret {}", ret.as_str());
        }
        if let Some(envid) = &self.envid {
            let _ = writeln!(out, "envid {envid}");
        }
        if self.require_tls {
            out.push_str("requiretls\n");
        }
        if let Some(Deadline { at, mode, trace, told }) = self.deliver_by {
            let mode = if mode == ByMode::Return { "R" } else { "N" };
            let _ = writeln!(out, "by {at} {mode} {} {}", u8::from(trace), u8::from(told));
        }
        if self.priority != 0 {
            let _ = writeln!(out, "priority {}", self.priority);
        }
        out.into_bytes()
    }

    /// What [`encode`](Self::encode) wrote. What it does not know it passes over: a later version wrote it.
    #[must_use]
    pub fn decode(sender: &str, data: &[u8]) -> Self {
        let mut envelope =
            Self { sender: (!sender.is_empty()).then(|| sender.to_owned()), ..Self::default() };
        for (key, value) in attributes(data) {
            match key {
                "id" => envelope.id = value.to_owned(),
                "body" if value == "8bit" => envelope.content = Content::EightBit,
                "body" if value == "binary" => envelope.content = Content::Binary,
                "smtputf8" => envelope.smtp_utf8 = true,
                "ret" => envelope.ret = Some(if value == "FULL" { Ret::Full } else { Ret::Headers }),
                "envid" => envelope.envid = Some(value.to_owned()),
                "requiretls" => envelope.require_tls = true,
                "by" => envelope.deliver_by = deadline(value),
                "priority" => envelope.priority = value.parse().unwrap_or(0),
                _ => {}
            }
        }
        envelope
    }

    /// Of an entry of the queue.
    #[must_use]
    pub fn of(entry: &QueueEntry) -> Self {
        Self::decode(&entry.sender, &entry.data)
    }

    /// An entry of the queue for it.
    pub(crate) fn entry(
        &self,
        created: i64,
        due: i64,
        expires: i64,
        recipients: Vec<NewRecipient>,
    ) -> NewEntry {
        NewEntry {
            sender: self.sender.clone().unwrap_or_default(),
            data: self.encode(),
            created,
            due,
            expires,
            recipients,
        }
    }
}

impl Wishes {
    /// By RCPT's parameters.
    pub(crate) fn new(params: &RcptParams<'_>) -> Self {
        Self {
            notify: params.notify,
            original: params.orcpt.map(|o| (o.kind().to_owned(), o.encoded().to_owned())),
            told_delay: false,
        }
    }

    /// As the queue keeps it.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut out = String::new();
        if let Some(Notify { success, failure, delay }) = self.notify {
            out.push_str("notify");
            for (on, word) in [(success, " success"), (failure, " failure"), (delay, " delay")] {
                out.push_str(if on { word } else { "" });
            }
            out.push('\n');
        }
        if let Some((kind, address)) = &self.original {
            let _ = writeln!(out, "orcpt {kind} {address}");
        }
        if self.told_delay {
            out.push_str("told-delay\n");
        }
        out.into_bytes()
    }

    /// What [`encode`](Self::encode) wrote.
    #[must_use]
    pub fn decode(data: &[u8]) -> Self {
        let mut wishes = Self::default();
        for (key, value) in attributes(data) {
            match key {
                "notify" => {
                    let has = |word| value.split(' ').any(|w| w == word);
                    wishes.notify = Some(Notify {
                        success: has("success"),
                        failure: has("failure"),
                        delay: has("delay"),
                    });
                }
                "orcpt" => {
                    wishes.original = value.split_once(' ').map(|(k, a)| (k.to_owned(), a.to_owned()));
                }
                "told-delay" => wishes.told_delay = true,
                _ => {}
            }
        }
        wishes
    }

    /// Of a recipient in the queue.
    #[must_use]
    pub fn of(recipient: &QueuedRecipient) -> Self {
        Self::decode(&recipient.data)
    }

    /// Whether a failure is to be reported: unless something else was asked for (RFC 3461 section 4.1).
    #[must_use]
    pub fn on_failure(&self) -> bool {
        self.notify.is_none_or(|n| n.failure)
    }

    /// Whether a delay is to be reported: where nothing was said, it is the server's choice.
    #[must_use]
    pub fn on_delay(&self) -> bool {
        self.notify.is_none_or(|n| n.delay)
    }

    /// Whether a delivery is to be reported.
    #[must_use]
    pub fn on_success(&self) -> bool {
        self.notify.is_some_and(|n| n.success)
    }

    /// Whether nothing is ever to be reported.
    #[must_use]
    pub fn never(&self) -> bool {
        self.notify == Some(Notify::NEVER)
    }
}

/// The recipient an address of the queue names. `None` for what is no address: it is nobody's, and not Postmaster's.
pub(super) fn forward_path(address: &str) -> Option<ForwardPath<'_>> {
    // As the machine of the server calls it: without a domain.
    if address.eq_ignore_ascii_case(ForwardPath::Postmaster.as_str()) {
        return Some(ForwardPath::Postmaster);
    }
    Mailbox::parse_accepted(address).ok().map(ForwardPath::Mailbox)
}

/// Lines of a word and what follows it.
fn attributes(data: &[u8]) -> impl Iterator<Item = (&str, &str)> {
    let text = str::from_utf8(data).unwrap_or_default();
    text.lines().map(|line| line.split_once(' ').unwrap_or((line, "")))
}

fn deadline(value: &str) -> Option<Deadline> {
    let mut words = value.split(' ');
    let at = words.next()?.parse().ok()?;
    let mode = if words.next()? == "R" { ByMode::Return } else { ByMode::Notify };
    let mut flag = || words.next() == Some("1");
    Some(Deadline { at, mode, trace: flag(), told: flag() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn arbitrary() -> impl Strategy<Value = Envelope> {
        let word = "[!-~]{1,20}";
        let by =
            (any::<i64>(), any::<bool>(), any::<bool>(), any::<bool>()).prop_map(|(at, r, trace, told)| {
                Deadline { at, mode: if r { ByMode::Return } else { ByMode::Notify }, trace, told }
            });
        (
            (proptest::option::of(word), word, 0..3_u8, any::<bool>(), proptest::option::of(any::<bool>())),
            (proptest::option::of(word), any::<bool>(), proptest::option::of(by), -9..=9_i8),
        )
            .prop_map(
                |((sender, id, content, smtp_utf8, ret), (envid, require_tls, deliver_by, priority))| {
                    Envelope {
                        sender,
                        id,
                        content: [Content::SevenBit, Content::EightBit, Content::Binary]
                            [usize::from(content)],
                        smtp_utf8,
                        ret: ret.map(|full| if full { Ret::Full } else { Ret::Headers }),
                        envid,
                        require_tls,
                        deliver_by,
                        priority,
                    }
                },
            )
    }

    proptest! {
        #[test]
        fn an_envelope_comes_back_from_the_queue_as_it_was(envelope in arbitrary()) {
            let sender = envelope.sender.clone().unwrap_or_default();
            prop_assert_eq!(Envelope::decode(&sender, &envelope.encode()), envelope);
        }

        #[test]
        fn wishes_come_back_as_they_were(
            notify in proptest::option::of((any::<bool>(), any::<bool>(), any::<bool>())),
            original in proptest::option::of(("[!-~]{1,20}", "[!-~ü]{1,20}")),
            told_delay: bool,
        ) {
            let notify = notify.map(|(success, failure, delay)| Notify { success, failure, delay });
            let wishes = Wishes { notify, original, told_delay };
            prop_assert_eq!(Wishes::decode(&wishes.encode()), wishes);
        }

        #[test]
        fn whatever_is_in_the_queue_is_read(data: Vec<u8>) {
            let _ = (Envelope::decode("", &data), Wishes::decode(&data));
        }
    }

    #[test]
    fn what_was_not_asked_for_follows_rfc_3461() {
        let wishes = |notify| Wishes { notify, ..Wishes::default() };
        for (notify, failure, delay, success, never) in [
            (None, true, true, false, false),
            (Some(Notify::NEVER), false, false, false, true),
            (Some(Notify { success: true, failure: false, delay: false }), false, false, true, false),
            (Some(Notify { success: false, failure: true, delay: false }), true, false, false, false),
        ] {
            let w = wishes(notify);
            assert_eq!(
                (w.on_failure(), w.on_delay(), w.on_success(), w.never()),
                (failure, delay, success, never)
            );
        }
    }
}
