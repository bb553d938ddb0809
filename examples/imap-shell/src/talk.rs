//! The conversation: what is said when, and what is made of the answers.

use std::io::Write as _;

use auth_sasl::ClientLogin;
use futures_io::{AsyncRead, AsyncWrite};
use imap4_proto::{
    client::{Client, Event},
    server::State,
    types::{
        Capabilities, Command, CommandKind, Fetch, FetchItems, List, Patterns, ResponseText, Select,
        SequenceSet, Status,
    },
};
use mail_drive::{Accept, DriveError, Driver, Next, Timer, Turn};

use crate::{Action, Cli, Fault, Tls, login::Login, show::Shown};

pub(crate) struct Talk {
    login: Login,
    starttls: bool,
    compress: bool,
    verbose: bool,
    action: Action,
    shown: Shown,
}

impl Talk {
    pub(crate) fn new(cli: &Cli, who: ClientLogin) -> Self {
        let bodies = matches!(cli.action, Action::Fetch { body: true, .. });
        Self {
            login: Login::new(who, cli.mechanism.clone()),
            starttls: cli.tls == Tls::Starttls,
            compress: cli.compress,
            verbose: cli.verbose,
            action: cli.action.clone(),
            shown: Shown::new(bodies),
        }
    }

    /// Talks until the connection is closed.
    ///
    /// The driver sends what the machine has queued, reads, does TLS and compression when the machine asks for them, keeps its
    /// deadlines (IDLE is begun anew in time), and returns at each event.
    pub(crate) async fn run<S, T, A>(mut self, mut driver: Driver<Client, S, T, A>) -> Result<(), Fault>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
        T: Timer,
        A: Accept<S>,
    {
        loop {
            let Turn { event, peer } = match driver.next_or(tokio::signal::ctrl_c()).await.map_err(hint)? {
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
        self.shown.flush()?;
        match driver.machine().state() {
            State::Logout => Ok(()),
            _ => Err("the server has closed the connection".into()),
        }
    }

    /// One event: what it says is shown, and what follows it is begun.
    fn hear(&mut self, client: &mut Client, event: Event<'_>) -> Result<(), Fault> {
        match event {
            // The server speaks first.
            Event::Greeting { status: Status::Bye, text } => {
                return Err(format!("the server refuses: {}", text.words.escape_ascii()).into());
            }
            Event::Greeting { status: Status::PreAuth, .. } if self.starttls => {
                // Who greets like this in the clear takes TLS away (RFC 9051 section 11.1).
                return Err("the server is logged in before TLS".into());
            }
            Event::Greeting { status: Status::PreAuth, .. } => self.logged_in(client)?,
            Event::Greeting { .. } if self.starttls => _ = client.start_tls()?,
            Event::Greeting { .. } => self.login.begin(client)?,

            // A command is complete. Several could be in flight: `tag` tells them apart.
            Event::Done { kind, status: Status::Ok, .. } => self.done(client, kind)?,
            Event::Done { kind: CommandKind::Compress, .. } => self.act(client)?,
            Event::Done { kind, text, .. } => return Err(self.failed(kind, &text)),

            // SASL.
            Event::Challenge(challenge) => self.login.challenge(client, challenge.expose())?,

            // Answers and news, whichever comes.
            Event::Response(response) => self.shown.response(&response)?,
            // A body streams past in chunks, however large it is; what stands beside it is of no use here.
            Event::FetchChunk(octets) => self.shown.octets(octets)?,
            Event::FetchBegin { .. } | Event::FetchNext { .. } | Event::FetchEnd { .. } => {}
            Event::Idling => self.shown.line("waiting; Ctrl-C ends it")?,
            Event::Invalid { reason, frame } => {
                writeln!(std::io::stderr(), "not understood ({reason}): {}", frame.escape_ascii())?;
            }
            _ => {}
        }
        Ok(())
    }

    /// A command has succeeded: the next one.
    fn done(&mut self, client: &mut Client, kind: CommandKind) -> Result<(), Fault> {
        match kind {
            // Asked for by `Login`, or after STARTTLS by the machine itself: TLS is up, and what the server said in the clear is
            // forgotten.
            CommandKind::Capability => self.login.begin(client),
            CommandKind::Login | CommandKind::Authenticate => {
                let how = self.login.accepted()?;
                self.tell(&format!("logged in by {how}"))?;
                self.logged_in(client)
            }
            CommandKind::Compress => {
                self.tell("the connection is compressed")?;
                self.act(client)
            }
            CommandKind::Examine => self.selected(client),
            CommandKind::StartTls | CommandKind::Logout | CommandKind::Idle => Ok(()),
            _ => {
                client.command(&Command::Logout)?;
                Ok(())
            }
        }
    }

    fn logged_in(&self, client: &mut Client) -> Result<(), Fault> {
        if self.compress && client.has(Capabilities::COMPRESS_DEFLATE) {
            client.compress()?;
            return Ok(());
        }
        if self.compress {
            self.tell("the server cannot compress, or has not said so")?;
        }
        self.act(client)
    }

    /// What the user wants.
    fn act(&self, client: &mut Client) -> Result<(), Fault> {
        match &self.action {
            Action::List => {
                let all = Patterns::parse(b"*", client.utf8()).ok_or("*")?;
                client.command(&Command::List(List::new(client.mailbox(b""), all)))?;
            }
            Action::Fetch { mailbox, .. } | Action::Idle { mailbox } => {
                // Names go out in the encoding that the connection uses: modified UTF-7, or UTF-8.
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
                let set = SequenceSet::parse(uids.as_bytes())
                    .ok_or_else(|| format!("{uids:?} are no UIDs: write 7, or 1:*, or 3,5:9"))?;
                let items: &[u8] = if *body { b"BODY.PEEK[]" } else { b"(UID RFC822.SIZE FLAGS ENVELOPE)" };
                let items = FetchItems::parse(items).ok_or("items")?;
                client.command(&Command::Fetch(Fetch::new(true, set, items)))?;
            }
            _ => _ = client.idle()?,
        }
        Ok(())
    }

    fn failed(&self, kind: CommandKind, text: &ResponseText<'_>) -> Fault {
        let words = text.words.escape_ascii();
        match kind {
            CommandKind::Login | CommandKind::Authenticate => self.login.refused(text),
            CommandKind::StartTls => {
                format!("the server has no STARTTLS: {words}. Try --tls implicit, mostly on port 993").into()
            }
            CommandKind::Examine => {
                format!("the mailbox cannot be opened: {words}. The action `list` shows the names").into()
            }
            _ => format!("{} was refused: {words}", kind.name()).into(),
        }
    }

    fn tell(&self, what: &str) -> Result<(), Fault> {
        if self.verbose {
            writeln!(std::io::stderr(), "{what}")?;
        }
        Ok(())
    }
}

/// What may help, beside what went wrong.
fn hint<E: std::error::Error + Send + Sync + 'static>(error: DriveError<E>) -> Fault {
    match error {
        DriveError::Handshake(error) => format!(
            "the TLS handshake failed: {error}. --host must be the name in the certificate, --ca the file with who signed it, and \
             --tls what the port speaks"
        )
        .into(),
        other => Box::new(other),
    }
}
