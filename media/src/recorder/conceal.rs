//! Packet-loss concealment after the idea of ITU-T G.711 Appendix I: speech goes on with its last pitch period, fading.

use super::CONCEALED;

/// Pitch periods that are looked for, in samples: 200 Hz down to 66 Hz.
const LONGEST_PERIOD: usize = 120;
const SHORTEST_PERIOD: usize = 40;
/// Stretch that is compared with itself one period earlier: 20 ms.
const COMPARED: usize = 160;
/// How much of the past is needed.
const HISTORY: usize = COMPARED + LONGEST_PERIOD;
/// How much must be kept of what has left: the past before the longest concealed gap.
pub(super) const KEPT: usize = HISTORY + CONCEALED;
/// For so long the concealed sound keeps its strength (10 ms); then it fades, to nothing at [`CONCEALED`].
const FULL_STRENGTH: usize = 80;
/// Real sound takes over from concealed sound within 4 ms.
const CROSS_FADE: usize = 32;

/// Appends `missing` samples that go on from what `samples` ends with: concealed while it lasts, then silence. The last
/// `already` samples are concealed ones of the same gap.
pub(super) fn fill(samples: &mut Vec<i16>, already: usize, missing: usize) {
    let end = samples.len() + missing;
    if already < CONCEALED
        && let Some(history) = samples.len().checked_sub(already)
        && let Some(period) = pitch_period(&samples[..history])
    {
        let start = history - period;
        for n in already..CONCEALED.min(already + missing) {
            let sample = (i32::from(samples[start + n % period]) * strength(n)) >> 8;
            samples.push(sample as i16);
        }
    }
    samples.resize(end, 0);
}

/// Lets `samples` from `joint` on, where real sound begins after `missing` concealed samples, fade in over what the
/// concealed sound would have gone on with.
pub(super) fn blend(samples: &mut [i16], joint: usize, missing: usize) {
    if missing >= CONCEALED || missing > joint {
        return;
    }
    let Some(period) = pitch_period(&samples[..joint - missing]) else {
        return;
    };
    let start = joint - missing - period;
    let length = CROSS_FADE.min(samples.len() - joint);
    for n in 0..length {
        let ghost = (i32::from(samples[start + (missing + n) % period]) * strength(missing + n)) >> 8;
        let real = i32::from(samples[joint + n]);
        let weight = (n + 1) as i32;
        let whole = length as i32 + 1;
        samples[joint + n] = ((real * weight + ghost * (whole - weight)) / whole) as i16;
    }
}

/// Strength of the nth concealed sample, 256 = full.
fn strength(n: usize) -> i32 {
    if n < FULL_STRENGTH { 256 } else { (256 * CONCEALED.saturating_sub(n) / (CONCEALED - FULL_STRENGTH)) as i32 }
}

/// The period with which the end of `samples` repeats itself best; `None` where there is too little, or silence.
fn pitch_period(samples: &[i16]) -> Option<usize> {
    let history = &samples[samples.len().checked_sub(HISTORY)?..];
    let recent = &history[LONGEST_PERIOD..];
    if recent.iter().all(|sample| sample.unsigned_abs() < 16) {
        return None;
    }
    let likeness = |period: usize| {
        let earlier = &history[LONGEST_PERIOD - period..][..COMPARED];
        let (mut product, mut energy) = (0.0_f32, 1.0_f32);
        for (&a, &b) in recent.iter().zip(earlier) {
            let (a, b) = (f32::from(a), f32::from(b));
            product += a * b;
            energy += b * b;
        }
        product / energy.sqrt()
    };
    (SHORTEST_PERIOD..=LONGEST_PERIOD).max_by(|&a, &b| likeness(a).total_cmp(&likeness(b)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tone(hertz: f64, samples: std::ops::Range<usize>) -> Vec<i16> {
        samples.map(|n| (8_000.0 * (std::f64::consts::TAU * hertz * n as f64 / 8_000.0).sin()) as i16).collect()
    }

    #[test]
    fn a_lost_packet_of_a_voiced_sound_is_hardly_missed() {
        let whole = tone(125.0, 0..1_000);
        let mut samples = whole[..600].to_vec();
        fill(&mut samples, 0, 160);
        samples.extend_from_slice(&whole[760..]);
        blend(&mut samples, 760, 160);
        // Until it begins to fade it is the sound itself, and the joints are smooth.
        for n in 600..680 {
            assert!((i32::from(samples[n]) - i32::from(whole[n])).abs() < 900, "at {n}");
        }
        let steepest = |samples: &[i16]| {
            samples.windows(2).map(|pair| (i32::from(pair[1]) - i32::from(pair[0])).abs()).max().unwrap_or(0)
        };
        assert!(steepest(&samples) < 2 * steepest(&whole));
    }

    #[test]
    fn a_long_gap_fades_to_silence() {
        let mut samples = tone(200.0, 0..600);
        fill(&mut samples, 0, 2_000);
        assert_eq!(samples.len(), 2_600);
        assert!(samples[600..700].iter().any(|sample| sample.abs() > 7_000));
        assert!(samples[1_080..].iter().all(|&sample| sample == 0));
    }

    #[test]
    fn a_gap_filled_in_pieces_sounds_like_one_filled_at_once() {
        let past = tone(150.0, 0..600);
        let (mut whole, mut pieces) = (past.clone(), past);
        fill(&mut whole, 0, 700);
        for n in 0..7 {
            fill(&mut pieces, n * 100, 100);
        }
        assert_eq!(whole, pieces);
    }

    #[test]
    fn silence_and_too_short_a_past_go_on_as_silence() {
        for past in [vec![], vec![5_000; 100], vec![3; 1_000]] {
            let mut samples = past.clone();
            fill(&mut samples, 0, 160);
            assert_eq!(samples[..past.len()], past);
            assert_eq!(samples[past.len()..], [0; 160]);
            blend(&mut samples, past.len() + 160, 160);
        }
    }
}
