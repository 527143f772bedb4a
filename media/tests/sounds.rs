//! What people upload becomes a sound of a telephone line, or is refused in words.

use std::io::Cursor;
use std::time::Duration;

use hound::{SampleFormat, WavSpec, WavWriter};
use proptest::prelude::*;
use trunkline_media::analysis::{level, tone_level};
use trunkline_media::sound::{RATE, Sound, SoundError};

const LONGEST: Duration = Duration::from_mins(10);

/// Each channel's tone, in Hz, for a second and a half.
fn wav(rate: u32, bits: u16, format: SampleFormat, tones: &[f64]) -> Vec<u8> {
    let channels = u16::try_from(tones.len()).unwrap();
    let spec = WavSpec { channels, sample_rate: rate, bits_per_sample: bits, sample_format: format };
    let mut bytes = Cursor::new(Vec::new());
    let mut writer = WavWriter::new(&mut bytes, spec).unwrap();
    for at in 0..rate * 3 / 2 {
        for hertz in tones {
            let value = 0.5 * (f64::from(at) / f64::from(rate) * hertz * std::f64::consts::TAU).sin();
            if format == SampleFormat::Float {
                #[expect(clippy::cast_possible_truncation, reason = "a test's tone")]
                writer.write_sample(value as f32).unwrap();
            } else {
                #[expect(clippy::cast_possible_truncation, reason = "a test's tone")]
                writer.write_sample((value * 2.0_f64.powi(i32::from(bits) - 1)) as i32).unwrap();
            }
        }
    }
    writer.finalize().unwrap();
    bytes.into_inner()
}

fn read(bytes: &[u8]) -> Result<Sound, SoundError> {
    Sound::read(bytes, LONGEST)
}

#[test]
fn every_plain_sort_of_wav_is_heard_as_it_was() {
    let int = SampleFormat::Int;
    let sorts = [(8, int), (16, int), (24, int), (32, int), (32, SampleFormat::Float)];
    for rate in [8_000, 11_025, 16_000, 22_050, 32_000, 44_100, 48_000, 88_200, 96_000] {
        for (bits, format) in sorts {
            for tones in [&[1000.0][..], &[1000.0, 1000.0]] {
                let sound = read(&wav(rate, bits, format, tones)).unwrap();
                let what = format!("{rate} Hz, {bits} bits {format:?}, {} channels", tones.len());
                let length = sound.duration().as_millis();
                assert!((1490..=1510).contains(&length), "{what}: {length} ms");
                // Half of full scale.
                let middle = &sound.samples()[2000..10_000];
                let heard = tone_level(middle, RATE, 1000.0);
                let all = level(middle);
                assert!((heard - all).abs() < 0.2, "{what}: {heard} dB of {all} dB are the tone");
                assert!((all + 6.02).abs() < 0.5, "{what}: {all} dB");
            }
        }
    }
}

#[test]
fn what_no_telephone_line_carries_does_not_come_back_as_another_tone() {
    for (rate, hertz) in [(16_000, 5_000.0), (44_100, 6_000.0), (48_000, 7_000.0), (96_000, 15_000.0)] {
        let sound = read(&wav(rate, 16, SampleFormat::Int, &[hertz])).unwrap();
        let left = level(&sound.samples()[1000..11_000]);
        assert!(left < -60.0, "{hertz} Hz at {rate} Hz left {left} dB");
    }
    // And what it does carry is not weakened.
    let sound = read(&wav(48_000, 16, SampleFormat::Int, &[3_300.0])).unwrap();
    let kept = level(&sound.samples()[1000..11_000]);
    assert!((kept + 6.02).abs() < 1.0, "{kept} dB");
}

#[test]
fn both_sides_of_stereo_are_heard() {
    let sound = read(&wav(44_100, 16, SampleFormat::Int, &[600.0, 1500.0])).unwrap();
    let middle = &sound.samples()[2000..10_000];
    for hertz in [600.0, 1500.0] {
        assert!(tone_level(middle, RATE, hertz) > -14.0);
    }
}

#[test]
fn what_comes_out_goes_in_again_unchanged() {
    let sound = read(&wav(48_000, 24, SampleFormat::Int, &[700.0])).unwrap();
    let again = sound.to_wav();
    assert_eq!(again.len(), 44 + sound.samples().len() * 2);
    assert!(read(&again).unwrap().samples().iter().zip(sound.samples()).all(|(a, b)| a.abs_diff(*b) <= 1));
}

/// A file as a liar would write it.
fn header(tag: u16, channels: u16, rate: u32, bits: u16, length: u32, data: &[u8]) -> Vec<u8> {
    let align = channels.wrapping_mul(bits.div_ceil(8));
    let mut bytes = b"RIFF".to_vec();
    bytes.extend(36_u32.wrapping_add(length).to_le_bytes());
    bytes.extend(b"WAVEfmt ");
    bytes.extend(16_u32.to_le_bytes());
    bytes.extend(tag.to_le_bytes());
    bytes.extend(channels.to_le_bytes());
    bytes.extend(rate.to_le_bytes());
    bytes.extend(rate.wrapping_mul(u32::from(align)).to_le_bytes());
    bytes.extend(align.to_le_bytes());
    bytes.extend(bits.to_le_bytes());
    bytes.extend(b"data");
    bytes.extend(length.to_le_bytes());
    bytes.extend(data);
    bytes
}

#[test]
fn what_is_refused_is_told_in_words() {
    let data = [0_u8; 64];
    let refused = |bytes: &[u8]| read(bytes).unwrap_err();
    assert_eq!(refused(b""), SoundError::NotWav);
    assert_eq!(refused(b"ID3\x04 an MP3 file, whatever its name"), SoundError::NotWav);
    assert_eq!(refused(&header(1, 1, 8000, 16, 0, &[])), SoundError::Empty);
    assert_eq!(refused(&header(1, 6, 8000, 16, 60, &data[..60])), SoundError::Channels(6));
    assert_eq!(refused(&header(1, 1, 4000, 16, 64, &data)), SoundError::Rate(4000));
    assert_eq!(refused(&header(1, 1, 192_000, 16, 64, &data)), SoundError::Rate(192_000));
    assert_eq!(refused(&header(1, 1, 8000, 16, 6400, &data)), SoundError::CutOff);
    assert_eq!(refused(&header(1, 1, 8000, 16, 0xFFFF_FFFE, &data)), SoundError::CutOff);
    // µ-law, A-law, ADPCM, MP3 within WAV.
    for tag in [7, 6, 2, 0x55] {
        assert_eq!(refused(&header(tag, 1, 8000, 8, 64, &data)), SoundError::NotPcm, "{tag}");
    }
    let second = header(1, 1, 8000, 16, 16_000, &[0; 16_000]);
    assert_eq!(Sound::read(&second, Duration::from_millis(900)), Err(SoundError::TooLong(Duration::from_millis(900))));
    // Zero channels, bits and rates divide nothing.
    for (channels, rate, bits) in [(0, 8000, 16), (1, 0, 16), (1, 8000, 0), (0, 0, 0), (1, 8000, 65_535)] {
        refused(&header(1, channels, rate, bits, 64, &data));
    }
    for error in [SoundError::NotWav, SoundError::TooLong(LONGEST), SoundError::Rate(4)] {
        assert!(!error.to_string().is_empty());
    }
}

#[test]
fn a_number_that_is_none_is_silence() {
    let mut data = Vec::new();
    for value in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, 1e30, -1e30, 0.25] {
        data.extend(value.to_le_bytes());
    }
    let sound = read(&header(3, 1, 8000, 32, 24, &data)).unwrap();
    assert_eq!(sound.samples()[..3], [0, 0, 0]);
    assert_eq!(sound.samples()[3..5], [i16::MAX, -i16::MAX]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn garbage_is_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        let _ = read(&bytes);
    }

    #[test]
    fn no_header_makes_more_of_a_file_than_is_in_it(
        tag in prop_oneof![Just(1_u16), Just(3), Just(0xFFFE), any::<u16>()],
        channels in prop_oneof![0_u16..4, any::<u16>()],
        rate in prop_oneof![Just(8000_u32), Just(96_000), 7_000_u32..100_000, any::<u32>()],
        bits in prop_oneof![Just(8_u16), Just(16), Just(24), Just(32), any::<u16>()],
        length in prop_oneof![0_u32..600, any::<u32>()],
        data in prop::collection::vec(any::<u8>(), 0..600),
    ) {
        if let Ok(sound) = read(&header(tag, channels, rate, bits, length, &data)) {
            prop_assert!(sound.samples().len() <= data.len() + 1);
            prop_assert!(read(&sound.to_wav()).is_ok());
        }
    }

    #[test]
    fn a_whole_file_with_a_byte_changed_is_read_or_refused(at in 0_usize..300, to in any::<u8>(), cut in 0_usize..400) {
        let mut bytes = wav(8_000, 16, SampleFormat::Int, &[1000.0]);
        bytes.truncate(400);
        bytes[at] = to;
        bytes.truncate(400 - cut.min(399));
        let _ = read(&bytes);
    }
}
