//! Sounds that are played to callers: what people upload, made into what every telephone line takes.
//!
//! Pure: bytes in, bytes out. What comes in is anything between a studio's file and garbage, so nothing that a header says is believed
//! before it was counted.

use std::io::Cursor;
use std::time::Duration;

use hound::{SampleFormat, WavReader, WavSpec, WavWriter};
use rubato::audioadapter_buffers::direct::InterleavedSlice;
use rubato::{
    Async, FixedAsync, Resampler as _, SincInterpolationParameters, SincInterpolationType, WindowFunction,
    calculate_cutoff,
};

/// Samples in a second of what comes out.
pub const RATE: u32 = 8_000;
/// Sample rates that are taken, in Hz.
const RATES: std::ops::RangeInclusive<u32> = 8_000..=96_000;
/// Taps of the low-pass filter at 8 kHz: enough to keep all up to 3.4 kHz, and nothing from above 4 kHz.
const TAPS: usize = 128;
/// Input samples that are resampled at a time.
const CHUNK: usize = 1024;
/// Bytes of a sample that comes out.
const SAMPLE_BYTES: usize = 2;

/// Why a file is not taken, in words for the person who chose it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SoundError {
    /// It has no header of a WAV file.
    #[error("is no WAV file")]
    NotWav,
    /// It is a WAV file, but of samples that are packed or of a sort that nobody plays.
    #[error("must have plain PCM samples of 8, 16, 24 or 32 bits, or of 32 bits floating point")]
    NotPcm,
    /// Surround sound, or none.
    #[error("must be mono or stereo, but has {0} channels")]
    Channels(u16),
    /// Outside of what is taken.
    #[error("must have 8 to 96 kHz, but has {0} Hz")]
    Rate(u32),
    /// No sample is in it.
    #[error("holds no sound")]
    Empty,
    /// Its header says more than there is.
    #[error("is cut off: it ends before its header says so")]
    CutOff,
    /// Longer than it may be.
    #[error("is longer than {} minutes", .0.as_secs() / 60)]
    TooLong(Duration),
}

/// A sound as it is played: 8 kHz, mono, 16 bits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sound {
    samples: Vec<i16>,
}

impl Sound {
    /// Reads a WAV file of any sort that [`SoundError`] does not name, of at most `longest`.
    pub fn read(bytes: &[u8], longest: Duration) -> Result<Self, SoundError> {
        let reader = WavReader::new(Cursor::new(bytes)).map_err(|error| match error {
            hound::Error::Unsupported => SoundError::NotPcm,
            _ => SoundError::NotWav,
        })?;
        let spec = reader.spec();
        if !(1..=2).contains(&spec.channels) {
            return Err(SoundError::Channels(spec.channels));
        }
        if !RATES.contains(&spec.sample_rate) {
            return Err(SoundError::Rate(spec.sample_rate));
        }
        // In 64 bits: the header's lengths may be any.
        let most = longest.as_secs().saturating_mul(u64::from(spec.sample_rate));
        let frames = u64::from(reader.duration());
        if frames == 0 {
            return Err(SoundError::Empty);
        }
        let held = (bytes.len() as u64 * 8) / (u64::from(spec.bits_per_sample.max(8)) * u64::from(spec.channels));
        if frames > held {
            return Err(SoundError::CutOff);
        }
        if frames > most {
            return Err(SoundError::TooLong(longest));
        }
        let mono = mixed_down(reader, spec)?;
        let samples = if spec.sample_rate == RATE { mono } else { resampled(&mono, spec.sample_rate) };
        if samples.is_empty() {
            return Err(SoundError::Empty);
        }
        #[expect(clippy::cast_possible_truncation, reason = "rounded into the range of 16 bits")]
        let samples = samples.into_iter().map(|it| (it.clamp(-1.0, 1.0) * f32::from(i16::MAX)).round() as i16);
        Ok(Self { samples: samples.collect() })
    }

    /// How long it plays.
    pub fn duration(&self) -> Duration {
        Duration::from_millis(self.samples.len() as u64 * 1000 / u64::from(RATE))
    }

    /// Its samples.
    pub fn samples(&self) -> &[i16] {
        &self.samples
    }

    /// The file that is played.
    pub fn to_wav(&self) -> Vec<u8> {
        let spec = WavSpec { channels: 1, sample_rate: RATE, bits_per_sample: 16, sample_format: SampleFormat::Int };
        let mut wav = Cursor::new(Vec::with_capacity(44 + self.samples.len() * SAMPLE_BYTES));
        let written = (|| {
            let mut writer = WavWriter::new(&mut wav, spec)?;
            for sample in &self.samples {
                writer.write_sample(*sample)?;
            }
            writer.finalize()
        })();
        written.expect("memory takes whatever is written, and ten minutes are far below 4 GiB");
        wav.into_inner()
    }
}

/// All channels' samples in one, from −1 to 1.
fn mixed_down(reader: WavReader<Cursor<&[u8]>>, spec: WavSpec) -> Result<Vec<f32>, SoundError> {
    let channels = usize::from(spec.channels);
    let cut_off = |error| match error {
        hound::Error::IoError(_) => SoundError::CutOff,
        _ => SoundError::NotPcm,
    };
    let all: Vec<f32> = match (spec.sample_format, spec.bits_per_sample) {
        (SampleFormat::Float, 32) => {
            let finite = |sample: f32| if sample.is_finite() { sample.clamp(-1.0, 1.0) } else { 0.0 };
            reader.into_samples::<f32>().map(|sample| sample.map(finite).map_err(cut_off)).collect::<Result<_, _>>()?
        }
        (SampleFormat::Int, bits @ (8 | 16 | 24 | 32)) => {
            let whole = 2.0_f32.powi(i32::from(bits) - 1);
            #[expect(clippy::cast_precision_loss, reason = "a telephone line has 13 bits")]
            let part = |sample: i32| sample as f32 / whole;
            reader.into_samples::<i32>().map(|sample| sample.map(part).map_err(cut_off)).collect::<Result<_, _>>()?
        }
        _ => return Err(SoundError::NotPcm),
    };
    if channels == 1 {
        return Ok(all);
    }
    Ok(all.chunks_exact(channels).map(|frame| f32::midpoint(frame[0], frame[1])).collect())
}

/// The same sound at [`RATE`].
fn resampled(samples: &[f32], rate: u32) -> Vec<f32> {
    let times = rate.div_ceil(RATE) as usize;
    let window = WindowFunction::BlackmanHarris2;
    let parameters = SincInterpolationParameters {
        sinc_len: TAPS * times,
        f_cutoff: Some(calculate_cutoff(TAPS, window)),
        interpolation: SincInterpolationType::Quadratic,
        oversampling_factor: 128,
        window,
    };
    let ratio = f64::from(RATE) / f64::from(rate);
    let resampler = Async::<f32>::new_sinc(ratio, 1.0, &parameters, CHUNK, 1, FixedAsync::Input);
    let mut resampler = resampler.expect("ratios from 1/12 to 1 are valid, and so are the constants");
    let input = InterleavedSlice::new(samples, 1, samples.len()).expect("one channel has as many samples as frames");
    let output = resampler.process_all(&input, samples.len(), None);
    output.expect("the buffers are as large as the resampler says").take_data()
}
