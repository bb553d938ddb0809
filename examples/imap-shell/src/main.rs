//! A small IMAP client: how the client machine, a driver and TLS are put together.
//!
//! `connect` makes the connection, `talk` is the conversation: commands go out by methods, events come in.
#![forbid(unsafe_code)]

mod connect;
mod talk;

use std::{
    io::{BufRead as _, Write as _},
    path::PathBuf,
    process::ExitCode,
};

use clap::{Parser, Subcommand, ValueEnum};
use zeroize::Zeroizing;

const AFTER: &str = "\
The password is read from the variable IMAP_PASSWORD, else from the first line of standard input.

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
    /// Not at all: for tests on this machine
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

fn password() -> Result<Zeroizing<String>, Fault> {
    if let Ok(password) = std::env::var("IMAP_PASSWORD") {
        return Ok(Zeroizing::new(password));
    }
    let mut line = Zeroizing::new(String::new());
    std::io::stdin().lock().read_line(&mut line)?;
    Ok(Zeroizing::new(line.trim_end_matches(['\r', '\n']).to_owned()))
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let cli = Cli::parse();
    let talked = async { connect::run(&cli, password()?).await }.await;
    if let Err(fault) = talked {
        // Where standard error is closed there is nobody to tell.
        _ = writeln!(std::io::stderr(), "imap-shell: {fault}");
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}
