//! What is in a WAV file: the level of a tone in a stretch of a channel.
//!
//! Meant for tests and checks ("does each side hear the other?"): play a tone of its own to each party and look for it
//! in the recording.

use std::f64::consts::TAU;
use std::ops::Range;
use std::path::Path;

/// Full scale of 16-bit samples.
const FULL_SCALE: f64 = 32_768.0;
/// Level of what is not there at all, so that levels can be compared without infinities.
pub const NOTHING: f64 = -120.0;

/// A WAV file could not be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// Not a WAV file, or not readable.
    #[error("cannot read the WAV file: {0}")]
    Wav(#[from] hound::Error),
    /// Not 16-bit PCM.
    #[error("expected 16-bit integer samples, the file has {bits} bits")]
    Format {
        /// What it has.
        bits: u16,
    },
}

/// A WAV file's samples, by channel.
#[derive(Debug, Clone)]
pub struct Recorded {
    sample_rate: u32,
    channels: Vec<Vec<i16>>,
}

impl Recorded {
    /// Reads a 16-bit WAV file of any rate and number of channels.
    pub fn read(path: &Path) -> Result<Self, ReadError> {
        let mut reader = hound::WavReader::open(path)?;
        let spec = reader.spec();
        if spec.bits_per_sample != 16 || spec.sample_format != hound::SampleFormat::Int {
            return Err(ReadError::Format { bits: spec.bits_per_sample });
        }
        let mut channels = vec![Vec::with_capacity(reader.duration() as usize); usize::from(spec.channels)];
        let count = channels.len().max(1);
        for (n, sample) in reader.samples::<i16>().enumerate() {
            channels[n % count].push(sample?);
        }
        Ok(Self { sample_rate: spec.sample_rate, channels })
    }

    /// Length in ms.
    pub fn duration_ms(&self) -> u64 {
        let samples = self.channels.first().map_or(0, Vec::len) as u64;
        samples * 1_000 / u64::from(self.sample_rate.max(1))
    }

    /// Samples of a channel (0 = left) within a range of ms; what lies beyond the end is left out.
    pub fn samples(&self, channel: usize, range_ms: Range<u64>) -> &[i16] {
        let samples = self.channels.get(channel).map_or(&[][..], Vec::as_slice);
        let at = |ms: u64| usize::try_from(ms * u64::from(self.sample_rate) / 1_000).unwrap_or(usize::MAX);
        let end = at(range_ms.end).min(samples.len());
        &samples[at(range_ms.start).min(end)..end]
    }

    /// Level of a tone, in dB below a sine of full scale.
    pub fn tone_level(&self, channel: usize, range_ms: Range<u64>, hertz: f64) -> f64 {
        tone_level(self.samples(channel, range_ms), self.sample_rate, hertz)
    }

    /// Level of everything, in dB below a sine of full scale.
    pub fn level(&self, channel: usize, range_ms: Range<u64>) -> f64 {
        level(self.samples(channel, range_ms))
    }
}

/// Level of the part of `samples` that is a sine of `hertz`, in dB below one of full scale (Goertzel's algorithm).
///
/// Use 100 ms or more: the shorter the stretch, the more of neighbouring frequencies is in the result (within
/// 1/length).
pub fn tone_level(samples: &[i16], sample_rate: u32, hertz: f64) -> f64 {
    if samples.is_empty() {
        return NOTHING;
    }
    let step = TAU * hertz / f64::from(sample_rate);
    let factor = 2.0 * step.cos();
    let (mut last, mut before) = (0.0_f64, 0.0_f64);
    for &sample in samples {
        let next = f64::from(sample) + factor * last - before;
        before = last;
        last = next;
    }
    let power = last * last + before * before - factor * last * before;
    // The amplitude of the sine: the magnitude over half the number of samples.
    decibels(2.0 * power.max(0.0).sqrt() / samples.len() as f64)
}

/// Level of `samples`, in dB below a sine of full scale.
pub fn level(samples: &[i16]) -> f64 {
    if samples.is_empty() {
        return NOTHING;
    }
    let energy: f64 = samples.iter().map(|&sample| f64::from(sample) * f64::from(sample)).sum();
    decibels((2.0 * energy / samples.len() as f64).sqrt())
}

/// A sine of `hertz`, `decibels` below full scale, from sample `from` of an endless one on: consecutive stretches join.
pub fn tone(hertz: f64, decibels: f64, sample_rate: u32, from: u64, samples: usize) -> Vec<i16> {
    let amplitude = 32_767.0 * 10_f64.powf(decibels / 20.0);
    (from..from + samples as u64)
        .map(|n| (amplitude * (TAU * hertz * n as f64 / f64::from(sample_rate)).sin()).round() as i16)
        .collect()
}

fn decibels(amplitude: f64) -> f64 {
    (20.0 * (amplitude / FULL_SCALE).log10()).max(NOTHING)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tone_is_found_at_its_level_and_at_no_other_frequency() {
        for (hertz, loudness) in [(440.0, -10.0), (1_000.0, -30.0), (3_000.0, -3.0)] {
            let samples = tone(hertz, loudness, 8_000, 17, 4_000);
            assert!((tone_level(&samples, 8_000, hertz) - loudness).abs() < 0.2);
            assert!((level(&samples) - loudness).abs() < 0.2);
            assert!(tone_level(&samples, 8_000, hertz / 2.0) < loudness - 30.0);
        }
    }

    #[test]
    fn silence_has_the_lowest_level() {
        assert!(level(&[0; 800]) <= NOTHING);
        assert!(tone_level(&[0; 800], 8_000, 440.0) <= NOTHING);
        assert!(tone_level(&[], 8_000, 440.0) <= NOTHING);
    }

    #[test]
    fn a_file_is_read_by_channel_and_time() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("a.wav");
        let spec = hound::WavSpec {
            channels: 2,
            sample_rate: 16_000,
            bits_per_sample: 16,
            sample_format: hound::SampleFormat::Int,
        };
        let mut writer = hound::WavWriter::create(&path, spec).expect("created");
        let (left, right) = (tone(400.0, -6.0, 16_000, 0, 16_000), tone(900.0, -12.0, 16_000, 0, 16_000));
        for (left, right) in left.into_iter().zip(right) {
            writer.write_sample(left).expect("written");
            writer.write_sample(right).expect("written");
        }
        writer.finalize().expect("written");

        let recorded = Recorded::read(&path).expect("read");
        assert_eq!(recorded.duration_ms(), 1_000);
        assert!((recorded.tone_level(0, 100..900, 400.0) + 6.0).abs() < 0.2);
        assert!((recorded.tone_level(1, 100..900, 900.0) + 12.0).abs() < 0.2);
        assert!(recorded.tone_level(0, 100..900, 900.0) < -40.0);
        assert_eq!(recorded.samples(0, 900..5_000).len(), 1_600);
        assert!(recorded.level(7, 0..1_000) <= NOTHING);
        assert!(recorded.samples(0, 5_000..6_000).is_empty());
    }
}
