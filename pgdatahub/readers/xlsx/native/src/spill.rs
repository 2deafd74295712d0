//! Text on disk, in a file that has no name while it is used and so cannot stay behind.

use std::fs::{File, OpenOptions};
use std::io::{BufWriter, Write};
use std::path::Path;

const PAGE: usize = 64 * 1024;
const PAGES: usize = 128;

/// A file that is written once, then read at random.
pub struct Spill {
    file: BufWriter<File>,
    length: u64,
    pages: Vec<Page>,
}

struct Page {
    number: u64,
    bytes: Vec<u8>,
}

impl Spill {
    /// Create the file at `path`, which must not exist.
    pub fn create(path: &Path) -> std::io::Result<Self> {
        Ok(Spill { file: BufWriter::with_capacity(PAGE, open(path)?), length: 0, pages: Vec::new() })
    }

    /// Return how many bytes were written.
    pub fn length(&self) -> u64 {
        self.length
    }

    /// Append bytes.
    pub fn write(&mut self, bytes: &[u8]) -> std::io::Result<()> {
        self.length += bytes.len() as u64;
        self.file.write_all(bytes)
    }

    /// End the writing.
    pub fn flush(&mut self) -> std::io::Result<()> {
        self.file.flush()
    }

    /// Append the bytes from `from` up to `to` to `out`.
    pub fn read(&mut self, from: u64, to: u64, out: &mut Vec<u8>) -> std::io::Result<()> {
        let mut at = from;
        while at < to {
            let number = at / PAGE as u64;
            let page = self.page(number)?;
            let begin = (at - number * PAGE as u64) as usize;
            let end = ((to - number * PAGE as u64) as usize).min(PAGE);
            let bytes = page.get(begin..end).ok_or(std::io::ErrorKind::UnexpectedEof)?;
            out.extend_from_slice(bytes);
            at += bytes.len() as u64;
        }
        Ok(())
    }

    /// Return a page, from memory if it was read before and no other took its place.
    fn page(&mut self, number: u64) -> std::io::Result<&[u8]> {
        if self.pages.is_empty() {
            self.pages.resize_with(PAGES, || Page { number: u64::MAX, bytes: Vec::new() });
        }
        let page = &mut self.pages[(number % PAGES as u64) as usize];
        if page.number != number {
            let start = number * PAGE as u64;
            let size = (self.length - start).min(PAGE as u64) as usize;
            page.number = u64::MAX;
            page.bytes.resize(size, 0);
            read_at(self.file.get_ref(), &mut page.bytes, start)?;
            page.number = number;
        }
        Ok(&page.bytes)
    }
}

#[cfg(unix)]
fn open(path: &Path) -> std::io::Result<File> {
    use std::os::unix::fs::OpenOptionsExt;
    let file = OpenOptions::new().read(true).write(true).create_new(true).mode(0o600).open(path)?;
    std::fs::remove_file(path)?;
    Ok(file)
}

#[cfg(unix)]
fn read_at(file: &File, bytes: &mut [u8], start: u64) -> std::io::Result<()> {
    std::os::unix::fs::FileExt::read_exact_at(file, bytes, start)
}

#[cfg(windows)]
fn open(path: &Path) -> std::io::Result<File> {
    use std::os::windows::fs::OpenOptionsExt;
    const DELETE_ON_CLOSE: u32 = 0x0400_0000; // FILE_FLAG_DELETE_ON_CLOSE
    OpenOptions::new().read(true).write(true).create_new(true).custom_flags(DELETE_ON_CLOSE).open(path)
}

#[cfg(windows)]
fn read_at(file: &File, mut bytes: &mut [u8], mut start: u64) -> std::io::Result<()> {
    while !bytes.is_empty() {
        let count = std::os::windows::fs::FileExt::seek_read(file, bytes, start)?;
        if count == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        bytes = &mut bytes[count..];
        start += count as u64;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_come_back_across_pages() {
        let path = std::env::temp_dir().join(format!("pgdatahub-spill-{}", std::process::id()));
        let mut spill = Spill::create(&path).unwrap();
        let bytes: Vec<u8> = (0..3 * PAGE + 5).map(|at| (at % 251) as u8).collect();
        spill.write(&bytes).unwrap();
        spill.flush().unwrap();
        for (from, to) in [(0, 10), (PAGE - 3, PAGE + 3), (5, 3 * PAGE + 5), (7, 7)] {
            let mut out = Vec::new();
            spill.read(from as u64, to as u64, &mut out).unwrap();
            assert_eq!(out, &bytes[from..to]);
        }
        assert!(!path.exists() || cfg!(windows));
    }
}
