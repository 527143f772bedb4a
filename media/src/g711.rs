//! G.711: one octet per sample, 8,000 samples a second.
//!
//! Source: ITU-T G.711 (11/88), tables 1 (A-law) and 2 (µ-law). Values are scaled to 16 bits: µ-law's 14-bit values
//! times 4, A-law's 13-bit values times 8.

/// The µ-law octet of silence (positive zero), as RTP carries it.
pub const ULAW_SILENCE: u8 = 0xff;
/// The A-law octet nearest to silence (+8 of 32,768), as RTP carries it.
pub const ALAW_SILENCE: u8 = 0xd5;

/// Linear value of each µ-law octet.
static ULAW: [i16; 256] = table(Law::Mu);
/// Linear value of each A-law octet.
static ALAW: [i16; 256] = table(Law::A);

/// Segment edges start at this magnitude in µ-law (33 in the standard's 14-bit scale).
const ULAW_BIAS: i32 = 33 << 2;
/// Greatest 16-bit magnitude that µ-law holds before the bias pushes it out of the last segment.
const ULAW_CLIP: i32 = 32_635;

/// One of the two laws of G.711.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Law {
    /// µ-law (PCMU): North America, Japan; what Asterisk's recording taps are asked for.
    Mu,
    /// A-law (PCMA): the rest of the world.
    A,
}

impl Law {
    /// The linear 16-bit value of an octet.
    #[inline]
    pub fn decode(self, octet: u8) -> i16 {
        match self {
            Self::Mu => ULAW[usize::from(octet)],
            Self::A => ALAW[usize::from(octet)],
        }
    }

    /// Appends the linear values of `octets`.
    #[inline]
    pub fn decode_into(self, octets: &[u8], out: &mut Vec<i16>) {
        let table = match self {
            Self::Mu => &ULAW,
            Self::A => &ALAW,
        };
        out.extend(octets.iter().map(|&octet| table[usize::from(octet)]));
    }

    /// The octet whose interval holds a linear 16-bit value.
    pub fn encode(self, sample: i16) -> u8 {
        match self {
            Self::Mu => encode_ulaw(sample),
            Self::A => encode_alaw(sample),
        }
    }
}

fn encode_ulaw(sample: i16) -> u8 {
    let sample = i32::from(sample);
    let sign: u8 = if sample < 0 { 0x80 } else { 0 };
    let magnitude = sample.abs().min(ULAW_CLIP) + ULAW_BIAS;
    // The bias puts the lowest segment at bit 7, so that the highest bit set names the segment.
    let segment = 31 - magnitude.leading_zeros() as i32 - 7;
    let mantissa = (magnitude >> (segment + 3)) & 0x0f;
    !(sign | (segment << 4) as u8 | mantissa as u8)
}

fn encode_alaw(sample: i16) -> u8 {
    // Truncation towards minus infinity keeps the intervals of both signs of equal width.
    let value = i32::from(sample) >> 3;
    let (sign, magnitude) = if value >= 0 { (0x80, value) } else { (0, -value - 1) };
    let segment = (32 - magnitude.leading_zeros() as i32 - 5).max(0);
    let mantissa = if segment < 2 { magnitude >> 1 } else { magnitude >> segment } & 0x0f;
    (sign | (segment << 4) as u8 | mantissa as u8) ^ 0x55
}

const fn table(law: Law) -> [i16; 256] {
    let mut values = [0; 256];
    let mut octet = 0;
    while octet < 256 {
        values[octet] = match law {
            Law::Mu => expand_ulaw(octet as u8),
            Law::A => expand_alaw(octet as u8),
        };
        octet += 1;
    }
    values
}

const fn expand_ulaw(octet: u8) -> i16 {
    // All bits travel inverted.
    let bits = !octet;
    let magnitude = (((((bits & 0x0f) as i32) << 3) + ULAW_BIAS) << ((bits & 0x70) >> 4)) - ULAW_BIAS;
    (if bits & 0x80 == 0 { magnitude } else { -magnitude }) as i16
}

const fn expand_alaw(octet: u8) -> i16 {
    // Even bits travel inverted.
    let bits = octet ^ 0x55;
    let segment = (bits & 0x70) >> 4;
    let step = ((bits & 0x0f) as i32) << 4;
    let magnitude = if segment == 0 { step + 8 } else { (step + 0x108) << (segment - 1) };
    (if bits & 0x80 == 0 { -magnitude } else { magnitude }) as i16
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Table 2 of the standard as a formula: (2·mantissa + 33)·2^segment − 33, 14 bits, sign from bit 7 (1 = positive).
    fn ulaw_by_formula(octet: u8) -> i32 {
        let inverted = u32::from(octet) ^ 0x7f;
        let magnitude = (2 * (inverted & 0x0f) as i32 + 33) * 2_i32.pow((inverted >> 4) & 7) - 33;
        4 * if octet & 0x80 == 0 { -magnitude } else { magnitude }
    }

    /// Table 1: 2·mantissa + 1 in the first segment, (2·mantissa + 33)·2^(segment − 1) above, 13 bits.
    fn alaw_by_formula(octet: u8) -> i32 {
        let bits = u32::from(octet) ^ 0x55;
        let mantissa = (bits & 0x0f) as i32;
        let magnitude = match (bits >> 4) & 7 {
            0 => 2 * mantissa + 1,
            segment => (2 * mantissa + 33) * 2_i32.pow(segment - 1),
        };
        8 * if bits & 0x80 == 0 { -magnitude } else { magnitude }
    }

    #[test]
    fn every_octet_has_the_value_of_the_standards_formula() {
        for octet in 0..=255 {
            assert_eq!(i32::from(Law::Mu.decode(octet)), ulaw_by_formula(octet), "µ-law {octet:#04x}");
            assert_eq!(i32::from(Law::A.decode(octet)), alaw_by_formula(octet), "A-law {octet:#04x}");
        }
    }

    #[test]
    fn known_values_of_the_standard() {
        // Table 2: the greatest value is ±8031; table 1: ±4032.
        assert_eq!(Law::Mu.decode(0x80), 8031 * 4);
        assert_eq!(Law::Mu.decode(0x00), -8031 * 4);
        assert_eq!(Law::Mu.decode(ULAW_SILENCE), 0);
        assert_eq!(Law::A.decode(0xaa), 4032 * 8);
        assert_eq!(Law::A.decode(0x2a), -4032 * 8);
        assert_eq!(Law::A.decode(ALAW_SILENCE), 8);
    }

    #[test]
    fn encoding_what_was_decoded_gives_the_same_value() {
        for law in [Law::Mu, Law::A] {
            for octet in 0..=255 {
                let sample = law.decode(octet);
                assert_eq!(law.decode(law.encode(sample)), sample, "{law:?} {octet:#04x}");
            }
        }
    }

    #[test]
    fn every_sample_is_encoded_to_the_nearest_value_but_for_ties_and_clipping() {
        for law in [Law::Mu, Law::A] {
            let values: Vec<i32> = (0..=255).map(|octet| i32::from(law.decode(octet))).collect();
            let greatest = *values.iter().max().expect("256 values");
            for sample in (-greatest..=greatest).step_by(7) {
                let nearest = values.iter().map(|value| (value - sample).abs()).min().expect("256 values");
                let ours = (i32::from(law.decode(law.encode(sample as i16))) - sample).abs();
                // Decision values lie half-way but at a segment's edge, where the standard cuts at a third.
                assert!(ours <= 2 * nearest + 4, "{law:?} {sample}: {ours} instead of {nearest}");
            }
        }
    }

    #[test]
    fn encoding_never_changes_the_sign_nor_overflows() {
        for sample in i16::MIN..=i16::MAX {
            for law in [Law::Mu, Law::A] {
                let back = i32::from(law.decode(law.encode(sample)));
                assert!(back * i32::from(sample) >= 0 || sample.unsigned_abs() < 16, "{law:?} {sample} {back}");
            }
        }
    }
}
