//! A mail server on the crate family: POP3, IMAP4 and SMTP submission from an embedded store.
//!
//! `mailserver --help` says how it is used. Where to look: `config` (the file), `serve` (from start to
//! stop), `listen` (connections come in), `session` (a connection is handed to its protocol),
//! `authority` (who may enter), `live` and `reload` (settings that change while it runs), `accounts`, `user` and `quota`
//! (mailboxes), `care` (the store), `transfer` (mail in and out), `router` (where mail goes),
//! `relay` and `queue` (what goes out), `lmtp` (what comes in).
#![forbid(unsafe_code)]

mod accounts;
mod address;
mod authority;
mod care;
mod certificate;
mod cli;
mod config;
mod fault;
mod limits;
mod listen;
mod live;
mod lmtp;
mod password;
mod policy;
mod present;
mod prompt;
mod queue;
mod quota;
mod relay;
mod reload;
mod remembered;
mod router;
mod secret;
mod serve;
mod session;
mod socket;
mod stored;
mod table;
mod throttle;
mod token;
mod transfer;
mod user;
mod workers;

use std::{io::Write as _, process::ExitCode};

use clap::Parser as _;
use tracing_subscriber::EnvFilter;

use crate::{
    cli::{Cli, Command},
    config::Config,
    fault::{Fault, Result},
};

fn main() -> ExitCode {
    match run(&Cli::parse()) {
        Ok(code) => code,
        Err(fault) => {
            let _ = writeln!(std::io::stderr(), "mailserver: {fault}");
            ExitCode::FAILURE
        }
    }
}

fn run(cli: &Cli) -> Result<ExitCode> {
    log_to_stderr(cli.log.as_deref())?;
    let config = Config::load(cli.config.as_deref(), cli.data.as_deref())?;
    match &cli.command {
        None => serve::run(config)?,
        Some(Command::User(command)) => user::run(command, &config)?,
        Some(Command::Quota(command)) => quota::run(command, &config)?,
        Some(Command::Policy(command)) => policy::run(command, &config)?,
        Some(Command::Token(command)) => token::run(command, &config)?,
        Some(Command::Queue(command)) => return queue::run(command, &config),
        Some(Command::Store(command)) => return care::run(command, &config),
        Some(Command::Export(command)) => return transfer::run_export(command, &config),
        Some(Command::Import(command)) => return transfer::run_import(command, &config),
    }
    Ok(ExitCode::SUCCESS)
}

/// `--log` before RUST_LOG before `info`.
fn log_to_stderr(level: Option<&str>) -> Result<()> {
    let wanted = level.map(str::to_owned).or_else(|| std::env::var(EnvFilter::DEFAULT_ENV).ok());
    let filter = match wanted.as_deref() {
        Some(wanted) if !wanted.is_empty() => EnvFilter::try_new(wanted).map_err(|e| {
            Fault::new(format!("{wanted:?} is no log level: {e}; try error, warn, info, debug or trace"))
        })?,
        _ => EnvFilter::new("info"),
    };
    // The HTTP client would log its requests, tokens included.
    let filter = ["ureq=warn", "ureq_proto=warn"]
        .into_iter()
        .filter_map(|directive| directive.parse().ok())
        .fold(filter, EnvFilter::add_directive);
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::IsTerminal::is_terminal(&std::io::stderr()))
        .init();
    Ok(())
}
