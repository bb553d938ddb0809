use mail_wire::has_control;

use crate::{Command, MailParams, RcptParams, SaslData, Status, Verb, Xclient, status};

use super::{
    address::{self, AddressRules, is_domain_or_literal},
    class::{GRAPHIC, are_all, folded, is_word},
    extension,
    parameter::{mail_params, path_status, rcpt_params},
};

/// By which rules a command line is read.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct Rules {
    /// `SIZE=` is known (RFC 1870).
    pub size: bool,
    /// `BODY=` is known (RFC 6152).
    pub eight_bit_mime: bool,
    /// `AUTH=` is known (RFC 4954 section 5).
    pub auth: bool,
    /// Addresses may hold UTF-8, and `SMTPUTF8` is known (RFC 6531 section 3).
    pub smtp_utf8: bool,
    /// BDAT is known (RFC 3030 section 2).
    pub chunking: bool,
    /// `BODY=BINARYMIME` is known (RFC 3030 section 3).
    pub binary_mime: bool,
    /// `RET=`, `ENVID=`, `NOTIFY=`, `ORCPT=` are known (RFC 3461).
    pub dsn: bool,
    /// `REQUIRETLS` is known (RFC 8689).
    pub require_tls: bool,
    /// `BY=` is known (RFC 2852).
    pub deliver_by: bool,
    /// `HOLDFOR=` and `HOLDUNTIL=` are known (RFC 4865).
    pub future_release: bool,
    /// `MT-PRIORITY=` is known (RFC 6710).
    pub mt_priority: bool,
    /// BURL is known (RFC 4468).
    pub burl: bool,
    /// XCLIENT is known.
    pub xclient: bool,
    /// LHLO is known, and EHLO and HELO are not (RFC 2033 section 4.1).
    pub lmtp: bool,
    /// What is accepted beyond the grammar.
    pub tolerances: Tolerances,
}

impl Default for Rules {
    fn default() -> Self {
        Self {
            size: true,
            eight_bit_mime: true,
            auth: true,
            smtp_utf8: false,
            chunking: false,
            binary_mime: false,
            dsn: false,
            require_tls: false,
            deliver_by: false,
            future_release: false,
            mt_priority: false,
            burl: false,
            xclient: false,
            lmtp: false,
            tolerances: Tolerances::default(),
        }
    }
}

impl Rules {
    /// All extensions are known. LMTP is no extension: [`lmtp`](Self::lmtp) is off.
    #[must_use]
    pub fn all() -> Self {
        Self {
            smtp_utf8: true,
            chunking: true,
            binary_mime: true,
            dsn: true,
            require_tls: true,
            deliver_by: true,
            future_release: true,
            mt_priority: true,
            burl: true,
            xclient: true,
            ..Self::default()
        }
    }

    const fn knows(&self, verb: Verb) -> bool {
        match verb {
            Verb::Ehlo | Verb::Helo => !self.lmtp,
            Verb::Lhlo => self.lmtp,
            Verb::Bdat => self.chunking,
            Verb::Burl => self.burl,
            Verb::Xclient => self.xclient,
            _ => true,
        }
    }
}

/// What a server accepts although the grammar does not.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct Tolerances {
    /// `MAIL FROM: <a@b>`, `RCPT TO: <a@b>`: Outlook and others write it. On by default.
    pub space_after_colon: bool,
    /// `MAIL FROM:a@b`. Off by default.
    pub missing_angle_brackets: bool,
    /// `a@my_host.example`. Off by default.
    pub underscore_in_domain: bool,
    /// A name in EHLO and HELO that is neither a domain nor an address literal (`EHLO my_pc`). On by
    /// default: user agents send what their computer is called, and nothing depends on it.
    pub any_client_name: bool,
}

impl Default for Tolerances {
    fn default() -> Self {
        Self {
            space_after_colon: true,
            missing_angle_brackets: false,
            underscore_in_domain: false,
            any_client_name: true,
        }
    }
}

/// Why a line is no command, as it is answered.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{status} {text}")]
#[non_exhaustive]
pub struct SyntaxError {
    /// The reply.
    pub status: Status,
    /// Its text.
    pub text: &'static str,
}

const fn refused(status: Status, text: &'static str) -> SyntaxError {
    SyntaxError { status, text }
}

const NO_ARGUMENT: SyntaxError = refused(status::BAD_ARGUMENTS, "this command takes no argument");

/// A line without its CRLF: a verb, and after a space what it takes. White space at the end is
/// tolerated (RFC 5321 section 4.1.1).
#[inline]
pub(crate) fn command<'b>(line: &'b [u8], rules: &Rules) -> Result<Command<'b>, SyntaxError> {
    // RFC 5321 section 2.3.8: no CR, LF or other control character in a command, NUL least of all. No production takes
    // one but free text, which looks for itself; so it is looked for only in what is no command.
    let mut read = read(line, rules);
    if let Err(error) = &mut read {
        // In its place: a command is not small.
        *error = controlled(line).unwrap_or(*error);
    }
    read
}

const CONTROL: SyntaxError = refused(status::BAD_LINE, "a control character in the command");

#[cold]
fn controlled(line: &[u8]) -> Option<SyntaxError> {
    has_control(line).then_some(CONTROL)
}

#[inline]
fn read<'b>(line: &'b [u8], rules: &Rules) -> Result<Command<'b>, SyntaxError> {
    let line = trim_end(line);
    let (verb, argument) = match line.split_first_chunk::<4>() {
        // All but two have four letters.
        Some((word, rest @ ([] | [b' ', ..]))) => (short_verb(*word), trim_start(rest)),
        _ => {
            let (word, argument) = words(line);
            (long_verb(word), argument)
        }
    };
    match verb.filter(|verb| rules.knows(*verb)) {
        Some(verb) => arguments(verb, argument, rules),
        None => Err(unknown(words(line).0)),
    }
}

/// Which command it is that [`command`] did not take, where it is known.
#[cold]
pub(crate) fn verb_of(line: &[u8], rules: &Rules) -> Option<Verb> {
    let word = words(line).0;
    let verb = <[u8; 4]>::try_from(word).map_or_else(|_| long_verb(word), short_verb);
    verb.filter(|verb| rules.knows(*verb) && !has_control(line))
}

/// The verb's word, and what follows it.
fn words(line: &[u8]) -> (&[u8], &[u8]) {
    let line = trim_end(line);
    let end = line.iter().position(|c| *c == b' ').unwrap_or(line.len());
    line.split_at_checked(end).map_or((line, &[]), |(word, argument)| (word, trim_start(argument)))
}

/// Dispatch by the word folded to upper case, as one number.
#[inline]
fn short_verb(word: [u8; 4]) -> Option<Verb> {
    Some(match &folded(word) {
        b"RCPT" => Verb::Rcpt,
        b"MAIL" => Verb::Mail,
        b"DATA" => Verb::Data,
        b"EHLO" => Verb::Ehlo,
        b"QUIT" => Verb::Quit,
        b"AUTH" => Verb::Auth,
        b"BDAT" => Verb::Bdat,
        b"RSET" => Verb::Rset,
        b"NOOP" => Verb::Noop,
        b"LHLO" => Verb::Lhlo,
        b"HELO" => Verb::Helo,
        b"VRFY" => Verb::Vrfy,
        b"EXPN" => Verb::Expn,
        b"HELP" => Verb::Help,
        b"BURL" => Verb::Burl,
        _ => return None,
    })
}

fn long_verb(word: &[u8]) -> Option<Verb> {
    [Verb::StartTls, Verb::Xclient]
        .into_iter()
        .find(|verb| word.eq_ignore_ascii_case(verb.as_str().as_bytes()))
}

/// RFC 5321 section 4.2.4: 502 for a command that is known and not implemented, 500 for a word that is none.
fn unknown(word: &[u8]) -> SyntaxError {
    const KNOWN: [&[u8]; 10] =
        [b"BDAT", b"LHLO", b"ETRN", b"ATRN", b"TURN", b"SEND", b"SOML", b"SAML", b"BURL", b"XCLIENT"];
    if KNOWN.iter().any(|k| word.eq_ignore_ascii_case(k)) {
        refused(status::NOT_IMPLEMENTED, "this command is not implemented")
    } else {
        refused(status::UNRECOGNISED, "this command is not recognised")
    }
}

#[inline]
fn arguments<'b>(verb: Verb, argument: &'b [u8], rules: &Rules) -> Result<Command<'b>, SyntaxError> {
    let none = |command| if argument.is_empty() { Ok(command) } else { Err(NO_ARGUMENT) };
    let address = AddressRules { utf8: rules.smtp_utf8, underscore: rules.tolerances.underscore_in_domain };
    let bare = rules.tolerances.missing_angle_brackets;
    match verb {
        Verb::Ehlo => Ok(Command::Ehlo(client_name(argument, rules)?)),
        Verb::Helo => Ok(Command::Helo(client_name(argument, rules)?)),
        Verb::Mail => {
            let path = after_keyword(argument, b"FROM:", rules)?;
            let (path, rest) = address::reverse_path(path, address, bare).map_err(|e| {
                refused(path_status(e, status::BAD_SENDER_SYNTAX), "the sender's address does not parse")
            })?;
            let mut params = MailParams::default();
            mail_params(rest, &mut params, rules)?;
            Ok(Command::Mail(path, params))
        }
        Verb::Rcpt => {
            let path = after_keyword(argument, b"TO:", rules)?;
            let (path, rest) = address::forward_path(path, address, bare).map_err(|e| {
                refused(
                    path_status(e, status::BAD_RECIPIENT_SYNTAX),
                    "the recipient's address does not parse",
                )
            })?;
            let params = if rest.is_empty() { RcptParams::default() } else { rcpt_params(rest, rules)? };
            Ok(Command::Rcpt(path, params))
        }
        Verb::Data => none(Command::Data),
        Verb::Rset => none(Command::Rset),
        Verb::Quit => none(Command::Quit),
        Verb::StartTls => none(Command::StartTls),
        Verb::Vrfy => Ok(Command::Vrfy(some_text(without_smtp_utf8(argument, rules))?)),
        Verb::Expn => Ok(Command::Expn(some_text(without_smtp_utf8(argument, rules))?)),
        Verb::Help => Ok(Command::Help(text(argument)?)),
        Verb::Noop => Ok(Command::Noop(text(argument)?)),
        Verb::Auth => auth(argument),
        Verb::Lhlo => Ok(Command::Lhlo(client_name(argument, rules)?)),
        Verb::Bdat => extension::bdat(argument)
            .map(|(size, last)| Command::Bdat { size, last })
            .ok_or(refused(status::BAD_ARGUMENTS, "a number of octets, and perhaps LAST, is wanted")),
        Verb::Burl => extension::burl(argument)
            .map(|(url, last)| Command::Burl { url, last })
            .ok_or(refused(status::BAD_ARGUMENTS, "an absolute URI, and perhaps LAST, is wanted")),
        Verb::Xclient => str::from_utf8(argument)
            .ok()
            .and_then(Xclient::parse)
            .map(Command::Xclient)
            .ok_or(refused(status::BAD_ARGUMENTS, "attributes of a client are wanted")),
    }
}

/// `"MAIL FROM:" Reverse-path`, `"RCPT TO:" Forward-path`: what follows the keyword.
#[inline]
fn after_keyword<'b, const N: usize>(
    argument: &'b [u8],
    keyword: &[u8; N],
    rules: &Rules,
) -> Result<&'b [u8], SyntaxError> {
    match argument.split_at_checked(N) {
        Some((word, path)) if is_word(word, keyword) => {
            Ok(if rules.tolerances.space_after_colon { trim_start(path) } else { path })
        }
        _ => Err(refused(status::BAD_ARGUMENTS, "MAIL FROM:<address> or RCPT TO:<address> is wanted")),
    }
}

/// `ehlo = "EHLO" SP ( Domain / address-literal ) CRLF`
fn client_name<'b>(argument: &'b [u8], rules: &Rules) -> Result<&'b str, SyntaxError> {
    const BAD: SyntaxError = refused(status::BAD_ARGUMENTS, "a domain or an address literal is wanted");
    let tolerated = rules.tolerances.any_client_name && argument.len() <= 255 && are_all(argument, GRAPHIC);
    if argument.is_empty() || !(tolerated || is_domain_or_literal(argument)) {
        return Err(BAD);
    }
    str::from_utf8(argument).map_err(|_| BAD)
}

fn text(argument: &[u8]) -> Result<Option<&str>, SyntaxError> {
    if has_control(argument) {
        return Err(CONTROL);
    }
    match str::from_utf8(argument) {
        Ok("") => Ok(None),
        Ok(text) => Ok(Some(text)),
        Err(_) => Err(refused(status::BAD_ARGUMENTS, "the argument is not UTF-8")),
    }
}

/// VRFY and EXPN may end in `SMTPUTF8`, by which the client allows UTF-8 in the reply (RFC 6531
/// section 3.7.4.2). Replies here are ASCII, so it is dropped, however often it is said.
fn without_smtp_utf8<'b>(argument: &'b [u8], rules: &Rules) -> &'b [u8] {
    const WORD: &[u8] = b" SMTPUTF8";
    let mut text = argument;
    while let Some((before, word)) = text.len().checked_sub(WORD.len()).and_then(|n| text.split_at_checked(n))
        && rules.smtp_utf8
        && !before.is_empty()
        && word.eq_ignore_ascii_case(WORD)
    {
        text = trim_end(before);
    }
    text
}

fn some_text(argument: &[u8]) -> Result<&str, SyntaxError> {
    text(argument)?.ok_or(refused(status::BAD_ARGUMENTS, "an argument is wanted"))
}

/// ```abnf
/// auth-command     = "AUTH" SP sasl-mech [SP initial-response] ...     ; RFC 4954 section 8
/// initial-response = base64 / "="
/// sasl-mech        = 1*20mech-char                                    ; RFC 4422 section 3.1
/// mech-char        = UPPER-ALPHA / DIGIT / HYPHEN / UNDERSCORE
/// ```
fn auth(argument: &[u8]) -> Result<Command<'_>, SyntaxError> {
    let end = memchr::memchr(b' ', argument).unwrap_or(argument.len());
    let (mechanism, rest) = argument.split_at_checked(end).unwrap_or((argument, &[]));
    let is_mech_char = |c: &u8| c.is_ascii_alphanumeric() || matches!(c, b'-' | b'_');
    let mechanism = str::from_utf8(mechanism)
        .ok()
        .filter(|m| (1..=20).contains(&m.len()) && m.as_bytes().iter().all(is_mech_char))
        .ok_or(refused(status::BAD_ARGUMENTS, "the name of a mechanism is wanted"))?;
    let initial = match trim_start(rest) {
        [] => None,
        b"=" => Some(SaslData::EMPTY),
        data => Some(SaslData::from_base64(data).ok_or(BAD_BASE64)?),
    };
    Ok(Command::Auth { mechanism, initial })
}

const BAD_BASE64: SyntaxError = refused(status::BAD_BASE64, "the response is not base64");

/// A line of an AUTH exchange.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum AuthLine<'b> {
    /// `*`
    Cancel,
    /// A response; an empty line is one of no octets.
    Response(SaslData<'b>),
}

/// `[base64] CRLF / "*" CRLF` (RFC 4954 section 8)
pub(crate) fn auth_response(line: &[u8]) -> Result<AuthLine<'_>, SyntaxError> {
    match line {
        b"*" => Ok(AuthLine::Cancel),
        data => SaslData::from_base64(data).map(AuthLine::Response).ok_or(BAD_BASE64),
    }
}

const fn trim_start(mut text: &[u8]) -> &[u8] {
    while let [b' ', rest @ ..] = text {
        text = rest;
    }
    text
}

const fn trim_end(mut text: &[u8]) -> &[u8] {
    while let [rest @ .., b' '] = text {
        text = rest;
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{ForwardPath, ReversePath};

    fn read(line: &str) -> Result<Command<'_>, u16> {
        command(line.as_bytes(), &Rules::default()).map_err(|e| e.status.code())
    }

    #[test]
    fn commands_in_any_case_and_with_spaces_at_the_end() {
        for (wire, value) in [
            ("EHLO client.example", Command::Ehlo("client.example")),
            ("ehlo [127.0.0.1]  ", Command::Ehlo("[127.0.0.1]")),
            ("EHLO my_pc", Command::Ehlo("my_pc")),
            ("HELO x", Command::Helo("x")),
            ("Mail From:<>", Command::Mail(ReversePath::Null, MailParams::default())),
            ("MAIL FROM: <>", Command::Mail(ReversePath::Null, MailParams::default())),
            ("RCPT TO:<PostMaster>", Command::Rcpt(ForwardPath::Postmaster, RcptParams::default())),
            ("DATA", Command::Data),
            ("data ", Command::Data),
            ("RSET", Command::Rset),
            ("NOOP", Command::Noop(None)),
            ("NOOP grüezi", Command::Noop(Some("grüezi"))),
            ("HELP MAIL", Command::Help(Some("MAIL"))),
            ("VRFY Crispin", Command::Vrfy("Crispin")),
            ("EXPN Example-People", Command::Expn("Example-People")),
            ("QUIT", Command::Quit),
            ("starttls", Command::StartTls),
            ("AUTH PLAIN", Command::Auth { mechanism: "PLAIN", initial: None }),
            ("AUTH EXTERNAL =", Command::Auth { mechanism: "EXTERNAL", initial: Some(SaslData::EMPTY) }),
            (
                "AUTH PLAIN dGVzdAB0ZXN0ADEyMzQ=",
                Command::Auth { mechanism: "PLAIN", initial: SaslData::from_base64(b"dGVzdAB0ZXN0ADEyMzQ=") },
            ),
        ] {
            assert_eq!(read(wire), Ok(value), "{wire}");
        }
    }

    #[test]
    fn what_is_no_command_has_its_code() {
        for (wire, code) in [
            ("", 500),
            (" NOOP", 500),
            ("XYZZY", 500),
            ("NOOPNOOPNOOP", 500),
            ("GET / HTTP/1.1", 500),
            ("NOOP\t", 500),
            ("NOOP \0", 500),
            ("NOOP\rQUIT", 500),
            ("BDAT 10 LAST", 502),
            ("TURN", 502),
            ("EHLO", 501),
            ("EHLO a b", 501),
            ("DATA x", 501),
            ("RSET x", 501),
            ("QUIT x", 501),
            ("STARTTLS x", 501),
            ("VRFY", 501),
            ("AUTH", 501),
            ("AUTH PL@IN", 501),
            ("AUTH PLAIN =AAA", 501),
            ("AUTH PLAIN AAA=BBB=", 501),
            ("AUTH PLAIN a b", 501),
            ("AUTH ABCDEFGHIJKLMNOPQRSTU", 501),
            ("MAIL", 501),
            ("MAIL <a@b>", 501),
            ("MAIL FROM", 501),
            ("MAIL FROM:", 501),
            ("MAIL FROM:a@b", 501),
            ("MAIL FROM:<a@b>SIZE=1", 501),
            ("MAIL FROM:<a@b> X=1", 555),
            ("MAIL FROM:<ä@b>", 553),
            ("RCPT TO:<>", 501),
            ("RCPT FROM:<a@b>", 501),
            ("RCPT TO:<a@b> NOTIFY=NEVER", 555),
        ] {
            assert_eq!(read(wire).unwrap_err(), code, "{wire:?}");
        }
        let e = command(b"RCPT TO:<\xe4@b>", &Rules::default()).unwrap_err();
        assert_eq!(e.status, status::NON_ASCII_ADDRESS);
        let e = command(b"VRFY \xe4", &Rules::default()).unwrap_err();
        assert_eq!(e.status.code(), 501);
    }

    #[test]
    fn tolerances_are_named() {
        let strict = Rules {
            tolerances: Tolerances {
                space_after_colon: false,
                any_client_name: false,
                ..Tolerances::default()
            },
            ..Rules::default()
        };
        for (wire, tolerant) in
            [(&b"MAIL FROM: <a@b>"[..], true), (b"EHLO my_pc", true), (b"MAIL FROM:a@b", false)]
        {
            assert!(command(wire, &strict).is_err());
            assert_eq!(command(wire, &Rules::default()).is_ok(), tolerant);
        }
        let all = Rules {
            tolerances: Tolerances {
                missing_angle_brackets: true,
                underscore_in_domain: true,
                ..Tolerances::default()
            },
            ..Rules::default()
        };
        assert!(command(b"MAIL FROM:a@b_c SIZE=1", &all).is_ok());
    }

    #[test]
    fn lines_of_an_exchange() {
        assert_eq!(auth_response(b"*"), Ok(AuthLine::Cancel));
        assert_eq!(auth_response(b""), Ok(AuthLine::Response(SaslData::EMPTY)));
        for bad in [&b"="[..], b"* ", b"**", b"AAA", b"AAAA "] {
            assert!(auth_response(bad).is_err());
        }
    }
}
