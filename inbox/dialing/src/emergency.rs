//! Emergency numbers by country.

use std::collections::HashMap;
use std::sync::LazyLock;

use crate::Country;

/// `IT 112 113 115 118`, one country a line.
const LINES: &str = include_str!("../data/emergency.txt");

static NUMBERS: LazyLock<HashMap<&str, Vec<&str>>> = LazyLock::new(|| {
    let lines = LINES.lines().filter(|line| !line.starts_with('#'));
    lines.filter_map(|line| line.split_once(' ')).map(|(country, all)| (country, all.split(' ').collect())).collect()
});

/// Whether these digits call the police, an ambulance or the fire brigade in that country.
pub fn is_emergency(digits: &str, country: Country) -> bool {
    NUMBERS.get(country.as_str()).is_some_and(|numbers| numbers.contains(&digits))
}
