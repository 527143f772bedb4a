//! The spool: a file in which records wait for the database.
//!
//! Every record is appended here before it is applied, so that neither a database that is away nor a `kill -9` loses one.
//! Records are numbered; how far they were applied is kept in the database, moved in the transaction of what they write,
//! and so each is applied exactly once. The file is one JSON line per record behind a first line that keeps the counter.
//!
//! It is written without `fsync`: what it guards against is the process dying, and a machine that lost its power has lost
//! its calls as well.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufRead, BufReader, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use trunkline_calls::model::Record;

/// The file is begun anew once it has this many bytes and nothing in it waits.
const COMPACT_AT: u64 = 1024 * 1024;

#[derive(Serialize, Deserialize)]
struct Header {
    /// The number of the first record behind it.
    next: i64,
}

/// A record and its number.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Spooled {
    pub(super) number: i64,
    pub(super) record: Record,
}

/// The open spool.
#[derive(Debug)]
pub(super) struct Spool {
    path: PathBuf,
    file: File,
    next: i64,
    bytes: u64,
}

impl Spool {
    /// Opens the spool of a folder, and gives back what it holds. A line that was cut off by a crash is not a record yet
    /// and is left out; so is one that cannot be read, with an error in the log.
    pub(super) fn open(folder: &Path) -> io::Result<(Self, Vec<Spooled>)> {
        fs::create_dir_all(folder)?;
        let path = folder.join("calls.spool");
        let (next, spooled) = match File::open(&path) {
            Ok(file) => read(BufReader::new(file), &path)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => (1, Vec::new()),
            Err(error) => return Err(error),
        };
        // Written anew: the cut-off line goes, and what is appended begins on a line of its own.
        let mut spool = Self::create(path, next, &spooled)?;
        spool.next = spooled.last().map_or(next, |last| last.number + 1).max(next);
        Ok((spool, spooled))
    }

    fn create(path: PathBuf, next: i64, waiting: &[Spooled]) -> io::Result<Self> {
        let fresh = path.with_extension("spool.new");
        let mut text = line(&Header { next })?;
        for spooled in waiting {
            text.extend(line(spooled)?);
        }
        fs::write(&fresh, &text)?;
        fs::rename(&fresh, &path)?;
        let file = OpenOptions::new().append(true).open(&path)?;
        Ok(Self { path, file, next, bytes: text.len() as u64 })
    }

    /// Appends a record and gives it its number. On an error (a full disk) the record has a number all the same, and
    /// waits in memory alone.
    pub(super) fn append(&mut self, record: Record) -> (Spooled, io::Result<()>) {
        let spooled = Spooled { number: self.next, record };
        self.next += 1;
        let written = line(&spooled).and_then(|text| {
            self.file.write_all(&text)?;
            self.bytes += text.len() as u64;
            Ok(())
        });
        (spooled, written)
    }

    /// Everything in the file was applied: begins it anew if it has grown.
    pub(super) fn all_applied(&mut self) -> io::Result<()> {
        if self.bytes >= COMPACT_AT {
            *self = Self::create(self.path.clone(), self.next, &[])?;
        }
        Ok(())
    }

    /// Reads the records after `number` from the file: those that did not fit into memory.
    pub(super) fn after(&self, number: i64, most: usize) -> io::Result<Vec<Spooled>> {
        let (_, mut spooled) = read(BufReader::new(File::open(&self.path)?), &self.path)?;
        spooled.retain(|spooled| spooled.number > number);
        spooled.truncate(most);
        Ok(spooled)
    }

    /// No record gets a number below this one.
    pub(super) fn not_before(&mut self, number: i64) {
        self.next = self.next.max(number);
    }

    /// The number that the next record will get.
    pub(super) fn next(&self) -> i64 {
        self.next
    }

    /// The file's length in bytes.
    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }
}

fn line(value: &impl Serialize) -> io::Result<Vec<u8>> {
    let mut text = serde_json::to_vec(value)?;
    text.push(b'\n');
    Ok(text)
}

fn read(mut file: impl BufRead, path: &Path) -> io::Result<(i64, Vec<Spooled>)> {
    let mut next = 1;
    let mut spooled: Vec<Spooled> = Vec::new();
    let mut text = Vec::new();
    for number in 1.. {
        text.clear();
        if file.read_until(b'\n', &mut text)? == 0 {
            break;
        }
        if text.last() != Some(&b'\n') {
            tracing::warn!(path = %path.display(), line = number, "the spool's last line was cut off and is left out");
            break;
        }
        if number == 1
            && let Ok(header) = serde_json::from_slice::<Header>(&text)
        {
            next = header.next;
            continue;
        }
        match serde_json::from_slice::<Spooled>(&text) {
            Ok(record) => {
                next = next.max(record.number + 1);
                spooled.push(record);
            }
            Err(error) => {
                tracing::error!(path = %path.display(), line = number, %error, "a line of the spool cannot be read");
            }
        }
    }
    Ok((next, spooled))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use trunkline_db::TenantId;

    use super::*;

    fn record() -> Record {
        Record::of(TenantId::new())
    }

    #[test]
    fn records_come_back_in_order_with_their_numbers() {
        let folder = tempfile::tempdir().expect("a folder");
        let (mut spool, waiting) = Spool::open(folder.path()).expect("opens");
        assert!(waiting.is_empty());
        let written: Vec<Spooled> = (0..3).map(|_| spool.append(record()).0).collect();
        drop(spool);
        let (mut spool, waiting) = Spool::open(folder.path()).expect("opens again");
        assert_eq!(waiting, written);
        assert_eq!(spool.append(record()).0.number, 4);
        assert_eq!(spool.after(2, 10).expect("reads").len(), 2);
    }

    #[test]
    fn numbers_go_on_after_the_file_was_begun_anew() {
        let folder = tempfile::tempdir().expect("a folder");
        let (mut spool, _) = Spool::open(folder.path()).expect("opens");
        while spool.bytes() < COMPACT_AT {
            spool.append(record()).1.expect("writes");
        }
        let next = spool.next();
        spool.all_applied().expect("compacts");
        assert!(spool.bytes() < 100);
        drop(spool);
        let (spool, waiting) = Spool::open(folder.path()).expect("opens again");
        assert!(waiting.is_empty());
        assert_eq!(spool.next(), next);
    }

    proptest! {
        #[test]
        fn a_file_cut_anywhere_gives_back_the_whole_records_before_the_cut(cut in 0usize..2_000) {
            let folder = tempfile::tempdir().expect("a folder");
            let (mut spool, _) = Spool::open(folder.path()).expect("opens");
            for _ in 0..5 {
                spool.append(record()).1.expect("writes");
            }
            let path = folder.path().join("calls.spool");
            let text = fs::read(&path).expect("reads");
            let kept = &text[..cut.min(text.len())];
            let whole = kept.split(|byte| *byte == b'\n').count().saturating_sub(2);
            fs::write(&path, kept).expect("writes");
            let (mut spool, waiting) = Spool::open(folder.path()).expect("opens");
            prop_assert_eq!(waiting.len(), whole);
            let number = spool.append(record()).0.number;
            prop_assert_eq!(number, waiting.last().map_or(1, |last| last.number + 1));
        }

        #[test]
        fn any_bytes_are_read_or_left_out(garbage in prop::collection::vec(any::<u8>(), 0..400)) {
            let folder = tempfile::tempdir().expect("a folder");
            fs::write(folder.path().join("calls.spool"), &garbage).expect("writes");
            let (mut spool, _) = Spool::open(folder.path()).expect("opens");
            spool.append(record()).1.expect("writes");
            drop(spool);
            prop_assert_eq!(Spool::open(folder.path()).expect("opens").1.len(), 1);
        }
    }
}
