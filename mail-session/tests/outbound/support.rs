//! A smart host that does as it is told, and a queue before it.

use std::{
    collections::{HashMap, VecDeque},
    io,
    sync::{Arc, Mutex},
    time::Duration,
};

use mail_drive::{Instant, NoTls, Timer};
use mail_session::{
    Encryption,
    auth::Identity,
    outbound::{Config, Connect, Envelope, LinkConfig, Outbound, Wishes},
    submission::{Refusal, Route, Router},
};
use mailstore_api::{
    Account, AppendSpec, Body, Delivery, MailStore, Mailbox, MailboxName, MemoryStore, NewEntry,
    NewRecipient, OpenMode, Part, QueueEntry, Recipient, Submission,
};
use smtp_submit_proto::{ForwardPath, ReversePath, status};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader, DuplexStream};
use tokio_util::compat::{Compat, TokioAsyncReadCompatExt};

pub(crate) const CAPABLE: &[&str] = &["PIPELINING", "SIZE 1000000", "8BITMIME", "DSN", "SMTPUTF8"];

/// What the host offers, what it was given.
#[derive(Default)]
pub(crate) struct State {
    pub(crate) offers: Vec<String>,
    /// For each connection to come: `None` takes it, `Some(line)` greets with this line.
    pub(crate) greetings: VecDeque<Option<&'static str>>,
    pub(crate) unreachable: bool,
    /// What the next end of data is answered; then 250.
    pub(crate) ends: VecDeque<&'static str>,
    /// The connection is lost when the content has come, as often.
    pub(crate) lost: u32,
    /// What the next such commands are answered; nothing: the connection is lost. After 421 it is closed.
    pub(crate) replies: HashMap<&'static str, VecDeque<&'static str>>,
    /// The connection is lost after so many octets of content, once.
    pub(crate) lost_within: Option<usize>,
    /// TLS is wanted of it.
    pub(crate) starttls: bool,
    /// It speaks LMTP: an end of data has an answer for each recipient.
    pub(crate) lmtp: bool,
    /// All lines but the content's.
    pub(crate) lines: Vec<String>,
    pub(crate) connections: u32,
    /// Lines of MAIL and RCPT that were accepted, and the content.
    pub(crate) messages: Vec<(Vec<String>, Vec<u8>)>,
}

#[derive(Clone, Default)]
pub(crate) struct Host(pub(crate) Arc<Mutex<State>>);

impl Connect for Host {
    type Stream = Compat<DuplexStream>;
    type Tls = NoTls;

    fn name(&self) -> &str {
        "smart.test"
    }

    async fn connect(&self) -> io::Result<(Self::Stream, NoTls)> {
        let mut state = self.0.lock().unwrap();
        if state.unreachable {
            return Err(io::ErrorKind::ConnectionRefused.into());
        }
        state.connections += 1;
        let (near, far) = tokio::io::duplex(1 << 16);
        tokio::spawn(serve(self.clone(), far));
        Ok((near.compat(), NoTls))
    }

    async fn link(&self) -> io::Result<LinkConfig> {
        let state = self.0.lock().unwrap();
        let encryption = if state.starttls { Encryption::OnRequest } else { Encryption::None };
        let mut config = LinkConfig::new("here.test", encryption);
        config.client.lmtp = state.lmtp;
        Ok(config)
    }
}

/// RCPT is refused for good where the address begins with `never`, for now with `later`.
async fn serve(host: Host, stream: DuplexStream) -> Option<()> {
    let mut stream = BufReader::new(stream);
    let greeting = host.0.lock().unwrap().greetings.pop_front().flatten();
    stream.get_mut().write_all(greeting.unwrap_or("220 smart.test").as_bytes()).await.ok()?;
    stream.get_mut().write_all(b"\r\n").await.ok()?;
    let (mut envelope, mut content) = (vec![], vec![]);
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line).await.ok()? == 0 {
            return None;
        }
        let line = line.trim_end().to_owned();
        let verb = line.split([' ', ':']).next().unwrap_or("").to_ascii_uppercase();
        let (told, lost_within, lmtp) = {
            let mut state = host.0.lock().unwrap();
            state.lines.push(line.clone());
            let told = state.replies.get_mut(&*verb).and_then(VecDeque::pop_front);
            (told, state.lost_within, state.lmtp)
        };
        if let Some(told) = told {
            if told.is_empty() {
                return None;
            }
            stream.get_mut().write_all(format!("{told}\r\n").as_bytes()).await.ok()?;
            if told.starts_with("421") {
                return None;
            }
            continue;
        }
        let mut end = false;
        let answer = match &*verb {
            "EHLO" | "LHLO" if (verb == "LHLO") == lmtp => {
                let offers = host.0.lock().unwrap().offers.clone();
                {
                    let lines: String = offers.iter().map(|o| format!("250-{o}\r\n")).collect();
                    format!("250-smart.test\r\n{lines}250 ENHANCEDSTATUSCODES")
                }
            }
            "RCPT" if line.contains("<never") => "550 5.1.1 nobody of that name".to_owned(),
            "RCPT" if line.contains("<later") => "451 4.2.1 not now".to_owned(),
            "RCPT" if envelope.is_empty() => "503 5.5.1 whose".to_owned(),
            "MAIL" | "RCPT" => {
                envelope.push(line.clone());
                "250 2.1.0 ok".to_owned()
            }
            "DATA" if envelope.len() < 2 => "554 5.5.1 nobody".to_owned(),
            "DATA" => {
                stream.get_mut().write_all(b"354 go\r\n").await.ok()?;
                loop {
                    let mut line = vec![];
                    stream.read_until(b'\n', &mut line).await.ok()?;
                    if line == b".\r\n" {
                        break;
                    }
                    content.extend_from_slice(line.strip_prefix(b".").unwrap_or(&line));
                    if lost_within.is_some_and(|most| content.len() >= most) {
                        host.0.lock().unwrap().lost_within = None;
                        return None;
                    }
                }
                end = true;
                String::new()
            }
            "BDAT" => {
                let words: Vec<_> = line.split(' ').collect();
                let mut chunk = vec![0; words[1].parse().unwrap()];
                stream.read_exact(&mut chunk).await.ok()?;
                content.extend(chunk);
                end = words.len() > 2;
                "250 2.0.0 chunk".to_owned()
            }
            "RSET" => {
                (envelope, content) = (vec![], vec![]);
                "250 2.0.0 reset".to_owned()
            }
            "QUIT" => "221 2.0.0 bye".to_owned(),
            _ => "500 5.5.2 what".to_owned(),
        };
        let answer = if end {
            let mut state = host.0.lock().unwrap();
            if state.lost > 0 {
                state.lost -= 1;
                return None;
            }
            let each = if lmtp { envelope.len() - 1 } else { 1 };
            let answers: Vec<&str> =
                (0..each).map(|_| state.ends.pop_front().unwrap_or("250 2.0.0 taken")).collect();
            let answer = answers.join("\r\n");
            if answer.starts_with('2') {
                state.messages.push((core::mem::take(&mut envelope), core::mem::take(&mut content)));
            }
            (envelope, content) = (vec![], vec![]);
            answer
        } else {
            answer
        };
        stream.get_mut().write_all(format!("{answer}\r\n").as_bytes()).await.ok()?;
        if verb == "QUIT" {
            return None;
        }
    }
}

/// `here.test` is here, and has alice and bob; all else is elsewhere.
pub(crate) struct Routes;
impl Router for Routes {
    async fn sender(&self, _: Option<&Identity>, _: ReversePath<'_>) -> Result<(), Refusal> {
        Ok(())
    }
    async fn recipient(&self, _: Option<&Identity>, path: ForwardPath<'_>) -> Result<Route, Refusal> {
        match path.mailbox() {
            Some(m) if m.domain() == "here.test" && ["alice", "bob"].contains(&m.local_part().as_str()) => {
                Ok(Route::Local(Recipient {
                    account: m.local_part().as_str().to_owned(),
                    mailbox: MailboxName::inbox(),
                    prefix: vec![],
                }))
            }
            Some(m) if m.domain() == "here.test" => {
                Err(Refusal::new(status::NO_SUCH_MAILBOX, "no such mailbox here"))
            }
            _ => Ok(Route::Elsewhere),
        }
    }
}

#[derive(Clone)]
pub(crate) struct Clock(tokio::time::Instant);
impl Timer for Clock {
    fn now(&self) -> Instant {
        Instant::from_start(self.0.elapsed())
    }
    fn sleep_until(&self, at: Instant) -> impl Future<Output = ()> + Send {
        tokio::time::sleep_until(self.0 + at.since_start())
    }
}

pub(crate) struct Scene {
    pub(crate) store: Arc<MemoryStore>,
    pub(crate) host: Host,
    pub(crate) outbound: Arc<Outbound<MemoryHandle, Routes, Host, Clock>>,
}

/// The store, shared with the test.
pub(crate) struct MemoryHandle(Arc<MemoryStore>);
impl MailStore for MemoryHandle {
    type Account = <MemoryStore as MailStore>::Account;
    type Delivery = <MemoryStore as MailStore>::Delivery;
    async fn open_account(&self, who: &str) -> mailstore_api::Result<Self::Account> {
        self.0.open_account(who).await
    }
    async fn deliver(&self, spec: AppendSpec) -> mailstore_api::Result<Self::Delivery> {
        self.0.deliver(spec).await
    }
    fn queue(&self) -> Option<&dyn mailstore_api::MailQueue> {
        self.0.queue()
    }
}

pub(crate) const MESSAGE: &[u8] = b"From: alice@here.test\r\nSubject: hi\r\n\r\n.body\r\n";

pub(crate) fn now() -> i64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    i64::try_from(since.as_secs()).unwrap()
}

impl Scene {
    pub(crate) fn new(offers: &[&str]) -> Self {
        Self::with(offers, |_| {})
    }

    pub(crate) fn with(offers: &[&str], change: impl FnOnce(&mut Config)) -> Self {
        let store = Arc::new(MemoryStore::new());
        store.create_account("alice").unwrap();
        store.create_account("bob").unwrap();
        let host = Host::default();
        host.0.lock().unwrap().offers = offers.iter().map(|&o| o.to_owned()).collect();
        let mut config = Config::new("here.test");
        config.host_pause = Duration::ZERO;
        change(&mut config);
        let clock = Clock(tokio::time::Instant::now());
        let outbound = Outbound::new(MemoryHandle(store.clone()), Routes, Some(host.clone()), clock, config);
        Self { store, host, outbound: Arc::new(outbound) }
    }

    /// Puts a message into the queue.
    pub(crate) async fn put(&self, envelope: &Envelope, recipients: &[(&str, Wishes)], content: &[u8]) {
        self.put_at(envelope, recipients, content, now(), now() + 86_400).await;
    }

    pub(crate) async fn put_at(
        &self,
        envelope: &Envelope,
        recipients: &[(&str, Wishes)],
        content: &[u8],
        created: i64,
        expires: i64,
    ) {
        let mut delivery = self.store.deliver(AppendSpec::default()).await.unwrap();
        delivery.write(content).await.unwrap();
        let recipients = recipients.iter().map(|(address, wishes)| NewRecipient {
            address: (*address).to_owned(),
            data: wishes.encode(),
            unless_delivered: None,
        });
        let entry = NewEntry {
            sender: envelope.sender.clone().unwrap_or_default(),
            data: envelope.encode(),
            created,
            due: created,
            expires,
            recipients: recipients.collect(),
        };
        delivery.submit(&[], Submission { entry: Some(entry), settle: None }).await.queued.unwrap();
    }

    pub(crate) async fn run(&self) -> usize {
        tokio::time::timeout(Duration::from_secs(60), self.outbound.run_due()).await.unwrap().unwrap()
    }

    pub(crate) async fn queue(&self) -> Vec<QueueEntry> {
        self.store.queue().unwrap().list(None, 1000).await.unwrap()
    }

    /// Makes all due again.
    pub(crate) async fn hurry(&self) {
        for entry in self.queue().await {
            self.store.queue().unwrap().reschedule(&entry.id, i64::MAX, now()).await.unwrap();
        }
    }

    pub(crate) fn relayed(&self) -> Vec<(Vec<String>, Vec<u8>)> {
        self.host.0.lock().unwrap().messages.clone()
    }

    pub(crate) async fn inbox(&self, account: &str) -> Vec<String> {
        let account = self.store.open_account(account).await.unwrap();
        let id = account.find(&MailboxName::inbox()).await.unwrap().unwrap().id.unwrap();
        let (snapshot, mailbox) = account.open(&id, OpenMode::Examine).await.unwrap();
        let mut messages = vec![];
        for uid in snapshot.uids {
            let mut body = mailbox.body(uid, Part::Whole).await.unwrap();
            let octets = body.read_at(0, 1 << 22).await.unwrap();
            messages.push(String::from_utf8(octets.to_vec()).unwrap());
        }
        messages
    }
}

/// From alice.
pub(crate) fn envelope() -> Envelope {
    let mut envelope = Envelope::default();
    envelope.sender = Some("alice@here.test".to_owned());
    envelope.id = "id1".to_owned();
    envelope
}

pub(crate) fn plain(addresses: &[&'static str]) -> Vec<(&'static str, Wishes)> {
    addresses.iter().map(|&a| (a, Wishes::default())).collect()
}
