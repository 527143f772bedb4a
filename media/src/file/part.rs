//! The WAV file of a running recording.

use std::fmt;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use hound::{SampleFormat, WavSpec, WavWriter};

use super::{Sink, Storage, WriteError, part_path, sidecar_path};
use crate::recorder::SAMPLE_RATE;

/// RIFF header, `fmt ` chunk of 16 octets, `data` header.
pub(super) const HEADER: u64 = 44;
/// Octets of a frame.
const FRAME: u64 = 4;
/// Sizes in a WAV file are 32 bits wide.
const MOST_FRAMES: u64 = (u32::MAX as u64 - HEADER) / FRAME;
/// What silence is written from.
static SILENT: [[i16; 2]; 16_384] = [[0, 0]; 16_384];
/// The header's lengths are brought up to date after so many frames (4 s).
const CHECKPOINT: u64 = 32_000;

const SPEC: WavSpec =
    WavSpec { channels: 2, sample_rate: SAMPLE_RATE, bits_per_sample: 16, sample_format: SampleFormat::Int };

/// `….wav.part`, open and locked.
pub(crate) struct PartFile {
    storage: Arc<dyn Storage>,
    /// The final name.
    path: PathBuf,
    file: SharedSink,
    wav: WavWriter<SharedSink>,
    unlisted: u64,
}

impl fmt::Debug for PartFile {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("PartFile")
            .field("path", &self.path)
            .field("frames", &self.frames())
            .finish_non_exhaustive()
    }
}

/// The file under hound's writer, which gives it back to nobody, and yet reachable for what hound cannot do.
#[derive(Debug, Clone)]
struct SharedSink(Arc<Mutex<Box<dyn Sink>>>);

impl PartFile {
    /// Creates it; neither it nor the final file may exist.
    pub(crate) fn create(storage: Arc<dyn Storage>, path: &Path) -> Result<Self, WriteError> {
        let part = part_path(path);
        if storage.exists(path).map_err(|error| WriteError::from_io(path, &error))? {
            return Err(WriteError::Exists { path: path.to_owned() });
        }
        let file = SharedSink::new(storage.create(&part).map_err(|error| WriteError::from_io(&part, &error))?);
        let wav = WavWriter::new(file.clone(), SPEC).map_err(|error| WriteError::from_hound(&part, &error))?;
        // A sidecar of an earlier recording of this name must not be taken for this one's.
        let stale = sidecar_path(path);
        storage.remove(&stale).map_err(|error| WriteError::from_io(&stale, &error))?;
        Ok(Self { storage, path: path.to_owned(), file, wav, unlisted: 0 })
    }

    /// Opens one that a dead process left behind: the header is set right by the file's length.
    pub(crate) fn open(storage: Arc<dyn Storage>, path: &Path) -> Result<Self, WriteError> {
        let part = part_path(path);
        if storage.exists(path).map_err(|error| WriteError::from_io(path, &error))? {
            return Err(WriteError::Exists { path: path.to_owned() });
        }
        let mut file = SharedSink::new(storage.open(&part).map_err(|error| WriteError::from_io(&part, &error))?);
        repair(&mut file, &part)?;
        let wav = WavWriter::new_append(file.clone()).map_err(|error| WriteError::from_hound(&part, &error))?;
        Ok(Self { storage, path: path.to_owned(), file, wav, unlisted: 0 })
    }

    /// Frames written.
    pub(crate) fn frames(&self) -> u64 {
        u64::from(self.wav.duration())
    }

    /// Appends frames: left, right.
    pub(crate) fn write(&mut self, frames: &[[i16; 2]]) -> Result<(), WriteError> {
        self.check_room(frames.len() as u64)?;
        let mut writer = self.wav.get_i16_writer(frames.len() as u32 * 2);
        for frame in frames {
            writer.write_sample(frame[0]);
            writer.write_sample(frame[1]);
        }
        writer.flush().map_err(|error| self.error(&error))?;
        self.unlisted += frames.len() as u64;
        if self.unlisted >= CHECKPOINT { self.checkpoint() } else { Ok(()) }
    }

    /// Appends silence.
    pub(crate) fn silence(&mut self, frames: u64) -> Result<(), WriteError> {
        self.check_room(frames)?;
        let mut left = frames;
        while left > 0 {
            let count = left.min(SILENT.len() as u64) as usize;
            self.write(&SILENT[..count])?;
            left -= count as u64;
        }
        Ok(())
    }

    /// Brings the header up to date: what is in the file is a WAV file now.
    pub(crate) fn checkpoint(&mut self) -> Result<(), WriteError> {
        self.unlisted = 0;
        self.wav.flush().map_err(|error| self.error(&error))
    }

    /// Brings the header up to date and everything to the device; gives the file up to whoever resumes it.
    pub(crate) fn park(mut self) -> Result<(), WriteError> {
        self.checkpoint()?;
        self.sync()
    }

    /// Gives the file its final name; says its length in bytes.
    pub(crate) fn finish(mut self) -> Result<u64, WriteError> {
        self.checkpoint()?;
        self.sync()?;
        let bytes = HEADER + self.frames() * FRAME;
        let part = part_path(&self.path);
        self.storage.rename(&part, &self.path).map_err(|error| WriteError::from_io(&self.path, &error))?;
        let sidecar = sidecar_path(&self.path);
        if let Err(error) = self.storage.remove(&sidecar) {
            tracing::warn!(file = %sidecar.display(), %error, "cannot remove a finished recording's sidecar");
        }
        Ok(bytes)
    }

    /// After a failed write: cuts off what was written by half, so that what was written before can be played. As far
    /// as the disk allows it.
    pub(crate) fn salvage(mut self) {
        let cut = self.file.lock().set_len(HEADER + self.frames() * FRAME);
        let listed = self.checkpoint();
        let synced = self.file.lock().sync();
        if cut.is_err() || listed.is_err() || synced.is_err() {
            tracing::warn!(file = %self.path.display(), ?cut, ?listed, ?synced, "failed recording cannot be set right");
        }
    }

    fn sync(&mut self) -> Result<(), WriteError> {
        let synced = self.file.lock().sync();
        synced.map_err(|error| WriteError::from_io(&part_path(&self.path), &error))
    }

    fn check_room(&self, frames: u64) -> Result<(), WriteError> {
        if self.frames() + frames > MOST_FRAMES {
            return Err(WriteError::TooLong { path: part_path(&self.path) });
        }
        Ok(())
    }

    fn error(&self, error: &hound::Error) -> WriteError {
        WriteError::from_hound(&part_path(&self.path), error)
    }
}

/// Makes the header say what the file's length says, and cuts off half a frame at the end.
fn repair(file: &mut SharedSink, part: &Path) -> Result<(), WriteError> {
    let io = |error: io::Error| WriteError::from_io(part, &error);
    let length = file.seek(SeekFrom::End(0)).map_err(io)?;
    let mut header = [0; HEADER as usize];
    if length >= HEADER {
        file.seek(SeekFrom::Start(0)).map_err(io)?;
        file.read_exact(&mut header).map_err(io)?;
        // All zeros: the device never saw the first block before the power went.
        if header != [0; HEADER as usize] && !is_ours(&header) {
            let reason = "its header is not that of a stereo WAV of 8,000 Hz and 16 bits".to_owned();
            return Err(WriteError::NotARecording { path: part.to_owned(), reason });
        }
    }
    let frames = (length.saturating_sub(HEADER) / FRAME).min(MOST_FRAMES);
    let data = frames * FRAME;
    let mut fresh = io::Cursor::new(Vec::with_capacity(HEADER as usize));
    WavWriter::new(&mut fresh, SPEC)
        .and_then(WavWriter::finalize)
        .map_err(|error| WriteError::from_hound(part, &error))?;
    let mut header = fresh.into_inner();
    header[4..8].copy_from_slice(&((data + HEADER - 8) as u32).to_le_bytes());
    header[40..44].copy_from_slice(&(data as u32).to_le_bytes());
    file.seek(SeekFrom::Start(0)).map_err(io)?;
    file.write_all(&header).map_err(io)?;
    file.lock().set_len(HEADER + data).map_err(io)?;
    file.seek(SeekFrom::Start(0)).map_err(io)?;
    Ok(())
}

/// Whether a header is the one that hound writes for [`SPEC`], but for the lengths.
fn is_ours(header: &[u8; HEADER as usize]) -> bool {
    let number = |at: usize| u16::from_le_bytes([header[at], header[at + 1]]);
    &header[..4] == b"RIFF"
        && &header[8..16] == b"WAVEfmt "
        && number(20) == 1
        && number(22) == SPEC.channels
        && header[24..28] == SPEC.sample_rate.to_le_bytes()
        && number(34) == SPEC.bits_per_sample
        && &header[36..40] == b"data"
}

impl SharedSink {
    fn new(sink: Box<dyn Sink>) -> Self {
        Self(Arc::new(Mutex::new(sink)))
    }

    /// Never contended: the part file and its writer are one owner.
    fn lock(&self) -> MutexGuard<'_, Box<dyn Sink>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Read for SharedSink {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.lock().read(buffer)
    }
}

impl Write for SharedSink {
    fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
        self.lock().write(octets)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.lock().flush()
    }
}

impl Seek for SharedSink {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.lock().seek(to)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::file::Disk;
    use proptest::prelude::*;

    fn disk() -> Arc<dyn Storage> {
        Arc::new(Disk)
    }

    fn read(path: &Path) -> Vec<i16> {
        let mut reader = hound::WavReader::open(path).expect("a WAV file");
        assert_eq!(reader.spec(), SPEC);
        reader.samples::<i16>().map(|sample| sample.expect("a sample")).collect()
    }

    #[test]
    fn a_recording_gets_its_name_only_when_it_is_whole() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("call.wav");
        let mut part = PartFile::create(disk(), &path).expect("created");
        part.write(&[[1, -1], [2, -2]]).expect("written");
        part.silence(2).expect("written");
        assert!(!path.exists());
        assert_eq!(part.finish().expect("finished"), 44 + 16);
        assert_eq!(read(&path), [1, -1, 2, -2, 0, 0, 0, 0]);
        assert!(!part_path(&path).exists());
        assert!(matches!(PartFile::create(disk(), &path), Err(WriteError::Exists { .. })));
    }

    #[test]
    fn one_file_has_one_writer() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("call.wav");
        let part = PartFile::create(disk(), &path).expect("created");
        assert!(matches!(PartFile::open(disk(), &path), Err(WriteError::Busy { .. })));
        drop(part);
        PartFile::open(disk(), &path).expect("free again");
    }

    #[test]
    fn another_programs_file_is_left_alone() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("call.wav");
        std::fs::write(part_path(&path), [b'x'; 500]).expect("written");
        assert!(matches!(PartFile::open(disk(), &path), Err(WriteError::NotARecording { .. })));
        assert_eq!(std::fs::read(part_path(&path)).expect("there"), [b'x'; 500]);
    }

    #[test]
    fn a_wav_file_has_an_end() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut part = PartFile::create(disk(), &folder.path().join("call.wav")).expect("created");
        assert!(matches!(part.silence(MOST_FRAMES + 1), Err(WriteError::TooLong { .. })));
        part.silence(1).expect("room for more");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        /// A process may die after any octet, the header may say anything of the lengths.
        #[test]
        fn a_file_cut_anywhere_is_continued(length in 0_u64..2_000, lengths in any::<[u8; 8]>()) {
            let folder = tempfile::tempdir().expect("a folder");
            let path = folder.path().join("call.wav");
            let mut part = PartFile::create(disk(), &path).expect("created");
            let frames: Vec<[i16; 2]> = (0..500).map(|n| [n, -n]).collect();
            part.write(&frames).expect("written");
            drop(part);
            let mut octets = std::fs::read(part_path(&path)).expect("there");
            octets[4..8].copy_from_slice(&lengths[..4]);
            octets[40..44].copy_from_slice(&lengths[4..]);
            octets.truncate(length as usize);
            std::fs::write(part_path(&path), &octets).expect("written");

            let mut part = PartFile::open(disk(), &path).expect("repaired");
            let kept = length.saturating_sub(HEADER) / FRAME;
            prop_assert_eq!(part.frames(), kept);
            part.write(&[[7, 8]]).expect("written");
            part.finish().expect("finished");
            let mut expected: Vec<i16> = frames[..kept as usize].as_flattened().to_vec();
            expected.extend([7, 8]);
            prop_assert_eq!(read(&path), expected);
        }
    }
}
