//! What the unit tests of several modules share.

use crate::sheet::Sheet;
use crate::string_items::Status;
use crate::strings::Strings;

/// Return strings that stay in memory, none yet.
pub fn no_strings() -> Strings {
    Strings::new(1 << 20, std::path::PathBuf::new())
}

/// Return complete strings with these texts.
pub fn strings_of(texts: &[&str]) -> Strings {
    let mut strings = no_strings();
    for text in texts {
        let added = strings.add(|out| {
            out.extend_from_slice(text.as_bytes());
            Ok(false)
        });
        assert_eq!(added, Ok(()));
    }
    strings.finish().unwrap();
    strings
}

/// Feed a sheet in pieces of so many bytes; return the status, and the columns of all batches with their fields.
pub fn read_columns(sheet: &mut Sheet, data: &[u8], piece: usize) -> (Status, Vec<(u32, String)>) {
    let mut found: Vec<(u32, String)> = Vec::new();
    let pieces = data.chunks(piece).map(|data| (data, false)).chain([(&b""[..], true)]);
    for (data, last) in pieces {
        let mut status = sheet.feed(data, last);
        loop {
            let batch = &mut sheet.rows.batch;
            batch.finish();
            for &position in &batch.used {
                let fields = String::from_utf8(batch.columns[position as usize].fields.clone()).unwrap();
                match found.iter_mut().find(|column| column.0 == position) {
                    Some(column) => column.1.push_str(&fields),
                    None => found.push((position, fields)),
                }
            }
            batch.clear();
            if status != Status::Full {
                break;
            }
            status = sheet.feed(b"", last);
        }
        if status != Status::More {
            return (status, found);
        }
    }
    (Status::More, found)
}

/// Feed a reader of strings in pieces of so many bytes, until it wants no more; return its last status.
pub fn feed_pieces(data: &[u8], piece: usize, mut feed: impl FnMut(&[u8], bool) -> std::io::Result<Status>) -> Status {
    for data in data.chunks(piece) {
        let status = feed(data, false).unwrap();
        if status != Status::More {
            return status;
        }
    }
    feed(b"", true).unwrap()
}

/// Complete strings and return their texts.
pub fn texts_of(mut strings: Strings) -> Vec<String> {
    strings.finish().unwrap();
    let text = |index| {
        let mut out = Vec::new();
        strings.push(index, &mut out, &mut false).unwrap();
        String::from_utf8(out).unwrap()
    };
    (0..strings.len()).map(text).collect()
}
