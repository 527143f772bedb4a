//! Reads `cargo metadata` from standard input and fails unless every dependency may be used under a licence that we accept.

use std::io::Read as _;
use std::process::ExitCode;

use serde::Deserialize;

/// Licences that ask for nothing but attribution (or nothing at all), and that go together with Apache-2.0.
const ACCEPTED: &[&str] = &[
    "0BSD",
    "Apache-2.0",
    "Apache-2.0 WITH LLVM-exception",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "BSL-1.0",
    "CC0-1.0",
    "CDLA-Permissive-2.0",
    "ISC",
    "MIT",
    "MIT-0",
    "Unicode-3.0",
    "Unlicense",
    "Zlib",
];

#[derive(Debug, Deserialize)]
struct Metadata {
    packages: Vec<Package>,
}

#[derive(Debug, Deserialize)]
struct Package {
    name: String,
    version: String,
    license: Option<String>,
}

fn main() -> ExitCode {
    let mut text = String::new();
    let read = std::io::stdin().read_to_string(&mut text);
    let metadata: Metadata = match read
        .map_err(|error| error.to_string())
        .and_then(|_| serde_json::from_str(&text).map_err(|error| error.to_string()))
    {
        Ok(metadata) => metadata,
        Err(error) => {
            eprintln!("licences: expected the output of `cargo metadata --format-version 1`: {error}");
            return ExitCode::FAILURE;
        }
    };
    let mut refused = 0;
    for package in &metadata.packages {
        let licence = package.license.as_deref().unwrap_or("");
        if !accepted(licence) {
            refused += 1;
            let shown = if licence.is_empty() { "(none declared)" } else { licence };
            eprintln!("licences: {} {} is under {shown}", package.name, package.version);
        }
    }
    if refused > 0 {
        return ExitCode::FAILURE;
    }
    println!("check: licences of {} packages are among the {} accepted ones", metadata.packages.len(), ACCEPTED.len());
    ExitCode::SUCCESS
}

/// Whether an SPDX expression (annex D of the SPDX specification) can be fulfilled with accepted licences.
/// The old form `MIT/Apache-2.0` means OR.
fn accepted(expression: &str) -> bool {
    let spaced = expression.replace('(', " ( ").replace(')', " ) ").replace('/', " OR ");
    let words: Vec<&str> = spaced.split_whitespace().collect();
    let mut at = 0;
    any_of(&words, &mut at).unwrap_or(false) && at == words.len()
}

/// `a OR b OR …`
fn any_of(words: &[&str], at: &mut usize) -> Option<bool> {
    let mut result = all_of(words, at)?;
    while words.get(*at) == Some(&"OR") {
        *at += 1;
        result |= all_of(words, at)?;
    }
    Some(result)
}

/// `a AND b AND …`
fn all_of(words: &[&str], at: &mut usize) -> Option<bool> {
    let mut result = one(words, at)?;
    while words.get(*at) == Some(&"AND") {
        *at += 1;
        result &= one(words, at)?;
    }
    Some(result)
}

/// A licence, with its exception if it has one, or something in brackets.
fn one(words: &[&str], at: &mut usize) -> Option<bool> {
    let word = *words.get(*at)?;
    *at += 1;
    match word {
        "(" => {
            let result = any_of(words, at)?;
            let closed = words.get(*at) == Some(&")");
            *at += 1;
            closed.then_some(result)
        }
        "AND" | "OR" | "WITH" | ")" => None,
        licence if words.get(*at) == Some(&"WITH") => {
            let exception = words.get(*at + 1)?;
            *at += 2;
            // An exception only ever allows more.
            Some(ACCEPTED.contains(&licence) || ACCEPTED.contains(&format!("{licence} WITH {exception}").as_str()))
        }
        licence => Some(ACCEPTED.contains(&licence)),
    }
}

#[cfg(test)]
mod tests {
    use super::accepted;

    #[test]
    fn expressions_are_read_with_their_precedence() {
        for good in [
            "MIT",
            "MIT OR GPL-3.0",
            "MIT/Apache-2.0",
            "(MIT OR GPL-3.0) AND Unicode-3.0",
            "Apache-2.0 WITH LLVM-exception",
            "GPL-3.0 AND X OR ISC",
        ] {
            assert!(accepted(good), "{good}");
        }
        for bad in
            ["", "GPL-3.0", "MIT AND GPL-3.0", "MIT OR", "(MIT", "MIT MIT", "GPL-2.0 WITH Classpath-exception-2.0"]
        {
            assert!(!accepted(bad), "{bad}");
        }
    }
}
