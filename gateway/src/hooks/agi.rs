//! FastAGI as bytes: what Asterisk sends first, what it answers, and the commands in between. Pure.
//!
//! Asterisk opens a connection and writes its environment, a line `agi_<key>: <value>` each, and an empty line. Then it takes commands, one
//! at a time, and answers each with a line that begins with a status (`200 result=1`). The end of the connection is the end of the script.
//!
//! The caller has a hand in some values (`agi_callerid`, `agi_calleridname`), and a SIP user name may hold a line break. So the environment is
//! taken in the one order in which Asterisk writes it, each key once and the arguments after `agi_threadid`: a forged line makes it no
//! environment at all, and the call goes on by its fallback.

use std::fmt::Write as _;

/// Most bytes of an environment.
const MAX_BYTES: usize = 16 * 1024;
/// Most lines of it.
const MAX_LINES: usize = 128;
/// Most bytes of an answer.
const MAX_ANSWER: usize = 2 * 1024;
/// What every environment of FastAGI begins with.
const FIRST: &[u8] = b"agi_network: yes";
/// The key behind which Asterisk writes nothing but arguments.
const LAST_KEY: &str = "threadid";

/// What Asterisk says of the call.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Environment {
    values: Vec<(String, String)>,
    /// The arguments of `AGI()`, in order.
    pub(crate) arguments: Vec<String>,
}

impl Environment {
    /// The value of `agi_<key>`, if there is one that says something.
    pub(crate) fn get(&self, key: &str) -> Option<&str> {
        let (_, value) = self.values.iter().find(|(known, _)| known == key)?;
        Some(value.as_str()).filter(|value| !value.is_empty() && *value != "unknown")
    }
}

/// Why something is no FastAGI.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Fault {
    /// More than any call has to say.
    #[error("too long")]
    TooLong,
    /// A line that does not belong there.
    #[error("not FastAGI")]
    Strange,
}

/// Gathers an environment from whatever pieces it comes in.
#[derive(Debug, Default)]
pub(crate) struct Gathering {
    read: Vec<u8>,
    /// How far it was looked through for its end.
    looked: usize,
}

impl Gathering {
    /// Takes in what came. `Some` once the environment is whole.
    pub(crate) fn feed(&mut self, bytes: &[u8]) -> Result<Option<Environment>, Fault> {
        if self.read.len() + bytes.len() > MAX_BYTES {
            return Err(Fault::TooLong);
        }
        self.read.extend_from_slice(bytes);
        // Whoever is no Asterisk is off with the first byte that says so.
        if self.read.iter().zip(FIRST).any(|(read, expected)| read != expected) {
            return Err(Fault::Strange);
        }
        let Some(end) = self.end() else { return Ok(None) };
        // Asterisk waits for a command before it says more: whatever stands behind the empty line is somebody else's.
        if self.read.len() > end {
            return Err(Fault::Strange);
        }
        parse(&self.read).map(Some)
    }

    /// Where the environment ends: behind the first empty line.
    fn end(&mut self) -> Option<usize> {
        let from = self.looked.saturating_sub(3);
        self.looked = self.read.len();
        let read = &self.read;
        (from..read.len()).find_map(|at| match &read[at..] {
            [b'\n', b'\n', ..] => Some(at + 2),
            [b'\n', b'\r', b'\n', ..] => Some(at + 3),
            _ => None,
        })
    }
}

fn parse(bytes: &[u8]) -> Result<Environment, Fault> {
    let text = String::from_utf8_lossy(bytes);
    let mut environment = Environment::default();
    let mut arguments_begin = false;
    for (number, line) in text.lines().take_while(|line| !line.is_empty()).enumerate() {
        if number >= MAX_LINES {
            return Err(Fault::TooLong);
        }
        let (key, value) = line.split_once(':').ok_or(Fault::Strange)?;
        let key = key.strip_prefix("agi_").ok_or(Fault::Strange)?;
        let is_key = !key.is_empty() && key.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        if !is_key {
            return Err(Fault::Strange);
        }
        let value = value.strip_prefix(' ').unwrap_or(value).to_owned();
        if arguments_begin {
            let expected = environment.arguments.len() + 1;
            if key != format!("arg_{expected}") {
                return Err(Fault::Strange);
            }
            environment.arguments.push(value);
            continue;
        }
        if key.starts_with("arg_") || environment.values.iter().any(|(known, _)| known == key) {
            return Err(Fault::Strange);
        }
        arguments_begin = key == LAST_KEY;
        environment.values.push((key.to_owned(), value));
    }
    if arguments_begin { Ok(environment) } else { Err(Fault::Strange) }
}

/// The command that sets a channel variable. `value` is taken as it is: nothing in it is expanded.
pub(crate) fn set_variable(name: &str, value: &str) -> String {
    let mut command = format!("SET VARIABLE {name} \"");
    for sign in value.chars() {
        match sign {
            '"' | '\\' => {
                let _ = write!(command, "\\{sign}");
            }
            sign if sign.is_control() => command.push(' '),
            sign => command.push(sign),
        }
    }
    command.push_str("\"\n");
    command
}

/// What Asterisk answered to a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Answered {
    /// It did it.
    Done,
    /// It did not.
    Refused,
}

/// Gathers answers.
#[derive(Debug, Default)]
pub(crate) struct Answers {
    read: Vec<u8>,
}

impl Answers {
    /// Takes in what came.
    pub(crate) fn feed(&mut self, bytes: &[u8]) -> Result<(), Fault> {
        if self.read.len() + bytes.len() > MAX_ANSWER {
            return Err(Fault::TooLong);
        }
        self.read.extend_from_slice(bytes);
        Ok(())
    }

    /// The next answer that is whole. That the caller hung up (`HANGUP`) is none.
    pub(crate) fn next(&mut self) -> Result<Option<Answered>, Fault> {
        while let Some(end) = self.read.iter().position(|byte| *byte == b'\n') {
            let line: Vec<u8> = self.read.drain(..=end).collect();
            let line = String::from_utf8_lossy(&line);
            let line = line.trim_end();
            if line.is_empty() || line == "HANGUP" {
                continue;
            }
            return match line.split([' ', '-']).next().unwrap_or_default() {
                "200" => Ok(Some(Answered::Done)),
                status if status.len() == 3 && status.bytes().all(|byte| byte.is_ascii_digit()) => {
                    Ok(Some(Answered::Refused))
                }
                _ => Err(Fault::Strange),
            };
        }
        Ok(None)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const REAL: &str = "agi_network: yes\nagi_network_script: caller\nagi_request: agi://127.0.0.1:4573/caller\n\
                        agi_channel: PJSIP/demo-trunk-00000001\nagi_callerid: +15550199\nagi_calleridname: Rossi: Mario\n\
                        agi_dnid: +15550100\nagi_extension: s\nagi_accountcode: \nagi_threadid: 139\n\
                        agi_arg_1: called=+15550100\nagi_arg_2: x\n\n";

    #[test]
    fn an_environment_is_read() {
        let read = Gathering::default().feed(REAL.as_bytes()).unwrap().unwrap();
        assert_eq!(read.get("network_script"), Some("caller"));
        assert_eq!((read.get("calleridname"), read.get("accountcode")), (Some("Rossi: Mario"), None));
        assert_eq!(read.arguments, ["called=+15550100", "x"]);
    }

    #[test]
    fn a_line_that_a_caller_forged_makes_it_none() {
        let forged = |number: &str| REAL.replace("+15550199", number);
        for number in [
            "1\nagi_arg_1: called=+15550999",
            "1\nagi_dnid: +15550999",
            "1\nagi_threadid: 1\nagi_arg_1: called=+15550999",
            "1\nagi_calleridname: x\nagi_threadid: 1\nagi_arg_1: called=+15550999\n",
            "1\n",
            "1\nnonsense",
        ] {
            let read = Gathering::default().feed(forged(number).as_bytes());
            assert_eq!(read, Err(Fault::Strange), "{number:?}");
        }
    }

    #[test]
    fn what_is_no_fastagi_is_told_early() {
        for text in
            ["GET / HTTP/1.1\r\nhost: x\r\n\r\n", "\n\n", "agi_request: x\n\n", "agi_network: no\n\n", "\0", "agi_x"]
        {
            assert!(Gathering::default().feed(text.as_bytes()).is_err(), "{text:?}");
        }
        assert_eq!(Gathering::default().feed(&vec![b'a'; MAX_BYTES + 1]), Err(Fault::TooLong));
        let mut many = "agi_network: yes\n".to_owned();
        for number in 0..=MAX_LINES {
            let _ = writeln!(many, "agi_{number}: x");
        }
        many.push('\n');
        assert_eq!(Gathering::default().feed(many.as_bytes()), Err(Fault::TooLong));
    }

    #[test]
    fn answers_are_told_from_the_callers_hanging_up() {
        let mut answers = Answers::default();
        answers.feed(b"HANGUP\n200 result=1\n510 Invalid or unknown command\n200 resu").unwrap();
        assert_eq!(answers.next(), Ok(Some(Answered::Done)));
        assert_eq!(answers.next(), Ok(Some(Answered::Refused)));
        assert_eq!(answers.next(), Ok(None));
        answers.feed(b"lt=0\nagi_dnid: 1\n").unwrap();
        assert_eq!((answers.next(), answers.next()), (Ok(Some(Answered::Done)), Err(Fault::Strange)));
    }

    proptest! {
        #[test]
        fn the_pieces_do_not_matter(cuts in proptest::collection::vec(0..REAL.len(), 0..20)) {
            let mut cuts = cuts;
            cuts.sort_unstable();
            cuts.push(REAL.len());
            let (mut gathering, mut from, mut found) = (Gathering::default(), 0, None);
            for cut in cuts {
                prop_assert!(found.is_none() || from == cut);
                if let Some(read) = gathering.feed(&REAL.as_bytes()[from..cut]).unwrap() {
                    found = Some(read);
                }
                from = cut;
                if found.is_some() {
                    break;
                }
            }
            prop_assert_eq!(found, Gathering::default().feed(REAL.as_bytes()).unwrap());
        }

        #[test]
        fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..600)) {
            let _ = Gathering::default().feed(&bytes);
            let mut answers = Answers::default();
            if answers.feed(&bytes).is_ok() {
                while let Ok(Some(_)) = answers.next() {}
            }
        }

        #[test]
        fn any_lines_are_read_or_refused(lines in proptest::collection::vec("(agi_[a-z_0-9]{0,8}: ?)?\\PC{0,20}", 0..30)) {
            let _ = Gathering::default().feed(format!("agi_network: yes\n{}\n\n", lines.join("\n")).as_bytes());
        }

        /// Whatever a caller's number and name hold, nothing but the dialplan gives arguments.
        #[test]
        fn no_caller_gives_arguments(
            number in "(.|\n|agi_arg_1: x\n|agi_threadid: 1\n|\n\n){0,12}",
            name in "(.|\n|agi_arg_1: x\n|agi_threadid: 1\n|\n\n){0,12}",
        ) {
            let text = REAL.replace("+15550199", &number).replace("Rossi: Mario", &name);
            if let Ok(Some(read)) = Gathering::default().feed(text.as_bytes()) {
                prop_assert_eq!(read.get("dnid"), Some("+15550100"));
                prop_assert_eq!(read.arguments, ["called=+15550100", "x"]);
            }
        }

        #[test]
        fn a_command_is_one_line(value in ".{0,60}") {
            let command = set_variable("TRUNKLINE_CALLER_NAME", &value);
            prop_assert_eq!(command.matches(['\n', '\r']).count(), 1);
            prop_assert!(command.ends_with("\"\n"));
        }
    }
}
