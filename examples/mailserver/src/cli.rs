//! The command line.

use std::path::PathBuf;

use clap::{Parser, Subcommand};

const LONG: &str = "\
A mail server for POP3, IMAP4 and SMTP submission that keeps its mail in one folder.

Started without anything, it serves on loopback: imap 1143, imaps 1993, pop3 1110, pop3s 1995, submission 1587,
submissions 1465. At the first start it makes the folder ./mail-data with a self-signed certificate and the
mailboxes alice@example.test and bob@example.test, and prints what a mail program wants to know, passwords included:
they are shown this once. Mail to the addresses of its own mailboxes is delivered, all other is refused.";

const AFTER: &str = "\
Try it:
  mailserver                                        serve with the defaults; Ctrl-C stops
  mailserver --config mail.toml                     serve as the file says
  echo 'a password' | mailserver user add carol@example.test
  mailserver user list                              these work while the server runs, too
  RUST_LOG=debug mailserver                         say more (or --log debug)

The configuration file, with every key; what is left out has the value shown, but for [listen], where a service that is
not listed is off. Paths are relative to the file.

  hostname = \"mail.example.test\"
  data = \"./mail-data\"
  [listen]                        # lists of addresses
  imap = [\"127.0.0.1:1143\"]
  imaps = [\"127.0.0.1:1993\"]
  pop3 = [\"127.0.0.1:1110\"]
  pop3s = [\"127.0.0.1:1995\"]
  submission = [\"127.0.0.1:1587\"]
  submissions = [\"127.0.0.1:1465\"]
  [tls]                           # PEM files; without them a self-signed pair is made in data
  certificate = \"cert.pem\"
  key = \"key.pem\"
  [auth]
  plaintext = \"tls-only\"          # or \"always\": passwords without TLS, for tests on loopback
  [limits]
  connections = 10000             # in all
  connections_per_address = 50    # loopback is exempt
  [[mailbox]]                     # made at the start where it is missing; may stand many times
  address = \"alice@example.test\"  # logs in as the address or its local part
  password = \"secret\"             # or password_hash = \"$argon2id$...\"; without either, by `user passwd`";

/// A mail server for POP3, IMAP4 and SMTP submission
#[derive(Parser, Debug)]
#[command(name = "mailserver", version, long_about = LONG, after_long_help = AFTER, max_term_width = 120)]
pub(crate) struct Cli {
    /// The configuration file (TOML); see --help for its keys
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// The folder for mail, mailboxes and certificate, in place of the configured one
    #[arg(long, global = true, value_name = "FOLDER")]
    pub(crate) data: Option<PathBuf>,
    /// What to log to standard error: error, warn, info, debug, trace, or as RUST_LOG takes it
    #[arg(long, global = true, value_name = "LEVEL")]
    pub(crate) log: Option<String>,
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
}

#[derive(Subcommand, Debug)]
pub(crate) enum Command {
    /// Add, list, change or remove mailboxes; the server may run meanwhile
    #[command(subcommand)]
    User(User),
}

#[derive(Subcommand, Debug)]
pub(crate) enum User {
    /// Make a mailbox; its password is one line on standard input
    Add {
        /// Its address, like carol@example.test
        address: String,
    },
    /// List all mailboxes
    List,
    /// Change a mailbox's password, which is one line on standard input
    Passwd {
        /// Its address
        address: String,
    },
    /// Remove a mailbox and all its mail
    Remove {
        /// Its address
        address: String,
    },
}
