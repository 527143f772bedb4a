//! From what somebody typed or clicked to a number that can be called.

use phonenumber::metadata::DATABASE;
use phonenumber::{Metadata, Mode, Type};
use serde::{Deserialize, Serialize};

use crate::{Country, is_emergency};

/// Longest text that is looked at: longer ones are no numbers, however they are written.
const MAX_CHARS: usize = 64;
/// Most digits of a short code.
const MAX_SHORT: usize = 6;
/// Digits of an E.164 number (ITU-T E.164 §6.2.1); fewer than seven reach nobody.
const E164_DIGITS: std::ops::RangeInclusive<usize> = 7..=15;

/// What kind of number it is, as far as what it costs is concerned.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A telephone in a house.
    FixedLine,
    /// A mobile telephone.
    Mobile,
    /// One of the two: the plan does not tell.
    FixedLineOrMobile,
    /// A service over the internet.
    Voip,
    /// A company's number for the whole country.
    Uan,
    /// A person's number, led on to wherever they are.
    Personal,
    /// A pager.
    Pager,
    /// Free for who calls.
    TollFree,
    /// Who calls pays a part of it.
    SharedCost,
    /// Who calls pays the one who is called.
    Premium,
    /// A satellite telephone, or one of the international networks (+870, +878, +881, +882, +883, +888).
    Satellite,
    /// An emergency number of the tenant's own country.
    Emergency,
    /// A code within one network.
    ShortCode,
    /// Written as a number, and in no range of the plan that is known.
    Unknown,
}

/// A number that can be called.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Number {
    /// What is dialled: E.164 with `+`, or the bare digits of an emergency number or a short code.
    pub text: String,
    /// Whose plan it is in; none for the international networks.
    pub country: Option<Country>,
    /// What kind of number it is.
    pub kind: Kind,
}

/// The text is no telephone number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("this is no telephone number")]
pub struct NotANumber;

/// Reads a number as people write it: `06 1234 5678`, `+39 06 12345678`, `0039…`, `tel:+39-06-1234`, `(06) 1234.5678`. What is not international is
/// of `home`. What comes out comes out again when it is read once more.
pub fn normalise(text: &str, home: Country) -> Result<Number, NotANumber> {
    let digits = bare(text)?;
    if !digits.starts_with('+') {
        if is_emergency(&digits, home) {
            return Ok(Number { text: digits, country: Some(home), kind: Kind::Emergency });
        }
        if digits.len() <= MAX_SHORT {
            return Ok(Number { text: digits, country: Some(home), kind: Kind::ShortCode });
        }
    }
    match digits.strip_prefix('+') {
        Some(international) => read(international),
        None => read(&internationally(&digits, home)?),
    }
}

/// The country of an E.164 number, by its code where its ranges do not tell.
pub fn country_of(e164: &str) -> Option<Country> {
    read(e164.strip_prefix('+')?).ok()?.country
}

/// The digits, and a `+` before them if there was one. Letters are refused: a word is not taken for a number.
fn bare(text: &str) -> Result<String, NotANumber> {
    if text.chars().count() > MAX_CHARS {
        return Err(NotANumber);
    }
    let text = text.trim();
    let text = text.strip_prefix("tel:").unwrap_or(text);
    let mut digits = String::new();
    for character in text.chars() {
        match character {
            '0'..='9' => digits.push(character),
            '+' | '＋' if digits.is_empty() => digits.push('+'),
            // What people and programs put between digits; the last ones come along when a number is copied from a page.
            ' '
            | '('
            | ')'
            | '-'
            | '.'
            | '/'
            | '\t'
            | '\u{a0}'
            | '\u{2010}'..='\u{2015}'
            | '\u{202f}'
            | '\u{200b}'..='\u{200f}'
            | '\u{202a}'..='\u{202e}'
            | '\u{2060}'
            | '\u{2066}'..='\u{2069}'
            | '\u{feff}' => {}
            _ => return Err(NotANumber),
        }
    }
    if digits.trim_start_matches('+').is_empty() { Err(NotANumber) } else { Ok(digits) }
}

/// What is dialled within a country, as digits that begin with a country's code.
fn internationally(digits: &str, home: Country) -> Result<String, NotANumber> {
    let home = home.as_str().parse().map_err(|_| NotANumber)?;
    let number = phonenumber::parse(Some(home), digits).map_err(|_| NotANumber)?;
    let e164 = number.format().mode(Mode::E164).to_string();
    e164.strip_prefix('+').map(str::to_owned).ok_or(NotANumber)
}

/// Reads digits that begin with a country's code. Where they fit no range as they are, and do without the national prefix that people leave
/// behind the code (`+44 (0)20 …`), they are taken without it.
fn read(digits: &str) -> Result<Number, NotANumber> {
    let fits = E164_DIGITS.contains(&digits.len())
        && digits.bytes().all(|byte| byte.is_ascii_digit())
        && !digits.starts_with('0');
    if !fits {
        return Err(NotANumber);
    }
    let (code, plans) = (1..=3)
        .filter_map(|length| digits.get(..length)?.parse::<u16>().ok())
        .find_map(|code| Some((code, DATABASE.by_code(&code)?)))
        .ok_or(NotANumber)?;
    let code_digits = code.to_string();
    let national = &digits[code_digits.len()..];
    let (country, kind) = place(code, &plans, national);
    let number = Number { text: format!("+{digits}"), country, kind };
    if kind != Kind::Unknown {
        return Ok(number);
    }
    let main = plans.iter().find(|plan| plan.is_main_country_for_code()).or(plans.first());
    let prefix = main.and_then(|plan| plan.national_prefix()).filter(|prefix| !prefix.is_empty());
    let without = prefix.and_then(|prefix| national.strip_prefix(prefix)).map(|rest| (rest, place(code, &plans, rest)));
    match without {
        Some((rest, (country, kind)))
            if kind != Kind::Unknown && code_digits.len() + rest.len() >= *E164_DIGITS.start() =>
        {
            Ok(Number { text: format!("+{code_digits}{rest}"), country, kind })
        }
        _ => Ok(number),
    }
}

/// Whose plan a number is in, and which of its ranges.
///
/// By the ranges themselves and not by the library's own answer, which leaves out the leading zeros that Italian numbers have.
fn place(code: u16, plans: &[&Metadata], national: &str) -> (Option<Country>, Kind) {
    let country_of = |plan: &Metadata| plan.id().parse::<Country>().ok();
    let kind_of = |plan: &Metadata| kind(plan, national);
    let kind_by_code = |kind: Kind| match code {
        800 => Kind::TollFree,
        808 => Kind::SharedCost,
        979 => Kind::Premium,
        870 | 878 | 881 | 882 | 883 | 888 => Kind::Satellite,
        _ => kind,
    };
    // As libphonenumber does: a plan that says how its numbers begin is recognised by that, another by its ranges.
    let own = plans.iter().find(|plan| match plan.leading_digits() {
        Some(leading) => leading.find(national).is_some_and(|found| found.start() == 0),
        None => kind_of(plan) != Kind::Unknown,
    });
    let main = || plans.iter().find(|plan| plan.is_main_country_for_code()).or(plans.first());
    match own {
        Some(plan) => (country_of(plan), kind_by_code(kind_of(plan))),
        None => (main().and_then(|plan| country_of(plan)), kind_by_code(Kind::Unknown)),
    }
}

/// The range of a plan that a national number lies in. What costs more is looked for first: ranges may overlap.
fn kind(plan: &Metadata, national: &str) -> Kind {
    let within = |range: Type| plan.descriptors().get(range).is_some_and(|range| range.is_match(national));
    if !plan.descriptors().general().is_match(national) {
        return Kind::Unknown;
    }
    let ranges = [
        (Type::PremiumRate, Kind::Premium),
        (Type::SharedCost, Kind::SharedCost),
        (Type::TollFree, Kind::TollFree),
        (Type::PersonalNumber, Kind::Personal),
        (Type::Pager, Kind::Pager),
        (Type::Voip, Kind::Voip),
        (Type::Uan, Kind::Uan),
    ];
    if let Some((_, kind)) = ranges.into_iter().find(|(range, _)| within(*range)) {
        return kind;
    }
    match (within(Type::FixedLine), within(Type::Mobile)) {
        (true, true) => Kind::FixedLineOrMobile,
        (true, false) => Kind::FixedLine,
        (false, true) => Kind::Mobile,
        (false, false) => Kind::Unknown,
    }
}
