//! How well a password withstands guessing: zxcvbn, which knows the passwords that people choose and what attackers try.

use serde::{Deserialize, Serialize};
use zxcvbn::feedback::{Suggestion, Warning};
use zxcvbn::{Score, zxcvbn};

use super::password::{MAX_BYTES, MIN_CHARS};

/// The score, from 0 to 4, that a new password must have: some 10^8 guesses at least.
const ENOUGH: Score = Score::Three;
/// Bytes of each of a person's own words that are looked at.
const MAX_INPUT_BYTES: usize = 100;

/// What is tried first on a Trunkline, whoever it belongs to: its name, and the demo's password, which everybody knows.
pub(super) const PRODUCT: [&str; 2] = ["trunkline", crate::provision::DEMO_PASSWORD];

/// What a password is worth.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Strength {
    /// From 0 (guessed at once) to 4.
    pub score: u8,
    /// Whether it is taken as a new password.
    pub enough: bool,
    /// What is wrong with it: `too_short`, `too_long`, or zxcvbn's finding, as `common_password`, `own_words`, `dates`.
    #[schema(value_type = Option<String>)]
    pub warning: Option<String>,
    /// What would make it better, as `add_words`, `avoid_sequences`.
    pub suggestions: Vec<String>,
}

/// Judges a password of somebody whose name, address and tenant these are.
pub(super) fn strength(password: &str, own: &[&str]) -> Strength {
    let refused = |warning: &str| Strength {
        score: 0,
        enough: false,
        warning: Some(warning.to_owned()),
        suggestions: vec!["add_words".to_owned()],
    };
    if password.len() > MAX_BYTES {
        return refused("too_long");
    }
    let own = words_of(own);
    let own: Vec<&str> = own.iter().map(String::as_str).collect();
    let found = zxcvbn(password, &own);
    let feedback = found.feedback();
    let mut warning = feedback.and_then(zxcvbn::feedback::Feedback::warning).map(code);
    // zxcvbn calls words that belong to the person a common word.
    let lower = password.to_lowercase();
    if found.score() < ENOUGH && own.iter().any(|word| word.len() >= 4 && lower.contains(word)) {
        warning = Some("own_words");
    }
    let mut suggestions: Vec<String> = feedback
        .map(|feedback| feedback.suggestions().iter().map(|one| advice(*one).to_owned()).collect())
        .unwrap_or_default();
    suggestions.dedup();
    let long_enough = password.chars().count() >= MIN_CHARS;
    if !long_enough {
        warning = Some("too_short");
    }
    Strength {
        score: u8::from(found.score()),
        enough: long_enough && found.score() >= ENOUGH,
        warning: warning.map(str::to_owned),
        suggestions,
    }
}

/// What is wrong with a new password, in words, if anything. `own`: the person's name and address, the tenant's name.
pub fn weakness(password: &str, own: &[&str]) -> Option<String> {
    let strength = strength(password, own);
    if strength.enough {
        return None;
    }
    Some(match strength.warning.as_deref() {
        Some("too_short") => format!("must have at least {MIN_CHARS} characters"),
        Some("too_long") => format!("must have at most {MAX_BYTES} bytes"),
        Some("common_password") => "is one of the passwords that everybody tries first".to_owned(),
        Some("own_words") => "is guessed from your name, address or company".to_owned(),
        Some("dates") => "is mostly a date, which is easily guessed".to_owned(),
        Some("names") => "is mostly a name, which is easily guessed".to_owned(),
        Some("keys") => "follows the keyboard, which is easily guessed".to_owned(),
        Some("repeats") => "repeats itself, which is easily guessed".to_owned(),
        Some("sequences") => "is a sequence, which is easily guessed".to_owned(),
        Some("one_word") => "is a single word, which is easily guessed".to_owned(),
        _ => "is too easily guessed; add a word or two that do not belong together".to_owned(),
    })
}

/// Whole texts and their parts: `ada.lovelace@example.org` is guessed by `lovelace` too.
fn words_of(own: &[&str]) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    for text in own {
        let mut end = text.len().min(MAX_INPUT_BYTES);
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        let text = text[..end].to_lowercase();
        words.extend(
            text.split(|c: char| !c.is_alphanumeric()).filter(|word| word.chars().count() >= 3).map(str::to_owned),
        );
        words.push(text);
    }
    words.retain(|word| !word.is_empty());
    words
}

fn code(warning: Warning) -> &'static str {
    match warning {
        Warning::StraightRowsOfKeysAreEasyToGuess | Warning::ShortKeyboardPatternsAreEasyToGuess => "keys",
        Warning::RepeatsLikeAaaAreEasyToGuess | Warning::RepeatsLikeAbcAbcAreOnlySlightlyHarderToGuess => "repeats",
        Warning::SequencesLikeAbcAreEasyToGuess => "sequences",
        Warning::RecentYearsAreEasyToGuess | Warning::DatesAreOftenEasyToGuess => "dates",
        Warning::ThisIsATop10Password
        | Warning::ThisIsATop100Password
        | Warning::ThisIsACommonPassword
        | Warning::ThisIsSimilarToACommonlyUsedPassword => "common_password",
        Warning::AWordByItselfIsEasyToGuess => "one_word",
        Warning::NamesAndSurnamesByThemselvesAreEasyToGuess | Warning::CommonNamesAndSurnamesAreEasyToGuess => "names",
    }
}

fn advice(suggestion: Suggestion) -> &'static str {
    match suggestion {
        Suggestion::UseAFewWordsAvoidCommonPhrases
        | Suggestion::NoNeedForSymbolsDigitsOrUppercaseLetters
        | Suggestion::AddAnotherWordOrTwo => "add_words",
        Suggestion::CapitalizationDoesntHelpVeryMuch | Suggestion::AllUppercaseIsAlmostAsEasyToGuessAsAllLowercase => {
            "capitals_help_little"
        }
        Suggestion::ReversedWordsArentMuchHarderToGuess => "reversing_helps_little",
        Suggestion::PredictableSubstitutionsDontHelpVeryMuch => "substitutions_help_little",
        Suggestion::UseALongerKeyboardPatternWithMoreTurns => "avoid_keys",
        Suggestion::AvoidRepeatedWordsAndCharacters => "avoid_repeats",
        Suggestion::AvoidSequences => "avoid_sequences",
        Suggestion::AvoidRecentYears
        | Suggestion::AvoidYearsThatAreAssociatedWithYou
        | Suggestion::AvoidDatesAndYearsThatAreAssociatedWithYou => "avoid_dates",
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const ADA: [&str; 5] =
        ["Ada Lovelace", "ada.lovelace@analytical.example", "Analytical Engines", PRODUCT[0], PRODUCT[1]];

    #[test]
    fn what_everybody_tries_first_is_refused_with_the_reason() {
        for (password, warning) in [
            ("password123", "common_password"),
            ("qwertyuiop", "common_password"),
            ("short", "too_short"),
            ("lovelace-1815", "own_words"),
            ("analytical1", "own_words"),
            ("Trunkline-2026", "own_words"),
            (crate::provision::DEMO_PASSWORD, "own_words"),
        ] {
            let strength = strength(password, &ADA);
            assert!(!strength.enough, "{password}");
            assert_eq!(strength.warning.as_deref(), Some(warning), "{password}");
            assert!(weakness(password, &ADA).is_some());
        }
    }

    #[test]
    fn what_repeats_itself_is_refused() {
        for password in ["aaaaaaaaaaaa", "abcabcabcabc", "1234567890"] {
            assert!(!strength(password, &[]).enough, "{password}");
        }
    }

    #[test]
    fn a_few_words_that_do_not_belong_together_are_enough() {
        for password in ["a much better password", "correct horse battery staple", "Xq7#pLm2vR9!"] {
            assert_eq!(weakness(password, &ADA), None, "{password}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_judged(password in "\\PC{0,200}", name in "\\PC{0,120}") {
            let strength = strength(&password, &[&name]);
            prop_assert!(strength.score <= 4);
            prop_assert_eq!(strength.enough, weakness(&password, &[&name]).is_none());
        }
    }
}
