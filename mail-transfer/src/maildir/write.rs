use std::{
    fs::{self, File},
    io::{BufWriter, Write as _},
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

use imap4_proto::mutf7;
use mailstore_api::{InternalDate, MailboxName};

use super::{
    folder::folder_of,
    name::{Keywords, letters},
};
use crate::{
    Result, TransferError, files,
    format::{AccountHead, MailboxHead, MessageHead, Sink},
    lines::ToLf,
};

/// Octets a file name can have on most file systems.
const NAME_MAX: usize = 255;

/// Writes an account into a new Maildir++ folder; what is kept and what is lost is said [above](super).
#[derive(Debug)]
pub struct MaildirFolder {
    root: PathBuf,
    current: Option<Folder>,
    notes: Vec<String>,
}

#[derive(Debug)]
struct Folder {
    name: MailboxName,
    path: PathBuf,
    uid_validity: u32,
    uidlist: BufWriter<File>,
    keywords: Keywords,
    lost_keywords: usize,
    message: Option<Message>,
}

#[derive(Debug)]
struct Message {
    head: MessageHead,
    tmp: PathBuf,
    file: BufWriter<File>,
    to_lf: ToLf,
    buffer: Vec<u8>,
    /// Octets in the file, and with CRLF line ends.
    size: u64,
    crlf_size: u64,
    last: u8,
}

impl MaildirFolder {
    /// Writes into the folder `root`, which is made, or is empty.
    ///
    /// # Errors
    /// When it has something in it, or cannot be made.
    pub fn create(root: impl Into<PathBuf>) -> Result<Self> {
        let root = root.into();
        files::make_empty_folder(&root)?;
        make_maildir(&root)?;
        Ok(Self { root, current: None, notes: Vec::new() })
    }

    fn current(&mut self) -> Result<&mut Folder> {
        self.current.as_mut().ok_or_else(|| TransferError::refused("a message without a mailbox"))
    }
}

fn make_maildir(path: &Path) -> Result<()> {
    ["cur", "new", "tmp"].iter().try_for_each(|sub| files::make_folders(&path.join(sub)))
}

fn write_file(path: &Path, text: &str) -> Result<()> {
    files::create(path)?.write_all(text.as_bytes()).map_err(|e| TransferError::io(path.display(), &e))
}

impl Sink for MaildirFolder {
    fn account(&mut self, head: &AccountHead) -> Result<()> {
        // Version 2 of Dovecot's file: parts apart by tabs.
        let mut text = "V\t2\n\n".to_owned();
        for name in &head.subscriptions {
            let parts: Vec<_> = name.parts().iter().map(|part| mutf7::encode(part)).collect();
            text.push_str(&parts.join("\t"));
            text.push('\n');
        }
        write_file(&self.root.join("subscriptions"), &text)
    }

    fn mailbox(&mut self, head: &MailboxHead) -> Result<()> {
        let folder = folder_of(&head.name);
        if folder.len() > NAME_MAX {
            return Err(TransferError::refused(format!(
                "mailbox {}: its name is too long for a Maildir folder; rename it, leave it out by a pattern, or choose another format",
                head.name
            )));
        }
        let path = if folder.is_empty() { self.root.clone() } else { self.root.join(folder) };
        if !head.name.is_inbox() {
            make_maildir(&path)?;
            write_file(&path.join("maildirfolder"), "")?;
        }
        let uidlist = path.join("dovecot-uidlist");
        let mut out = BufWriter::new(files::create(&uidlist)?);
        writeln!(out, "3 V{} N{}", head.uid_validity.get(), head.uid_next)
            .map_err(|e| TransferError::io(uidlist.display(), &e))?;
        self.current = Some(Folder {
            name: head.name.clone(),
            path,
            uid_validity: head.uid_validity.get(),
            uidlist: out,
            keywords: Keywords::default(),
            lost_keywords: 0,
            message: None,
        });
        Ok(())
    }

    fn message(&mut self, head: &MessageHead) -> Result<()> {
        let folder = self.current()?;
        let tmp = folder.path.join("tmp").join(format!("{}", head.meta.uid));
        let file = BufWriter::with_capacity(1 << 16, files::create(&tmp)?);
        folder.message = Some(Message {
            head: head.clone(),
            tmp,
            file,
            to_lf: ToLf::default(),
            buffer: Vec::new(),
            size: 0,
            crlf_size: 0,
            last: 0,
        });
        Ok(())
    }

    fn octets(&mut self, chunk: &[u8]) -> Result<()> {
        match &mut self.current()?.message {
            Some(message) => message.write(chunk, false),
            None => Ok(()),
        }
    }

    fn message_end(&mut self) -> Result<()> {
        let folder = self.current()?;
        let Some(mut message) = folder.message.take() else { return Ok(()) };
        message.write(b"", true)?;
        let note = folder.finish_message(message)?;
        self.notes.extend(note);
        Ok(())
    }

    fn mailbox_end(&mut self) -> Result<()> {
        let Some(mut folder) = self.current.take() else { return Ok(()) };
        folder.uidlist.flush().map_err(|e| TransferError::io(folder.path.display(), &e))?;
        let keywords = folder.keywords.text();
        if !keywords.is_empty() {
            write_file(&folder.path.join("dovecot-keywords"), &keywords)?;
        }
        if folder.lost_keywords > 0 {
            self.notes.push(format!(
                "mailbox {}: {} keywords of messages are lost: a Maildir has 26 different ones",
                folder.name, folder.lost_keywords
            ));
        }
        files::sync_folder(&folder.path.join("cur"))?;
        files::sync_folder(&folder.path)
    }

    fn finish(&mut self) -> Result<()> {
        files::sync_folder(&self.root)
    }

    fn take_notes(&mut self) -> Vec<String> {
        std::mem::take(&mut self.notes)
    }
}

impl Folder {
    /// Gives the file its time and its name. Returns what a person should know.
    fn finish_message(&mut self, message: Message) -> Result<Option<String>> {
        let fault = |e| TransferError::io(message.tmp.display(), &e);
        let meta = &message.head.meta;
        let file = message.file.into_inner().map_err(|e| fault(e.into_error()))?;
        let note = match time_of(meta.internal_date).map(|time| file.set_modified(time)) {
            Some(Ok(())) => None,
            _ => {
                Some(format!("mailbox {}, UID {}: the file system cannot keep its date", self.name, meta.uid))
            }
        };
        drop(file);
        let (letters, lost) = letters(&meta.flags, &mut self.keywords);
        self.lost_keywords += lost;
        // Unique by UIDVALIDITY and UID; S and W are sizes, as Dovecot and Courier read them.
        let unique = format!(
            "{}.V{}U{}.export,S={},W={}",
            meta.internal_date.seconds.max(0),
            self.uid_validity,
            meta.uid,
            message.size,
            message.crlf_size
        );
        let to = self.path.join("cur").join(format!("{unique}:2,{letters}"));
        fs::rename(&message.tmp, &to).map_err(fault)?;
        writeln!(self.uidlist, "{} :{unique}", meta.uid).map_err(fault)?;
        Ok(note)
    }
}

fn time_of(date: InternalDate) -> Option<SystemTime> {
    let distance = Duration::from_secs(date.seconds.unsigned_abs());
    if date.seconds < 0 {
        SystemTime::UNIX_EPOCH.checked_sub(distance)
    } else {
        SystemTime::UNIX_EPOCH.checked_add(distance)
    }
}

impl Message {
    fn write(&mut self, chunk: &[u8], last: bool) -> Result<()> {
        self.buffer.clear();
        self.to_lf.push(chunk, &mut self.buffer);
        if last {
            self.to_lf.finish(&mut self.buffer);
        }
        for at in memchr::memchr_iter(b'\n', &self.buffer) {
            let before = at.checked_sub(1).map_or(Some(self.last), |at| self.buffer.get(at).copied());
            self.crlf_size += u64::from(before != Some(b'\r'));
        }
        self.last = self.buffer.last().copied().unwrap_or(self.last);
        self.size += self.buffer.len() as u64;
        self.crlf_size += self.buffer.len() as u64;
        let done =
            self.file.write_all(&self.buffer).and_then(|()| if last { self.file.flush() } else { Ok(()) });
        done.map_err(|e| TransferError::io(self.tmp.display(), &e))
    }
}
