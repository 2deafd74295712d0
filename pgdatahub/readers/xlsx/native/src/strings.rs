//! The strings that the cells of a workbook share, as fields, in memory up to a limit and then on disk.

use crate::bytes::{push, PADDING};
use crate::spill::Spill;
use crate::Stop;
use std::path::PathBuf;
use std::sync::Mutex;

/// Shared strings by index.
pub struct Strings {
    /// Fields one behind the other; padded once complete.
    arena: Vec<u8>,
    /// Where each field ends: in the arena, or behind it as if the file followed it.
    ends: Vec<u64>,
    in_memory: u64,
    limit: usize,
    spill: Option<Mutex<Spill>>,
    path: PathBuf,
    cleaned: Vec<u64>,
}

impl Strings {
    /// Return no strings yet; beyond `limit` bytes they go to a file that is created at `path`.
    pub fn new(limit: usize, path: PathBuf) -> Self {
        let (arena, ends) = (Vec::new(), Vec::new());
        Strings { arena, ends, in_memory: 0, limit, spill: None, path, cleaned: Vec::new() }
    }

    /// Return how many there are.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Return whether there is none.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// Return how many had characters removed that no database can store.
    pub fn cleaned(&self) -> usize {
        self.cleaned.len()
    }

    /// Add a string, whose field `write` appends; it returns whether characters were removed.
    #[inline(always)]
    pub fn add(&mut self, write: impl FnOnce(&mut Vec<u8>) -> Result<bool, Stop>) -> Result<(), Stop> {
        let start = self.arena.len();
        match write(&mut self.arena) {
            Ok(true) => self.cleaned.push(self.ends.len() as u64),
            Ok(false) => {}
            Err(stop) => {
                self.arena.truncate(start);
                return Err(stop);
            }
        }
        self.ends.push(self.in_file() + self.arena.len() as u64);
        Ok(())
    }

    /// Write what is beyond the limit to the file.
    pub fn settle(&mut self) -> std::io::Result<()> {
        if self.spill.is_none() && self.arena.len() <= self.limit {
            return Ok(());
        }
        if self.spill.is_none() {
            self.spill = Some(Mutex::new(Spill::create(&self.path)?));
            self.in_memory = self.arena.len() as u64;
            self.arena.shrink_to_fit();
            return Ok(());
        }
        let beyond = self.in_memory as usize;
        if let Some(spill) = &mut self.spill {
            lock(spill).write(&self.arena[beyond..])?;
        }
        self.arena.truncate(beyond);
        Ok(())
    }

    /// Make them ready to be looked up.
    pub fn finish(&mut self) -> std::io::Result<()> {
        self.settle()?;
        if let Some(spill) = &mut self.spill {
            lock(spill).flush()?;
        } else {
            self.in_memory = self.arena.len() as u64;
        }
        self.arena.resize(self.arena.len() + PADDING, 0);
        Ok(())
    }

    /// Append the field of the string with this index, and note if characters were removed from it.
    #[inline(always)]
    pub fn push(&self, index: usize, out: &mut Vec<u8>, cleaned: &mut bool) -> Result<(), Stop> {
        let end = *self.ends.get(index).ok_or(Stop::Decline)?;
        let start = if index == 0 { 0 } else { self.ends[index - 1] };
        if end <= self.in_memory {
            push(out, &self.arena, start as usize, end as usize);
        } else {
            self.push_from_file(start, end, out)?;
        }
        if !self.cleaned.is_empty() {
            *cleaned = self.cleaned.binary_search(&(index as u64)).is_ok();
        }
        Ok(())
    }

    /// Return where a string that is in memory begins and ends, and its first byte; None if it needs [`Strings::push`].
    #[inline(always)]
    pub fn range(&self, index: usize) -> Option<(usize, usize, u8)> {
        let end = *self.ends.get(index)?;
        let start = if index == 0 { 0 } else { self.ends[index - 1] };
        if end > self.in_memory || !self.cleaned.is_empty() {
            return None;
        }
        Some((start as usize, end as usize, self.arena[start as usize]))
    }

    /// Append the field in a range that [`Strings::range`] returned.
    #[inline(always)]
    pub fn push_range(&self, start: usize, end: usize, out: &mut Vec<u8>) {
        push(out, &self.arena, start, end);
    }

    #[inline(never)]
    fn push_from_file(&self, start: u64, end: u64, out: &mut Vec<u8>) -> Result<(), Stop> {
        let (from, to) = (start - self.in_memory, end - self.in_memory);
        let spill = self.spill.as_ref().ok_or(Stop::Decline)?;
        let mut spill = spill.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        spill.read(from, to, out).map_err(|_| Stop::Decline)
    }

    fn in_file(&self) -> u64 {
        match &self.spill {
            Some(spill) => spill.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).length(),
            None => 0,
        }
    }
}

fn lock(spill: &mut Mutex<Spill>) -> &mut Spill {
    spill.get_mut().unwrap_or_else(|poisoned| poisoned.into_inner())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_beyond_the_limit_come_from_disk() {
        let path = std::env::temp_dir().join(format!("pgdatahub-strings-{}", std::process::id()));
        let mut strings = Strings::new(1000, path);
        let text = |index: usize| format!("string {}", index).repeat(index % 9);
        for index in 0..5000 {
            strings
                .add(|out| {
                    out.extend_from_slice(text(index).as_bytes());
                    Ok(index == 4321)
                })
                .unwrap();
            if index % 100 == 0 {
                strings.settle().unwrap();
            }
        }
        strings.finish().unwrap();
        for index in 0..5000 {
            let (mut out, mut cleaned) = (Vec::new(), false);
            strings.push(index, &mut out, &mut cleaned).unwrap();
            assert_eq!((out, cleaned), (text(index).into_bytes(), index == 4321));
        }
        assert_eq!(strings.push(5000, &mut Vec::new(), &mut false), Err(Stop::Decline));
    }
}
