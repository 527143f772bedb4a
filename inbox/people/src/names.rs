//! What people are called.

/// Most characters of a name, as the table has it.
const MAX_CHARS: usize = 200;

/// A name as it is kept: without control characters and those that turn the direction of what stands behind, white space drawn together.
/// `None` if nothing is left to be seen.
pub fn name(text: &str) -> Option<String> {
    let text = printable(text);
    let text: String = text.split_whitespace().collect::<Vec<_>>().join(" ").chars().take(MAX_CHARS).collect();
    let text = text.trim_end().to_owned();
    let seen = text.chars().any(|character| !is_invisible(character) && !character.is_whitespace());
    seen.then_some(text)
}

/// Without what no text of ours holds.
pub(crate) fn printable(text: &str) -> String {
    let kept: String = text
        .chars()
        .map(|character| if character.is_whitespace() { ' ' } else { character })
        .filter(|character| !character.is_control() && !is_turning(*character))
        .collect();
    kept.trim().to_owned()
}

/// Marks that change the direction of a text (Unicode UAX #9): with them a name can make a line read as something else.
fn is_turning(character: char) -> bool {
    matches!(character, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Takes no room: alone it is no name. Between others it may be a part of an emoji.
fn is_invisible(character: char) -> bool {
    matches!(
        character,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180e}'
            | '\u{200b}'..='\u{200f}' | '\u{2060}'..='\u{2064}' | '\u{2800}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}'
            | '\u{feff}' | '\u{ffa0}' | '\u{e0000}'..='\u{e007f}'
    )
}

/// Whether two names may be one person's: the same words in any order and case, one has no other words than the other's, or a slip of a letter or two.
pub fn are_alike(one: &str, other: &str) -> bool {
    let (one, other) = (words(one), words(other));
    if one.is_empty() || other.is_empty() {
        return false;
    }
    let (few, many) = if one.len() <= other.len() { (&one, &other) } else { (&other, &one) };
    let within = few.iter().all(|word| many.contains(word)) && few.iter().any(|word| word.chars().count() >= 3);
    within || slips(&one.concat(), &other.concat())
}

fn words(name: &str) -> Vec<String> {
    let mut words: Vec<String> = name
        .to_lowercase()
        .split(|character: char| !character.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(str::to_owned)
        .collect();
    words.sort_unstable();
    words.dedup();
    words
}

/// At most one letter in five differs (Levenshtein), and at most two.
fn slips(one: &str, other: &str) -> bool {
    let (one, other): (Vec<char>, Vec<char>) = (one.chars().collect(), other.chars().collect());
    let most = (one.len().min(other.len()) / 5).min(2);
    if most == 0 || one.len().abs_diff(other.len()) > most {
        return false;
    }
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (i, a) in one.iter().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, b) in other.iter().enumerate() {
            let replaced = diagonal + usize::from(a != b);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(row[j] + 1).min(row[j + 1] + 1);
        }
    }
    row[other.len()] <= most
}
