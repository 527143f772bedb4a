//! What callers hear: how text is spoken, and where Asterisk fetches sounds.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use url::Url;

use super::source::{Reader, web_url};

/// Sounds on their way to callers.
#[derive(Debug, Clone)]
pub struct SoundsConfig {
    /// The program that speaks; none: nothing is spoken.
    pub speech: Option<SpeechCommand>,
    /// This node, as its Asterisk servers see it. Has no `/` at its end.
    pub gateway_url: Url,
}

/// A program and its arguments. No shell comes between.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SpeechCommand {
    /// A path, or a name that is looked for in `PATH`.
    pub program: String,
    /// With `{language}`, `{in}` and `{out}` in them.
    pub arguments: Vec<String>,
}

impl SpeechCommand {
    /// Words, of which one that stands in double quotes may hold blanks.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let mut words: Vec<String> = Vec::new();
        let (mut word, mut quoted, mut begun) = (String::new(), false, false);
        for letter in text.chars() {
            match letter {
                '"' => (quoted, begun) = (!quoted, true),
                blank if blank.is_whitespace() && !quoted => {
                    if begun {
                        words.push(std::mem::take(&mut word));
                    }
                    begun = false;
                }
                other => {
                    word.push(other);
                    begun = true;
                }
            }
        }
        if begun {
            words.push(word);
        }
        let has = |place: &str| words.iter().skip(1).any(|word| word.contains(place));
        if quoted || !has("{in}") || !has("{out}") {
            return None;
        }
        let program = words.remove(0);
        (!program.is_empty()).then_some(Self { program, arguments: words })
    }

    /// Its arguments for one text.
    pub fn filled(&self, language: &str, input: &str, output: &str) -> Vec<String> {
        // In one go: what is put in is not looked at again.
        let places = [("{language}", language), ("{in}", input), ("{out}", output)];
        let fill = |argument: &String| {
            let (mut rest, mut filled) = (argument.as_str(), String::new());
            while let Some((at, (place, value))) =
                places.iter().filter_map(|place| Some((rest.find(place.0)?, place))).min_by_key(|(at, _)| *at)
            {
                filled.push_str(&rest[..at]);
                filled.push_str(value);
                rest = &rest[at + place.len()..];
            }
            filled + rest
        };
        self.arguments.iter().map(fill).collect()
    }
}

impl SoundsConfig {
    pub(super) fn read(reader: &mut Reader<'_>, http_listen: Option<SocketAddr>) -> Option<Self> {
        let speech = reader.required("speech_command", |text| match text {
            "off" => Some(None),
            text => SpeechCommand::parse(text).map(Some),
        });
        let given = reader.optional_with("asterisk_gateway_url", |text| {
            // It stands in a list of Asterisk's, which a comma divides.
            web_url(text).filter(|url| url.query().is_none() && !url.as_str().contains([',', '{', '}', '&', '|']))
        });
        Some(Self { speech: speech?, gateway_url: given.or_else(|| beside(http_listen?))? })
    }
}

/// For an Asterisk on this machine: who listens on all addresses is reached by the machine's own.
fn beside(listen: SocketAddr) -> Option<Url> {
    let address = match listen.ip() {
        IpAddr::V4(any) if any.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(any) if any.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        one => one,
    };
    Url::parse(&format!("http://{}", SocketAddr::new(address, listen.port()))).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_is_a_list_of_words() {
        let command = SpeechCommand::parse("espeak-ng -v {language} -s 150 -w {out} -f {in}").unwrap();
        let filled = command.filled("it", "/a b/in", "/o");
        assert_eq!((command.program.as_str(), filled.len()), ("espeak-ng", 8));
        assert_eq!(filled.join("|"), "-v|it|-s|150|-w|/o|-f|/a b/in");
        let command = SpeechCommand::parse("\"/opt/my tts/say\"  --voice=\"x {language}\" \"\" {in} {out}").unwrap();
        assert_eq!(command.program, "/opt/my tts/say");
        // What is put in is not filled again.
        let filled = command.filled("{in}", "{out}", "{language}");
        assert_eq!(filled, ["--voice=x {in}", "", "{out}", "{language}"]);
        for wrong in ["", "say", "say {in}", "say {out}", "{in} {out}", "say \"{in} {out}", "\"\" {in} {out}"] {
            assert_eq!(SpeechCommand::parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn an_asterisk_of_this_machine_finds_us() {
        for (listen, url) in [
            ("127.0.0.1:8080", "http://127.0.0.1:8080/"),
            ("0.0.0.0:80", "http://127.0.0.1/"),
            ("[::]:8080", "http://[::1]:8080/"),
            ("10.0.0.7:8080", "http://10.0.0.7:8080/"),
        ] {
            assert_eq!(beside(listen.parse().unwrap()).unwrap().as_str(), url);
        }
    }
}
