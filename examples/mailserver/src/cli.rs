//! The command line.

use std::path::PathBuf;

use clap::{Parser, Subcommand};

use crate::quota::Limit;

const LONG: &str = "\
A mail server for POP3, IMAP4 and SMTP submission that keeps its mail in one folder.

Started without anything, it serves on loopback: imap 1143, imaps 1993, pop3 1110, pop3s 1995, submission 1587,
submissions 1465. At the first start it makes the folder ./mail-data with a self-signed certificate and the
mailboxes alice@example.test and bob@example.test, and prints what a mail program wants to know, passwords included:
they are shown this once. Mail to its own mailboxes is delivered; all other goes to the smart host of the configuration,
or is refused where there is none.";

const AFTER: &str = "\
Try it:
  mailserver                                        serve with the defaults; Ctrl-C stops
  mailserver --config mail.toml                     serve as the file says
  echo 'a password' | mailserver user add carol@example.test
  mailserver user list                              these work while the server runs, too
  mailserver quota set carol@example.test --storage 2G
  mailserver policy show alice@example.test         by what may she enter, and which rule says so?
  mailserver token keygen                           a key pair for [tokens]; then token issue alice@example.test
  mailserver store check                            is the mail sound? store repair mends what can be mended
  mailserver store backup /backup/monday            a copy of all mail, while the server runs
  mailserver queue list                             what waits to go out
  mailserver export carol@example.test carol.tar    one mailbox with all it has; `import` brings it back
  mailserver import carol@example.test ~/Maildir    mail from elsewhere: Maildir, mbox, archives
  RUST_LOG=debug mailserver                         say more (or --log debug)

The configuration file, with every key; what is left out has the value shown, but for [listen], where a service that is
not listed is off, and [tokens], which are off without it. Paths are relative to the file. It is read again when it
changes, and on SIGHUP: mailboxes, policies, organisations, [access], [auth], [tokens], [timeouts] take effect at once (in
new connections), the rest at the next start. A file with a fault is refused, and the old settings stay.

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
  #client_ca = \"ca.pem\"          # EXTERNAL: certificates it signed log in as the address in them
  [auth]
  plaintext = \"tls-only\"          # or \"always\": passwords without TLS, for tests on loopback
  scram = true                    # SCRAM-SHA-1, -256, -512 with and without -PLUS: keys are kept beside each hash
  cram_md5 = false                # CRAM-MD5 and APOP, for mailboxes whose password stands here
  [submission]
  header_from = \"name-sender\"    # a foreign From: gets a Sender:; or \"refuse\", or \"any\"
  strip_bcc = false               # take Bcc: out of messages
  vrfy = false                    # answer VRFY with more than 252
  bare_newlines = \"refuse\"        # or \"keep\": a CR or LF that stands alone in a message
  recipients = 1000               # of one message
  front_ends = []                 # networks from where XCLIENT is believed, like \"192.0.2.0/28\"
  [relay]                         # without it nothing goes to other servers
  host = \"smtp.example.test\"
  port = 587                      # 465 for implicit, 25 for none
  tls = \"starttls\"               # or \"implicit\", \"none\"
  #ca = \"ca.pem\"                 # whose certificates are good, in place of those this system trusts
  username = \"us@example.test\"    # with one of: password, password_file, password_command,
                                  # token_file, token_command (OAuth 2; files and commands are read at each login)
  password_file = \"relay.secret\"
  concurrency = 4                 # messages on their way at once
  retry_first_seconds = 300       # then twice as long each time,
  retry_longest_seconds = 7200    # but never longer
  expires_hours = 120             # then the sender gets it back
  delay_notice_hours = 4          # then the sender is told that it takes longer
  [lmtp]                          # mail from an MTA; no login
  listen = [\"127.0.0.1:2424\", \"unix:lmtp.sock\"]  # none by default
  peers = [\"127.0.0.0/8\", \"::1\"]  # who may connect by TCP
  over_quota = \"temporary\"       # 452; or \"permanent\", 552
  plus_addressing = false         # user+detail@domain is user@domain's
  [pop3]
  login_delay_seconds = 0         # between two logins to a mailbox
  #expire_days = 30               # said to clients; 0: what was fetched is removed at QUIT
  [imap]
  eight_bit_headers = true        # take messages whose headers are not ASCII from clients without UTF8=ACCEPT (RFC 6855)
  [limits]
  connections = 10000             # in all
  connections_per_address = 50    # loopback is exempt
  failed_logins_per_mailbox = 10  # then a wait that doubles each time; the same from one address, loopback exempt
  failed_logins_per_address = 30
  wrong_login_ms = 500            # a failed login is answered after so many milliseconds, or a multiple, whatever was wrong
  [timeouts]                      # seconds a client is waited for; shown are those of IMAP
  login = 180                     # from the greeting to the login (POP3 600)
  idle = 1860                     # between commands and in IDLE (POP3 600, submission and LMTP 300): the RFCs want no less
  command = 120                   # for one command, from its first octet (submission and LMTP 300)
  payload = 180                   # how far a message that comes in may fall behind 64 octets a second
  handshake = 30                  # of TLS, at the start or after STARTTLS
  stall = 120                     # how far a client that is sent something may fall behind 64 octets a second in reading it
  close = 10                      # for reading the last of it
  [[mailbox]]                     # made at the start where it is missing; may stand many times
  address = \"alice@example.test\"  # logs in as the address or its local part
  password = \"secret\"             # or password_hash = \"$argon2id$...\"; without either, by `user passwd`
  pop3 = \"inherit\"                # or \"on\", \"off\"; imap4 and submission alike
  #auth_policy = \"modern\"         # one of those below
  #valid_from = 2026-01-31T00:00:00Z  # older tokens are refused, older sessions ended
  kind = \"user\"                   # \"administrator\", \"guest\", \"anonymous\": no POP3, no IMAP4
  send_as = []                    # other addresses it may send as; \"@example.test\" for all of a domain
  shared_with = []                # addresses that may open it, by authzid or XOAUTH2's user=
  [access]
  security_defaults = false       # no password logins at all
  #auth_policy = \"modern\"         # for whom no other is set
  #anonymous = \"public@example.test\"  # the mailbox that ANONYMOUS opens, by POP3 and IMAP4
  [[auth_policy]]                 # who names it may enter by these; what is left out, by all protocols
  name = \"modern\"
  basic = []                      # passwords, by \"pop3\", \"imap4\", \"submission\"
  modern = [\"imap4\", \"submission\"]  # tokens and certificates
  [[organisation]]                # all mailboxes of a domain
  domain = \"example.test\"
  pop3 = \"off\"                    # and imap4, submission, auth_policy, security_defaults
  [tokens]                        # OAUTHBEARER and XOAUTH2
  issuer = \"https://login.example.test/\"  # or a list; so audience
  audience = \"mail\"
  jwks = \"jwks.json\"              # the keys; read again when it changes
  algorithms = [\"RS256\", \"ES256\"]
  mailbox_claim = \"email\"
  leeway_seconds = 60
  #signing_key = \"token-key.pem\"  # for `token issue`
  [tokens.scopes]                 # one of them; without: Microsoft's and Google's
  imap4 = [\"mail.read\"]
  #[tokens.introspection]         # in place of jwks: url, client_id, client_secret, ca, timeout_seconds, cache_seconds";

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
    /// Show or set what mailboxes may keep; the server may run meanwhile
    #[command(subcommand)]
    Quota(Quota),
    /// Check, repair, back up or shrink the mail store; the server may run meanwhile
    #[command(subcommand)]
    Store(Store),
    /// See and manage the mail that waits to go out; the server may run meanwhile
    #[command(subcommand)]
    Queue(Queue),
    /// What the access policy says
    #[command(subcommand)]
    Policy(Policy),
    /// Make keys and bearer tokens for trying things out
    #[command(subcommand)]
    Token(Token),
    /// Write a mailbox's mail to an archive, mbox files or a Maildir; the server may run meanwhile
    Export(crate::transfer::Export),
    /// Read mail from an archive, mbox files or a Maildir into a mailbox; the server may run meanwhile
    Import(crate::transfer::Import),
}

#[derive(Subcommand, Debug)]
pub(crate) enum Policy {
    /// Show by what a mailbox can be opened, and which rule says so
    Show {
        /// Its address
        address: String,
    },
}

#[derive(Subcommand, Debug)]
pub(crate) enum Token {
    /// Make a key pair: the private key to tokens.signing_key, the public one added to tokens.jwks
    Keygen,
    /// Print a token signed with tokens.signing_key, as the configuration wants it
    Issue(Issue),
}

#[derive(clap::Args, Debug)]
pub(crate) struct Issue {
    /// The mailbox it opens
    pub(crate) address: String,
    /// A scope; may stand several times. Without one: what the configuration wants for each protocol
    #[arg(long)]
    pub(crate) scope: Vec<String>,
    /// Its issuer, in place of the first configured one
    #[arg(long)]
    pub(crate) issuer: Option<String>,
    /// Its audience, in place of the first configured one
    #[arg(long)]
    pub(crate) audience: Option<String>,
    /// How long it is in force
    #[arg(long, default_value_t = 3600)]
    pub(crate) valid_seconds: u64,
}

#[derive(Subcommand, Debug)]
pub(crate) enum Queue {
    /// List what waits: from whom, for whom, since when, and what went wrong last
    List,
    /// Try messages now, whenever they were due
    Retry {
        /// Their names, as `list` shows them first; or `all`
        #[arg(required = true, value_name = "ID")]
        ids: Vec<String>,
    },
    /// Remove messages; nobody is told
    Drop {
        /// Their names, as `list` shows them first; or `all`
        #[arg(required = true, value_name = "ID")]
        ids: Vec<String>,
    },
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
    /// The copy is a mail store: `mailserver --data FOLDER` serves it, and sends what waited in the queue once more. Big
    /// messages are hard links where the file system allows, which need no room; to be safe from a broken disk, copy
    /// the folder to another. The folder appears when it is complete.
    Backup {
        /// A folder that does not exist, or is empty
        #[arg(value_name = "FOLDER")]
        folder: PathBuf,
    },
    /// Give the room of deleted mail back to the file system
    Vacuum,
}

#[derive(Subcommand, Debug)]
pub(crate) enum Quota {
    /// Show what one or all mailboxes keep, and their limits
    Show {
        /// Its address; all without one
        address: Option<String>,
    },
    /// Set limits of a mailbox; what is not named stays as it is
    ///
    /// What is over a limit is not taken: IMAP says so by the code OVERQUOTA, and submitted mail is refused for the time being,
    /// or waits. What is there already stays, and can be read, moved and deleted.
    #[command(group = clap::ArgGroup::new("limits").required(true).multiple(true))]
    Set {
        /// Its address
        address: String,
        /// Octets of all its messages, like 500M or 2G, or none
        #[arg(long, value_name = "SIZE", group = "limits")]
        storage: Option<Limit>,
        /// Its messages, or none
        #[arg(long, value_name = "NUMBER", group = "limits")]
        messages: Option<Limit>,
        /// Its folders, INBOX included, or none
        #[arg(long, value_name = "NUMBER", group = "limits")]
        mailboxes: Option<Limit>,
    },
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
