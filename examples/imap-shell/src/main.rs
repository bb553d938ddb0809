//! A small IMAP client, and a way into the client machine for whoever reads it. In this order:
//!
//! 1. `main`: what the user wants.
//! 2. [`connect`]: a socket, TLS, a [`Driver`](mail_drive::Driver) and the machine,
//!    [`Client`](imap4_proto::client::Client).
//! 3. [`talk`]: the conversation. Commands go out by methods of the machine, events come in.
//! 4. [`login`]: SASL. The machine carries the exchange, `auth-sasl` makes it.
//! 5. [`show`]: what responses hold.
#![forbid(unsafe_code)]

mod connect;
mod login;
mod show;
mod talk;

use std::{
    io::{BufRead as _, IsTerminal as _, Write as _},
    path::PathBuf,
    process::ExitCode,
};

use auth_sasl::{ClientLogin, Secret};
use clap::{Parser, Subcommand, ValueEnum};
use zeroize::Zeroizing;

const AFTER: &str = "\
The password is read from the variable IMAP_PASSWORD, else from the first line of standard input. With IMAP_TOKEN the login
is by that OAuth 2 access token instead (OAUTHBEARER or XOAUTH2), and no password is asked for.

Try it:
  imap-shell --host imap.example.test --user fred list
  imap-shell --host imap.example.test --user fred fetch INBOX 1:*
  imap-shell --host imap.example.test --user fred fetch INBOX 7 --body > message.eml
  imap-shell --host localhost --port 1143 --tls starttls --ca mail-data/cert.pem --user alice idle INBOX";

/// A small IMAP client
#[derive(Parser, Debug)]
#[command(name = "imap-shell", version, after_help = AFTER, max_term_width = 120)]
struct Cli {
    /// The server's name, which its certificate has to bear
    #[arg(long)]
    host: String,
    /// Its port; 993 for TLS from the start, else 143
    #[arg(long)]
    port: Option<u16>,
    /// How the connection is encrypted
    #[arg(long, value_enum, default_value_t = Tls::Implicit)]
    tls: Tls,
    /// The certificates that are trusted (PEM)
    #[arg(long, value_name = "FILE", default_value = "/etc/ssl/certs/ca-certificates.crt")]
    ca: PathBuf,
    /// Who logs in
    #[arg(long)]
    user: String,
    /// The one SASL mechanism to log in by, as PLAIN or SCRAM-SHA-256; else the best that both sides have
    #[arg(long, value_name = "NAME")]
    mechanism: Option<String>,
    /// Compresses the connection where the server can (COMPRESS=DEFLATE)
    #[arg(long)]
    compress: bool,
    /// Tells on standard error how the login went and what the server lets one know
    #[arg(long, short)]
    verbose: bool,
    #[command(subcommand)]
    action: Action,
}

/// How a connection is encrypted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Tls {
    /// From the start (RFC 8314)
    Implicit,
    /// After STARTTLS; without it there is no login
    Starttls,
    /// Not at all, and passwords are shown to everybody: for tests on this machine
    None,
}

/// What is done once logged in.
#[derive(Clone, Debug, Subcommand)]
enum Action {
    /// Lists the mailboxes
    List,
    /// Shows messages: UID, size, flags, sender and subject, or with --body all of their octets
    Fetch {
        /// The mailbox's name
        mailbox: String,
        /// UIDs, as 7 or 1:* or 3,5:9
        uids: String,
        /// Writes the messages themselves
        #[arg(long)]
        body: bool,
    },
    /// Tells what happens in a mailbox, until Ctrl-C
    Idle {
        /// The mailbox's name
        mailbox: String,
    },
}

type Fault = Box<dyn std::error::Error + Send + Sync>;

/// Who logs in, with what.
fn credentials(user: &str) -> Result<ClientLogin, Fault> {
    if let Ok(token) = std::env::var("IMAP_TOKEN") {
        let token = Zeroizing::new(token);
        return Ok(ClientLogin::token(user, Secret::new(token.as_bytes())));
    }
    let password = match std::env::var("IMAP_PASSWORD") {
        Ok(password) => Zeroizing::new(password),
        Err(_) => {
            let stdin = std::io::stdin();
            if stdin.is_terminal() {
                write!(std::io::stderr(), "password of {user} (it is shown): ")?;
            }
            let mut line = Zeroizing::new(String::new());
            stdin.lock().read_line(&mut line)?;
            line
        }
    };
    let password = password.trim_end_matches(['\r', '\n']);
    if password.is_empty() {
        return Err(
            "there is no password: set IMAP_PASSWORD (or IMAP_TOKEN), or write it to standard input".into()
        );
    }
    Ok(ClientLogin::password(user, Secret::new(password.as_bytes())))
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let cli = Cli::parse();
    let talked = async { connect::run(&cli, credentials(&cli.user)?).await }.await;
    if let Err(fault) = talked {
        // Where standard error is closed there is nobody to tell.
        _ = writeln!(std::io::stderr(), "imap-shell: {fault}");
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}
