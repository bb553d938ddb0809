//! The hand-written mirror of the grammar: its methods are named after the elements they write.

use alloc::vec::Vec;

use base64::{Engine as _, engine::general_purpose::STANDARD};

use crate::types::{Capability, Command, MessageNumber, RespCode, Retention};

/// Octets of a response's first line, CRLF included (RFC 1939 section 3, RFC 2449 section 4).
const RESPONSE_LINE: usize = 512;

/// Appends the elements of POP3 to a buffer.
///
/// ```
/// use pop3_proto::{Command, Encoder, MessageNumber};
/// let mut wire = Vec::new();
/// Encoder::new(&mut wire).command(&Command::Top(MessageNumber::new(1).unwrap(), 10));
/// assert_eq!(wire, b"TOP 1 10\r\n");
/// ```
#[derive(Debug)]
pub struct Encoder<'a> {
    out: &'a mut Vec<u8>,
}

impl<'a> Encoder<'a> {
    /// An encoder that appends to `out`.
    pub const fn new(out: &'a mut Vec<u8>) -> Self {
        Self { out }
    }

    /// `command = keyword *(SP param) CRLF` (RFC 2449 section 3).
    ///
    /// What a [`Command`] holds is written as it is: one that was read is written as it can be read.
    pub fn command(&mut self, command: &Command<'_>) {
        self.keyword(command.kind().keyword());
        match *command {
            Command::User(name) => self.param(name),
            Command::Pass(password) => self.param(password.expose()),
            Command::Apop { name, digest } => {
                self.param(name);
                self.sp();
                self.hex(digest.expose());
            }
            Command::Auth { mechanism, initial } => {
                self.param(mechanism.as_bytes());
                if let Some(initial) = initial {
                    self.param(initial.expose());
                }
            }
            Command::List(Some(n)) | Command::Uidl(Some(n)) | Command::Retr(n) | Command::Dele(n) => {
                self.sp();
                self.message_number(n);
            }
            Command::Top(n, lines) => {
                self.sp();
                self.message_number(n);
                self.sp();
                self.number(lines);
            }
            Command::Lang(Some(range)) => self.param(range.as_bytes()),
            Command::AuthList
            | Command::Capa
            | Command::Stls
            | Command::Stat
            | Command::List(None)
            | Command::Uidl(None)
            | Command::Noop
            | Command::Rset
            | Command::Quit
            | Command::Utf8
            | Command::Lang(None) => {}
        }
        self.crlf();
    }

    fn keyword(&mut self, keyword: &str) {
        self.out.extend_from_slice(keyword.as_bytes());
    }

    fn sp(&mut self) {
        self.out.push(b' ');
    }

    fn crlf(&mut self) {
        self.out.extend_from_slice(b"\r\n");
    }

    /// `SP param`
    fn param(&mut self, octets: &[u8]) {
        self.sp();
        self.out.extend_from_slice(octets);
    }

    fn hex(&mut self, octets: &[u8]) {
        let digit = |n: u8| if n < 10 { b'0' + n } else { b'a' + n - 10 };
        self.out.extend(octets.iter().flat_map(|o| [digit(o >> 4), digit(o & 15)]));
    }

    fn message_number(&mut self, n: MessageNumber) {
        self.number(n.get().into());
    }

    /// A decimal number.
    fn number(&mut self, mut n: u64) {
        let mut digits = [b'0'; 20];
        let mut used = 0;
        for digit in digits.iter_mut().rev() {
            // The remainder is below 10.
            *digit = b'0' + u8::try_from(n % 10).unwrap_or_default();
            n /= 10;
            used += 1;
            if n == 0 {
                break;
            }
        }
        self.out.extend_from_slice(digits.get(digits.len() - used..).unwrap_or_default());
    }

    /// `greeting = "+OK" [resp-code] *gchar [timestamp] *gchar CRLF` (RFC 2449 section 3).
    pub fn greeting(&mut self, text: &str, timestamp: Option<&str>) {
        let start = self.out.len();
        self.out.extend_from_slice(b"+OK ");
        let room = RESPONSE_LINE - 8 - timestamp.map_or(0, |t| t.len() + 3).min(RESPONSE_LINE - 8);
        self.text(text, false, room);
        // A mail program takes the first `<` for the beginning of the timestamp.
        for octet in self.out.iter_mut().skip(start).filter(|b| **b == b'<') {
            *octet = b'(';
        }
        if let Some(timestamp) = timestamp {
            self.sp();
            self.out.extend_from_slice(timestamp.as_bytes());
        }
        self.crlf();
    }

    /// `single-line = status [SP text] CRLF` with the status `+OK`.
    pub fn ok(&mut self, text: &str, utf8: bool) {
        self.out.extend_from_slice(b"+OK");
        if !text.is_empty() {
            self.sp();
            self.text(text, utf8, RESPONSE_LINE - 6);
        }
        self.crlf();
    }

    /// `single-line = status [SP text] CRLF` with the status `-ERR` and perhaps a response code.
    pub fn err(&mut self, code: Option<RespCode>, text: &str, utf8: bool) {
        self.out.extend_from_slice(b"-ERR ");
        if let Some(code) = code {
            self.resp_code(code);
            self.sp();
        }
        self.text(text, utf8, RESPONSE_LINE - 32);
        self.crlf();
    }

    /// `resp-code = "[" resp-level *("/" resp-level) "]"`
    fn resp_code(&mut self, code: RespCode) {
        self.out.push(b'[');
        self.out.extend_from_slice(code.as_str().as_bytes());
        self.out.push(b']');
    }

    /// `text = *schar / resp-code *CHAR`: no line end and no control character comes through, nothing
    /// beyond ASCII outside of UTF-8 mode, and no `[` at the start, which would make it a response code.
    fn text(&mut self, text: &str, utf8: bool, room: usize) {
        let plain = text.len() <= room && !text.starts_with('[') && text.is_ascii();
        if plain && !mail_wire::has_control(text.as_bytes()) {
            self.out.extend_from_slice(text.as_bytes());
            return;
        }
        let end = self.out.len().saturating_add(room);
        for (i, c) in text.chars().enumerate() {
            let c = match c {
                '[' if i == 0 => '(',
                c if c.is_control() => ' ',
                c if !c.is_ascii() && !utf8 => '?',
                c => c,
            };
            if self.out.len() + c.len_utf8() > end {
                break;
            }
            self.out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
        }
    }

    /// `+OK` and a drop listing: messages and octets (RFC 1939 section 5, STAT).
    pub fn drop_listing(&mut self, count: u32, octets: u64) {
        self.out.extend_from_slice(b"+OK ");
        self.number(count.into());
        self.sp();
        self.number(octets);
        self.crlf();
    }

    /// A scan listing (RFC 1939 section 5, LIST), after `+OK` where it is the whole answer.
    pub fn scan_listing(&mut self, alone: bool, n: MessageNumber, octets: u64) {
        if alone {
            self.out.extend_from_slice(b"+OK ");
        }
        self.message_number(n);
        self.sp();
        self.number(octets);
        self.crlf();
    }

    /// A unique-id listing (RFC 1939 section 7, UIDL), after `+OK` where it is the whole answer.
    ///
    /// A unique-id is "one to 70 characters in the range 0x21 to 0x7E"; octets outside of it are not
    /// written.
    pub fn unique_id_listing(&mut self, alone: bool, n: MessageNumber, unique_id: &str) {
        if alone {
            self.out.extend_from_slice(b"+OK ");
        }
        self.message_number(n);
        self.sp();
        self.out.extend(unique_id.bytes().filter(u8::is_ascii_graphic).take(70));
        self.crlf();
    }

    /// A language listing (RFC 6856 section 3).
    pub fn language_listing(&mut self, tag: &str, description: &str) {
        self.out.extend_from_slice(tag.as_bytes());
        self.sp();
        self.text(description, true, RESPONSE_LINE - 40);
        self.crlf();
    }

    /// `continue-req = "+" SP [base64] CRLF` (RFC 5034 section 5).
    pub fn continue_req(&mut self, challenge: &[u8]) {
        self.out.extend_from_slice(b"+ ");
        let start = self.out.len();
        self.out.resize(start + challenge.len().div_ceil(3) * 4, 0);
        if let Some(room) = self.out.get_mut(start..) {
            // The room is exactly what it takes.
            let _ = STANDARD.encode_slice(challenge, room);
        }
        self.crlf();
    }

    /// `capability = capa-tag *(SP param) CRLF` (RFC 2449 section 3).
    pub fn capability(&mut self, capability: &Capability<'_>) {
        match *capability {
            Capability::Top => self.keyword("TOP"),
            Capability::User => self.keyword("USER"),
            Capability::Sasl(mechanisms) => {
                self.keyword("SASL");
                for mechanism in mechanisms {
                    self.param(mechanism.as_bytes());
                }
            }
            Capability::RespCodes => self.keyword("RESP-CODES"),
            Capability::LoginDelay(seconds, differs) => {
                self.keyword("LOGIN-DELAY ");
                self.number(seconds.0.into());
                self.differs(differs);
            }
            Capability::Pipelining => self.keyword("PIPELINING"),
            Capability::Expire(retention, differs) => {
                self.keyword("EXPIRE ");
                match retention {
                    Retention::Never => self.keyword("NEVER"),
                    Retention::Days(days) => self.number(days.into()),
                }
                self.differs(differs);
            }
            Capability::Uidl => self.keyword("UIDL"),
            Capability::Implementation(name) => {
                self.keyword("IMPLEMENTATION ");
                self.text(name, false, RESPONSE_LINE - 20);
            }
            Capability::Stls => self.keyword("STLS"),
            Capability::AuthRespCode => self.keyword("AUTH-RESP-CODE"),
            Capability::Utf8(user) => {
                self.keyword("UTF8");
                self.differs(user);
            }
            Capability::Lang => self.keyword("LANG"),
        }
        self.crlf();
    }

    /// A line of the answer to AUTH without a mechanism, as before RFC 2449.
    pub fn mechanism(&mut self, name: &str) {
        self.keyword(name);
        self.crlf();
    }

    /// The token USER after EXPIRE, LOGIN-DELAY and UTF8.
    fn differs(&mut self, user: bool) {
        if user {
            self.keyword(" USER");
        }
    }

    /// The line with the termination octet (RFC 1939 section 3).
    pub fn end(&mut self) {
        self.out.extend_from_slice(b".\r\n");
    }
}
