//! A SASL client on each of the three protocols.

use auth_sasl::{Channel, ClientExchange, ClientLogin, ClientMethod, ClientPolicy, Secret, choose};
use base64::{Engine as _, engine::general_purpose::STANDARD};

use super::{Client, Server, base64, last_of_reply};

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Over {
    Plain,
    StartTls,
    Tls,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Protocol {
    Imap4,
    Pop3,
    Submission,
}

pub(crate) const OVERS: [Over; 3] = [Over::Plain, Over::StartTls, Over::Tls];
pub(crate) const PROTOCOLS: [Protocol; 3] = [Protocol::Imap4, Protocol::Pop3, Protocol::Submission];

/// A connection that was greeted, and whose client has said EHLO.
pub(crate) fn connect(server: &Server, protocol: Protocol, over: Over) -> Client {
    connect_with(server, protocol, over, None)
}

/// The same, showing a certificate under TLS.
pub(crate) fn connect_with(
    server: &Server,
    protocol: Protocol,
    over: Over,
    shown: Option<(&std::path::Path, &std::path::Path)>,
) -> Client {
    let name = match (protocol, over) {
        (Protocol::Imap4, Over::Tls) => "imaps",
        (Protocol::Imap4, _) => "imap",
        (Protocol::Pop3, Over::Tls) => "pop3s",
        (Protocol::Pop3, _) => "pop3",
        (Protocol::Submission, Over::Tls) => "submissions",
        (Protocol::Submission, _) => "submission",
    };
    let mut c = server.connect_plain(name);
    if over == Over::Tls {
        c.upgrade_with(shown);
    }
    c.read_to(last_of_reply);
    if over == Over::StartTls {
        match protocol {
            Protocol::Imap4 => assert!(c.imap("STARTTLS").contains("t OK")),
            Protocol::Pop3 => assert!(c.pop3("STLS").starts_with("+OK")),
            Protocol::Submission => {
                assert!(c.smtp("EHLO c.example.test").contains("STARTTLS"));
                assert!(c.smtp("STARTTLS").starts_with("220"));
            }
        }
        c.upgrade_with(shown);
    }
    if protocol == Protocol::Submission {
        assert!(c.smtp("EHLO c.example.test").starts_with("250"));
    }
    c
}

/// The mechanisms that are listed.
pub(crate) fn listed(c: &mut Client, protocol: Protocol) -> Vec<String> {
    let text = match protocol {
        Protocol::Imap4 => c.imap("CAPABILITY"),
        Protocol::Pop3 => c.ask("CAPA", |l| l == "."),
        Protocol::Submission => c.smtp("EHLO c.example.test"),
    };
    let words: Vec<&str> = match protocol {
        Protocol::Imap4 => text.split_whitespace().filter_map(|w| w.strip_prefix("AUTH=")).collect(),
        Protocol::Pop3 => words_after(&text, "SASL "),
        Protocol::Submission => words_after(&text, "AUTH "),
    };
    words.into_iter().map(str::to_owned).collect()
}

fn words_after<'t>(text: &'t str, key: &str) -> Vec<&'t str> {
    text.lines()
        .find_map(|l| l.split_once(key))
        .map_or(Vec::new(), |(_, rest)| rest.split_whitespace().collect())
}

/// Begins an exchange of this mechanism as a client of this connection.
pub(crate) fn exchange(
    c: &mut Client,
    protocol: Protocol,
    mechanism: &str,
    login: &ClientLogin,
) -> ClientExchange {
    let names = listed(c, protocol);
    assert!(names.iter().any(|n| n == mechanism), "{mechanism} is not among {names:?}");
    let plus = names.iter().filter(|n| n.ends_with("-PLUS"));
    let exporter = c.exporter();
    let mut channel = Channel::default();
    channel.tls_exporter = exporter.as_ref().map(<[u8; 32]>::as_slice);
    channel.random = Some(b"random enough for a test");
    let mut policy = ClientPolicy::encrypted(true);
    policy.cram_md5 = true;
    let methods: Vec<_> =
        ClientMethod::BEST_FIRST.iter().filter(|m| m.name() == mechanism).copied().collect();
    let offered = [mechanism].into_iter().chain(plus.map(String::as_str));
    choose(&methods, offered, login, &channel, &policy).unwrap()
}

/// Logs in; the challenges as text, and the last line. A success is what the client believes.
pub(crate) fn login(
    c: &mut Client,
    protocol: Protocol,
    mechanism: &str,
    login: &ClientLogin,
) -> (Vec<String>, String) {
    let mut exchange = exchange(c, protocol, mechanism, login);
    let initial = exchange.initial().unwrap();
    let initial = initial.map(|i| if i.expose().is_empty() { "=".to_owned() } else { base64(i.expose()) });
    let command = match protocol {
        Protocol::Imap4 => format!("t AUTHENTICATE {mechanism}"),
        _ => format!("AUTH {mechanism}"),
    };
    // A line of POP3 has 255 octets with its initial response (RFC 5034 section 4).
    let fits = |i: &String| protocol != Protocol::Pop3 || command.len() + i.len() < 250;
    let mut send_first = None;
    let line = match initial {
        Some(i) if fits(&i) => format!("{command} {i}"),
        Some(i) => {
            send_first = Some(i);
            command
        }
        None => command,
    };
    let mut answer = c.ask(&line, |_| true);
    if let Some(first) = send_first {
        answer = c.ask(&first, |_| true);
    }
    let mut challenges = Vec::new();
    loop {
        let text = answer.trim_end();
        let challenge = match protocol {
            Protocol::Submission => text.strip_prefix("334 "),
            _ => text.strip_prefix("+ ").or_else(|| (text == "+").then_some("")),
        };
        let Some(challenge) = challenge else {
            let good = ["t OK", "+OK", "235"].iter().any(|good| text.contains(good));
            if good {
                exchange.success(None).unwrap();
            }
            return (challenges, text.to_owned());
        };
        let challenge = STANDARD.decode(challenge).unwrap();
        challenges.push(String::from_utf8_lossy(&challenge).into_owned());
        let response = match exchange.step(&challenge) {
            Ok(response) => base64(response.expose()),
            Err(e) => return (challenges, format!("the client: {e}")),
        };
        answer = c.ask(&response, |_| true);
    }
}

/// Whether the last line says yes.
pub(crate) fn good(last: &str) -> bool {
    last.starts_with("t OK") || last.starts_with("+OK") || last.starts_with("235")
}

/// Waits until a session that let the client in is over, where the next one has to wait for it: POP3 locks the maildrop.
pub(crate) fn leave(c: &mut Client, protocol: Protocol, last: &str) {
    if protocol == Protocol::Pop3 && good(last) {
        c.pop3("QUIT");
        while c.line().is_some() {}
    }
}

/// With the password, the token or the certificate that the mechanism wants.
pub(crate) fn with(mechanism: &str, user: &str, secret: &str) -> ClientLogin {
    let secret = Secret::new(secret.as_bytes());
    match mechanism {
        "EXTERNAL" => ClientLogin::external(),
        "ANONYMOUS" => ClientLogin::anonymous("trace"),
        "OAUTHBEARER" | "XOAUTH2" => ClientLogin::token(user, secret).at("mail.example.test", 993),
        _ => ClientLogin::password(user, secret),
    }
}
