//! Our client machine on a session: what it decodes of the answers.

use std::collections::BTreeMap;

use bytes::Bytes;
use imap4_proto::{
    client::{self, Client, Event},
    types::{
        AppendMessage, Attribute, BodyKind, BodyName, BodyStructure, Command, Fetch, FetchItems, Response,
        Section, SectionText, Select, SequenceSet, Status,
    },
};
use mail_drive::{Driver, NoTimer, NoTls, Turn};
use mail_session::auth::Plaintext;
use mailstore_api::MailStore;
use tokio::io::DuplexStream;
use tokio_util::compat::{Compat, TokioAsyncReadCompatExt};

use crate::support::Server;

/// A part, as BODYSTRUCTURE shows it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Part {
    pub(crate) kind: Kind,
    /// Of all but multiparts.
    pub(crate) octets: Option<u64>,
    pub(crate) lines: Option<u64>,
    pub(crate) children: Vec<Self>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Kind {
    Leaf,
    Message,
    Multi,
}

impl Part {
    fn of(body: &BodyStructure<'_>) -> Self {
        match body {
            BodyStructure::Multi(multi) => Self {
                kind: Kind::Multi,
                octets: None,
                lines: None,
                children: multi.parts.iter().map(Self::of).collect(),
            },
            BodyStructure::Single(single) => {
                let (kind, lines, children) = match &single.kind {
                    BodyKind::Message { body, lines, .. } => {
                        (Kind::Message, Some(*lines), vec![Self::of(body)])
                    }
                    BodyKind::Text(lines) => (Kind::Leaf, Some(*lines), vec![]),
                    _ => (Kind::Leaf, None, vec![]),
                };
                Self { kind, octets: Some(single.octets), lines, children }
            }
            _ => panic!("no such structure"),
        }
    }
}

/// What one FETCH response held.
#[derive(Default, Debug)]
pub(crate) struct Got {
    pub(crate) size: Option<u64>,
    /// BODY and BODYSTRUCTURE.
    pub(crate) structures: [Option<Part>; 2],
    pub(crate) subject: Option<Vec<u8>>,
    pub(crate) has_envelope: bool,
    /// By `1.2.MIME`; `None` is NIL.
    pub(crate) sections: BTreeMap<String, Option<Vec<u8>>>,
    pub(crate) binary_sizes: BTreeMap<String, u64>,
}

pub(crate) struct Talk {
    driver: Driver<Client, Compat<DuplexStream>, NoTimer, NoTls>,
}

/// The tagged answer, and what came before it.
pub(crate) struct Answer {
    pub(crate) status: Status,
    pub(crate) code: String,
    pub(crate) got: Got,
}

impl Talk {
    pub(crate) async fn login<St: MailStore>(server: &Server<St>) -> Self {
        let mut config = client::Config::default();
        // What is wrong is to be seen.
        config.quirks = imap4_proto::types::Quirks::NONE;
        let stream = server.pipe(Plaintext::Always).compat();
        let mut driver = Driver::new(Client::new(config), stream, NoTimer, NoTls);
        let greeting = driver.next().await.unwrap().unwrap();
        assert!(matches!(greeting.event, Event::Greeting { status: Status::Ok, .. }));
        let mut talk = Self { driver };
        talk.driver.machine_mut().login("anna", "secret").unwrap();
        assert_eq!(talk.answer().await.status, Status::Ok);
        talk
    }

    pub(crate) async fn select(&mut self, mailbox: &str) {
        let machine = self.driver.machine_mut();
        let select = Select::new(machine.mailbox(mailbox.as_bytes()), false);
        machine.command(&Command::Select(select)).unwrap();
        assert_eq!(self.answer().await.status, Status::Ok);
    }

    /// The answer to APPEND.
    pub(crate) async fn append(&mut self, message: &[u8]) -> Answer {
        let machine = self.driver.machine_mut();
        let mailbox = machine.mailbox(b"INBOX");
        let mut announced = AppendMessage::new(message.len() as u64);
        // RFC 3516 section 4.4: NUL stands in literal8 only.
        announced.binary = message.contains(&0);
        machine.append(&mailbox, &announced).unwrap();
        if !machine.append_ready() {
            let Turn { event, .. } = self.driver.next().await.unwrap().unwrap();
            assert!(matches!(event, Event::AppendReady), "{event:?}");
        }
        let machine = self.driver.machine_mut();
        machine.append_chunk(Bytes::copy_from_slice(message)).unwrap();
        machine.append_end().unwrap();
        self.answer().await
    }

    pub(crate) async fn fetch(&mut self, number: u32, items: &str) -> Answer {
        let set = number.to_string();
        let set = SequenceSet::parse(set.as_bytes()).unwrap();
        let items = FetchItems::parse(items.as_bytes()).unwrap_or_else(|| panic!("{items}"));
        self.driver.machine_mut().command(&Command::Fetch(Fetch::new(false, set, items))).unwrap();
        self.answer().await
    }

    async fn answer(&mut self) -> Answer {
        let mut got = Got::default();
        let mut literal: Option<String> = None;
        loop {
            let Turn { event, .. } = self.driver.next().await.unwrap().expect("an answer");
            match event {
                Event::Response(Response::Fetch(fetched)) => got.take(fetched.items.iter()),
                Event::FetchBegin { items, literal: next, .. }
                | Event::FetchNext { items, literal: next } => {
                    got.take(items.iter());
                    let name = name(&next.name);
                    got.sections.insert(name.clone(), Some(Vec::new()));
                    literal = Some(name);
                }
                Event::FetchChunk(octets) => {
                    let name = literal.as_ref().unwrap();
                    got.sections.get_mut(name).unwrap().as_mut().unwrap().extend_from_slice(octets);
                }
                Event::FetchEnd { items } => got.take(items.iter()),
                Event::Done { status, text, .. } => {
                    return Answer { status, code: format!("{:?}", text.code), got };
                }
                Event::Invalid { reason, frame } => {
                    panic!("our client cannot read {:?}: {reason}", frame.escape_ascii().to_string())
                }
                _ => {}
            }
        }
    }
}

impl Got {
    fn take<'b>(&mut self, attributes: impl Iterator<Item = Attribute<'b>>) {
        for attribute in attributes {
            match attribute {
                Attribute::Rfc822Size(n) => self.size = Some(n),
                Attribute::Envelope(envelope) => {
                    self.has_envelope = true;
                    self.subject = envelope.subject().map(|s| s.bytes().into_owned());
                }
                Attribute::Structure { extensible, body } => {
                    self.structures[usize::from(extensible)] = Some(Part::of(&body.to_structure()));
                }
                Attribute::Body { name: body, value } => {
                    let value = value.map(|v| v.bytes().into_owned());
                    self.sections.insert(name(&body), value);
                }
                Attribute::BinarySize { part, octets } => {
                    self.binary_sizes.insert(path(part.iter()), octets);
                }
                Attribute::Malformed { name, value } => {
                    panic!("{} {}", name.escape_ascii(), value.escape_ascii())
                }
                _ => {}
            }
        }
    }
}

pub(crate) fn path(numbers: impl Iterator<Item = u32>) -> String {
    numbers.map(|n| n.to_string()).collect::<Vec<_>>().join(".")
}

fn name(name: &BodyName<'_>) -> String {
    let section = |section: &Section<'_>| {
        let text = match section.text {
            None => "",
            Some(SectionText::Header) => "HEADER",
            Some(SectionText::Text) => "TEXT",
            Some(SectionText::Mime) => "MIME",
            Some(SectionText::HeaderFields(_)) => "FIELDS",
            Some(SectionText::HeaderFieldsNot(_)) => "NOT",
            _ => "?",
        };
        let path = path(section.part.iter());
        if path.is_empty() || text.is_empty() { format!("{path}{text}") } else { format!("{path}.{text}") }
    };
    match name {
        BodyName::Section { section: s, .. } => section(s),
        BodyName::Binary { part, .. } => format!("BINARY {}", path(part.iter())),
        BodyName::Rfc822 => "RFC822".to_owned(),
        BodyName::Rfc822Header => "RFC822.HEADER".to_owned(),
        BodyName::Rfc822Text => "RFC822.TEXT".to_owned(),
        other => format!("{other:?}"),
    }
}
