//! A recording at a glance: the loudest sample of each of some equal stretches, side by side for both parties.
//!
//! Read in one pass through a small buffer: an hour of audio is 115 MB, and nobody needs it in memory for a picture of it.

use std::io::{self, BufReader, Read};

use serde::Serialize;

/// Bytes read from the disk at a time.
const BUFFER_BYTES: usize = 256 * 1024;
/// Longest header before the samples that is looked through, in bytes.
const MOST_HEADER: u64 = 64 * 1024;

/// Peaks of a stereo recording.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub(super) struct Waveform {
    /// Length of the audio in ms.
    pub duration_ms: u64,
    /// How many stretches there are: as many as asked for, but no more than the audio has samples.
    pub buckets: u32,
    /// The agent's peak of each stretch, from 0 (silence) to 255 (full scale).
    #[schema(value_type = Vec<u16>, example = json!([0, 12, 80]))]
    pub agent: Vec<u16>,
    /// The customer's.
    #[schema(value_type = Vec<u16>, example = json!([3, 40, 0]))]
    pub customer: Vec<u16>,
}

/// Why there is no picture.
#[derive(Debug, thiserror::Error)]
pub(super) enum WaveformError {
    /// The disk.
    #[error("cannot read the recording: {0}")]
    Io(#[from] io::Error),
    /// The file is none of ours.
    #[error("not a stereo WAV file of 16 bit: {0}")]
    Format(&'static str),
}

/// Where the samples are, and how they are to be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Format {
    /// Frames per second.
    rate: u32,
    /// Number of frames.
    frames: u64,
}

/// Draws a WAV file of `length` bytes with at most `buckets` stretches. Blocking.
pub(super) fn draw(file: impl Read, length: u64, buckets: u32) -> Result<Waveform, WaveformError> {
    let mut reader = BufReader::with_capacity(BUFFER_BYTES, file);
    let Format { rate, frames } = header(&mut reader, length)?;
    let buckets = u64::from(buckets).min(frames);
    let mut waveform = Waveform {
        duration_ms: frames * 1000 / u64::from(rate),
        buckets: buckets as u32,
        agent: Vec::with_capacity(buckets as usize),
        customer: Vec::with_capacity(buckets as usize),
    };
    let mut chunk = vec![0_u8; BUFFER_BYTES];
    for bucket in 0..buckets {
        // The borders fall as evenly as whole frames allow.
        let mut left = (bucket + 1) * frames / buckets - bucket * frames / buckets;
        let mut peaks = [0_u16; 2];
        while left > 0 {
            let take = left.min(BUFFER_BYTES as u64 / 4);
            let bytes = &mut chunk[..take as usize * 4];
            reader.read_exact(bytes)?;
            for frame in bytes.chunks_exact(4) {
                peaks[0] = peaks[0].max(i16::from_le_bytes([frame[0], frame[1]]).unsigned_abs());
                peaks[1] = peaks[1].max(i16::from_le_bytes([frame[2], frame[3]]).unsigned_abs());
            }
            left -= take;
        }
        let [agent, customer] = peaks.map(|peak| (peak >> 7).min(255));
        waveform.agent.push(agent);
        waveform.customer.push(customer);
    }
    Ok(waveform)
}

/// Reads up to the first sample: RIFF, WAVE, `fmt `, whatever else, `data`.
fn header(reader: &mut impl Read, length: u64) -> Result<Format, WaveformError> {
    let riff: [u8; 12] = read(reader)?;
    if &riff[..4] != b"RIFF" || &riff[8..] != b"WAVE" {
        return Err(WaveformError::Format("it does not begin with RIFF and WAVE"));
    }
    let (mut at, mut rate) = (12_u64, None);
    loop {
        let chunk: [u8; 8] = read(reader)?;
        let size = u64::from(u32::from_le_bytes([chunk[4], chunk[5], chunk[6], chunk[7]]));
        at += 8;
        match &chunk[..4] {
            b"data" => {
                let rate = rate.ok_or(WaveformError::Format("its samples come before their description"))?;
                // A header that was not brought up to date says less than there is, or more.
                let frames = size.min(length.saturating_sub(at)) / 4;
                return Ok(Format { rate, frames });
            }
            b"fmt " if (16..=MOST_HEADER).contains(&size) => {
                let fixed: [u8; 16] = read(reader)?;
                skip(reader, size - 16 + size % 2)?;
                let word = |place: usize| u16::from_le_bytes([fixed[place], fixed[place + 1]]);
                if (word(0), word(2), word(14)) != (1, 2, 16) {
                    return Err(WaveformError::Format("it is not PCM, stereo, 16 bit"));
                }
                let found = u32::from_le_bytes([fixed[4], fixed[5], fixed[6], fixed[7]]);
                if found == 0 {
                    return Err(WaveformError::Format("it has no sample rate"));
                }
                rate = Some(found);
            }
            _ => skip(reader, size + size % 2)?,
        }
        at += size + size % 2;
        if at > MOST_HEADER {
            return Err(WaveformError::Format("its samples do not begin"));
        }
    }
}

fn read<const N: usize>(reader: &mut impl Read) -> io::Result<[u8; N]> {
    let mut bytes = [0; N];
    reader.read_exact(&mut bytes)?;
    Ok(bytes)
}

fn skip(reader: &mut impl Read, bytes: u64) -> io::Result<()> {
    io::copy(&mut reader.take(bytes.min(MOST_HEADER)), &mut io::sink()).map(|_| ())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A WAV file of these frames.
    fn wav(rate: u32, frames: &[[i16; 2]]) -> Vec<u8> {
        let data = frames.len() as u32 * 4;
        let mut bytes = b"RIFF".to_vec();
        bytes.extend((36 + data).to_le_bytes());
        bytes.extend(b"WAVEfmt \x10\0\0\0\x01\0\x02\0");
        bytes.extend(rate.to_le_bytes());
        bytes.extend((rate * 4).to_le_bytes());
        bytes.extend(b"\x04\0\x10\0data");
        bytes.extend(data.to_le_bytes());
        bytes.extend(frames.iter().flatten().flat_map(|sample| sample.to_le_bytes()));
        bytes
    }

    fn drawn(bytes: &[u8], buckets: u32) -> Result<Waveform, WaveformError> {
        draw(bytes, bytes.len() as u64, buckets)
    }

    #[test]
    fn each_side_shows_its_own_peaks() {
        let mut frames = vec![[0, 0]; 8000];
        frames[10] = [i16::MAX, 0];
        frames[4100] = [0, i16::MIN];
        frames[7999] = [-1280, 128];
        let waveform = drawn(&wav(8000, &frames), 4).unwrap();
        let expected =
            Waveform { duration_ms: 1000, buckets: 4, agent: vec![255, 0, 0, 10], customer: vec![0, 0, 255, 1] };
        assert_eq!(waveform, expected);
    }

    #[test]
    fn a_short_recording_has_no_more_stretches_than_samples() {
        let waveform = drawn(&wav(8000, &[[128, 256], [384, 512]]), 1000).unwrap();
        assert_eq!((waveform.buckets, waveform.agent, waveform.customer), (2, vec![1, 3], vec![2, 4]));
        assert_eq!(drawn(&wav(8000, &[]), 10).unwrap().buckets, 0);
    }

    #[test]
    fn a_header_that_promises_too_much_is_not_believed() {
        let mut bytes = wav(8000, &[[128, 128]; 100]);
        bytes[40..44].copy_from_slice(&u32::MAX.to_le_bytes());
        assert_eq!(drawn(&bytes, 10).unwrap().agent, vec![1; 10]);
    }

    #[test]
    fn other_files_are_refused() {
        let good = wav(8000, &[[1, 1]; 4]);
        for (place, byte) in [(0, b'X'), (8, b'X'), (20, 3), (22, 1), (34, 8)] {
            let mut bytes = good.clone();
            bytes[place] = byte;
            assert!(matches!(drawn(&bytes, 1), Err(WaveformError::Format(_))), "{place}");
        }
        assert!(matches!(drawn(&good[..30], 1), Err(WaveformError::Io(_))));
    }

    proptest! {
        #[test]
        fn no_bytes_bring_it_down(bytes in proptest::collection::vec(any::<u8>(), 0..200), buckets in 1_u32..50) {
            let _ = drawn(&bytes, buckets);
            let mut dressed = wav(8000, &[[5, 6]; 4]);
            dressed.splice(12..36, bytes);
            let _ = drawn(&dressed, buckets);
        }

        #[test]
        fn no_sample_is_left_out(frames in proptest::collection::vec(any::<[i16; 2]>(), 1..400), buckets in 1_u32..500) {
            let waveform = drawn(&wav(8000, &frames), buckets).unwrap();
            let loudest = |side: usize| frames.iter().map(|frame| (frame[side].unsigned_abs() >> 7).min(255)).max().unwrap();
            prop_assert_eq!(waveform.agent.iter().copied().max(), Some(loudest(0)));
            prop_assert_eq!(waveform.customer.iter().copied().max(), Some(loudest(1)));
            prop_assert_eq!(waveform.agent.len(), waveform.buckets as usize);
        }
    }
}
