//! Sends a message from standard input, by submission or by LMTP, and says what became of each recipient.
//!
//! `SMTP_PASSWORD=... cargo run -p smtp-submit-proto --example submit -- 127.0.0.1:1587 me@example.test you@example.test < message`
//! `cargo run -p smtp-submit-proto --example submit -- --lmtp 127.0.0.1:2424 me@example.test you@example.test < message`
//!
//! With SMTP_PASSWORD it logs in as the sender, by PLAIN. Nothing but the standard library does the IO, and there
//! is no TLS: it is for a server on the same machine. Ends with 1 when somebody was not served.

use std::{
    error::Error,
    io::{self, Read as _, Write as _},
    net::TcpStream,
    process::ExitCode,
    time::Instant,
};

use mail_wire::{InputBuffer, Machine as _, Poll};
use smtp_submit_proto::{
    ForwardPath, MailParams, Mailbox, RcptParams, Reply, ReversePath,
    client::{Client, Config, Event},
};

fn main() -> Result<ExitCode, Box<dyn Error>> {
    let mut arguments: Vec<String> = std::env::args().skip(1).collect();
    let lmtp = arguments.first().is_some_and(|first| first == "--lmtp");
    if lmtp {
        arguments.remove(0);
    }
    let [address, sender, recipients @ ..] = &*arguments else {
        return Err(
            "submit [--lmtp] ADDRESS:PORT SENDER RECIPIENT..., with the message on standard input".into()
        );
    };
    let mut message = Vec::new();
    io::stdin().read_to_end(&mut message)?;
    let mut config = Config::new("localhost");
    config.lmtp = lmtp;
    config.auth_in_clear = true;
    let mut letter = Letter {
        sender: sender.clone(),
        recipients: recipients.to_vec(),
        password: std::env::var("SMTP_PASSWORD").ok(),
        message,
        answers: vec![None; recipients.len()],
    };
    let mut client = Client::new(config);
    client.hello()?;
    talk(client, &TcpStream::connect(address)?, &mut letter)?;
    let mut all = true;
    for (recipient, answer) in letter.recipients.iter().zip(&letter.answers) {
        let (good, text) = answer.as_ref().map_or((false, "no answer"), |(good, text)| (*good, text));
        writeln!(io::stdout(), "{recipient}: {text}")?;
        all &= good;
    }
    Ok(if all { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Moves octets between the machine and the connection.
fn talk(mut client: Client, mut stream: &TcpStream, letter: &mut Letter) -> Result<(), Box<dyn Error>> {
    let start = Instant::now();
    let (mut input, mut scratch) = (InputBuffer::new(1 << 16), vec![0; 1 << 14]);
    loop {
        let now = mail_wire::Instant::from_start(start.elapsed());
        match client.poll(input.filled(), now)? {
            Poll::Frame(n) => {
                let event = client.event(input.filled().get(..n).unwrap_or_default());
                letter.take(event, &mut client)?;
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

struct Letter {
    sender: String,
    recipients: Vec<String>,
    password: Option<String>,
    message: Vec<u8>,
    /// For each recipient: whether it is served, and the server's words.
    answers: Vec<Option<(bool, String)>>,
}

impl Letter {
    fn take(&mut self, event: Event<'_>, client: &mut Client) -> Result<(), Box<dyn Error>> {
        match event {
            Event::Ready(_) => match &self.password {
                Some(password) => {
                    client.auth("PLAIN", Some(format!("\0{}\0{password}", self.sender).as_bytes()))?;
                }
                None => self.envelope(client)?,
            },
            Event::Authenticated(_) => self.envelope(client)?,
            Event::Mail(reply) if !reply.is_positive() => self.answer(None, reply),
            Event::Rcpt { index, reply } if !reply.is_positive() => self.answer(Some(index), reply),
            Event::BodyWanted => {
                client.body(std::mem::take(&mut self.message).into())?;
                client.end_body()?;
            }
            Event::Sent { recipient, last, reply } => {
                self.answer(recipient, reply);
                if last {
                    client.quit()?;
                }
            }
            Event::DataRefused(reply) => {
                self.answer(None, reply);
                client.quit()?;
            }
            Event::NoRecipient => client.quit()?,
            Event::AuthFailed(reply) | Event::HelloRefused(reply) => return Err(reply.text().into()),
            _ => {}
        }
        Ok(())
    }

    /// With PIPELINING all of it goes out together.
    fn envelope(&self, client: &mut Client) -> Result<(), Box<dyn Error>> {
        let sender = Mailbox::parse(&self.sender)?;
        client.mail(ReversePath::Mailbox(sender), &MailParams::default())?;
        for recipient in &self.recipients {
            client.rcpt(ForwardPath::Mailbox(Mailbox::parse(recipient)?), &RcptParams::default())?;
        }
        Ok(client.data()?)
    }

    /// The first answer counts: after a refusal nothing better follows.
    fn answer(&mut self, index: Option<u32>, reply: Reply<'_>) {
        let text = format!("{} {}", reply.code(), reply.text().replace('\n', " "));
        let one = index.and_then(|i| usize::try_from(i).ok());
        for (place, answer) in self.answers.iter_mut().enumerate() {
            if one.is_none_or(|one| one == place) {
                answer.get_or_insert_with(|| (reply.is_positive(), text.clone()));
            }
        }
    }
}
