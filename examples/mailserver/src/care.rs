//! `mailserver store`: looking after the mail store, also beside a running server.

use std::{
    fmt::Write as _,
    io::{IsTerminal as _, Write as _},
    process::ExitCode,
    time::{Duration, Instant},
};

use mailstore_sqlite::{Progress, SqliteStore};

use crate::{
    cli::Store,
    config::Config,
    fault::{Fault, Result},
    user::{open_store, say},
};

/// What `check` and `repair` end with when the store has faults left; what could not be done ends with 1, and a
/// wrong command line with 2.
const FAULTY: u8 = 3;

/// The store of commands about one that is there: opening alone would make one.
pub(crate) fn open_existing(config: &Config) -> Result<SqliteStore> {
    let data = &config.data;
    if !data.join("control.db").is_file() {
        return Err(Fault::new(format!(
            "there is no mail store in {}; choose its folder by --data",
            data.display()
        )));
    }
    open_store(config)
}

pub(crate) fn run(command: &Store, config: &Config) -> Result<ExitCode> {
    let store = open_existing(config)?;
    let done = act(command, &store);
    store.close();
    done
}

fn act(command: &Store, store: &SqliteStore) -> Result<ExitCode> {
    match command {
        Store::Check => check(store),
        Store::Repair => {
            let mended = store.repair().map_err(|e| Fault::new(format!("cannot repair the store: {e}")))?;
            say(&format!("{mended} faults mended\n"))?;
            check(store)
        }
        Store::Backup { folder } => {
            let mut bar = Bar::new("copying");
            let done = store.backup(folder, &mut |p| bar.show(p));
            bar.clear();
            done.map_err(|e| Fault::new(format!("cannot back up to {}: {e}", folder.display())))?;
            say(&format!("the store is copied to {}\n", folder.display()))?;
            Ok(ExitCode::SUCCESS)
        }
        Store::Vacuum => {
            let mut bar = Bar::new("shrinking");
            let done = store.vacuum(&mut |p| bar.show(p));
            bar.clear();
            let freed = done.map_err(|e| Fault::new(format!("cannot shrink the store: {e}")))?;
            say(&format!("{freed} octets given back\n"))?;
            Ok(ExitCode::SUCCESS)
        }
    }
}

fn check(store: &SqliteStore) -> Result<ExitCode> {
    let mut bar = Bar::new("checking");
    let done = store.check(&mut |p| bar.show(p));
    bar.clear();
    let report = done.map_err(|e| Fault::new(format!("cannot check the store: {e}")))?;
    let mut text = String::new();
    for finding in &report.findings {
        let mend = if finding.kind.is_mendable() { "  (repair mends it)" } else { "" };
        let _ = writeln!(text, "{finding}{mend}");
    }
    let faults = report.left_out + report.findings.len() as u64;
    let _ = match faults {
        0 => writeln!(text, "no faults in {} messages, {} bodies", report.messages, report.bodies),
        n => writeln!(text, "{n} faults in {} messages, {} bodies", report.messages, report.bodies),
    };
    say(&text)?;
    Ok(if faults == 0 { ExitCode::SUCCESS } else { ExitCode::from(FAULTY) })
}

/// How far long work is: one line on standard error that is written over, when that is a terminal.
struct Bar {
    what: &'static str,
    shown: Option<Instant>,
    terminal: bool,
}

impl Bar {
    fn new(what: &'static str) -> Self {
        Self { what, shown: None, terminal: std::io::stderr().is_terminal() }
    }

    fn show(&mut self, at: Progress) {
        if !self.terminal || self.shown.is_some_and(|t| t.elapsed() < Duration::from_millis(100)) {
            return;
        }
        self.shown = Some(Instant::now());
        let percent = (at.done.saturating_mul(100)).checked_div(at.total).unwrap_or(100);
        let _ = write!(std::io::stderr(), "\r\x1b[K{} shard {:02}: {percent:3} %", self.what, at.shard);
    }

    fn clear(&mut self) {
        if self.shown.take().is_some() {
            let _ = write!(std::io::stderr(), "\r\x1b[K");
        }
    }
}
