//! Segments of an SMS: the alphabet of GSM 03.38, or else UCS-2 (3GPP TS 23.038, 23.040).

/// What the alphabet has beside ASCII's letters and digits.
const BASIC: &str = "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./:;<=>?¡ÄÖÑÜ§¿äöñüà";
/// Written as two letters.
const EXTENDED: &str = "\u{c}^{}\\[~]|€";

pub(super) fn count(text: &str) -> usize {
    let septets = |letter: char| {
        if letter.is_ascii_alphanumeric() || BASIC.contains(letter) {
            Some(1)
        } else {
            EXTENDED.contains(letter).then_some(2)
        }
    };
    let lengths: Option<Vec<usize>> = text.chars().map(septets).collect();
    match lengths {
        Some(lengths) => parts(&lengths, 160, 153),
        None => parts(&text.chars().map(char::len_utf16).collect::<Vec<_>>(), 70, 67),
    }
}

/// No letter is cut in two; an empty text is a segment of its own.
fn parts(lengths: &[usize], alone: usize, of_several: usize) -> usize {
    if lengths.iter().sum::<usize>() <= alone {
        return 1;
    }
    let (mut count, mut used) = (1, 0);
    for length in lengths {
        if used + length > of_several {
            count += 1;
            used = 0;
        }
        used += length;
    }
    count
}

#[cfg(test)]
mod tests {
    use super::count;

    #[test]
    fn segments_are_counted_at_their_edges() {
        assert_eq!((count(""), count(&"a".repeat(160)), count(&"a".repeat(161))), (1, 1, 2));
        assert_eq!((count(&"a".repeat(306)), count(&"a".repeat(307))), (2, 3));
        assert_eq!((count(&"€".repeat(80)), count(&"€".repeat(81))), (1, 2));
        assert_eq!((count(&"ж".repeat(70)), count(&"ж".repeat(71))), (1, 2));
        // 67 units hold 33 pairs of surrogates, and the 34th goes into the next.
        assert_eq!((count(&"🚤".repeat(35)), count(&"🚤".repeat(66)), count(&"🚤".repeat(67))), (1, 2, 3));
    }
}
