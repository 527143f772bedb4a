//! Short names of tenants: they stand in phones' user names and in addresses.

/// Words that an address of ours may begin with, or that would pass for us.
const RESERVED: &[&str] = &[
    "admin",
    "api",
    "app",
    "assets",
    "auth",
    "demo",
    "dev",
    "health",
    "help",
    "hooks",
    "login",
    "mail",
    "metrics",
    "platform",
    "root",
    "settings",
    "sign-in",
    "sip",
    "static",
    "status",
    "support",
    "system",
    "trunkline",
    "webhooks",
    "www",
];

/// What is wrong with a slug. The schema asks for the same shape.
pub fn check(slug: &str) -> Result<(), &'static str> {
    let bytes = slug.as_bytes();
    let fits = |byte: &u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || *byte == b'-';
    let ends = |byte: &u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    if !(2..=32).contains(&bytes.len())
        || !bytes.iter().all(fits)
        || !bytes.first().is_some_and(u8::is_ascii_lowercase)
        || !bytes.last().is_some_and(ends)
    {
        return Err("must have from 2 to 32 of a-z, 0-9 and -, begin with a letter and not end with -");
    }
    if RESERVED.contains(&slug) { Err("is a word that Trunkline needs itself") } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_slug_is_short_plain_and_none_of_ours() {
        for good in ["acme", "a1", "acme-2", "a--b"] {
            assert_eq!(check(good), Ok(()), "{good}");
        }
        for bad in ["", "a", "1a", "-a", "a-", "Acme", "ac me", "ac.me", "äcme", "api", "www", &"a".repeat(33)] {
            assert!(check(bad).is_err(), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn what_passes_is_what_the_schema_takes(text in "\\PC{0,40}|[a-z0-9-]{0,40}") {
            if check(&text).is_ok() {
                // ^[a-z][a-z0-9-]{0,30}[a-z0-9]$
                prop_assert!((2..=32).contains(&text.len()));
                prop_assert!(text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-'));
                prop_assert!(!text.starts_with(|first: char| !first.is_ascii_lowercase()) && !text.ends_with('-'));
            }
        }
    }
}
