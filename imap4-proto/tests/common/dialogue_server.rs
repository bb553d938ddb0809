use std::mem::discriminant;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use imap4_proto::{
    server::{AppendBegin, Config, Event, Mechanism, Passwords, Server},
    types::{Capabilities, Code, Command, CommandKind, Response, ResponseCode, ResponseText, Status},
};
use mail_wire::{Instant, Machine, Poll, TlsInfo, Upgrade, Upgraded};

use super::{Dialogue, Side, Start, frames, response};

/// Everything on, and every mechanism the script names.
fn config(dialogue: &Dialogue) -> Config {
    let mut config = Config::default();
    config.capabilities = Capabilities::from_bits(u128::MAX).without(Capabilities::LITERAL_MINUS);
    config.passwords = Passwords::Always;
    for (side, octets) in &dialogue.turns {
        let said = String::from_utf8_lossy(octets).into_owned();
        for line in said.lines().filter(|_| *side == Side::Client) {
            let mut words = line.split(' ').skip(1);
            if words.next().is_some_and(|w| w.eq_ignore_ascii_case("AUTHENTICATE"))
                && let Some(name) = words.next()
            {
                config.mechanisms.push(Mechanism::new(name.to_ascii_uppercase(), false));
            }
        }
    }
    config
}

/// The server machine and the host that answers by the script.
struct Serving {
    server: Server,
    /// What the script answers before the client's next turn; whether it must come exactly so.
    answers: Vec<(Vec<u8>, bool)>,
    /// How many of them are used.
    used: usize,
    events: Vec<String>,
}

/// Sends the client's lines in pieces, and returns the machine's events.
pub fn serve(dialogue: &Dialogue, piece: usize) -> Vec<String> {
    let config = config(dialogue);
    let server = match dialogue.start {
        Start::Greeting | Start::NotAuthenticated => Server::new(config),
        Start::Authenticated | Start::Selected => Server::preauthenticated(config),
    };
    let mut serving = Serving { server, answers: Vec::new(), used: 0, events: Vec::new() };
    let mut input = Vec::new();
    serving.step(&mut input);
    let mut greeting = frames(&serving.output());
    if dialogue.start == Start::Selected {
        serving.answers = vec![(b"s OK [READ-WRITE] selected\r\n".to_vec(), true)];
        serving.take(b"s SELECT INBOX\r\n", piece, &mut input);
        serving.output();
    }
    if dialogue.utf8 {
        serving.server.set_enabled(Capabilities::UTF8_ACCEPT);
    }
    serving.events.clear();
    let mut turns = dialogue.turns.iter().peekable();
    while let Some((side, octets)) = turns.next() {
        let utf8 = serving.server.utf8();
        if *side == Side::Server {
            // Only at the start: the greeting, and what is said without being asked.
            serving.answers = frames(octets).into_iter().map(|f| (f, true)).collect();
            serving.used = 0;
            if dialogue.start == Start::Greeting {
                let wanted = response(&serving.answers[0].0, false);
                assert_eq!(discriminant(&wanted), discriminant(&response(&greeting.remove(0), false)));
                serving.answers.remove(0);
            }
        } else {
            let answers = turns.next_if(|(side, _)| *side == Side::Server).map_or(&[][..], |(_, s)| s);
            serving.answers = frames(answers).into_iter().map(|f| (f, true)).collect();
            serving.take(octets, piece, &mut input);
        }
        serving.unasked();
        let got = serving.output();
        compare(&serving.answers, &frames(&got), utf8 || serving.server.utf8());
    }
    serving.events
}

impl Serving {
    fn output(&mut self) -> Vec<u8> {
        let out: Vec<u8> = self.server.output().segments().flatten().copied().collect();
        self.server.output().advance(out.len());
        out
    }

    fn take(&mut self, octets: &[u8], piece: usize, input: &mut Vec<u8>) {
        self.used = 0;
        for part in octets.chunks(piece.min(octets.len()).max(1)) {
            input.extend_from_slice(part);
            self.step(input);
        }
    }

    fn step(&mut self, input: &mut Vec<u8>) {
        loop {
            match self.server.poll(input, Instant::ZERO).unwrap() {
                Poll::Frame(n) => {
                    let frame: Vec<u8> = input.drain(..n).collect();
                    let event = self.server.event(&frame);
                    self.host(&event);
                    match (&event, self.events.last_mut()) {
                        (Event::AppendChunk(octets), Some(last)) if last.starts_with("chunk ") => {
                            last.push_str(&octets.escape_ascii().to_string());
                        }
                        (Event::AppendChunk(octets), _) => {
                            self.events.push(format!("chunk {}", octets.escape_ascii()));
                        }
                        _ => self.events.push(format!("{event:?}")),
                    }
                }
                Poll::Skip(n) => drop(input.drain(..n)),
                Poll::Upgrade(Upgrade::Tls) => self.server.upgraded(Upgraded::Tls(TlsInfo::default())),
                Poll::Upgrade(Upgrade::Deflate) => self.server.upgraded(Upgraded::Deflate),
                Poll::NeedInput { .. } | Poll::Close => return,
                other => panic!("{other:?} after {:?}", self.events),
            }
        }
    }

    fn host(&mut self, event: &Event<'_>) {
        match event {
            Event::AppendChunk(_) => {}
            // The machine has answered: the script's answer is compared but for its words.
            Event::Answered(_) | Event::AuthCancel | Event::AppendAbort | Event::IdleAbort => {
                while let Some((frame, exact)) = self.answers.get_mut(self.used) {
                    *exact = false;
                    self.used += 1;
                    if matches!(response(frame, true), Response::Tagged { .. }) {
                        return;
                    }
                }
            }
            Event::AppendBegin(AppendBegin { message, .. }) | Event::AppendNext(message)
                if !message.synchronizing || message.catenate.is_some_and(|part| part.text.is_none()) =>
            {
                self.accept();
            }
            Event::AppendPart(part) if !part.synchronizing || part.text.is_none() => self.accept(),
            Event::Command(Command::Enable(list)) => {
                self.server.set_enabled(list.known());
                self.answer();
            }
            _ => self.answer(),
        }
    }

    /// A message that does not wait: it is taken, unless the script refuses it.
    fn accept(&mut self) {
        match self.answers.get(self.used).map(|(frame, _)| response(frame, true)) {
            Some(Response::Tagged { status: Status::No, text, .. })
                if self.used + 1 == self.answers.len()
                    && matches!(text.code, Some(ResponseCode::Plain(Code::TooBig))) =>
            {
                self.answer();
            }
            _ => self.server.accept_literal().unwrap(),
        }
    }

    /// Answers with the script's lines, to the end of the command or to where it waits for the client.
    fn answer(&mut self) {
        loop {
            let kind = self.server.command();
            let at = self.used;
            let Some((frame, _)) = self.answers.get(at).cloned() else {
                panic!("the script does not answer {kind:?}; so far {:?}", self.events);
            };
            self.used += 1;
            match response(&frame, self.server.utf8()) {
                Response::Tagged { status, text, .. } => {
                    self.answers[at].1 = self.complete(kind, status, &text, &frame);
                    return;
                }
                Response::Continue(text) => {
                    match kind {
                        Some(CommandKind::Authenticate) => {
                            self.server.challenge(&STANDARD.decode(text.words).unwrap()).unwrap();
                        }
                        Some(CommandKind::Idle) => self.server.accept_idle().unwrap(),
                        // One for a literal within a command is the machine's.
                        _ if self.server.accept_literal().is_err() => continue,
                        _ => {}
                    }
                    return;
                }
                // Written by `logout`.
                Response::Condition { status: Status::Bye, .. } if kind == Some(CommandKind::Logout) => {
                    self.answers[at].1 = false;
                }
                other => self.put(&other),
            }
        }
    }

    /// Ends the command; whether the script's words come exactly so.
    fn complete(
        &mut self,
        kind: Option<CommandKind>,
        status: Status,
        text: &ResponseText<'_>,
        frame: &[u8],
    ) -> bool {
        let words = std::str::from_utf8(text.words).unwrap();
        let line = String::from_utf8_lossy(frame).into_owned();
        let code = text.code.map(|_| {
            let inner = &line[line.find('[').unwrap() + 1..line.find(']').unwrap()];
            inner.split_once(' ').map_or((inner, None), |(name, arguments)| (name, Some(arguments)))
        });
        let code = code.map(|(name, arguments)| Code::Other(name, arguments));
        let server = &mut self.server;
        match (status, kind) {
            (Status::Ok, Some(CommandKind::Login | CommandKind::Authenticate)) => {
                server.authenticated(words).unwrap();
                return false;
            }
            (Status::Ok, Some(CommandKind::Select | CommandKind::Examine)) => {
                server.selected(line.contains("[READ-ONLY]"), words).unwrap();
                return code.is_some();
            }
            (Status::Ok, Some(CommandKind::Logout)) => {
                server.logout(words).unwrap();
                return false;
            }
            (Status::Ok, _) => server.ok(code, words).unwrap(),
            (Status::No, _) => server.no(code, words).unwrap(),
            _ => server.bad(code, words).unwrap(),
        }
        true
    }

    /// Writes an untagged response as the encoder does.
    fn put(&mut self, what: &Response<'_>) {
        if is_closed(what) {
            return; // the machine says it by itself
        }
        if let Response::Enabled(list) = what {
            self.server.set_enabled(list.known());
        }
        let mut wire = Vec::new();
        what.encode(&mut wire);
        self.server.raw().unwrap().put(&wire);
    }

    /// What the script says beyond the answers to commands.
    fn unasked(&mut self) {
        while let Some((frame, _)) = self.answers.get(self.used) {
            self.used += 1;
            let frame = frame.clone();
            match response(&frame, self.server.utf8()) {
                Response::Continue(_) => {}
                tagged @ Response::Tagged { .. } => panic!("{tagged:?} answers nothing: {:?}", self.events),
                other => self.put(&other),
            }
        }
    }
}

fn is_closed(response: &Response<'_>) -> bool {
    matches!(
        response,
        Response::Condition { text: ResponseText { code: Some(ResponseCode::Plain(Code::Closed)), .. }, .. }
    )
}

fn compare(wanted: &[(Vec<u8>, bool)], got: &[Vec<u8>], utf8: bool) {
    let shown = || {
        let all = |f: &[u8]| format!("{}", f.escape_ascii());
        format!(
            "{:#?} is not {:#?}",
            got.iter().map(|f| all(f)).collect::<Vec<_>>(),
            wanted.iter().map(|(f, _)| all(f)).collect::<Vec<_>>()
        )
    };
    let mut got = got.iter().peekable();
    for (frame, exact) in wanted {
        let wanted = response(frame, utf8);
        if !is_closed(&wanted) {
            // RFC 3501 has no such line where another mailbox is selected.
            got.next_if(|frame| is_closed(&response(frame, utf8)));
        }
        let got = response(got.next().unwrap_or_else(|| panic!("too few: {}", shown())), utf8);
        let same = match (&wanted, &got) {
            (Response::Continue(_), Response::Continue(_)) => true,
            (Response::Condition { .. }, Response::Condition { .. }) if is_closed(&wanted) => is_closed(&got),
            (Response::Tagged { tag: a, status: x, .. }, Response::Tagged { tag: b, status: y, .. })
                if !exact =>
            {
                (a, x) == (b, y)
            }
            _ if !exact => discriminant(&wanted) == discriminant(&got),
            _ => wanted == got,
        };
        assert!(same, "{got:?} is not {wanted:?}: {}", shown());
    }
    assert!(got.next().is_none(), "too many: {}", shown());
}
