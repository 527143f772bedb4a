//! Sound for tests: reading what a phone heard, and finding a tone in it.

use std::f64::consts::TAU;
use std::path::Path;

use crate::error::{IoContext, Result, StackError};

/// Samples of a WAV file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wav {
    /// Samples per second.
    pub rate: u32,
    /// One list of samples per channel.
    pub channels: Vec<Vec<i16>>,
}

impl Wav {
    /// Reads 16-bit PCM. A header whose lengths are not right yet (a file still being written) is read as far as the file goes.
    pub fn read(path: &Path) -> Result<Self> {
        let raw = std::fs::read(path).context(|| format!("cannot read {}", path.display()))?;
        Self::parse(&raw).ok_or_else(|| StackError::Unexpected {
            what: path.display().to_string(),
            detail: "not a WAV file with 16-bit PCM".to_owned(),
        })
    }

    fn parse(raw: &[u8]) -> Option<Self> {
        let number = |at: usize, bytes: usize| -> Option<usize> {
            Some(raw.get(at..at + bytes)?.iter().rev().fold(0, |sum, byte| (sum << 8) | usize::from(*byte)))
        };
        if raw.get(..4)? != b"RIFF" || raw.get(8..12)? != b"WAVE" {
            return None;
        }
        let mut at = 12;
        let mut format = None;
        loop {
            let (name, length) = (raw.get(at..at + 4)?, number(at + 4, 4)?);
            let body = at + 8;
            match name {
                b"fmt " => {
                    format =
                        Some((number(body, 2)?, number(body + 2, 2)?, number(body + 4, 4)?, number(body + 14, 2)?));
                }
                b"data" => {
                    let (_, channels, rate, bits) = format?;
                    if bits != 16 || channels == 0 {
                        return None;
                    }
                    // Zero is what a header says that was never finished.
                    let end = if length == 0 { raw.len() } else { raw.len().min(body.saturating_add(length)) };
                    let mut split = vec![Vec::new(); channels];
                    for frame in raw.get(body..end)?.chunks_exact(2 * channels) {
                        for (channel, sample) in split.iter_mut().zip(frame.chunks_exact(2)) {
                            channel.push(i16::from_le_bytes([sample[0], sample[1]]));
                        }
                    }
                    return Some(Self { rate: u32::try_from(rate).ok()?, channels: split });
                }
                _ => {}
            }
            at = body.checked_add(length)?.checked_add(length & 1)?;
        }
    }

    /// Writes one channel as 16-bit PCM.
    pub fn write_mono(path: &Path, rate: u32, samples: &[i16]) -> Result<()> {
        let bytes = u32::try_from(samples.len() * 2).unwrap_or(u32::MAX);
        let mut raw = Vec::with_capacity(44 + samples.len() * 2);
        raw.extend(b"RIFF");
        raw.extend(bytes.saturating_add(36).to_le_bytes());
        raw.extend(b"WAVEfmt ");
        raw.extend(16_u32.to_le_bytes());
        // PCM, one channel.
        raw.extend([1, 0, 1, 0]);
        raw.extend(rate.to_le_bytes());
        raw.extend((rate * 2).to_le_bytes());
        // Two bytes per frame, sixteen bits per sample.
        raw.extend([2, 0, 16, 0]);
        raw.extend(b"data");
        raw.extend(bytes.to_le_bytes());
        raw.extend(samples.iter().flat_map(|sample| sample.to_le_bytes()));
        std::fs::write(path, raw).context(|| format!("cannot write {}", path.display()))
    }

    /// The samples of a channel between two moments, in seconds from the start; what lies outside is left out.
    pub fn cut(&self, channel: usize, from_s: f64, to_s: f64) -> &[i16] {
        let samples = &self.channels[channel];
        let index = |seconds: f64| ((seconds * f64::from(self.rate)) as usize).min(samples.len());
        &samples[index(from_s)..index(to_s).max(index(from_s))]
    }

    /// Length in seconds.
    pub fn seconds(&self) -> f64 {
        self.channels.first().map_or(0.0, |channel| channel.len() as f64 / f64::from(self.rate))
    }
}

/// How much of the sound's power is the tone of `hz`: 0 for none, 1 for nothing else. 0 for silence.
pub fn tone_share(samples: &[i16], rate: u32, hz: f64) -> f64 {
    let total: f64 = samples.iter().map(|sample| f64::from(*sample).powi(2)).sum();
    if samples.is_empty() || total < samples.len() as f64 {
        return 0.0;
    }
    // Correlation with a sine and a cosine of that frequency: its amplitude, whatever the phase.
    let step = TAU * hz / f64::from(rate);
    let (mut sine, mut cosine) = (0.0, 0.0);
    for (index, sample) in samples.iter().enumerate() {
        let angle = step * index as f64;
        sine += f64::from(*sample) * angle.sin();
        cosine += f64::from(*sample) * angle.cos();
    }
    // A pure tone of amplitude A has power n·A²/2 and correlates to n·A/2.
    (2.0 * (sine * sine + cosine * cosine) / (samples.len() as f64 * total)).min(1.0)
}

/// How much of the sound is the tone of `hz`, measured in windows of 100 ms so that drift and jitter of the phase do not matter: the mean
/// of the windows' [`tone_share`].
pub fn tone_share_windowed(samples: &[i16], rate: u32, hz: f64) -> f64 {
    let window = (rate / 10) as usize;
    let shares: Vec<f64> = samples.chunks_exact(window.max(1)).map(|part| tone_share(part, rate, hz)).collect();
    if shares.is_empty() { 0.0 } else { shares.iter().sum::<f64>() / shares.len() as f64 }
}

/// A sample as µ-law (ITU-T G.711).
pub fn mu_law(sample: i16) -> u8 {
    const BIAS: i32 = 0x84;
    const CLIP: i32 = 32_635;
    let sign = if sample < 0 { 0x80_u8 } else { 0 };
    let magnitude = i32::from(sample).abs().min(CLIP) + BIAS;
    // The segment is the position of the highest bit above the seventh.
    let exponent = (magnitude.ilog2() - 7) as u8;
    let mantissa = ((magnitude >> (exponent + 3)) & 0x0f) as u8;
    !(sign | (exponent << 4) | mantissa)
}

/// A tone at a quarter of full power.
pub fn tone(hz: f64, rate: u32, seconds: f64) -> Vec<i16> {
    let count = (seconds * f64::from(rate)) as usize;
    (0..count).map(|index| ((TAU * hz * index as f64 / f64::from(rate)).sin() * 16_000.0) as i16).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tone_is_told_from_another_and_from_silence() {
        let samples = tone(440.0, 8_000, 1.0);
        assert!(tone_share(&samples, 8_000, 440.0) > 0.99);
        assert!(tone_share(&samples, 8_000, 700.0) < 0.01);
        assert!(tone_share_windowed(&samples, 8_000, 440.0) > 0.99);
        assert!(tone_share(&[0; 8_000], 8_000, 440.0).abs() < f64::EPSILON);
    }

    #[test]
    fn a_written_wav_is_read_back() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("tone.wav");
        let samples = tone(300.0, 8_000, 0.5);
        Wav::write_mono(&path, 8_000, &samples).unwrap();
        assert_eq!(Wav::read(&path).unwrap(), Wav { rate: 8_000, channels: vec![samples] });
    }

    #[test]
    fn mu_law_has_the_values_of_the_table() {
        // G.711 table 2a: the ends of the ranges and the two zeros.
        assert_eq!([mu_law(0), mu_law(-1), mu_law(32_635), mu_law(-32_635)], [0xff, 0x7f, 0x80, 0x00]);
    }

    #[test]
    fn a_wav_is_read_with_two_channels_and_without_a_finished_header() {
        let mut raw = Vec::new();
        raw.extend(b"RIFF\0\0\0\0WAVEfmt ");
        raw.extend(16_u32.to_le_bytes());
        for field in [1_u16, 2] {
            raw.extend(field.to_le_bytes());
        }
        raw.extend(8_000_u32.to_le_bytes());
        raw.extend(32_000_u32.to_le_bytes());
        for field in [4_u16, 16] {
            raw.extend(field.to_le_bytes());
        }
        raw.extend(b"data\0\0\0\0");
        for sample in [1_i16, -1, 2, -2] {
            raw.extend(sample.to_le_bytes());
        }
        let wav = Wav::parse(&raw).unwrap();
        assert_eq!(wav, Wav { rate: 8_000, channels: vec![vec![1, 2], vec![-1, -2]] });
        assert!(Wav::parse(&raw[..20]).is_none());
    }
}
