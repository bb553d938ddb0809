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
  mailserver store check                            is the mail sound? store repair mends what can be mended
  mailserver store backup /backup/monday            a copy of all mail, while the server runs
  mailserver export carol@example.test carol.tar    one mailbox with all it has; `import` brings it back
  mailserver import carol@example.test ~/Maildir    mail from elsewhere: Maildir, mbox, archives
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
    /// Check, repair, back up or shrink the mail store; the server may run meanwhile
    #[command(subcommand)]
    Store(Store),
    /// Write a mailbox's mail to an archive, mbox files or a Maildir; the server may run meanwhile
    Export(crate::transfer::Export),
    /// Read mail from an archive, mbox files or a Maildir into a mailbox; the server may run meanwhile
    Import(crate::transfer::Import),
}

#[derive(Subcommand, Debug)]
pub(crate) enum Store {
    /// Look for faults and change nothing; ends with 0 for a sound store, 3 for faults
    ///
    /// Reads everything: SQLite's own check of each database, all counters and references, and every message's octets
    /// against their checksum. Each fault is one line. Ends with 0 when there is none, with 3 when there are
    /// some, with 1 when the store cannot be read.
    Check,
    /// Mend what can be mended without loss, then check
    ///
    /// Counters are computed anew; bodies, files and rows that belong to nothing are removed. Messages are never
    /// deleted or changed: one that is damaged stays, and is listed. Ends as `check` does.
    Repair,
    /// Copy the store, as it is at one moment, into a new folder
    ///
    /// The copy is a mail store: `mailserver --data FOLDER` serves it. Big messages are hard links where the
    /// file system allows, which need no room; to be safe from a broken disk, copy the folder to another.
    /// The folder appears when it is complete.
    Backup {
        /// A folder that does not exist, or is empty
        #[arg(value_name = "FOLDER")]
        folder: PathBuf,
    },
    /// Give the room of deleted mail back to the file system
    Vacuum,
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
