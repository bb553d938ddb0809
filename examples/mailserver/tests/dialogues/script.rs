//! Reads a script.

use std::collections::HashMap;

/// What is done on one connection.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Action {
    Open,
    Login(String),
    /// From now on, it connects to this process of the server.
    At(usize),
    Shut,
    Quiet,
    Command(String),
    Line(String),
    Continuation(String),
    Ordered(String),
    Somewhere(String),
    Never(String),
    Tagged(String),
    Closed,
}

#[derive(Clone, Debug)]
pub(crate) struct Step {
    pub(crate) line: usize,
    pub(crate) connection: String,
    pub(crate) action: Action,
    /// The control is known not to do this.
    pub(crate) ours_only: bool,
}

#[derive(Debug, Default)]
pub(crate) struct Script {
    pub(crate) title: String,
    /// `None`: played against the control; else why not.
    pub(crate) no_control: Option<String>,
    pub(crate) messages: HashMap<String, Vec<u8>>,
    pub(crate) steps: Vec<Step>,
}

impl Script {
    /// Whether several connections have to do with each other.
    pub(crate) fn has_company(&self) -> bool {
        self.steps.iter().any(|s| s.connection != self.steps[0].connection)
    }
}

pub(crate) fn parse(text: &str) -> Result<Script, String> {
    let mut script = Script::default();
    let mut message: Option<String> = None;
    let (mut ours_only, mut has_rfc, mut has_control) = (false, false, false);
    for (number, line) in text.lines().enumerate() {
        let number = number + 1;
        let fault = |what: &str| Err(format!("line {number}: {what}: {line:?}"));
        if let Some(content) = line.strip_prefix("| ").or_else(|| line.strip_prefix('|')) {
            let Some(name) = &message else { return fault("no message is begun") };
            let octets = script.messages.entry(name.clone()).or_default();
            octets.extend_from_slice(&unescape(content));
            octets.extend_from_slice(b"\r\n");
            continue;
        }
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        message = None;
        if let Some(reason) = line.strip_prefix("? ") {
            if !reason.starts_with("RFC ") {
                return fault("a reason begins with the RFC that the control breaks");
            }
            ours_only = true;
            continue;
        }
        if let Some(title) = line.strip_prefix("title: ") {
            script.title = title.to_owned();
            continue;
        }
        if let Some(rfc) = line.strip_prefix("rfc: ") {
            has_rfc = rfc.starts_with(|c: char| c.is_ascii_digit());
            continue;
        }
        if let Some(control) = line.strip_prefix("control: ") {
            has_control = true;
            script.no_control = match control.split_once(", ") {
                _ if control == "yes" => None,
                Some(("no", reason)) => Some(reason.to_owned()),
                _ => return fault("`yes`, or `no, reason`"),
            };
            continue;
        }
        if let Some(name) = line.strip_prefix("message ") {
            message = Some(name.to_owned());
            continue;
        }
        let end = line.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(line.len());
        let (connection, rest) = line.split_at(end);
        let mut chars = rest.chars();
        let (Some(kind), false) = (chars.next(), connection.is_empty()) else { return fault("not a step") };
        let text = chars.as_str().strip_prefix(' ').unwrap_or(chars.as_str()).to_owned();
        let action = match (kind, text.as_str()) {
            (':', "open") => Action::Open,
            (':', "shut") => Action::Shut,
            (':', "quiet") => Action::Quiet,
            (':', at) if at.starts_with("at ") => match at["at ".len()..].parse() {
                Ok(process @ 1..) => Action::At(process),
                _ => return fault("processes are counted from 1"),
            },
            (':', login) if login.starts_with("login ") => Action::Login(login["login ".len()..].to_owned()),
            ('>', _) => Action::Command(text),
            ('|', _) => Action::Line(text),
            ('+', _) => Action::Continuation(text),
            ('<', _) => Action::Ordered(text),
            ('~', _) => Action::Somewhere(text),
            ('!', _) => Action::Never(text),
            ('=', _) => Action::Tagged(text),
            ('.', "") => Action::Closed,
            _ => return fault("not a step"),
        };
        script.steps.push(Step { line: number, connection: connection.to_owned(), action, ours_only });
        ours_only = false;
    }
    if script.title.is_empty() || !has_rfc || !has_control {
        return Err("a script has a title:, an rfc: and a control: line".to_owned());
    }
    Ok(script)
}

/// `\r`, `\n`, `\t`, `\\` and `\xNN`.
pub(crate) fn unescape(text: &str) -> Vec<u8> {
    let mut octets = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&octet, after)) = rest.split_first() {
        rest = after;
        if octet != b'\\' {
            octets.push(octet);
            continue;
        }
        match after {
            [b'r', tail @ ..] => (octets.push(b'\r'), rest = tail).1,
            [b'n', tail @ ..] => (octets.push(b'\n'), rest = tail).1,
            [b't', tail @ ..] => (octets.push(b'\t'), rest = tail).1,
            [b'x', a, b, tail @ ..] if a.is_ascii_hexdigit() && b.is_ascii_hexdigit() => {
                let digits = [*a, *b];
                octets.push(u8::from_str_radix(std::str::from_utf8(&digits).unwrap(), 16).unwrap());
                rest = tail;
            }
            // `\Seen` and the like stand for themselves.
            _ => octets.push(b'\\'),
        }
    }
    octets
}
