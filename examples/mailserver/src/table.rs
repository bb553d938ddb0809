//! What is printed at the start: what a person types into a mail program.

use std::{fmt::Write as _, net::SocketAddr, path::Path};

use auth_sasl::Secret;
use mail_session::auth::Plaintext;

use crate::config::{Config, Service};

/// With more mailboxes than this, the table names none.
const MOST: usize = 4;

/// A mailbox for the table; its password where it was made just now.
pub(crate) struct Row {
    pub(crate) user: String,
    pub(crate) password: Option<Secret>,
}

/// The table, and two commands to try.
pub(crate) fn text(
    config: &Config,
    bound: &[(Service, SocketAddr)],
    users: &[Row],
    trusted: Option<&Path>,
) -> String {
    let mut cells = vec![["PROTOCOL", "HOST", "PORT", "ENCRYPTION", "USER", "PASSWORD"].map(str::to_owned)];
    let named = if users.len() > MOST { &[] } else { users };
    let several = Row { user: "(its address)".to_owned(), password: None };
    let each = if named.is_empty() { std::slice::from_ref(&several) } else { named };
    for row in each {
        let password = row
            .password
            .as_ref()
            .map_or_else(|| "(as set)".to_owned(), |p| String::from_utf8_lossy(p.expose()).into_owned());
        for (service, address) in bound {
            cells.push([
                service.key().to_owned(),
                host(config, *address),
                address.port().to_string(),
                encryption(config, *service).to_owned(),
                row.user.clone(),
                password.clone(),
            ]);
        }
    }
    let mut out = String::from("\n");
    let widths: [usize; 6] = std::array::from_fn(|i| {
        cells.iter().filter_map(|row| row.get(i)).map(|cell| cell.chars().count()).max().unwrap_or(0)
    });
    for row in &cells {
        let line = row
            .iter()
            .zip(widths)
            .fold(String::new(), |line, (cell, width)| format!("{line}  {cell:<width$}"));
        let _ = writeln!(out, "{}", line.trim_end());
    }
    if let Some(certificate) = trusted {
        let _ = writeln!(out, "\n  The certificate is self-signed: {}", certificate.display());
    }
    if named.iter().all(|row| row.password.is_none()) {
        out.push_str("\n  Mailboxes and passwords: mailserver user --help\n");
    }
    try_it(&mut out, config, bound, named, trusted);
    out
}

fn host(config: &Config, address: SocketAddr) -> String {
    match address.ip() {
        ip if ip.is_unspecified() => config.hostname.clone(),
        ip => ip.to_string(),
    }
}

const fn encryption(config: &Config, service: Service) -> &'static str {
    match (service.implicit_tls(), config.plaintext) {
        (true, _) => "SSL/TLS",
        (false, Plaintext::TlsOnly) => "STARTTLS",
        (false, Plaintext::Always) => "none or STARTTLS",
    }
}

/// One command that sends a message, and one that reads it.
fn try_it(
    out: &mut String,
    config: &Config,
    bound: &[(Service, SocketAddr)],
    users: &[Row],
    trusted: Option<&Path>,
) {
    let (Some(from), Some(to)) = (users.first(), users.last()) else { return };
    let at = |service: Service| {
        bound.iter().find(|(s, _)| *s == service).map(|(_, address)| match address.ip() {
            ip if ip.is_unspecified() || ip.is_ipv4() => {
                format!("{}:{}", host(config, *address), address.port())
            }
            _ => address.to_string(),
        })
    };
    let (Some(submissions), Some(imaps)) = (at(Service::Submissions), at(Service::Imaps)) else { return };
    let trust =
        trusted.map_or_else(String::new, |path| format!(" --cacert {}", quoted(&path.display().to_string())));
    let login = |row: &Row| {
        let password = row.password.as_ref().map(|p| String::from_utf8_lossy(p.expose()).into_owned());
        quoted(&format!("{}:{}", row.user, password.as_deref().unwrap_or("PASSWORD")))
    };
    let _ = writeln!(out, "\n  Send a message, and read it:\n");
    let _ = writeln!(
        out,
        "  printf 'From: {from}\\r\\nTo: {to}\\r\\nSubject: Hello\\r\\n\\r\\nIt works.\\r\\n' | \\\n    \
         curl -sS{trust} -u {login} --mail-from {from} --mail-rcpt {to} -T - smtps://{submissions}",
        from = from.user,
        to = to.user,
        login = login(from),
    );
    let _ = writeln!(
        out,
        "  curl -sS{trust} -u {login} 'imaps://{imaps}/INBOX;MAILINDEX=*'\n",
        login = login(to)
    );
}

/// Quoted for a shell.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "'\\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_service_stands_with_every_user() {
        let config = Config::load(None, None).unwrap();
        let users = ["alice@example.test", "bob@example.test"]
            .map(|user| Row { user: user.to_owned(), password: Some(Secret::new(b"kito-bala")) });
        let text = text(&config, &config.listen, &users, Some(Path::new("mail-data/cert.pem")));
        let has = |words: &str| text.lines().any(|l| l.split_whitespace().eq(words.split(' ')));
        assert!(has("PROTOCOL HOST PORT ENCRYPTION USER PASSWORD"), "{text}");
        assert!(has("imap 127.0.0.1 1143 STARTTLS alice@example.test kito-bala"), "{text}");
        assert!(has("submissions 127.0.0.1 1465 SSL/TLS bob@example.test kito-bala"), "{text}");
        assert_eq!(text.matches("curl ").count(), 2, "{text}");
        assert!(text.contains("--cacert 'mail-data/cert.pem'"), "{text}");
        assert!(text.contains("imaps://127.0.0.1:1993/INBOX"), "{text}");
    }

    #[test]
    fn passwords_that_are_not_new_are_not_known() {
        let config = Config::load(None, None).unwrap();
        let users = [Row { user: "alice@example.test".to_owned(), password: None }];
        let text = text(&config, &config.listen, &users, None);
        assert!(text.contains("(as set)") && text.contains("user --help"), "{text}");
    }
}
