//! The syntax of Asterisk's configuration files: sections, templates, comments.

use std::collections::HashMap;

/// Longest text that is read, in bytes.
const LONGEST: usize = 512 * 1024;
/// Most sections.
const MAX_SECTIONS: usize = 5_000;
/// Most lines of a section, those of its templates included.
const MAX_ENTRIES: usize = 500;
/// Most that are said of single lines.
const MAX_NOTES: usize = 1_000;
/// What holds a secret, and is not repeated.
const SECRETS: [&str; 6] = ["password", "md5_cred", "password_digest", "oauth_secret", "refresh_token", "secret"];

/// A line `key = value`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) key: String,
    pub(super) value: String,
    /// The line, the first is 1.
    pub(super) line: u32,
}

impl Entry {
    /// The line as it may be shown.
    pub(super) fn shown(&self) -> String {
        let is_secret = SECRETS.contains(&self.key.as_str());
        format!("{} = {}", self.key, if is_secret { "…" } else { &self.value })
    }
}

/// A section, with what its templates give it before its own lines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Section {
    pub(super) name: String,
    pub(super) line: u32,
    pub(super) entries: Vec<Entry>,
    is_template: bool,
}

impl Section {
    /// The last value of a key: what Asterisk goes by.
    pub(super) fn get(&self, key: &str) -> Option<&str> {
        self.entries.iter().rev().find(|entry| entry.key == key).map(|entry| entry.value.as_str())
    }

    /// All values of a key, at the commas too.
    pub(super) fn all<'a>(&'a self, key: &'a str) -> impl Iterator<Item = &'a str> {
        let values = self.entries.iter().filter(move |entry| entry.key == key);
        values.flat_map(|entry| entry.value.split(',')).map(str::trim).filter(|value| !value.is_empty())
    }
}

/// What is to be said of a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Note {
    pub(super) line: u32,
    pub(super) text: String,
    pub(super) message: String,
}

/// A file.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Conf {
    /// Its sections in order, without templates.
    pub(super) sections: Vec<Section>,
    pub(super) notes: Vec<Note>,
}

/// Reads a file. An error is about the whole of it.
pub(super) fn parse(text: &str) -> Result<Conf, String> {
    if text.len() > LONGEST {
        return Err(format!("must have at most {LONGEST} bytes"));
    }
    let mut reader = Reader::default();
    let mut in_block = false;
    for (index, line) in text.lines().enumerate() {
        let number = u32::try_from(index + 1).unwrap_or(u32::MAX);
        let code = without_comments(line.strip_prefix('\u{feff}').unwrap_or(line), &mut in_block);
        let code = code.trim();
        if !code.is_empty() {
            reader.line(number, code)?;
        }
    }
    if in_block {
        reader.note(0, "", "a comment that begins with ;-- does not end");
    }
    Ok(reader.finish())
}

#[derive(Debug, Default)]
struct Reader {
    sections: Vec<Section>,
    /// The newest section of each name: what templates and `(+)` mean.
    newest: HashMap<String, usize>,
    current: Option<usize>,
    notes: Vec<Note>,
}

impl Reader {
    fn note(&mut self, line: u32, text: &str, message: &str) {
        if self.notes.len() < MAX_NOTES {
            let text = text.chars().take(200).collect();
            self.notes.push(Note { line, text, message: message.to_owned() });
        }
    }

    fn line(&mut self, number: u32, code: &str) -> Result<(), String> {
        if let Some(directive) = code.strip_prefix('#') {
            let word = directive.split([' ', '\t', '"', '<']).next().unwrap_or_default();
            let message = match word {
                "include" | "tryinclude" => "other files are not read from here: put their text in its place",
                "exec" => "programs are not run from here",
                _ => "this directive is not known",
            };
            self.note(number, code, message);
            return Ok(());
        }
        if code.starts_with('[') {
            return self.section(number, code);
        }
        let Some((key, value)) = code.split_once('=') else {
            self.note(number, &masked(code), "this is neither a section nor key = value");
            return Ok(());
        };
        let value = value.strip_prefix('>').unwrap_or(value);
        let key = key.trim().to_ascii_lowercase();
        let entry = Entry { key, value: value.trim().to_owned(), line: number };
        match self.current {
            Some(current) if self.sections[current].entries.len() < MAX_ENTRIES => {
                self.sections[current].entries.push(entry);
            }
            Some(_) => self.note(number, &entry.shown(), "the section has too many lines"),
            None => self.note(number, &entry.shown(), "this line is in no section"),
        }
        Ok(())
    }

    fn section(&mut self, number: u32, code: &str) -> Result<(), String> {
        self.current = None;
        let Some((name, rest)) = code[1..].split_once(']') else {
            self.note(number, code, "the section's name does not end");
            return Ok(());
        };
        let (name, rest) = (name.trim().to_owned(), rest.trim());
        let options = match (rest.strip_prefix('('), rest) {
            (_, "") => "",
            (Some(inner), _) if inner.ends_with(')') => &inner[..inner.len() - 1],
            _ => {
                self.note(number, code, "what follows the section's name is not understood");
                ""
            }
        };
        let mut section = Section { name: name.clone(), line: number, entries: Vec::new(), is_template: false };
        for option in options.split(',').map(str::trim).filter(|option| !option.is_empty()) {
            match (option, self.newest.get(option)) {
                ("!", _) => section.is_template = true,
                ("+", _) => match self.newest.get(&name) {
                    Some(earlier) => {
                        self.current = Some(*earlier);
                        return Ok(());
                    }
                    None => self.note(number, code, "there is no section before it that it could go on"),
                },
                (_, Some(template)) => {
                    let room = MAX_ENTRIES - section.entries.len();
                    let inherited = self.sections[*template].entries.iter().take(room).cloned();
                    section.entries.extend(inherited.collect::<Vec<_>>());
                }
                (_, None) => {
                    let message = format!("there is no template {option} before it");
                    self.note(number, code, &message);
                }
            }
        }
        if self.sections.len() >= MAX_SECTIONS {
            return Err(format!("must have at most {MAX_SECTIONS} sections"));
        }
        self.newest.insert(name, self.sections.len());
        self.current = Some(self.sections.len());
        self.sections.push(section);
        Ok(())
    }

    fn finish(self) -> Conf {
        let sections = self.sections.into_iter().filter(|section| !section.is_template).collect();
        Conf { sections, notes: self.notes }
    }
}

/// A line that is no entry may still hold a secret.
fn masked(code: &str) -> String {
    let word = code.split(|it: char| !it.is_ascii_alphanumeric() && it != '_').next().unwrap_or_default();
    if SECRETS.contains(&word.to_ascii_lowercase().as_str()) { format!("{word} …") } else { code.to_owned() }
}

/// A line without `; comments` and without what lies between `;--` and `--;`; `\;` is a semicolon.
fn without_comments(line: &str, in_block: &mut bool) -> String {
    let mut code = String::new();
    let mut rest = line;
    loop {
        if *in_block {
            let Some(end) = rest.find("--;") else { return code };
            *in_block = false;
            rest = &rest[end + 3..];
        }
        let Some(at) = rest.find([';', '\\']) else {
            code.push_str(rest);
            return code;
        };
        code.push_str(&rest[..at]);
        let found = &rest[at..];
        if let Some(after) = found.strip_prefix("\\;") {
            code.push(';');
            rest = after;
        } else if let Some(after) = found.strip_prefix('\\') {
            code.push('\\');
            rest = after;
        } else if found.starts_with(";--") && !found.starts_with(";---") {
            *in_block = true;
            rest = &found[3..];
        } else {
            return code;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use proptest::prelude::*;

    use super::*;

    fn section<'a>(conf: &'a Conf, name: &str) -> &'a Section {
        conf.sections.iter().find(|section| section.name == name).expect("a section")
    }

    #[test]
    fn templates_give_their_lines_and_own_lines_win() {
        let conf = parse(
            "[base](!)\ntype = endpoint ; a comment\nallow => ulaw\n[more](!,base)\nallow=alaw\n[one](more)\nallow = g722\n\
             [two](base,nothing)\n[one](+)\ncontext = in",
        )
        .unwrap();
        assert_eq!(conf.sections.len(), 2);
        let one = section(&conf, "one");
        assert_eq!(one.get("type"), Some("endpoint"));
        assert_eq!(one.all("allow").collect::<Vec<_>>(), ["ulaw", "alaw", "g722"]);
        assert_eq!((one.get("allow"), one.get("context")), (Some("g722"), Some("in")));
        assert_eq!(conf.notes.len(), 1);
        assert_eq!((conf.notes[0].line, conf.notes[0].message.contains("nothing")), (8, true));
    }

    #[test]
    fn comments_of_both_kinds_are_left_out() {
        let conf = parse(
            "[a];x\n;-- all\nkey = 1\n of this --; key = 2\n;--- not a block\nuri = sip:x\\;lr ; y\nkey;--z--; = 3\n;--open",
        )
        .unwrap();
        let a = section(&conf, "a");
        assert_eq!(a.all("key").collect::<Vec<_>>(), ["2", "3"]);
        assert_eq!(a.get("uri"), Some("sip:x;lr"));
        assert_eq!(conf.notes.len(), 1, "{:?}", conf.notes);
    }

    #[test]
    fn what_is_not_understood_is_said_line_by_line_without_secrets() {
        let conf = parse(
            "x = 1\n#include \"other.conf\"\n#exec /bin/true\n[a\n[b]x\nnonsense\npassword hunter2\n[c]\npassword = p",
        )
        .unwrap();
        let lines: Vec<u32> = conf.notes.iter().map(|note| note.line).collect();
        assert_eq!(lines, [1, 2, 3, 4, 5, 6, 7]);
        assert!(conf.notes[1].message.contains("other files"));
        assert!(!format!("{:?}", conf.notes).contains("hunter2"));
        assert_eq!(section(&conf, "c").entries[0].shown(), "password = …");
    }

    #[test]
    fn templates_that_grow_without_end_do_not() {
        let mut text = "[t0](!)\na = 1\nb = 2\n".to_owned();
        for number in 1..60 {
            let _ = writeln!(text, "[t{number}](!,t{0},t{0})", number - 1);
        }
        text += "[x](t59)\n";
        assert_eq!(section(&parse(&text).unwrap(), "x").entries.len(), MAX_ENTRIES);
        assert!(parse(&"x".repeat(LONGEST + 1)).is_err());
        assert!(parse(&"[x]\n".repeat(MAX_SECTIONS + 1)).is_err());
    }

    proptest! {
        #[test]
        fn anything_is_read_to_its_end(text in "(\\PC|\n){0,300}|([\\[\\]()!+,;=\\\\# a-c-]|--;|;--|\n){0,200}") {
            let conf = parse(&text).unwrap();
            let lines = u32::try_from(text.lines().count()).unwrap();
            for note in &conf.notes {
                prop_assert!(note.line <= lines);
            }
            for section in &conf.sections {
                prop_assert!(section.line >= 1 && section.line <= lines && section.entries.len() <= MAX_ENTRIES);
            }
        }
    }
}
