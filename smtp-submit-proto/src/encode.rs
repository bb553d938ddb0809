//! The mirror of the grammar: values to octets.

use alloc::vec::Vec;
use mail_wire::OutputQueue;

use crate::{
    ByMode, Command, ForwardPath, Hold, MailParams, RcptParams, ReversePath, SaslData, Status, Submitter,
    Verb,
};

/// The longest reply line in octets, CRLF included (RFC 5321 section 4.5.3.1.5).
const REPLY_LINE: usize = 512;

/// A command holds what no command line can say: a line end or another control character, or an
/// argument that is missing.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("the argument of {} cannot be written as a command", .0.as_str())]
pub struct Unencodable(pub Verb);

impl Command<'_> {
    /// Appends the command line, CRLF included.
    ///
    /// # Errors
    /// [`Unencodable`] when free text in it would break the line; nothing is written then.
    pub fn encode(&self, out: &mut Vec<u8>) -> Result<(), Unencodable> {
        let before = out.len();
        let done = self.parts(out).filter(|()| self.is_sound(out.get(before..).unwrap_or(&[])));
        if done.is_none() {
            out.truncate(before);
        }
        done.ok_or_else(|| Unencodable(self.verb()))
    }

    fn parts(&self, out: &mut Vec<u8>) -> Option<()> {
        out.extend_from_slice(self.verb().as_str().as_bytes());
        match self {
            Self::Data | Self::Rset | Self::Quit | Self::StartTls | Self::Help(None) | Self::Noop(None) => {}
            Self::Ehlo(name) | Self::Helo(name) | Self::Lhlo(name) => word(out, name)?,
            Self::Vrfy(text) | Self::Expn(text) => free_text(out, text)?,
            Self::Help(Some(text)) | Self::Noop(Some(text)) => free_text(out, text)?,
            Self::Mail(path, params) => {
                out.extend_from_slice(b" FROM:");
                reverse_path(out, *path);
                mail_params(out, params);
            }
            Self::Rcpt(path, params) => {
                out.extend_from_slice(b" TO:");
                forward_path(out, *path);
                rcpt_params(out, params);
            }
            Self::Bdat { size, last } => {
                out.push(b' ');
                number(out, *size);
                end_marker(out, *last);
            }
            Self::Burl { url, last } => {
                word(out, url)?;
                end_marker(out, *last);
            }
            Self::Xclient(attributes) => free_text(out, attributes.as_str())?,
            Self::Auth { mechanism, initial } => {
                word(out, mechanism)?;
                if let Some(data) = initial {
                    out.push(b' ');
                    initial_response(out, *data);
                }
            }
        }
        out.extend_from_slice(b"\r\n");
        Some(())
    }

    /// Nothing but the line end may look like one.
    fn is_sound(&self, line: &[u8]) -> bool {
        line.strip_suffix(b"\r\n").is_some_and(|text| !text.iter().any(u8::is_ascii_control))
    }
}

fn word(out: &mut Vec<u8>, text: &str) -> Option<()> {
    out.push(b' ');
    out.extend_from_slice(text.as_bytes());
    (!text.is_empty() && text.bytes().all(|c| c.is_ascii_graphic())).then_some(())
}

fn free_text(out: &mut Vec<u8>, text: &str) -> Option<()> {
    out.push(b' ');
    out.extend_from_slice(text.as_bytes());
    // Spaces around it would be lost.
    (!text.is_empty() && !text.starts_with(' ') && !text.ends_with(' ')).then_some(())
}

fn end_marker(out: &mut Vec<u8>, last: bool) {
    if last {
        out.extend_from_slice(b" LAST");
    }
}

fn reverse_path(out: &mut Vec<u8>, path: ReversePath<'_>) {
    bracketed(out, path.mailbox().map_or("", |m| m.as_str()));
}

fn forward_path(out: &mut Vec<u8>, path: ForwardPath<'_>) {
    bracketed(out, path.as_str());
}

fn bracketed(out: &mut Vec<u8>, text: &str) {
    out.push(b'<');
    out.extend_from_slice(text.as_bytes());
    out.push(b'>');
}

fn mail_params(out: &mut Vec<u8>, params: &MailParams<'_>) {
    if let Some(size) = params.size {
        out.extend_from_slice(b" SIZE=");
        number(out, size);
    }
    if let Some(body) = params.body {
        out.extend_from_slice(b" BODY=");
        out.extend_from_slice(body.as_str().as_bytes());
    }
    match params.auth {
        None => {}
        Some(Submitter::Unknown) => out.extend_from_slice(b" AUTH=<>"),
        Some(Submitter::Mailbox(xtext)) => {
            out.extend_from_slice(b" AUTH=");
            out.extend_from_slice(xtext.as_str().as_bytes());
        }
    }
    if let Some(ret) = params.ret {
        value(out, b" RET=", ret.as_str());
    }
    if let Some(envid) = params.envid {
        value(out, b" ENVID=", envid.as_str());
    }
    if params.smtp_utf8 {
        out.extend_from_slice(b" SMTPUTF8");
    }
    if params.require_tls {
        out.extend_from_slice(b" REQUIRETLS");
    }
    if let Some(by) = params.deliver_by {
        out.extend_from_slice(b" BY=");
        signed(out, by.seconds());
        out.push(b';');
        out.push(match by.mode() {
            ByMode::Notify => b'N',
            ByMode::Return => b'R',
        });
        if by.trace() {
            out.push(b'T');
        }
    }
    match params.hold {
        None => {}
        Some(Hold::For(seconds)) => {
            out.extend_from_slice(b" HOLDFOR=");
            number(out, seconds.into());
        }
        Some(Hold::Until(time)) => value(out, b" HOLDUNTIL=", time.as_str()),
    }
    if let Some(priority) = params.priority {
        out.extend_from_slice(b" MT-PRIORITY=");
        signed(out, priority.get().into());
    }
}

fn rcpt_params(out: &mut Vec<u8>, params: &RcptParams<'_>) {
    if let Some(notify) = params.notify {
        out.extend_from_slice(b" NOTIFY=");
        let words = [(notify.success, "SUCCESS"), (notify.failure, "FAILURE"), (notify.delay, "DELAY")];
        let mut before: &[u8] = b"";
        for (_, word) in words.iter().filter(|(wanted, _)| *wanted) {
            value(out, before, word);
            before = b",";
        }
        if before.is_empty() {
            out.extend_from_slice(b"NEVER");
        }
    }
    if let Some(orcpt) = params.orcpt {
        value(out, b" ORCPT=", orcpt.kind());
        value(out, b";", orcpt.encoded());
    }
}

fn value(out: &mut Vec<u8>, before: &[u8], text: &str) {
    out.extend_from_slice(before);
    out.extend_from_slice(text.as_bytes());
}

fn signed(out: &mut Vec<u8>, n: i32) {
    if n < 0 {
        out.push(b'-');
    }
    number(out, n.unsigned_abs().into());
}

/// `initial-response = base64 / "="` (RFC 4954 section 8)
fn initial_response(out: &mut Vec<u8>, data: SaslData<'_>) {
    out.extend_from_slice(if data.as_base64().is_empty() { b"=" } else { data.as_base64() });
}

pub(crate) fn number(out: &mut Vec<u8>, mut n: u64) {
    let from = out.len();
    loop {
        out.push(b'0' + u8::try_from(n % 10).unwrap_or(0));
        n /= 10;
        if n == 0 {
            break;
        }
    }
    if let Some(digits) = out.get_mut(from..) {
        digits.reverse();
    }
}

/// Text as a reply line can hold it: HT, space and printable ASCII (RFC 5321 section 4.2, `textstring`).
/// What else there is becomes `?`: a line end in a text cannot end the line.
fn textstring(out: &mut Vec<u8>, text: &[u8], room: usize) {
    let text = text.get(..room).unwrap_or(text);
    if is_printable(text) {
        out.extend_from_slice(text);
        return;
    }
    out.extend(text.iter().map(|c| if matches!(c, b'\t' | b' '..=b'~') { *c } else { b'?' }));
}

/// Whether all octets are `%x20-7E`, eight at a time.
fn is_printable(text: &[u8]) -> bool {
    const SPACES: u64 = u64::from_le_bytes([b' '; 8]);
    const ONES: u64 = u64::from_le_bytes([1; 8]);
    const HIGH: u64 = u64::from_le_bytes([0x80; 8]);
    let (eights, rest) = text.as_chunks::<8>();
    // An octet from 0x7f on has the high bit, or has it with one more; one below a space gets it where a space is taken away.
    let odd = eights.iter().fold(0, |odd, eight| {
        let x = u64::from_le_bytes(*eight);
        odd | x | (x & !HIGH).wrapping_add(ONES) | x.wrapping_sub(SPACES)
    });
    odd & HIGH == 0 && rest.iter().all(|c| matches!(c, b' '..=b'~'))
}

/// Writes `Reply-line`s:
/// ```abnf
/// Reply-line = *( Reply-code "-" [ textstring ] CRLF ) Reply-code [ SP textstring ] CRLF
/// ```
pub(crate) struct ReplyWriter<'q> {
    out: &'q mut OutputQueue,
}

impl<'q> ReplyWriter<'q> {
    pub(crate) const fn new(out: &'q mut OutputQueue) -> Self {
        Self { out }
    }

    /// A whole reply that was written when the program was: what most commands get.
    #[inline]
    pub(crate) fn ready(&mut self, reply: Ready) {
        self.out.put(reply.line.as_bytes());
    }

    /// One reply with its enhanced status code on every line (RFC 2034 section 4); each LF in `text`
    /// begins a new line.
    pub(crate) fn reply(&mut self, status: Status, text: &str) {
        let mut prefix = Prefix::default();
        let (class, subject, detail) = status.enhanced();
        for (n, end) in [(class, b'.'), (subject, b'.'), (detail, b' ')] {
            prefix.number(n);
            prefix.push(end);
        }
        self.lines(status.code(), prefix.as_bytes(), text);
    }

    /// One reply without an enhanced status code: the greeting, answers to EHLO and HELO, 354.
    pub(crate) fn plain(&mut self, code: u16, text: &str) {
        self.lines(code, b"", text);
    }

    fn lines(&mut self, code: u16, prefix: &[u8], text: &str) {
        if is_printable(text.as_bytes()) || !text.contains('\n') {
            self.line(code, b' ', &[prefix, text.as_bytes()]);
            return;
        }
        let mut lines = text.split('\n').map(|l| l.strip_suffix('\r').unwrap_or(l)).peekable();
        while let Some(line) = lines.next() {
            let mark = if lines.peek().is_some() { b'-' } else { b' ' };
            self.line(code, mark, &[prefix, line.as_bytes()]);
        }
    }

    /// One line: code, `-` or a space, the parts.
    pub(crate) fn line(&mut self, code: u16, mark: u8, parts: &[&[u8]]) {
        self.out.write_with(|out| {
            let from = out.len();
            out.reserve(4 + parts.iter().map(|part| part.len()).sum::<usize>().min(REPLY_LINE) + 2);
            let digit = |unit: u16| b'0' + u8::try_from(code / unit % 10).unwrap_or(0);
            out.extend_from_slice(&[digit(100), digit(10), digit(1), mark]);
            for part in parts {
                let room = (REPLY_LINE - 2).saturating_sub(out.len() - from);
                textstring(out, part, room);
            }
            out.extend_from_slice(b"\r\n");
        });
    }

    /// Lines that hold nothing but printable ASCII and their line ends.
    #[inline]
    pub(crate) fn lines_of(&mut self, write: impl FnOnce(&mut Vec<u8>)) {
        self.out.write_with(write);
    }

    /// `continue-req = "334" SP [base64] CRLF` (RFC 4954 section 8). Challenges are long, and not cut.
    pub(crate) fn challenge(&mut self, base64: &str) {
        self.out.put(b"334 ");
        self.out.put(base64.as_bytes());
        self.out.put(b"\r\n");
    }
}

/// A reply as it goes out, of one line.
#[derive(Clone, Copy)]
pub(crate) struct Ready {
    pub(crate) status: Status,
    line: &'static str,
}

/// The replies of a transaction in which nothing is wrong.
pub(crate) mod ready {
    use super::Ready;
    use crate::status;

    pub(crate) const OK: Ready = Ready { status: status::OK, line: "250 2.0.0 OK\r\n" };
    pub(crate) const RESET: Ready = Ready { status: status::OK, line: "250 2.0.0 reset\r\n" };
    pub(crate) const SENDER_OK: Ready = Ready { status: status::SENDER_OK, line: "250 2.1.0 sender OK\r\n" };
    pub(crate) const RECIPIENT_OK: Ready =
        Ready { status: status::RECIPIENT_OK, line: "250 2.1.5 recipient OK\r\n" };

    #[cfg(test)]
    pub(super) const ALL: [Ready; 4] = [OK, RESET, SENDER_OK, RECIPIENT_OK];
}

/// An enhanced status code with its space, on the stack: `5.999.999 `.
#[derive(Default)]
struct Prefix {
    octets: [u8; 12],
    len: usize,
}

impl Prefix {
    fn as_bytes(&self) -> &[u8] {
        self.octets.get(..self.len).unwrap_or(&[])
    }

    fn push(&mut self, octet: u8) {
        if let Some(slot) = self.octets.get_mut(self.len) {
            *slot = octet;
            self.len += 1;
        }
    }

    /// A number up to 999.
    fn number(&mut self, n: u16) {
        for (unit, digit) in [(100, n / 100 % 10), (10, n / 10 % 10), (1, n % 10)] {
            if n >= unit || unit == 1 {
                self.push(b'0' + u8::try_from(digit).unwrap_or(0));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_prints_is_told_from_what_does_not() {
        for c in 0..=255u8 {
            for before in 0..17 {
                for after in 0..9 {
                    let mut text = alloc::vec![if after % 2 == 0 { b' ' } else { b'~' }; before];
                    text.push(c);
                    text.resize(before + 1 + after, b'a');
                    assert_eq!(is_printable(&text), (b' '..=b'~').contains(&c), "{}", text.escape_ascii());
                }
            }
        }
    }
    use crate::status;
    use alloc::{string::String, vec};

    fn written(write: impl FnOnce(&mut ReplyWriter<'_>)) -> String {
        let mut out = OutputQueue::new();
        write(&mut ReplyWriter::new(&mut out));
        String::from_utf8(out.segments().collect::<Vec<_>>().concat()).unwrap()
    }

    #[test]
    fn replies() {
        assert_eq!(written(|w| w.reply(status::OK, "OK")), "250 2.0.0 OK\r\n");
        assert_eq!(
            written(|w| w.reply(status::NO_SUCH_MAILBOX, "no\nsuch\r\nbox")),
            "550-5.1.1 no\r\n550-5.1.1 such\r\n550 5.1.1 box\r\n"
        );
        assert_eq!(written(|w| w.plain(354, "go on")), "354 go on\r\n");
        assert_eq!(written(|w| w.challenge("")), "334 \r\n");
    }

    #[test]
    fn what_is_ready_is_what_would_be_written() {
        for reply in ready::ALL {
            let text = reply.line.splitn(3, ' ').nth(2).unwrap().trim_end();
            assert_eq!(written(|w| w.reply(reply.status, text)), reply.line);
            assert_eq!(written(|w| w.ready(reply)), reply.line);
        }
    }

    #[test]
    fn text_cannot_break_the_line_or_outgrow_it() {
        assert_eq!(written(|w| w.reply(status::OK, "a\rb\0ü")), "250 2.0.0 a?b???\r\n");
        let long = written(|w| w.reply(status::OK, &"x".repeat(9000)));
        assert_eq!(long.len(), REPLY_LINE);
        assert!(long.ends_with("x\r\n"));
    }

    #[test]
    fn free_text_cannot_smuggle_a_command() {
        for command in [
            Command::Noop(Some("a\r\nQUIT")),
            Command::Vrfy("a\nb"),
            Command::Vrfy(""),
            Command::Noop(Some(" a")),
            Command::Ehlo("a b"),
            Command::Ehlo("a\0"),
            Command::Auth { mechanism: "", initial: None },
        ] {
            let mut out = vec![b'x'];
            assert_eq!(command.encode(&mut out), Err(Unencodable(command.verb())));
            assert_eq!(out, b"x");
        }
    }
}
