use std::{
    collections::hash_map::RandomState,
    fs::{self, File},
    hash::{BuildHasher as _, Hasher as _},
    io::{self, BufWriter, Write},
    path::{Path, PathBuf},
};

use mailstore_api::{Annotation, InternalDate};
use serde::Serialize;
use sha2::{Digest as _, Sha256};

use super::{
    VERSION,
    lines::{
        AnnotationLine, END, EndLine, FORMAT, MANIFEST, MailboxLine, ManifestLine, MessageLine, QuotaLine,
        SumLine, hex, index_path, mailbox_path, message_path, sha256, write_acl, write_flags, write_uses,
    },
    tar_io::TarWriter,
};
use crate::{
    Result, TransferError, files,
    format::{AccountHead, MailboxHead, MessageHead, QuotaLimit, Sink},
};

/// Writes a mail archive; the format is told [above](super). Streams: `out` may be a pipe.
#[derive(Debug)]
pub struct ArchiveWriter<W> {
    tar: TarWriter<W>,
    now: i64,
    mailbox: u64,
    index: u64,
    path: String,
    messages: u64,
    octets: u64,
    chain: Sha256,
}

impl<W: Write> ArchiveWriter<W> {
    /// Writes to `out`, which should be buffered.
    pub fn new(out: W) -> Self {
        Self {
            tar: TarWriter::new(out),
            now: InternalDate::now().seconds,
            mailbox: 0,
            index: 0,
            path: String::new(),
            messages: 0,
            octets: 0,
            chain: Sha256::new(),
        }
    }

    /// Gives `out` back.
    pub fn into_inner(self) -> W {
        self.tar.out
    }

    /// Writes a member of lines, with its checksum.
    fn lines<T: Serialize>(&mut self, path: &str, lines: &[T]) -> Result<()> {
        let fault = |e: serde_json::Error| TransferError::malformed(path, e.to_string());
        let mut text = Vec::new();
        for line in lines {
            serde_json::to_writer(&mut text, line).map_err(fault)?;
            text.push(b'\n');
        }
        let sum = sha256(&text);
        self.chain.update(&sum);
        serde_json::to_writer(&mut text, &SumLine { sha256: sum }).map_err(fault)?;
        text.push(b'\n');
        self.tar.begin(path, text.len() as u64, self.now)?;
        self.tar.write(path, &text)
    }
}

fn annotation_lines(annotations: &[Annotation]) -> Vec<AnnotationLine> {
    annotations.iter().map(AnnotationLine::new).collect()
}

fn quota_line(of: &QuotaLimit) -> QuotaLine {
    QuotaLine { root: of.root.clone(), resource: of.resource.clone(), limit: of.limit }
}

/// 32 hexadecimal digits nobody else has: the hasher's keys are random.
fn new_id() -> String {
    let half = || RandomState::new().build_hasher().finish();
    format!("{:016x}{:016x}", half(), half())
}

impl<W: Write> Sink for ArchiveWriter<W> {
    fn account(&mut self, head: &AccountHead) -> Result<()> {
        let manifest = ManifestLine {
            format: FORMAT.to_owned(),
            version: VERSION,
            id: new_id(),
            account: head.name.clone(),
            created: self.now,
            subscriptions: head.subscriptions.iter().map(|name| name.parts().to_vec()).collect(),
            annotations: annotation_lines(&head.annotations),
            quota: head.quota.iter().map(quota_line).collect(),
        };
        self.lines(MANIFEST, &[manifest])
    }

    fn mailbox(&mut self, head: &MailboxHead) -> Result<()> {
        self.mailbox += 1;
        self.index = 0;
        let line = MailboxLine {
            name: head.name.parts().to_vec(),
            id: head.id.0.clone(),
            uid_validity: head.uid_validity.get(),
            uid_next: head.uid_next,
            highest_modseq: head.highest_modseq.0,
            special_use: write_uses(head.special_use),
            subscribed: head.subscribed,
            keywords: head.keywords.clone(),
            annotations: annotation_lines(&head.annotations),
            acl: write_acl(&head.acl),
        };
        self.lines(&mailbox_path(self.mailbox), &[line])
    }

    fn wants_digests(&self) -> bool {
        true
    }

    fn batch(&mut self, messages: &[MessageHead]) -> Result<()> {
        if messages.is_empty() {
            return Ok(());
        }
        self.index += 1;
        let line = |m: &MessageHead| {
            let more = m.meta.more.as_deref();
            MessageLine {
                uid: m.meta.uid.get(),
                size: m.octets,
                sha256: hex(&m.digest.unwrap_or_default()),
                modseq: m.meta.modseq.0,
                flags: write_flags(&m.meta.flags),
                date: m.meta.internal_date.seconds,
                zone: m.meta.internal_date.zone_minutes,
                saved: more.and_then(|d| d.save_date).map(|d| d.seconds),
                email_id: more.and_then(|d| d.email_id.clone()),
                thread_id: more.and_then(|d| d.thread_id.clone()),
                pop3_uidl: more.and_then(|d| d.pop3_uidl.clone()),
            }
        };
        let lines: Vec<_> = messages.iter().map(line).collect();
        self.lines(&index_path(self.mailbox, self.index), &lines)
    }

    fn message(&mut self, head: &MessageHead) -> Result<()> {
        self.path = message_path(self.mailbox, head.meta.uid.get());
        self.messages += 1;
        self.octets += head.octets;
        self.tar.begin(&self.path, head.octets, head.meta.internal_date.seconds)
    }

    fn octets(&mut self, chunk: &[u8]) -> Result<()> {
        self.tar.write(&self.path, chunk)
    }

    fn message_end(&mut self) -> Result<()> {
        Ok(())
    }

    fn mailbox_end(&mut self) -> Result<()> {
        Ok(())
    }

    fn finish(&mut self) -> Result<()> {
        let end = EndLine {
            mailboxes: self.mailbox,
            messages: self.messages,
            octets: self.octets,
            chain: hex(&std::mem::take(&mut self.chain).finalize()),
        };
        self.lines(END, &[end])?;
        self.tar.finish()
    }
}

/// A file that has its name only when it is complete and on the disk; until then `.partial` is behind it. Dropped before, it goes.
#[derive(Debug)]
pub struct PartialFile {
    out: BufWriter<File>,
    partial: Option<PathBuf>,
    path: PathBuf,
}

impl PartialFile {
    /// Begins a file at `path`, where nothing is.
    ///
    /// # Errors
    /// When something is there, or it cannot be made. What an export that was cut short left is overwritten.
    pub fn create(path: impl Into<PathBuf>) -> Result<Self> {
        let path = path.into();
        if fs::symlink_metadata(&path).is_ok() {
            return Err(TransferError::refused(format!("{} exists; choose another name", path.display())));
        }
        let mut partial = path.clone().into_os_string();
        partial.push(".partial");
        let partial = PathBuf::from(partial);
        if fs::symlink_metadata(&partial).is_ok() {
            fs::remove_file(&partial).map_err(|e| TransferError::io(partial.display(), &e))?;
        }
        let out = BufWriter::with_capacity(1 << 18, files::create(&partial)?);
        Ok(Self { out, partial: Some(partial), path })
    }

    /// It is complete: makes it durable and gives it its name.
    ///
    /// # Errors
    /// When it cannot be written; then it goes.
    pub fn keep(mut self) -> Result<()> {
        let fault = |e: io::Error| TransferError::io(self.path.display(), &e);
        self.out.flush().and_then(|()| self.out.get_ref().sync_all()).map_err(fault)?;
        if let Some(partial) = &self.partial {
            fs::rename(partial, &self.path).map_err(fault)?;
        }
        self.partial = None;
        let folder = self.path.parent().filter(|p| !p.as_os_str().is_empty());
        files::sync_folder(folder.unwrap_or_else(|| Path::new(".")))
    }
}

impl Write for PartialFile {
    fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
        self.out.write(octets)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

impl Drop for PartialFile {
    fn drop(&mut self) {
        if let Some(partial) = &self.partial {
            let _ = fs::remove_file(partial);
        }
    }
}
