//! How an SMS is cut: GSM 03.38's seven-bit alphabet or UCS-2, and how many segments that makes (3GPP TS 23.038, 23.040;
//! <https://www.twilio.com/docs/glossary/what-sms-character-limit>).
//!
//! One message holds 160 letters of the alphabet (those of its extension count twice) or 70 UTF-16 units. A longer one is cut into segments of 153 or 67,
//! since each begins with a header of six bytes. Neither a letter of the extension nor a pair of surrogates is ever cut in two.

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    /// Seven bits a letter.
    Gsm7,
    /// Sixteen bits a unit; what lies beyond the basic plane, emoji above all, takes two units.
    Ucs2,
}

impl Encoding {
    /// Units that one message holds when it is the only one.
    pub fn alone(self) -> usize {
        match self {
            Self::Gsm7 => 160,
            Self::Ucs2 => 70,
        }
    }

    /// Units that each segment of several holds.
    pub fn of_several(self) -> usize {
        match self {
            Self::Gsm7 => 153,
            Self::Ucs2 => 67,
        }
    }

    fn units(self, character: char) -> usize {
        match self {
            Self::Gsm7 if EXTENSION.contains(character) => 2,
            Self::Gsm7 => 1,
            Self::Ucs2 => character.len_utf16(),
        }
    }
}

/// What becomes of a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Segments {
    pub encoding: Encoding,
    /// Letters, or UTF-16 units.
    pub units: usize,
    /// How many are sent and paid; none for an empty text.
    pub segments: usize,
    /// Units that still go into the last segment before another is begun.
    pub left: usize,
    /// The characters that keep the text from the seven-bit alphabet, each once, in order.
    pub forced_by: Vec<char>,
}

/// The basic alphabet of GSM 03.38, without the escape.
const BASIC: &str = "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà";
/// Its extension: each is an escape and a letter.
const EXTENSION: &str = "\u{c}^{}\\[~]|€";

fn in_alphabet(character: char) -> bool {
    character.is_ascii_alphanumeric() || BASIC.contains(character) || EXTENSION.contains(character)
}

/// Counts a text as it will be sent.
pub fn count(text: &str) -> Segments {
    let mut forced_by: Vec<char> = Vec::new();
    for character in text.chars().filter(|character| !in_alphabet(*character)) {
        if !forced_by.contains(&character) {
            forced_by.push(character);
        }
    }
    let encoding = if forced_by.is_empty() { Encoding::Gsm7 } else { Encoding::Ucs2 };
    let units = length(text, encoding);
    if units <= encoding.alone() {
        let segments = usize::from(units > 0);
        return Segments { encoding, units, segments, left: encoding.alone() - units, forced_by };
    }
    let cuts = cut(text, encoding);
    let last = cuts.last().map_or(0, |part| length(part, encoding));
    Segments { encoding, units, segments: cuts.len(), left: encoding.of_several() - last, forced_by }
}

/// The segments' texts, in order; together they are the text.
pub fn split(text: &str) -> Vec<&str> {
    let counted = count(text);
    match counted.segments {
        0 => Vec::new(),
        1 => vec![text],
        _ => cut(text, counted.encoding),
    }
}

fn length(text: &str, encoding: Encoding) -> usize {
    text.chars().map(|character| encoding.units(character)).sum()
}

fn cut(text: &str, encoding: Encoding) -> Vec<&str> {
    let mut parts = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        let mut units = 0;
        let end = rest
            .char_indices()
            .find(|(_, character)| {
                units += encoding.units(*character);
                units > encoding.of_several()
            })
            .map_or(rest.len(), |(at, _)| at);
        let (part, behind) = rest.split_at(end);
        parts.push(part);
        rest = behind;
    }
    parts
}
