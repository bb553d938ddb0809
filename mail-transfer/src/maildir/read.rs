use std::{
    collections::{HashMap, VecDeque},
    fs::{self, File, FileType},
    io::{self, BufRead as _, BufReader, Read as _},
    path::{Path, PathBuf},
    time::SystemTime,
};

use mailstore_api::{InternalDate, MailboxName, SpecialUse};

use super::{
    folder::{decode, name_of},
    name::{Keywords, flags, split},
};
use crate::{
    Result, TransferError, files,
    format::{Entry, IncomingMailbox, IncomingMessage, Source},
    lines::ToCrlf,
};

/// Folders in folders, at most.
const DEPTH: usize = 100;
/// Octets of a message held in memory.
const CHUNK: usize = 64 * 1024;
/// The largest index file (`dovecot-uidlist`, `dovecot-keywords`, `subscriptions`) that is believed.
const INDEX_MAX: u64 = 256 << 20;

/// Reads a Maildir++ folder, or Maildirs in folders. Memory: the file names of one mailbox.
#[derive(Debug)]
pub struct MaildirSource {
    folders: VecDeque<(MailboxName, PathBuf)>,
    subscriptions: Option<Vec<MailboxName>>,
    done: u64,
    total: u64,
    keywords: Keywords,
    files: VecDeque<Listed>,
    folder: PathBuf,
    file: Option<(File, String)>,
    to_crlf: ToCrlf,
    raw: Vec<u8>,
    text: Vec<u8>,
    notes: Vec<String>,
}

/// A message's file; in the order in which they are read.
#[derive(PartialEq, Eq, PartialOrd, Ord, Debug)]
struct Listed {
    uid: u32,
    seconds: u64,
    name: String,
    sub: &'static str,
}

impl MaildirSource {
    /// Reads the folder `root`.
    ///
    /// # Errors
    /// When it is no Maildir (there is no `cur` or `new` in it or below it), or cannot be read.
    pub fn open(root: impl AsRef<Path>) -> Result<Self> {
        let root = root.as_ref();
        let mut notes = Vec::new();
        let folders = find_folders(root, &mut notes)?;
        if folders.is_empty() {
            return Err(TransferError::malformed(
                root.display(),
                "is no Maildir: it has no folder `cur` or `new`",
            ));
        }
        let mut total = 0;
        for (_, path) in &folders {
            for sub in ["new", "cur"] {
                total += list(&path.join(sub))?.len() as u64;
            }
        }
        Ok(Self {
            folders: folders.into(),
            subscriptions: Some(subscriptions(&root.join("subscriptions"))?),
            done: 0,
            total,
            keywords: Keywords::default(),
            files: VecDeque::new(),
            folder: PathBuf::new(),
            file: None,
            to_crlf: ToCrlf::default(),
            raw: Vec::new(),
            text: Vec::new(),
            notes,
        })
    }

    /// The files of a mailbox in the order they are read in.
    fn enter(&mut self, path: PathBuf) -> Result<()> {
        let keywords = read_index(&path.join("dovecot-keywords"))?;
        self.keywords = Keywords::parse(&keywords.unwrap_or_default());
        let uids = uids(&path.join("dovecot-uidlist"))?;
        let mut listed = Vec::new();
        for sub in ["new", "cur"] {
            for name in list(&path.join(sub))? {
                let unique = split(&name).0;
                let uid = uids.get(unique).copied().unwrap_or(u32::MAX);
                let digits = unique.split('.').next().unwrap_or("");
                listed.push(Listed { uid, seconds: digits.parse().unwrap_or(u64::MAX), name, sub });
            }
        }
        listed.sort();
        self.files = listed.into();
        self.folder = path;
        Ok(())
    }

    /// Opens a message; `None` when it is gone.
    fn message(&mut self, listed: &Listed) -> Result<Option<IncomingMessage>> {
        let mut path = self.folder.join(listed.sub).join(&listed.name);
        let unique = split(&listed.name).0;
        if fs::symlink_metadata(&path).is_err_and(|e| e.kind() == io::ErrorKind::NotFound) {
            // A running server renames files when flags change.
            let cur = self.folder.join("cur");
            match list(&cur)?.into_iter().find(|name| split(name).0 == unique) {
                Some(name) => path = cur.join(name),
                None => {
                    self.notes.push(format!("{}: expunged meanwhile", path.display()));
                    return Ok(None);
                }
            }
        }
        files::regular(&path)?;
        let at = path.display().to_string();
        let fault = |e| TransferError::io(&at, &e);
        let file = File::open(&path).map_err(fault)?;
        let modified = file.metadata().and_then(|m| m.modified()).map_err(fault)?;
        let name = path.file_name().and_then(|n| n.to_str()).unwrap_or("");
        let (flags, unknown) = flags(split(name).1, &self.keywords);
        if unknown > 0 {
            self.notes.push(format!("{at}: {unknown} letters behind `:2,` mean nothing, and are left out"));
        }
        self.file = Some((file, at.clone()));
        self.to_crlf = ToCrlf::default();
        Ok(Some(IncomingMessage { flags, internal_date: date_of(modified), at }))
    }
}

impl Source for MaildirSource {
    fn next(&mut self) -> Result<Option<Entry>> {
        self.file = None;
        while let Some(listed) = self.files.pop_front() {
            self.done += 1;
            if let Some(message) = self.message(&listed)? {
                return Ok(Some(Entry::Message(message)));
            }
        }
        if let Some((name, path)) = self.folders.pop_front() {
            let at = path.display().to_string();
            self.enter(path)?;
            let special_use = SpecialUse::NONE;
            return Ok(Some(Entry::Mailbox(IncomingMailbox {
                name,
                special_use,
                annotations: Vec::new(),
                acl: Vec::new(),
                at,
            })));
        }
        Ok(self.subscriptions.take().filter(|names| !names.is_empty()).map(Entry::Subscriptions))
    }

    fn octets(&mut self) -> Result<Option<&[u8]>> {
        self.text.clear();
        let Some((file, at)) = &mut self.file else { return Ok(None) };
        self.raw.resize(CHUNK, 0);
        let n = loop {
            match file.read(&mut self.raw) {
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                other => break other.map_err(|e| TransferError::io(at, &e))?,
            }
        };
        self.to_crlf.push(self.raw.get(..n).unwrap_or(&[]), &mut self.text);
        Ok((n > 0).then_some(&self.text))
    }

    fn position(&self) -> (u64, Option<u64>) {
        (self.done.min(self.total), Some(self.total))
    }

    fn take_notes(&mut self) -> Vec<String> {
        std::mem::take(&mut self.notes)
    }
}

fn date_of(time: SystemTime) -> Option<InternalDate> {
    let seconds = match time.duration_since(SystemTime::UNIX_EPOCH) {
        Ok(after) => i64::try_from(after.as_secs()).ok()?,
        // Rounded towards the past.
        Err(e) => {
            let before = e.duration();
            -i64::try_from(before.as_secs() + u64::from(before.subsec_nanos() > 0)).ok()?
        }
    };
    Some(InternalDate { seconds, zone_minutes: 0 })
}

/// Whether a folder holds messages.
fn is_maildir(path: &Path) -> bool {
    ["cur", "new"].iter().any(|sub| fs::symlink_metadata(path.join(sub)).is_ok_and(|m| m.is_dir()))
}

fn find_folders(root: &Path, notes: &mut Vec<String>) -> Result<Vec<(MailboxName, PathBuf)>> {
    let mut found = Vec::new();
    if is_maildir(root) {
        found.push((MailboxName::inbox(), root.to_owned()));
    }
    // Parts of the name so far.
    let mut waiting: Vec<(PathBuf, Vec<String>)> = vec![(root.to_owned(), Vec::new())];
    while let Some((folder, parts)) = waiting.pop() {
        for (name, kind) in files::entries(&folder)? {
            let path = folder.join(&name);
            let Some(text) = name.to_str().filter(|t| !["cur", "new", "tmp"].contains(t)) else { continue };
            if !kind.is_dir() {
                if kind.is_symlink() {
                    notes.push(format!("{}: passed over: links are not followed", path.display()));
                }
                continue;
            }
            let mut parts = parts.clone();
            let mailbox = match text.strip_prefix('.') {
                Some(_) if parts.is_empty() && is_maildir(&path) => name_of(text),
                Some(_) => continue,
                None => {
                    parts.push(decode(text));
                    let name = MailboxName::new(parts.iter().cloned()).ok();
                    if parts.len() < DEPTH {
                        waiting.push((path.clone(), parts));
                    }
                    if !is_maildir(&path) {
                        continue;
                    }
                    name
                }
            };
            match mailbox {
                Some(mailbox) => found.push((mailbox, path)),
                None => notes.push(format!("{}: passed over: no mailbox can have this name", path.display())),
            }
        }
    }
    found.sort_by(|(a, _), (b, _)| (!a.is_inbox(), a).cmp(&(!b.is_inbox(), b)));
    Ok(found)
}

/// Names of files that are messages.
fn list(folder: &Path) -> Result<Vec<String>> {
    if !folder.exists() {
        return Ok(Vec::new());
    }
    let is_message = |name: &str, kind: &FileType| !name.starts_with('.') && !kind.is_dir();
    let all = files::entries(folder)?;
    Ok(all
        .into_iter()
        .filter_map(|(n, kind)| n.into_string().ok().filter(|n| is_message(n, &kind)))
        .collect())
}

fn read_index(path: &Path) -> Result<Option<String>> {
    if fs::symlink_metadata(path).is_err() {
        return Ok(None);
    }
    files::regular(path)?;
    let mut octets = Vec::new();
    File::open(path)
        .and_then(|f| f.take(INDEX_MAX).read_to_end(&mut octets))
        .map_err(|e| TransferError::io(path.display(), &e))?;
    Ok(Some(String::from_utf8_lossy(&octets).into_owned()))
}

/// UIDs by what is unique in a file's name, of Dovecot's version 3: `uid [more] :name`.
fn uids(path: &Path) -> Result<HashMap<String, u32>> {
    let mut all = HashMap::new();
    if fs::symlink_metadata(path).is_err() {
        return Ok(all);
    }
    files::regular(path)?;
    let fault = |e| TransferError::io(path.display(), &e);
    let mut lines = BufReader::new(File::open(path).map_err(fault)?.take(INDEX_MAX));
    let mut line = Vec::new();
    loop {
        line.clear();
        if lines.read_until(b'\n', &mut line).map_err(fault)? == 0 {
            return Ok(all);
        }
        let Ok(text) = std::str::from_utf8(&line) else { continue };
        if let Some((uid, name)) = text.trim_end().split_once(':')
            && let Some(uid) = uid.split(' ').next().and_then(|uid| uid.parse().ok())
        {
            all.insert(split(name).0.to_owned(), uid);
        }
    }
}

/// Dovecot's file, version 2 (parts apart by tabs) or 1 (by dots).
fn subscriptions(path: &Path) -> Result<Vec<MailboxName>> {
    let Some(text) = read_index(path)? else { return Ok(Vec::new()) };
    let (separator, names) = match text.strip_prefix("V\t2\n") {
        Some(names) => ('\t', names),
        None => ('.', text.as_str()),
    };
    let name = |line: &str| MailboxName::new(line.split(separator).map(decode)).ok();
    Ok(names.lines().filter(|l| !l.is_empty()).filter_map(name).collect())
}
