//! `mailserver export` and `mailserver import`: mail out of a mailbox and into it, also beside a running server.

mod args;
mod bar;

use std::{
    fs::{self, File},
    io::{self, BufReader, BufWriter, Read as _, Write as _},
    path::Path,
    process::ExitCode,
};

use mail_transfer::{
    ExportOptions, ImportOptions, Patterns, Progress, Report, Result as Transferred, TransferError,
    TransferErrorKind,
    archive::{ArchiveReader, ArchiveWriter, PartialFile, RestoreOptions, restore},
    export,
    format::QuotaLimit,
    import,
    maildir::{MaildirFolder, MaildirSource},
    mbox::{MboxFolder, MboxSource},
};
use mailstore_api::{ErrorKind, MailStore as _, MailboxName, QuotaLimits};
use mailstore_sqlite::{SqliteAccount, SqliteStore};

pub(crate) use self::args::{Export, Import};
use self::{args::Format, bar::Bar};
use crate::{
    address::Address,
    care::open_existing,
    config::Config,
    fault::{Fault, Result},
    user::say,
};

/// What a transfer ends with that left messages out.
const INCOMPLETE: u8 = 3;
/// Octets a file is read and written in.
const BUFFER: usize = 256 * 1024;

/// Has a mailbox's account looked up, and `work` done on it; the store is closed after it.
fn with_account<T>(
    config: &Config,
    address: &str,
    work: impl AsyncFnOnce(&SqliteStore, &SqliteAccount) -> Transferred<T>,
) -> Result<Transferred<T>> {
    let address = Address::parse(address).map_err(Fault::new)?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .map_err(|e| Fault::new(format!("cannot begin: {e}")))?;
    let store = open_existing(config)?;
    let done = match runtime.block_on(store.open_account(&address.to_string())) {
        Ok(account) => Ok(runtime.block_on(work(&store, &account))),
        Err(e) if e.kind == ErrorKind::NotFound => Err(Fault::new(format!(
            "there is no mailbox {address}; `mailserver user list` shows all, `mailserver user add` makes one"
        ))),
        Err(e) => Err(Fault::new(format!("cannot open the mailbox {address}: {e}"))),
    };
    store.close();
    done
}

/// The limits an archive has, for an account that has none; a note, where they cannot be set.
fn limit(store: &SqliteStore, address: &str, limits: &[QuotaLimit]) -> Option<String> {
    let of = |resource: &str| limits.iter().find(|l| l.resource == resource).map(|l| l.limit);
    let archived = QuotaLimits {
        octets: of("STORAGE").map(|n| n.saturating_mul(QuotaLimits::UNIT)),
        messages: of("MESSAGE"),
        mailboxes: of("MAILBOX"),
    };
    let address = Address::parse(address).ok()?;
    let set = match store.quota(address.as_str()) {
        Ok((now, _)) if now == QuotaLimits::default() => store.set_quota(address.as_str(), archived),
        Ok(_) => return None,
        Err(e) => Err(e),
    };
    set.err().map(|e| format!("the archive's quota limits are not set: {e}"))
}

pub(crate) fn run_export(args: &Export, config: &Config) -> Result<ExitCode> {
    let mut options = ExportOptions::default();
    options.mailboxes = Patterns::new(&args.mailbox);
    options.dry_run = args.dry_run;
    let piped = args.to.as_os_str() == "-";
    if piped && args.format != Format::Archive {
        return Err(Fault::new("only an archive can be written to standard output"));
    }
    let mut bar = Bar::new("exporting");
    let done = with_account(config, &args.address, async |_, account| {
        let mut show = |p: &Progress<'_>| bar.show(p);
        let name = &args.address;
        match args.format {
            _ if args.dry_run => {
                export(account, name, &options, &mut ArchiveWriter::new(io::sink()), &mut show).await
            }
            Format::Archive if piped => {
                let out = BufWriter::with_capacity(BUFFER, io::stdout().lock());
                let mut archive = ArchiveWriter::new(out);
                export(account, name, &options, &mut archive, &mut show).await
            }
            Format::Archive => {
                let mut archive = ArchiveWriter::new(PartialFile::create(&args.to)?);
                let report = export(account, name, &options, &mut archive, &mut show).await?;
                archive.into_inner().keep()?;
                Ok(report)
            }
            Format::Mbox => {
                let mut folder = MboxFolder::create(&args.to)?;
                export(account, name, &options, &mut folder, &mut show).await
            }
            Format::Maildir => {
                let mut folder = MaildirFolder::create(&args.to)?;
                export(account, name, &options, &mut folder, &mut show).await
            }
        }
    });
    bar.clear();
    let report = done?.map_err(|e| Fault::new(format!("cannot export {}: {e}", args.address)))?;
    let verb = if args.dry_run { "to export" } else { "exported" };
    tell(&report, verb, piped && !args.dry_run)
}

pub(crate) fn run_import(args: &Import, config: &Config) -> Result<ExitCode> {
    let piped = args.from.as_os_str() == "-";
    let fault = |e: TransferError| Fault::new(format!("cannot import {}: {e}", args.from.display()));
    let into = match &args.into {
        Some(into) => {
            Some(MailboxName::new(into.split('/')).map_err(|e| Fault::new(format!("--into {into}: {e}")))?)
        }
        None => None,
    };
    let format = match args.format {
        Some(Format::Mbox | Format::Maildir) if piped => {
            return Err(Fault::new("only an archive can be read from standard input"));
        }
        Some(format) => format,
        None if piped => Format::Archive,
        None => recognise(&args.from)?,
    };
    let mut options = ImportOptions::default();
    options.mailboxes = Patterns::new(&args.mailbox);
    options.into.clone_from(&into);
    options.resume = args.resume;
    options.dry_run = args.dry_run;
    let mut bar = Bar::new("importing");
    let done = with_account(config, &args.address, async |store, account| {
        let mut show = |p: &Progress<'_>| bar.show(p);
        match format {
            Format::Archive => {
                let (input, len): (Box<dyn io::Read>, _) = if piped {
                    (Box::new(io::stdin().lock()), None)
                } else {
                    let (file, len) = open(&args.from)?;
                    (Box::new(file), Some(len))
                };
                let at = args.from.display().to_string();
                let input = BufReader::with_capacity(BUFFER, input);
                let mut archive = ArchiveReader::new(input, at, len)?;
                if args.merge || into.is_some() {
                    return import(account, &mut archive, &options, &mut show).await;
                }
                let mut exactly = RestoreOptions::default();
                exactly.mailboxes = options.mailboxes.clone();
                (exactly.resume, exactly.dry_run) = (options.resume, options.dry_run);
                let mut report = restore(account, &mut archive, &exactly, &mut show).await?;
                if !options.dry_run {
                    report.add_notes(limit(store, &args.address, &archive.manifest().quota));
                }
                Ok(report)
            }
            Format::Mbox => {
                let kind = args.mbox_kind.into();
                let mut source = if args.from.is_dir() {
                    MboxSource::folder(&args.from, kind)?
                } else {
                    let name = into.clone().unwrap_or_else(MailboxName::inbox);
                    MboxSource::file(&args.from, kind, name)?
                };
                import(account, &mut source, &options, &mut show).await
            }
            Format::Maildir => {
                let mut source = MaildirSource::open(&args.from)?;
                import(account, &mut source, &options, &mut show).await
            }
        }
    });
    bar.clear();
    let report = done?.map_err(|e| {
        let advice = match e.kind {
            _ if args.dry_run => "",
            TransferErrorKind::Refused => "; nothing was changed",
            _ => "; what was imported before stays, and the same command with --resume goes on behind it",
        };
        let with_merge = e.kind == TransferErrorKind::Refused && !args.merge;
        let merge = if with_merge { " (--merge merges)" } else { "" };
        fault(TransferError { text: format!("{}{merge}{advice}", e.text), ..e })
    })?;
    tell(&report, if args.dry_run { "to import" } else { "imported" }, false)
}

/// A file and its length.
fn open(path: &Path) -> Transferred<(File, u64)> {
    let opened = File::open(path).and_then(|file| file.metadata().map(|m| (file, m.len())));
    opened.map_err(|e| TransferError {
        kind: TransferErrorKind::Io,
        at: path.display().to_string(),
        text: e.to_string(),
    })
}

/// What kind of thing there is to import.
fn recognise(from: &Path) -> Result<Format> {
    let fault = |e: io::Error| Fault::new(format!("cannot read {}: {e}", from.display()));
    if fs::metadata(from).map_err(fault)?.is_dir() {
        // A folder of mbox files has no `cur`.
        let is_maildir = MaildirSource::open(from).is_ok();
        return Ok(if is_maildir { Format::Maildir } else { Format::Mbox });
    }
    let mut start = Vec::new();
    File::open(from).and_then(|f| f.take(512).read_to_end(&mut start)).map_err(fault)?;
    if start.trim_ascii_start().starts_with(b"From ") {
        return Ok(Format::Mbox);
    }
    if start.get(257..262) == Some(b"ustar") {
        return Ok(Format::Archive);
    }
    let packed =
        [&b"\x28\xb5\x2f\xfd"[..], b"\x1f\x8b", b"\xfd7zXZ", b"BZh"].iter().any(|m| start.starts_with(m));
    let advice = if packed {
        "it is compressed; unpack it through a pipe, like `zstd -dc FILE | mailserver import ADDRESS -`"
    } else {
        "it is no mail archive, no mbox file and no Maildir folder; --format says which of them it should be"
    };
    Err(Fault::new(format!("cannot import {}: {advice}", from.display())))
}

/// What was done, to standard output or, where that is taken, to standard error; and what a person should know.
fn tell(report: &Report, verb: &str, stdout_is_taken: bool) -> Result<ExitCode> {
    let mut err = io::stderr().lock();
    for note in &report.notes {
        let _ = writeln!(err, "mailserver: note: {note}");
    }
    if report.more_notes > 0 {
        let _ = writeln!(err, "mailserver: note: {} more like these", report.more_notes);
    }
    let mut text = format!(
        "{} messages in {} mailboxes, {} octets, {verb}",
        report.messages, report.mailboxes, report.octets
    );
    if report.present > 0 {
        text.push_str(&format!("; {} were there already", report.present));
    }
    if report.left_out > 0 {
        text.push_str(&format!("; {} LEFT OUT, see the notes", report.left_out));
    }
    text.push('\n');
    if stdout_is_taken {
        let _ = err.write_all(text.as_bytes());
    } else {
        drop(err);
        say(&text)?;
    }
    Ok(if report.left_out == 0 { ExitCode::SUCCESS } else { ExitCode::from(INCOMPLETE) })
}
