//! An account as a folder of mbox files.

use std::{
    collections::VecDeque,
    fs::File,
    io::{BufWriter, Read as _, Write as _},
    path::{Path, PathBuf},
};

use mailstore_api::MailboxName;

use super::{MboxKind, MboxReader, MboxWriter};
use crate::{
    Result, TransferError,
    files::{self, Found},
    format::{AccountHead, Entry, IncomingMailbox, IncomingMessage, MailboxHead, MessageHead, Sink, Source},
};

/// What a file's name ends with.
const SUFFIX: &str = ".mbox";
/// What Thunderbird's folders of subfolders end with.
const THUNDERBIRD: &str = ".sbd";

/// Where a mailbox is below the folder: each part of its name a folder, the last one a file with `.mbox`. In a part, a leading
/// `.`, the characters `/ \ : * ? " < > | %`, and the `.` of an ending `.mbox` or `.sbd` are written as `%` and two
/// hexadecimal digits.
#[must_use]
pub fn file_of(name: &MailboxName) -> PathBuf {
    let mut path = PathBuf::new();
    let last = name.parts().len().saturating_sub(1);
    for (at, part) in name.parts().iter().enumerate() {
        let mut file = escape(part);
        if at == last {
            file.push_str(SUFFIX);
        }
        path.push(file);
    }
    path
}

fn escape(part: &str) -> String {
    let ends = [SUFFIX, THUNDERBIRD].into_iter().find(|end| {
        part.len() >= end.len()
            && part
                .as_bytes()
                .get(part.len() - end.len()..)
                .is_some_and(|e| e.eq_ignore_ascii_case(end.as_bytes()))
    });
    let dot = ends.map(|end| part.len() - end.len());
    let mut out = String::with_capacity(part.len());
    for (at, c) in part.char_indices() {
        let special = matches!(c, '/' | '\\' | ':' | '*' | '?' | '"' | '<' | '>' | '|' | '%');
        if special || (c == '.' && (at == 0 || Some(at) == dot)) {
            out.push_str(&format!("%{:02x}", u32::from(c)));
        } else {
            out.push(c);
        }
    }
    out
}

/// The mailbox of a file at this path below the folder; `None` when it can be none's.
#[must_use]
pub fn name_of(path: &Path) -> Option<MailboxName> {
    let mut parts = Vec::new();
    let mut components = path.components().peekable();
    while let Some(component) = components.next() {
        let text = component.as_os_str().to_str()?;
        let is_last = components.peek().is_none();
        // Apple Mail: `Work.mbox/mbox`.
        if is_last && text == "mbox" && path.parent()?.extension().is_some_and(|e| e == "mbox") {
            break;
        }
        let text = text.strip_suffix(SUFFIX).unwrap_or(text);
        let text = if is_last { text } else { text.strip_suffix(THUNDERBIRD).unwrap_or(text) };
        parts.push(files::unescape(text, '%'));
    }
    MailboxName::new(parts).ok()
}

/// Writes an account into a new folder of mbox files; what is kept and what is lost is said [above](super).
#[derive(Debug)]
pub struct MboxFolder {
    root: PathBuf,
    current: Option<(PathBuf, MboxWriter<BufWriter<File>>)>,
}

impl MboxFolder {
    /// Writes into the folder `root`, which is made, or is empty.
    ///
    /// # Errors
    /// When it has something in it, or cannot be made.
    pub fn create(root: impl Into<PathBuf>) -> Result<Self> {
        let root = root.into();
        files::make_empty_folder(&root)?;
        Ok(Self { root, current: None })
    }

    fn current(&mut self) -> Result<(&Path, &mut MboxWriter<BufWriter<File>>)> {
        match &mut self.current {
            Some((path, writer)) => Ok((path, writer)),
            None => Err(TransferError::refused("a message without a mailbox")),
        }
    }
}

impl Sink for MboxFolder {
    fn account(&mut self, _: &AccountHead) -> Result<()> {
        Ok(())
    }

    fn mailbox(&mut self, head: &MailboxHead) -> Result<()> {
        let path = self.root.join(file_of(&head.name));
        if let Some(folder) = path.parent() {
            files::make_folders(folder)?;
        }
        let file = files::create(&path)?;
        self.current = Some((path, MboxWriter::new(BufWriter::with_capacity(1 << 18, file))));
        Ok(())
    }

    fn message(&mut self, head: &MessageHead) -> Result<()> {
        let (_, writer) = self.current()?;
        writer.message(&head.meta.flags, head.meta.internal_date);
        Ok(())
    }

    fn octets(&mut self, chunk: &[u8]) -> Result<()> {
        let (path, writer) = self.current()?;
        writer.octets(chunk).map_err(|e| TransferError::io(path.display(), &e))
    }

    fn message_end(&mut self) -> Result<()> {
        let (path, writer) = self.current()?;
        writer.end().map_err(|e| TransferError::io(path.display(), &e))
    }

    fn mailbox_end(&mut self) -> Result<()> {
        let Some((path, writer)) = self.current.take() else { return Ok(()) };
        let fault = |e| TransferError::io(path.display(), &e);
        let mut out = writer.finish().map_err(fault)?;
        out.flush().map_err(fault)?;
        out.get_ref().sync_all().map_err(fault)
    }

    fn finish(&mut self) -> Result<()> {
        files::sync_folder(&self.root)
    }
}

/// Reads one mbox file, or a folder of them.
#[derive(Debug)]
pub struct MboxSource {
    kind: MboxKind,
    files: VecDeque<(MailboxName, PathBuf, u64)>,
    /// Octets of files that are done.
    done: u64,
    total: u64,
    current: Option<MboxReader<File>>,
    at: String,
    notes: Vec<String>,
}

impl MboxSource {
    /// Reads one file: all of it is of one mailbox, of this name.
    ///
    /// # Errors
    /// When there is no such file.
    pub fn file(path: impl Into<PathBuf>, kind: MboxKind, mailbox: MailboxName) -> Result<Self> {
        let path = path.into();
        let len = files::regular(&path)?;
        Ok(Self::new(kind, VecDeque::from([(mailbox, path, len)]), Vec::new()))
    }

    /// Reads all files in and below a folder that end with `.mbox` or begin with `From `. Others are passed over with
    /// a note; so are symbolic links.
    ///
    /// # Errors
    /// When the folder cannot be read, or has no mbox file.
    pub fn folder(root: impl AsRef<Path>, kind: MboxKind) -> Result<Self> {
        let root = root.as_ref();
        let mut notes = Vec::new();
        let mut found = Vec::new();
        for Found { path, below, len } in files::walk(root, &mut notes)? {
            match is_mbox(&path, len)? {
                true => match name_of(&below) {
                    Some(name) => found.push((name, path, len)),
                    None => {
                        notes.push(format!("{}: passed over: no mailbox can have this name", path.display()))
                    }
                },
                false => notes.push(format!("{}: passed over: it is no mbox file", path.display())),
            }
        }
        if found.is_empty() {
            return Err(TransferError::malformed(root.display(), "has no mbox file in it"));
        }
        found.sort();
        Ok(Self::new(kind, found.into(), notes))
    }

    fn new(kind: MboxKind, files: VecDeque<(MailboxName, PathBuf, u64)>, notes: Vec<String>) -> Self {
        let total = files.iter().map(|(_, _, len)| *len).sum();
        Self { kind, files, done: 0, total, current: None, at: String::new(), notes }
    }
}

/// By its name, or by how it begins. An empty file without the name may be anything.
fn is_mbox(path: &Path, len: u64) -> Result<bool> {
    if path.to_str().is_some_and(|p| p.ends_with(SUFFIX)) {
        return Ok(true);
    }
    let mut start = Vec::new();
    let file = File::open(path).map_err(|e| TransferError::io(path.display(), &e))?;
    file.take(5).read_to_end(&mut start).map_err(|e| TransferError::io(path.display(), &e))?;
    Ok(len > 0 && start == b"From ")
}

impl Source for MboxSource {
    fn next(&mut self) -> Result<Option<Entry>> {
        if let Some(reader) = &mut self.current {
            if let Some(m) = reader.next()? {
                let at = format!("{}, message {} at offset {}", self.at, m.number, m.offset);
                if m.bad_keywords > 0 {
                    self.notes
                        .push(format!("{at}: {} keywords left out: they are none in IMAP", m.bad_keywords));
                }
                let (flags, internal_date) = (m.flags, m.date);
                return Ok(Some(Entry::Message(IncomingMessage { flags, internal_date, at })));
            }
            self.done += reader.offset();
            self.current = None;
        }
        let Some((name, path, _)) = self.files.pop_front() else { return Ok(None) };
        self.at = path.display().to_string();
        let file = File::open(&path).map_err(|e| TransferError::io(&self.at, &e))?;
        self.current = Some(MboxReader::new(file, self.kind, self.at.clone()));
        Ok(Some(Entry::Mailbox(IncomingMailbox {
            name,
            special_use: mailstore_api::SpecialUse::NONE,
            annotations: Vec::new(),
            acl: Vec::new(),
            at: self.at.clone(),
        })))
    }

    fn octets(&mut self) -> Result<Option<&[u8]>> {
        match &mut self.current {
            Some(reader) => reader.octets(),
            None => Ok(None),
        }
    }

    fn position(&self) -> (u64, Option<u64>) {
        (self.done + self.current.as_ref().map_or(0, MboxReader::offset), Some(self.total))
    }

    fn take_notes(&mut self) -> Vec<String> {
        std::mem::take(&mut self.notes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_files_are_one_to_one() {
        for (parts, path) in [
            (&["INBOX"][..], "INBOX.mbox"),
            (&["Work", "2024"], "Work/2024.mbox"),
            (&["a.b", "c d"], "a.b/c d.mbox"),
            (&["..", ".x", "x."], "%2e./%2ex/x..mbox"),
            (&["a/b", "100%", "C:"], "a%2fb/100%25/C%3a.mbox"),
            (&["x.mbox", "y.SBD", "z.mbox"], "x%2embox/y%2eSBD/z%2embox.mbox"),
            (&["Entwürfe", "台北"], "Entwürfe/台北.mbox"),
            (&["mbox"], "mbox.mbox"),
        ] {
            let name = MailboxName::new(parts.iter().copied()).unwrap();
            assert_eq!(file_of(&name), Path::new(path));
            assert_eq!(name_of(Path::new(path)), Some(name));
        }
        for (path, parts) in [
            ("Inbox", &["INBOX"][..]),
            ("Work.sbd/2024", &["Work", "2024"]),
            ("Work.mbox/mbox", &["Work"]),
            ("Top.sbd/Sub.mbox/mbox", &["Top", "Sub"]),
        ] {
            assert_eq!(name_of(Path::new(path)), MailboxName::new(parts.iter().copied()).ok(), "{path}");
        }
    }
}
