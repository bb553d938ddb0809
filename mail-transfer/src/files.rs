//! Files and folders that mail is written to and read from.

use std::{
    ffi::OsString,
    fs::{self, DirBuilder, File, OpenOptions},
    path::{Path, PathBuf},
};

use crate::{Result, TransferError};

/// Folders in folders, at most: as many as a mailbox name has parts.
const DEPTH: usize = 100;

fn io(path: &Path) -> impl Fn(std::io::Error) -> TransferError {
    move |e| TransferError::io(path.display(), &e)
}

/// Makes a folder, or takes one that has nothing in it. Mail is its owner's alone.
pub(crate) fn make_empty_folder(path: &Path) -> Result<()> {
    make_folders(path)?;
    if fs::read_dir(path).map_err(io(path))?.next().is_some() {
        return Err(TransferError::refused(format!(
            "{} has something in it; choose a folder that is empty or does not exist",
            path.display()
        )));
    }
    Ok(())
}

pub(crate) fn make_folders(path: &Path) -> Result<()> {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path).map_err(io(path))
}

/// A new file, its owner's alone.
pub(crate) fn create(path: &Path) -> Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path).map_err(io(path))
}

pub(crate) fn sync_folder(path: &Path) -> Result<()> {
    if cfg!(unix) {
        File::open(path).and_then(|f| f.sync_all()).map_err(io(path))?;
    }
    Ok(())
}

/// The length of a file that is a file: no link, pipe or device, which could lead anywhere or never end.
pub(crate) fn regular(path: &Path) -> Result<u64> {
    let meta = fs::symlink_metadata(path).map_err(io(path))?;
    if !meta.is_file() {
        return Err(TransferError::malformed(path.display(), "is no ordinary file (links are not followed)"));
    }
    Ok(meta.len())
}

/// A file below a folder.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) struct Found {
    pub(crate) path: PathBuf,
    /// From the folder on.
    pub(crate) below: PathBuf,
    pub(crate) len: u64,
}

/// The entries of a folder, sorted.
pub(crate) fn entries(folder: &Path) -> Result<Vec<(OsString, fs::FileType)>> {
    let mut all = Vec::new();
    for entry in fs::read_dir(folder).map_err(io(folder))? {
        let entry = entry.map_err(io(folder))?;
        all.push((entry.file_name(), entry.file_type().map_err(io(folder))?));
    }
    all.sort_by(|(a, _), (b, _)| a.cmp(b));
    Ok(all)
}

/// All ordinary files below a folder. Links are not followed.
pub(crate) fn walk(root: &Path, notes: &mut Vec<String>) -> Result<Vec<Found>> {
    let mut found = Vec::new();
    let mut folders = vec![(PathBuf::new(), 0)];
    while let Some((below, depth)) = folders.pop() {
        for (name, kind) in entries(&root.join(&below))? {
            let below = below.join(&name);
            let path = root.join(&below);
            if kind.is_dir() && depth < DEPTH {
                folders.push((below, depth + 1));
            } else if kind.is_file() {
                let len = fs::symlink_metadata(&path).map_err(io(&path))?.len();
                found.push(Found { path, below, len });
            } else {
                notes.push(format!("{}: passed over: it is no ordinary file", path.display()));
            }
        }
    }
    found.sort();
    Ok(found)
}

/// Undoes escapes of a mark and two hexadecimal digits; what is no such escape stays.
pub(crate) fn unescape(text: &str, mark: char) -> String {
    let mut octets = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(mark) {
        let (before, from) = rest.split_at(at);
        octets.extend_from_slice(before.as_bytes());
        let digits = from.get(1..3).filter(|d| d.bytes().all(|b| b.is_ascii_hexdigit()));
        match digits.and_then(|d| u8::from_str_radix(d, 16).ok()) {
            Some(octet) => {
                octets.push(octet);
                rest = from.get(3..).unwrap_or("");
            }
            None => {
                octets.extend(mark.to_string().bytes());
                rest = from.get(mark.len_utf8()..).unwrap_or("");
            }
        }
    }
    octets.extend_from_slice(rest.as_bytes());
    // Escapes that are no UTF-8 mean themselves.
    String::from_utf8(octets).unwrap_or_else(|_| text.to_owned())
}
