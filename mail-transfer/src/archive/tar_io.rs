//! Members of a tar archive, one after the other, in bounded memory. Nothing is ever unpacked to the disk.

use std::io::{self, Read, Write};

use tar::{EntryType, Header};

use crate::{Result, TransferError};

const BLOCK: usize = 512;
/// Octets of an extended header (`pax`) that is passed over.
const EXTENDED_MAX: u64 = 1 << 20;

/// Writes members whose sizes are known before.
#[derive(Debug)]
pub(super) struct TarWriter<W> {
    pub(super) out: W,
    /// Octets of the present member that are missing, and its padding.
    left: u64,
    padding: usize,
}

impl<W: Write> TarWriter<W> {
    pub(super) fn new(out: W) -> Self {
        Self { out, left: 0, padding: 0 }
    }

    pub(super) fn begin(&mut self, path: &str, size: u64, mtime: i64) -> Result<()> {
        let fault = |e| TransferError::io(path, &e);
        let mut header = Header::new_ustar();
        header.set_path(path).map_err(fault)?;
        header.set_size(size);
        header.set_mode(0o600);
        header.set_entry_type(EntryType::Regular);
        // Eleven octal digits.
        header.set_mtime(u64::try_from(mtime).unwrap_or(0).min((1 << 33) - 1));
        header.set_cksum();
        self.out.write_all(header.as_bytes()).map_err(fault)?;
        self.left = size;
        self.padding = usize::try_from(size % BLOCK as u64).map_or(0, |over| (BLOCK - over) % BLOCK);
        self.pad(path)
    }

    pub(super) fn write(&mut self, path: &str, chunk: &[u8]) -> Result<()> {
        self.left = self
            .left
            .checked_sub(chunk.len() as u64)
            .ok_or_else(|| TransferError::malformed(path, "the message is longer than the store said"))?;
        self.out.write_all(chunk).map_err(|e| TransferError::io(path, &e))?;
        self.pad(path)
    }

    fn pad(&mut self, path: &str) -> Result<()> {
        if self.left == 0 {
            let zeros = [0; BLOCK];
            let padding = std::mem::take(&mut self.padding);
            self.out
                .write_all(zeros.get(..padding).unwrap_or(&[]))
                .map_err(|e| TransferError::io(path, &e))?;
        }
        Ok(())
    }

    pub(super) fn finish(&mut self) -> Result<()> {
        self.out
            .write_all(&[0; BLOCK * 2])
            .and_then(|()| self.out.flush())
            .map_err(|e| TransferError::io("", &e))
    }
}

/// A member that is an ordinary file.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Member {
    pub(super) path: String,
    pub(super) size: u64,
}

#[derive(Debug)]
pub(super) struct TarReader<R> {
    input: R,
    pub(super) offset: u64,
    /// Octets of the present member that were not read, and of its padding.
    left: u64,
    padding: u64,
    at: String,
}

impl<R: Read> TarReader<R> {
    pub(super) fn new(input: R, at: String) -> Self {
        Self { input, offset: 0, left: 0, padding: 0, at }
    }

    pub(super) fn malformed(&self, text: impl Into<String>) -> TransferError {
        TransferError::malformed(format!("{}, offset {}", self.at, self.offset), text)
    }

    fn cut_off(&self) -> TransferError {
        self.malformed("the archive is cut off here; import again, with resume, from a whole one")
    }

    fn some(&mut self, into: &mut [u8]) -> Result<usize> {
        loop {
            match self.input.read(into) {
                Ok(n) => {
                    self.offset += n as u64;
                    return Ok(n);
                }
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) => return Err(TransferError::io(format!("{}, offset {}", self.at, self.offset), &e)),
            }
        }
    }

    /// Fills the buffer as far as the input goes.
    fn fill(&mut self, into: &mut [u8]) -> Result<usize> {
        let mut n = 0;
        while let Some(room) = into.get_mut(n..).filter(|r| !r.is_empty()) {
            match self.some(room)? {
                0 => break,
                more => n += more,
            }
        }
        Ok(n)
    }

    fn pass(&mut self, mut octets: u64) -> Result<()> {
        let mut scratch = [0; 16 * BLOCK];
        while octets > 0 {
            let n = usize::try_from(octets).unwrap_or(usize::MAX).min(scratch.len());
            let got = self.some(scratch.get_mut(..n).unwrap_or(&mut []))?;
            if got == 0 {
                return Err(self.cut_off());
            }
            octets -= got as u64;
        }
        Ok(())
    }

    /// The next member; `None` at the end mark. An input that ends without one is cut off.
    pub(super) fn next(&mut self) -> Result<Option<Member>> {
        loop {
            let rest = std::mem::take(&mut self.left) + std::mem::take(&mut self.padding);
            self.pass(rest)?;
            let mut block = [0; BLOCK];
            if self.fill(&mut block)? < BLOCK {
                return Err(self.cut_off());
            }
            if block.iter().all(|b| *b == 0) {
                return Ok(None);
            }
            let header = Header::from_byte_slice(&block);
            let path = String::from_utf8_lossy(&header.path_bytes()).into_owned();
            if !sound(header, &block) {
                return Err(
                    self.malformed("no member of a tar archive begins here: it is damaged, or no archive")
                );
            }
            let kind = header.entry_type();
            let size = header.entry_size().ok().filter(|size| *size < 1 << 60);
            let Some(size) = size else {
                return Err(self.malformed(format!("member {path:?} has no size there can be")));
            };
            self.left = size;
            self.padding = size.next_multiple_of(BLOCK as u64) - size;
            match kind {
                EntryType::Regular => return Ok(Some(Member { path, size })),
                // What tools add when they pack an archive again.
                EntryType::Directory if size == 0 => {}
                EntryType::XHeader | EntryType::XGlobalHeader if size <= EXTENDED_MAX => {}
                _ => {
                    let text = format!(
                        "member {path:?} is no ordinary file: it does not belong into a mail archive"
                    );
                    return Err(self.malformed(text));
                }
            }
        }
    }

    /// Octets of the present member; 0 at its end.
    pub(super) fn read(&mut self, into: &mut [u8]) -> Result<usize> {
        let n = usize::try_from(self.left).unwrap_or(usize::MAX).min(into.len());
        let got = self.some(into.get_mut(..n).unwrap_or(&mut []))?;
        if got == 0 && n > 0 {
            return Err(self.cut_off());
        }
        self.left -= got as u64;
        Ok(got)
    }

    /// All of the present member, which has at most `max` octets.
    pub(super) fn whole(&mut self, max: u64) -> Result<Vec<u8>> {
        if self.left > max {
            return Err(self.malformed(format!("{} octets where at most {max} can be", self.left)));
        }
        let mut octets = vec![0; usize::try_from(self.left).unwrap_or(0)];
        let n = self.fill(&mut octets)?;
        self.left -= n as u64;
        if n < octets.len() { Err(self.cut_off()) } else { Ok(octets) }
    }
}

/// Whether a header has the checksum it says it has.
fn sound(header: &Header, block: &[u8; BLOCK]) -> bool {
    let sum: u32 = block
        .iter()
        .enumerate()
        .map(|(at, b)| if (148..156).contains(&at) { u32::from(b' ') } else { u32::from(*b) })
        .sum();
    header.cksum().is_ok_and(|said| said == sum)
}
