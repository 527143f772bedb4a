//! From what was asked for to what will be made. Pure: every name, address, number, zone and hour is checked here, and all that is
//! wrong is said at once, so that nobody mends a form line by line.

use std::collections::HashSet;
use std::str::FromStr as _;

use trunkline_db::Role;

use super::hours::{self, Opening};
use super::model::Setup;
use crate::auth::{LANGUAGES, MAX_NAME_CHARS, weakness};
use crate::http::FieldError;

/// Most users beside the admin: each password costs some 30 ms to hash.
const MAX_USERS: usize = 50;
/// Longest e-mail address (RFC 5321 §4.5.3.1).
const MAX_EMAIL_BYTES: usize = 254;
/// Longest slug.
const MAX_SLUG: usize = 32;

/// What will be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Plan {
    pub(super) name: String,
    /// Whether the slug was chosen: one that was made of the name may be numbered when it is taken.
    pub(super) slug_chosen: bool,
    pub(super) slug: String,
    pub(super) time_zone: String,
    pub(super) language: String,
    pub(super) number: Option<String>,
    pub(super) hours: Vec<Opening>,
    /// The admin first.
    pub(super) users: Vec<PlannedUser>,
    pub(super) queue: String,
}

/// A user who will be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PlannedUser {
    pub(crate) name: String,
    pub(crate) email: String,
    pub(crate) role: Role,
    /// Where the address stands in the request.
    pub(crate) field: String,
}

/// Checks everything.
pub(super) fn plan(setup: &Setup) -> Result<Plan, Vec<FieldError>> {
    let mut errors = Vec::new();
    let mut wrong = |field: &str, message: &str| {
        errors.push(FieldError { field: field.to_owned(), message: message.to_owned() });
    };
    let name = checked_name("name", &setup.name, &mut wrong);
    let chosen = setup.slug.as_deref().map(str::trim).filter(|slug| !slug.is_empty());
    let slug = chosen.map_or_else(|| slug_of(&name), str::to_owned);
    if chosen.is_some() && !is_slug(&slug) {
        wrong("slug", "must be 2 to 32 lower-case letters, digits and dashes, beginning with a letter");
    }
    let time_zone = setup.time_zone.trim().to_owned();
    if chrono_tz::Tz::from_str(&time_zone).is_err() {
        wrong("time_zone", "must be an IANA time zone such as Europe/Rome");
    }
    if !LANGUAGES.contains(&setup.language.as_str()) {
        wrong("language", "must be one of en, ru, it");
    }
    let number = setup.number.as_deref().map(str::trim).filter(|number| !number.is_empty());
    let number = number.and_then(|written| {
        let number = e164(written);
        if number.is_none() {
            wrong("number", "must be an international number such as +390612345678 (a plus and 7 to 15 digits)");
        }
        number
    });
    let queue = checked_name("queue.name", &setup.queue.name, &mut wrong);
    if let Some(weakness) = weakness(&setup.admin.password, &[&setup.admin.name, &setup.admin.email]) {
        wrong("admin.password", &weakness);
    }
    if setup.users.len() > MAX_USERS {
        wrong("users", "must be at most 50; make the others later");
    }
    let mut users = vec![PlannedUser {
        name: checked_name("admin.name", &setup.admin.name, &mut wrong),
        email: setup.admin.email.trim().to_lowercase(),
        role: Role::Admin,
        field: "admin.email".to_owned(),
    }];
    for (index, user) in setup.users.iter().enumerate().take(MAX_USERS) {
        users.push(PlannedUser {
            name: checked_name(&format!("users[{index}].name"), &user.name, &mut wrong),
            email: user.email.trim().to_lowercase(),
            role: user.role,
            field: format!("users[{index}].email"),
        });
    }
    let mut addresses = HashSet::new();
    for user in &users {
        if !is_email(&user.email) {
            wrong(&user.field, "must be an e-mail address");
        } else if !addresses.insert(user.email.as_str()) {
            wrong(&user.field, "is given twice");
        }
    }
    let hours = hours::week(&setup.hours).unwrap_or_else(|mut more| {
        errors.append(&mut more);
        Vec::new()
    });
    if errors.is_empty() {
        let language = setup.language.clone();
        Ok(Plan { name, slug_chosen: chosen.is_some(), slug, time_zone, language, number, hours, users, queue })
    } else {
        Err(errors)
    }
}

pub(crate) fn checked_name(field: &str, text: &str, wrong: &mut impl FnMut(&str, &str)) -> String {
    let name = text.trim();
    if name.is_empty() || name.chars().count() > MAX_NAME_CHARS || name.chars().any(char::is_control) {
        wrong(field, "must have from 1 to 100 characters");
    }
    name.to_owned()
}

/// The schema's `tenants_slug_check`.
fn is_slug(text: &str) -> bool {
    let bytes = text.as_bytes();
    (2..=MAX_SLUG).contains(&bytes.len())
        && bytes[0].is_ascii_lowercase()
        && bytes[bytes.len() - 1] != b'-'
        && bytes.iter().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || *byte == b'-')
}

/// A slug out of a name: its Latin letters and digits, words joined by dashes. A name without any is `tenant`.
pub(super) fn slug_of(name: &str) -> String {
    let mut slug = String::new();
    for character in name.chars().flat_map(char::to_lowercase) {
        // Room for "-99" behind it.
        if slug.len() >= MAX_SLUG - 4 {
            break;
        }
        if character.is_ascii_lowercase() || (character.is_ascii_digit() && !slug.is_empty()) {
            slug.push(character);
        } else if !slug.is_empty() && !slug.ends_with('-') && (character.is_whitespace() || character == '-') {
            slug.push('-');
        }
    }
    let slug = slug.trim_end_matches('-');
    if slug.len() < 2 { "tenant".to_owned() } else { slug.to_owned() }
}

/// `+` and 7 to 15 digits (ITU-T E.164); blanks, dashes, dots and brackets between them are passed over.
pub(crate) fn e164(text: &str) -> Option<String> {
    let digits = text.strip_prefix('+')?;
    let mut number = String::from("+");
    for character in digits.chars() {
        match character {
            '0'..='9' => number.push(character),
            ' ' | '-' | '.' | '(' | ')' | '/' => {}
            _ => return None,
        }
    }
    ((8..=16).contains(&number.len()) && !number.starts_with("+0")).then_some(number)
}

/// Something before the @, a domain with a dot or a plain host after it, no blanks. Whether anybody reads it shows when it is used.
pub(crate) fn is_email(text: &str) -> bool {
    let Some((local, domain)) = text.rsplit_once('@') else { return false };
    text.len() <= MAX_EMAIL_BYTES
        && !local.is_empty()
        && !local.contains('@')
        && !text.chars().any(|character| character.is_whitespace() || character.is_control())
        && !domain.is_empty()
        && domain.split('.').all(|label| {
            !label.is_empty()
                && label.chars().all(|character| character.is_alphanumeric() || character == '-')
                && !label.starts_with('-')
                && !label.ends_with('-')
        })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;

    fn asked(change: impl FnOnce(&mut Value)) -> Setup {
        let mut body = json!({
            "name": "Rossi & Figli",
            "time_zone": "Europe/Rome",
            "language": "it",
            "number": "+39 06 1234-5678",
            "hours": [{ "day": 1, "open": "09:00", "close": "18:00" }],
            "admin": { "name": "Ada Rossi", "email": "Ada@Rossi.example", "password": "correct horse battery" },
            "users": [{ "name": "Olga", "email": "olga@rossi.example", "role": "operator" }],
            "queue": { "name": "Assistenza" },
        });
        change(&mut body);
        serde_json::from_value(body).unwrap()
    }

    fn fields(change: impl FnOnce(&mut Value)) -> Vec<String> {
        plan(&asked(change)).unwrap_err().into_iter().map(|error| error.field).collect()
    }

    #[test]
    fn what_fits_is_planned_in_its_plain_form() {
        let plan = plan(&asked(|_| {})).unwrap();
        assert_eq!((plan.slug.as_str(), plan.slug_chosen), ("rossi-figli", false));
        assert_eq!(plan.number.as_deref(), Some("+390612345678"));
        assert_eq!(plan.users[0].email, "ada@rossi.example");
        assert_eq!((plan.users[0].role, plan.users[1].role), (Role::Admin, Role::Operator));
        assert_eq!(plan.hours.len(), 1);
    }

    #[test]
    fn everything_that_is_wrong_is_said_at_once() {
        let found = fields(|body| {
            body["name"] = "".into();
            body["slug"] = "Rossi!".into();
            body["time_zone"] = "Rome".into();
            body["language"] = "de".into();
            body["number"] = "06 1234".into();
            body["hours"][0]["close"] = "08:00".into();
            body["admin"]["password"] = "short".into();
            body["users"][0]["email"] = "olga".into();
            body["queue"]["name"] = " ".into();
        });
        let expected = [
            "name",
            "slug",
            "time_zone",
            "language",
            "number",
            "queue.name",
            "admin.password",
            "users[0].email",
            "hours[0].close",
        ];
        assert_eq!(found, expected);
    }

    #[test]
    fn an_address_belongs_to_one_user() {
        assert_eq!(fields(|body| body["users"][0]["email"] = "ADA@rossi.example".into()), ["users[0].email"]);
    }

    #[test]
    fn addresses_and_numbers_are_told_from_what_is_none() {
        for good in ["a@b", "a.b+c@mail.example.org", "ö@exämple.test"] {
            assert!(is_email(good), "{good}");
        }
        for bad in ["", "@", "a@", "@b", "a b@c.d", "a@b@c.d", "a@b..c", "a@-b.c", "a@b c"] {
            assert!(!is_email(bad), "{bad}");
        }
        for (written, number) in [
            ("+15550100", Some("+15550100")),
            ("+1 (555) 01.00", Some("+15550100")),
            ("15550100", None),
            ("+0155501000", None),
            ("+155501", None),
            ("+1234567890123456", None),
            ("+1555O100", None),
        ] {
            assert_eq!(e164(written).as_deref(), number, "{written}");
        }
    }

    proptest! {
        #[test]
        fn every_name_gives_a_slug(name in "\\PC{0,80}") {
            let slug = slug_of(&name);
            prop_assert!(is_slug(&slug) && slug.len() <= MAX_SLUG - 3, "{slug:?}");
        }

        #[test]
        fn every_plan_holds_what_the_schema_asks_for(
            slug in proptest::option::of("[a-zA-Z0-9-]{0,34}"),
            number in proptest::option::of("\\+?[0-9 -]{0,20}"),
            email in "[a-zA-Z0-9@. ]{0,20}",
        ) {
            let setup = asked(|body| {
                body["slug"] = json!(slug);
                body["number"] = json!(number);
                body["users"][0]["email"] = json!(email);
            });
            if let Ok(plan) = plan(&setup) {
                prop_assert!(is_slug(&plan.slug));
                prop_assert!(plan.number.is_none_or(|number| number.starts_with('+') && (8..=16).contains(&number.len())));
                prop_assert!(plan.users.iter().all(|user| user.email == user.email.to_lowercase() && user.email.contains('@')));
            }
        }
    }
}
