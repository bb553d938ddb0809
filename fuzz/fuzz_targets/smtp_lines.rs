//! SMTP commands and replies: what is made comes back from the wire; what is read from any octets is written so that it reads the same.
#![no_main]
use arbitrary::{Result, Unstructured};
use libfuzzer_sys::fuzz_target;
use smtp_submit_proto::{
    BodyType, ByMode, Command, DateTime, DeliverBy, ForwardPath, Hold, MailParams, Mailbox, Notify,
    OriginalRecipient, Priority, RcptParams, Reply, Ret, ReversePath, Rules, SaslData, Submitter, Xclient,
    Xtext, status,
};

fn number(u: &mut Unstructured<'_>) -> Result<u64> {
    Ok(match u.int_in_range(0..=3)? {
        0 => u.arbitrary()?,
        1 => u64::MAX,
        _ => u.arbitrary::<u16>()?.into(),
    })
}

fn maybe<'a, T>(
    u: &mut Unstructured<'a>,
    make: impl FnOnce(&mut Unstructured<'a>) -> Result<T>,
) -> Result<Option<T>> {
    if u.arbitrary()? { make(u).map(Some) } else { Ok(None) }
}

/// An address out of the octets, or one that is fixed.
fn mailbox<'a>(u: &mut Unstructured<'a>) -> Result<Mailbox<'a>> {
    let fixed =
        *u.choose(&["a@b", "\"a b\\\"\"@[127.0.0.1]", "\u{e4}@b\u{fc}cher.example", "x@[IPv6:::1]"])?;
    let text: &str = u.arbitrary()?;
    Ok(Mailbox::parse_utf8(text).unwrap_or(Mailbox::parse_utf8(fixed).expect("an address")))
}

/// Short, and of what can be printed: ENVID has up to 100 octets (RFC 3461 section 4.4).
fn xtext<'a>(u: &mut Unstructured<'a>) -> Result<Xtext<'a>> {
    Ok(Xtext::new(u.arbitrary()?)
        .filter(|t| {
            (1..=90).contains(&t.as_str().len())
                && t.decoded().is_some_and(|d| d.bytes().all(|c| (b' '..=b'~').contains(&c)))
        })
        .unwrap_or(Xtext::new("a+2Bb").expect("xtext")))
}

fn mail_params<'a>(u: &mut Unstructured<'a>) -> Result<MailParams<'a>> {
    let mut p = MailParams::default();
    p.size = maybe(u, number)?;
    p.body =
        maybe(u, |u| Ok(*u.choose(&[BodyType::SevenBit, BodyType::EightBitMime, BodyType::BinaryMime])?))?;
    p.auth = maybe(u, |u| {
        Ok(if u.arbitrary()? {
            Submitter::Unknown
        } else {
            Submitter::Mailbox(Xtext::new("a+2Bb@c").expect("xtext"))
        })
    })?;
    p.ret = maybe(u, |u| Ok(if u.arbitrary()? { Ret::Full } else { Ret::Headers }))?;
    p.envid = maybe(u, xtext)?;
    p.smtp_utf8 = u.arbitrary()?;
    p.require_tls = u.arbitrary()?;
    p.deliver_by = maybe(u, |u| {
        let mode = if u.arbitrary()? { ByMode::Return } else { ByMode::Notify };
        Ok(DeliverBy::new(u.arbitrary()?, mode, u.arbitrary()?))
    })?
    .flatten();
    p.hold = maybe(u, |u| {
        Ok(if u.arbitrary()? {
            Hold::For(u.int_in_range(1..=999_999_999)?)
        } else {
            Hold::Until(DateTime::parse("2007-04-12T15:46:17Z").expect("a time"))
        })
    })?;
    p.priority = maybe(u, |u| Ok(Priority::new(u.arbitrary()?)))?.flatten();
    Ok(p)
}

fn command<'a>(u: &mut Unstructured<'a>) -> Result<Command<'a>> {
    Ok(match u.int_in_range(0..=13)? {
        0 => Command::Ehlo(u.arbitrary()?),
        1 => Command::Helo(u.arbitrary()?),
        2 => Command::Lhlo(u.arbitrary()?),
        3 => Command::Mail(
            if u.arbitrary()? { ReversePath::Null } else { ReversePath::Mailbox(mailbox(u)?) },
            mail_params(u)?,
        ),
        4 => {
            let mut p = RcptParams::default();
            p.notify = maybe(u, |u| {
                Ok(Notify { success: u.arbitrary()?, failure: u.arbitrary()?, delay: u.arbitrary()? })
            })?;
            p.orcpt = maybe(u, |u| Ok(OriginalRecipient::new("rfc822", xtext(u)?)))?.flatten();
            Command::Rcpt(
                if u.arbitrary()? { ForwardPath::Postmaster } else { ForwardPath::Mailbox(mailbox(u)?) },
                p,
            )
        }
        5 => Command::Vrfy(u.arbitrary()?),
        6 => Command::Expn(u.arbitrary()?),
        7 => Command::Help(maybe(u, |u| u.arbitrary())?),
        8 => Command::Noop(maybe(u, |u| u.arbitrary())?),
        9 => Command::Auth {
            mechanism: u.arbitrary()?,
            initial: maybe(u, |u| u.arbitrary())?.and_then(SaslData::from_base64),
        },
        10 => Command::Bdat { size: number(u)?, last: u.arbitrary()? },
        11 => Command::Burl { url: u.arbitrary()?, last: u.arbitrary()? },
        12 => match Xclient::parse(u.arbitrary()?) {
            Some(x) => Command::Xclient(x),
            None => Command::Quit,
        },
        _ => *u.choose(&[Command::Data, Command::Rset, Command::Quit, Command::StartTls])?,
    })
}

/// What a command can hold is more than what a line can say: names and free text are taken as they are and checked when they are read.
fn comes_back(command: Command<'_>, is_read: bool) {
    // A name that ends so is a name and the parameter, which is dropped where it is read.
    if let Command::Vrfy(text) | Command::Expn(text) = command
        && !is_read
        && text.to_ascii_uppercase().ends_with(" SMTPUTF8")
    {
        return;
    }
    let mut wire = Vec::new();
    if command.encode(&mut wire).is_err() {
        assert!(!is_read && wire.is_empty(), "what was read is written: {command:?}");
        return;
    }
    assert!(
        wire.ends_with(b"\r\n") && !wire[..wire.len() - 2].iter().any(|c| matches!(c, b'\r' | b'\n' | 0))
    );
    match Command::parse(&wire, &Rules::all()) {
        Ok(back) => assert_eq!(back, command, "{}", wire.escape_ascii()),
        Err(e) => {
            let free = matches!(
                command,
                Command::Ehlo(_)
                    | Command::Helo(_)
                    | Command::Lhlo(_)
                    | Command::Auth { .. }
                    | Command::Burl { .. }
                    | Command::Vrfy(_)
                    | Command::Expn(_)
                    | Command::Help(_)
                    | Command::Noop(_)
                    | Command::Xclient(_)
            );
            assert!(free && !is_read, "{e:?} {}", wire.escape_ascii());
        }
    }
}

/// What is a reply has lines; what its text says can be asked of it.
fn reply(wire: &[u8]) {
    let Some(reply) = Reply::parse(wire) else { return };
    assert!((200..600).contains(&reply.code()), "{reply:?}");
    assert!(reply.lines().count() >= 1);
    let _ = (reply.enhanced(), reply.status(), reply.text(), smtp_submit_proto::Capabilities::read(reply));
    // Written again from its parts it is the same reply.
    let lines: Vec<&[u8]> = reply.lines().collect();
    let mut again = Vec::new();
    for (i, line) in lines.iter().enumerate() {
        again.extend_from_slice(reply.code().to_string().as_bytes());
        again.push(if i + 1 == lines.len() { b' ' } else { b'-' });
        again.extend_from_slice(line);
        again.extend_from_slice(b"\r\n");
    }
    let back = Reply::parse(&again).expect("a reply");
    assert_eq!((back.code(), back.text()), (reply.code(), reply.text()));
}

/// What a server writes, a client reads.
fn written_reply(text: &str) {
    use mail_wire::{Instant, Machine, Poll};
    use smtp_submit_proto::{Config, Server};
    let mut server = Server::new(Config::new("mx.test"));
    let wire = b"EHLO x\r\n";
    while let Ok(Poll::Frame(n)) = server.poll(wire, Instant::ZERO) {
        let _ = server.event(&wire[..n]);
        break;
    }
    let sent = server.output().len();
    server.output().advance(sent);
    if server.close(status::SHUTTING_DOWN, text).is_ok() {
        let sent: Vec<u8> = server.output().segments().flatten().copied().collect();
        let back = Reply::parse(&sent).expect("a reply");
        assert_eq!(back.status(), Some(status::SHUTTING_DOWN), "{}", sent.escape_ascii());
    }
}

fuzz_target!(|input: &[u8]| {
    let Some((mode, input)) = input.split_first() else { return };
    match mode % 4 {
        0 => {
            if let Ok(command) = command(&mut Unstructured::new(input)) {
                comes_back(command, false);
            }
        }
        1 => {
            if let Ok(command) = Command::parse(input, &Rules::all()) {
                comes_back(command, true);
            }
            // Whatever is taken with the default rules is taken with all.
            if Command::parse(input, &Rules::default()).is_ok() {
                assert!(Command::parse(input, &Rules::all()).is_ok());
            }
        }
        2 => reply(input),
        _ => written_reply(&String::from_utf8_lossy(input)),
    }
});
