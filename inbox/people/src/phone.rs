//! One number, however it is written: E.164, and one form where a country's own numbers go by several.
//!
//! | country | by which other form | the one form |
//! | --- | --- | --- |
//! | Brazil | mobiles had eight digits until 2016, and WhatsApp ids of that time still have | with the ninth digit |
//! | Mexico | `1` behind the code for mobiles, until 2019 | without |
//! | Argentina | `9` behind the code for mobiles from abroad, `15` behind the area code at home | without either |
//! | Ivory Coast | mobiles had eight digits until 2021 | with the network's two digits before |
//! | Benin | eight digits until 2024 | with `01` before |

use trunkline_dialing::Country;

/// Country by which a number is read when none is known; one that begins with `+` is read the same in each.
const ANY: &str = "US";

/// A telephone number.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Phone {
    shown: String,
    value: String,
}

impl Phone {
    /// Reads a number as people and providers write it. What is not international is of `country`; without one, only an international number or a
    /// bare row of at most six digits (a short code) is one.
    pub fn read(text: &str, country: Option<&str>) -> Option<Self> {
        let home: Option<Country> = country.and_then(|country| country.parse().ok());
        let any: Country = ANY.parse().ok()?;
        let number = trunkline_dialing::normalise(text, home.unwrap_or(any)).ok()?;
        let international = number.text.starts_with('+');
        let written_so = text.contains(['+', '＋']);
        if home.is_none() && international && !written_so {
            return None;
        }
        let value = if international { one_form(&number.text) } else { number.text.clone() };
        Some(Self { shown: number.text, value })
    }

    /// As it was met: E.164, or the digits of a short code.
    pub fn shown(&self) -> &str {
        &self.shown
    }

    /// The one form by which it is recognised.
    pub fn value(&self) -> &str {
        &self.value
    }

    /// Every form that is the same number, the one form first.
    pub fn variants(&self) -> Vec<String> {
        variants(&self.value)
    }
}

/// Every form of the same number, the one form first. `e164` may be in any of them; what is no E.164 number has itself alone.
pub fn variants(e164: &str) -> Vec<String> {
    let one = one_form(e164);
    let mut forms = vec![one.clone()];
    forms.extend(other_forms(&one));
    forms
}

/// What stands behind the `+` of an E.164 number.
fn digits_of(e164: &str) -> Option<&str> {
    e164.strip_prefix('+').filter(|digits| digits.bytes().all(|byte| byte.is_ascii_digit()))
}

/// The one form of an E.164 number.
fn one_form(e164: &str) -> String {
    let Some(digits) = digits_of(e164) else {
        return e164.to_owned();
    };
    let short = |code: &str| digits.strip_prefix(code);
    if let Some(rest) = short("55").filter(|rest| rest.len() == 10 && is_brazilian_mobile(rest)) {
        let (area, number) = rest.split_at(2);
        return format!("+55{area}9{number}");
    }
    if let Some(rest) = short("521").filter(|rest| rest.len() == 10) {
        return format!("+52{rest}");
    }
    if let Some(rest) = short("54") {
        return format!("+54{}", argentine(rest));
    }
    if let Some(rest) = short("225").filter(|rest| rest.len() == 8)
        && let Some(network) = ivorian_network(rest)
    {
        return format!("+225{network}{rest}");
    }
    if let Some(rest) = short("229").filter(|rest| rest.len() == 8) {
        return format!("+22901{rest}");
    }
    e164.to_owned()
}

/// The other forms of a number in its one form.
fn other_forms(one: &str) -> Vec<String> {
    let Some(digits) = digits_of(one) else { return Vec::new() };
    if let Some(rest) = digits.strip_prefix("55").filter(|rest| rest.len() == 11 && rest.as_bytes()[2] == b'9') {
        let old = format!("{}{}", &rest[..2], &rest[3..]);
        return if is_brazilian_mobile(&old) { vec![format!("+55{old}")] } else { Vec::new() };
    }
    if let Some(rest) = digits.strip_prefix("52").filter(|rest| rest.len() == 10) {
        return vec![format!("+521{rest}")];
    }
    if let Some(rest) = digits.strip_prefix("54").filter(|rest| rest.len() == 10) {
        let mut forms = vec![format!("+549{rest}")];
        // With `15`, after an area code of as many digits as it has: all that read back as this number. A number that has a `15` there itself may
        // come to the same twice.
        for area in 2..=4 {
            let national = format!("{}15{}", &rest[..area], &rest[area..]);
            let form = format!("+54{national}");
            if argentine(&national) == rest && !forms.contains(&form) {
                forms.push(form);
            }
        }
        return forms;
    }
    if let Some(rest) = digits.strip_prefix("225").filter(|rest| rest.len() == 10) {
        let (network, old) = rest.split_at(2);
        let was = ivorian_network(old) == Some(network);
        return if was { vec![format!("+225{old}")] } else { Vec::new() };
    }
    if let Some(old) = digits.strip_prefix("22901").filter(|old| old.len() == 8) {
        return vec![format!("+229{old}")];
    }
    Vec::new()
}

/// Area code, which has no 0, and eight digits: mobiles began with 6 to 9 before they had a ninth; houses begin with 2 to 5.
fn is_brazilian_mobile(rest: &str) -> bool {
    let has_area = rest.bytes().take(2).all(|digit| digit != b'0');
    has_area && rest.as_bytes().get(2).is_some_and(|digit| (b'6'..=b'9').contains(digit))
}

/// An Argentine number behind the country's code, without the marks of a mobile.
fn argentine(rest: &str) -> String {
    if let Some(national) = rest.strip_prefix('9').filter(|national| national.len() == 10) {
        return national.to_owned();
    }
    // Someone who puts both takes away nothing by it.
    let rest = rest.strip_prefix('9').filter(|rest| rest.len() == 12).unwrap_or(rest);
    if rest.len() != 12 {
        return rest.to_owned();
    }
    // Buenos Aires alone has two digits; of the other area codes no number fits two readings.
    let area = if rest.starts_with("1115") {
        Some(2)
    } else {
        [3, 4].into_iter().find(|area| rest[*area..].starts_with("15"))
    };
    area.map_or_else(|| rest.to_owned(), |area| format!("{}{}", &rest[..area], &rest[area + 2..]))
}

/// The two digits that a mobile's network got before its old eight.
fn ivorian_network(old: &str) -> Option<&'static str> {
    let bytes = old.as_bytes();
    if bytes.len() != 8 || matches!(bytes[0], b'1' | b'2' | b'3') {
        return None;
    }
    Some(match bytes[1] {
        b'0'..=b'3' => "01",
        b'4'..=b'6' => "05",
        _ => "07",
    })
}
