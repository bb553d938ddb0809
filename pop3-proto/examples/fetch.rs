//! Fetches what is new, and leaves copies on the server: the "leave a copy" mode of mail programs.
//!
//! `POP3_PASSWORD=... cargo run -p pop3-proto --example fetch -- 127.0.0.1:1110 name directory`
//!
//! Each message becomes a file; the unique-ids of those that are there stand in `directory/seen`. Nothing but
//! the standard library does the IO, and there is no TLS: it is for a server on the same machine.

use std::{
    collections::BTreeSet,
    error::Error,
    fs,
    io::{self, Read as _, Write as _},
    net::TcpStream,
    path::{Path, PathBuf},
    time::Instant,
};

use mail_wire::{InputBuffer, Machine as _, Poll};
use pop3_proto::{
    CommandKind, MessageNumber, Secret,
    client::{Client, Config, Event},
};

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let (Some(address), Some(user), Some(directory)) = (arguments.next(), arguments.next(), arguments.next())
    else {
        return Err("fetch ADDRESS:PORT NAME DIRECTORY, with the password in POP3_PASSWORD".into());
    };
    let password = std::env::var("POP3_PASSWORD")?;
    let mut fetcher = Fetcher::new(user, password, directory.into())?;
    let mut config = Config::default();
    config.login_in_clear = true;
    talk(Client::new(config), &TcpStream::connect(address)?, &mut fetcher)?;
    writeln!(io::stdout(), "{} new, {} there before", fetcher.fetched, fetcher.before)?;
    Ok(())
}

/// Moves octets between the machine and the connection.
fn talk(mut client: Client, mut stream: &TcpStream, fetcher: &mut Fetcher) -> Result<(), Box<dyn Error>> {
    let start = Instant::now();
    let (mut input, mut scratch) = (InputBuffer::new(1 << 16), vec![0; 1 << 14]);
    loop {
        let now = mail_wire::Instant::from_start(start.elapsed());
        match client.poll(input.filled(), now)? {
            Poll::Frame(n) => {
                let event = client.event(input.filled().get(..n).unwrap_or_default());
                fetcher.take(event, &mut client)?;
                input.consume(n);
            }
            Poll::Skip(n) => input.consume(n),
            Poll::NeedInput { .. } => {
                flush(&mut client, stream)?;
                let until = client.deadline().map(|at| at.saturating_since(now));
                stream.set_read_timeout(until.filter(|d| !d.is_zero()))?;
                let room = scratch.len().min(input.room());
                match stream.read(scratch.get_mut(..room).unwrap_or_default()) {
                    Ok(0) => return Err("the server closed the connection".into()),
                    Ok(n) => {
                        let _ = input.extend(scratch.get(..n).unwrap_or_default());
                    }
                    Err(e) if matches!(e.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut) => {
                        client.handle_timeout(mail_wire::Instant::from_start(start.elapsed()));
                    }
                    Err(e) => return Err(e.into()),
                }
            }
            _ => return Ok(flush(&mut client, stream)?),
        }
    }
}

fn flush(client: &mut Client, mut stream: &TcpStream) -> io::Result<()> {
    let out = client.output();
    for segment in out.segments() {
        stream.write_all(segment)?;
    }
    out.advance(out.len());
    Ok(())
}

struct Fetcher {
    user: String,
    password: String,
    directory: PathBuf,
    seen: BTreeSet<String>,
    before: usize,
    wanted: Vec<(MessageNumber, String)>,
    /// The file that is being written, and its message's unique-id.
    open: Option<(fs::File, PathBuf, String)>,
    fetched: usize,
}

impl Fetcher {
    fn new(user: String, password: String, directory: PathBuf) -> io::Result<Self> {
        fs::create_dir_all(&directory)?;
        let seen: BTreeSet<String> = fs::read_to_string(directory.join("seen"))
            .unwrap_or_default()
            .lines()
            .map(str::to_owned)
            .collect();
        let before = seen.len();
        Ok(Self { user, password, directory, seen, before, wanted: vec![], open: None, fetched: 0 })
    }

    fn take(&mut self, event: Event<'_>, client: &mut Client) -> Result<(), Box<dyn Error>> {
        match event {
            Event::Greeting { .. } => client.capa()?,
            // An old server may not know CAPA.
            Event::Capabilities | Event::Err { command: Some(CommandKind::Capa), .. } => {
                client.user(self.user.as_bytes())?;
            }
            Event::Ok { command: CommandKind::User, .. } => {
                client.pass(Secret::new(self.password.as_bytes()))?
            }
            Event::LoggedIn(_) => client.uidl(None)?,
            Event::UniqueId { number, unique_id } if !self.seen.contains(unique_id) => {
                self.wanted.push((number, unique_id.to_owned()));
            }
            Event::ListEnd(CommandKind::Uidl) => {
                for (number, _) in &self.wanted {
                    client.retr(*number)?; // with PIPELINING all go out together
                }
                client.quit()?;
            }
            Event::BodyBegin(number) => {
                let found = self.wanted.iter().find(|(n, _)| *n == number);
                let (_, id) = found.ok_or("a message that was not asked for")?;
                let path = self.directory.join(file_name(id));
                self.open = Some((fs::File::create(path.with_extension("part"))?, path, id.clone()));
            }
            Event::BodyChunk(octets) => {
                if let Some((file, ..)) = &mut self.open {
                    file.write_all(octets)?;
                }
            }
            Event::BodyEnd { .. } => {
                if let Some((file, path, id)) = self.open.take() {
                    file.sync_all()?;
                    fs::rename(path.with_extension("part"), path)?;
                    remember(&self.directory, &id)?;
                    self.fetched += 1;
                }
            }
            Event::Err { text, command, .. } => {
                let text = String::from_utf8_lossy(text).into_owned();
                return Err(format!("{command:?} was refused: {text}").into());
            }
            _ => {}
        }
        Ok(())
    }
}

/// A unique-id may hold any printable character, a slash too.
fn file_name(unique_id: &str) -> String {
    let safe =
        |c: char| if c.is_ascii_alphanumeric() { c.to_string() } else { format!("_{:02x}", u32::from(c)) };
    unique_id.chars().map(safe).chain([".eml".to_owned()]).collect()
}

fn remember(directory: &Path, unique_id: &str) -> io::Result<()> {
    let mut seen = fs::OpenOptions::new().create(true).append(true).open(directory.join("seen"))?;
    writeln!(seen, "{unique_id}")?;
    seen.sync_all()
}
