//! The conversation.

use std::io::{Stdout, Write as _};

use futures_io::{AsyncRead, AsyncWrite};
use imap4_proto::{
    client::{Client, Event},
    server::State,
    types::{
        Attribute, Attributes, Command, CommandKind, Envelope, Fetch, FetchItems, List, Patterns, Response,
        Select, SequenceSet, Status, SystemFlags,
    },
};
use mail_drive::{Accept, Driver, Next, Timer, Turn};
use zeroize::Zeroizing;

use crate::{Action, Cli, Fault, Tls};

pub(crate) struct Talk {
    user: String,
    password: Zeroizing<String>,
    starttls: bool,
    action: Action,
    out: Stdout,
}

impl Talk {
    pub(crate) fn new(cli: &Cli, password: Zeroizing<String>) -> Self {
        Self {
            user: cli.user.clone(),
            password,
            starttls: cli.tls == Tls::Starttls,
            action: cli.action.clone(),
            out: std::io::stdout(),
        }
    }

    /// Talks until the connection is closed.
    pub(crate) async fn run<S, T, A>(mut self, mut driver: Driver<Client, S, T, A>) -> Result<(), Fault>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
        T: Timer,
        A: Accept<S>,
    {
        loop {
            let Turn { event, peer } = match driver.next_or(tokio::signal::ctrl_c()).await? {
                Next::Turn(turn) => turn,
                Next::End => break,
                Next::Other(_, peer) => {
                    // In IDLE this is how it ends: politely.
                    _ = peer.machine.idle_done();
                    peer.machine.command(&Command::Logout)?;
                    continue;
                }
            };
            self.hear(peer.machine, event)?;
        }
        self.out.flush()?;
        match driver.machine().state() {
            State::Logout => Ok(()),
            _ => Err("the server has closed the connection".into()),
        }
    }

    /// One event: what it says is shown, and what follows it is begun.
    fn hear(&mut self, client: &mut Client, event: Event<'_>) -> Result<(), Fault> {
        match event {
            Event::Greeting { status: Status::Bye, text } => {
                return Err(format!("the server refuses: {}", text.words.escape_ascii()).into());
            }
            Event::Greeting { status: Status::PreAuth, .. } if self.starttls => {
                // Who greets like this in the clear takes TLS away (RFC 9051 section 11.1).
                return Err("the server is logged in before TLS".into());
            }
            Event::Greeting { status: Status::PreAuth, .. } => self.act(client)?,
            Event::Greeting { .. } if self.starttls => _ = client.start_tls()?,
            Event::Greeting { .. } => self.log_in(client)?,
            Event::Response(response) => self.show(&response)?,
            Event::FetchBegin { .. } | Event::FetchNext { .. } => {}
            Event::FetchChunk(octets) => self.out.write_all(octets)?,
            Event::Done { kind, status, text, .. } => match (kind, status) {
                // The machine asks for it after STARTTLS: TLS is up.
                (CommandKind::Capability, _) => self.log_in(client)?,
                (CommandKind::StartTls | CommandKind::Logout, Status::Ok) => {}
                (CommandKind::Login | CommandKind::Authenticate, Status::Ok) => self.act(client)?,
                (CommandKind::Examine, Status::Ok) => self.selected(client)?,
                (CommandKind::Idle, Status::Ok) => {}
                (_, Status::Ok) => _ = client.command(&Command::Logout)?,
                _ => return Err(format!("{}: {}", kind.name(), text.words.escape_ascii()).into()),
            },
            // PLAIN has no challenge but an empty one, which the machine has answered.
            Event::Challenge(_) => client.cancel()?,
            Event::Idling => writeln!(self.out, "waiting; Ctrl-C ends it")?,
            Event::Invalid { reason, frame } => {
                writeln!(std::io::stderr(), "not understood ({reason}): {}", frame.escape_ascii())?;
            }
            _ => {}
        }
        Ok(())
    }

    fn log_in(&self, client: &mut Client) -> Result<(), Fault> {
        if client.capabilities().is_some_and(|c| c.login_disabled || c.offers("PLAIN")) {
            // RFC 4616 section 2
            let response = Zeroizing::new(format!("\0{}\0{}", self.user, *self.password));
            client.authenticate("PLAIN", Some(response.as_bytes()))?;
        } else {
            client.login(&self.user, &self.password)?;
        }
        Ok(())
    }

    /// Logged in.
    fn act(&self, client: &mut Client) -> Result<(), Fault> {
        match &self.action {
            Action::List => {
                let all = Patterns::parse(b"*", client.utf8()).ok_or("*")?;
                client.command(&Command::List(List::new(client.mailbox(b""), all)))?;
            }
            Action::Fetch { mailbox, .. } | Action::Idle { mailbox } => {
                let name = client.encode_name(mailbox);
                client.command(&Command::Select(Select::new(client.mailbox(&name), true)))?;
            }
        }
        Ok(())
    }

    /// The mailbox is open.
    fn selected(&self, client: &mut Client) -> Result<(), Fault> {
        match &self.action {
            Action::Fetch { uids, body, .. } => {
                let set = SequenceSet::parse(uids.as_bytes()).ok_or("these are no UIDs")?;
                let items: &[u8] = if *body { b"BODY.PEEK[]" } else { b"(UID RFC822.SIZE FLAGS ENVELOPE)" };
                let items = FetchItems::parse(items).ok_or("items")?;
                client.command(&Command::Fetch(Fetch::new(true, set, items)))?;
            }
            _ => _ = client.idle()?,
        }
        Ok(())
    }

    fn show(&mut self, response: &Response<'_>) -> Result<(), Fault> {
        match response {
            Response::List(mailbox) => {
                let name = mailbox.name.decode().map_or_else(
                    |_| mailbox.name.bytes().escape_ascii().to_string(),
                    std::borrow::Cow::into_owned,
                );
                let attributes: Vec<_> = mailbox.attributes.names().collect();
                writeln!(self.out, "{name}\t{}", attributes.join(" "))?;
            }
            // Octets of messages are all that is written where they are asked for.
            _ if matches!(self.action, Action::Fetch { body: true, .. })
                && !matches!(response, Response::Fetch(_)) => {}
            Response::Exists(n) => writeln!(self.out, "{n} messages")?,
            Response::Expunge(n) => writeln!(self.out, "message {n} is gone")?,
            Response::Fetch(message) => self.message(message.number, message.items)?,
            _ => {}
        }
        Ok(())
    }

    fn message(&mut self, number: u32, items: Attributes<'_>) -> Result<(), Fault> {
        let (mut uid, mut size, mut flags, mut envelope) = (None, None, None, Envelope::default());
        for item in items.iter() {
            match item {
                Attribute::Uid(n) => uid = Some(n),
                Attribute::Rfc822Size(n) => size = Some(n),
                Attribute::Flags(f) => flags = Some(f),
                Attribute::Envelope(e) => envelope = *e,
                // A body so short that the server put it in quotes.
                Attribute::Body { value: Some(octets), .. } => {
                    return Ok(self.out.write_all(&octets.bytes())?);
                }
                _ => {}
            }
        }
        write!(self.out, "{number}")?;
        if let Some(uid) = uid {
            write!(self.out, "\tuid {uid}")?;
        }
        if let Some(size) = size {
            write!(self.out, "\t{size} octets")?;
        }
        if let Some(flags) = flags {
            let system = [
                (SystemFlags::SEEN, "seen"),
                (SystemFlags::ANSWERED, "answered"),
                (SystemFlags::FLAGGED, "flagged"),
                (SystemFlags::DELETED, "deleted"),
                (SystemFlags::DRAFT, "draft"),
            ];
            let set = flags.system();
            let names = system.iter().filter(|(flag, _)| set.contains(*flag)).map(|(_, name)| *name);
            let all: Vec<_> = names.chain(flags.keywords()).collect();
            write!(self.out, "\t{}", all.join(" "))?;
        }
        if let Some(from) = envelope.from.first() {
            let part = |p: &Option<std::borrow::Cow<'_, [u8]>>| {
                p.as_deref().unwrap_or(b"").escape_ascii().to_string()
            };
            write!(self.out, "\t{}@{}", part(&from.mailbox), part(&from.host))?;
        }
        // A stranger wrote it: no control characters reach the terminal.
        writeln!(self.out, "\t{}", envelope.subject.as_deref().unwrap_or(b"").escape_ascii())?;
        Ok(())
    }
}
