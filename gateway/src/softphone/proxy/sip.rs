//! As much of a SIP message (RFC 3261 §7) as is needed to tell in whose name it comes. Pure.
//!
//! Asterisk decides who may do what; this is the fence before it: a socket carries one softphone's messages and no others'.

/// The most header lines that are looked at; a browser's INVITE has some twenty.
const MOST_LINES: usize = 200;

/// What a browser sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Message {
    /// A lone line end or two: the keep-alive of RFC 5626 §3.5.1.
    KeepAlive,
    /// A request or a response in the socket's own name.
    Sip,
}

/// Why a message is not passed on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum Unfit {
    /// It is no SIP message.
    #[error("this is no SIP message")]
    NotSip,
    /// It speaks for somebody else.
    #[error("this socket carries the messages of its own softphone only")]
    OtherName,
}

/// Looks at a message that came over the socket of the softphone `name`.
pub(super) fn check(message: &[u8], name: &str) -> Result<Message, Unfit> {
    if !message.is_empty() && message.len() <= 4 && message.iter().all(|byte| matches!(byte, b'\r' | b'\n')) {
        return Ok(Message::KeepAlive);
    }
    let head = head(message).ok_or(Unfit::NotSip)?;
    let mut lines = head.split("\r\n");
    let is_request = match first_line(lines.next().unwrap_or_default()).ok_or(Unfit::NotSip)? {
        First::Request => true,
        First::Response => false,
    };
    let (mut from, mut to_tagged, mut has_to) = (None, false, false);
    for (index, line) in lines.enumerate() {
        let (header, value) = line.split_once(':').ok_or(Unfit::NotSip)?;
        // A line that goes on the one before has no use any more, and would let a header look like two.
        if index >= MOST_LINES || header.starts_with([' ', '\t']) {
            return Err(Unfit::NotSip);
        }
        match header.trim_end().to_ascii_lowercase().as_str() {
            "from" | "f" if from.is_some() => return Err(Unfit::NotSip),
            "from" | "f" => from = Some(user_of(value)),
            "to" | "t" => {
                if std::mem::replace(&mut has_to, true) {
                    return Err(Unfit::NotSip);
                }
                to_tagged = has_tag(value);
            }
            "authorization" | "proxy-authorization" if signed_by(value) != Some(name) => return Err(Unfit::OtherName),
            _ => {}
        }
    }
    let from = from.filter(|_| has_to).ok_or(Unfit::NotSip)?;
    // Within a dialog that Asterisk began, the browser is whoever Asterisk called.
    if is_request && !to_tagged && from != Some(name) {
        return Err(Unfit::OtherName);
    }
    Ok(Message::Sip)
}

/// The text before the empty line.
fn head(message: &[u8]) -> Option<&str> {
    let end = message.windows(4).position(|window| window == b"\r\n\r\n")?;
    std::str::from_utf8(&message[..end]).ok()
}

enum First {
    Request,
    Response,
}

fn first_line(line: &str) -> Option<First> {
    if let Some(rest) = line.strip_prefix("SIP/2.0 ") {
        let code = rest.get(..3)?;
        return code.bytes().all(|byte| byte.is_ascii_digit()).then_some(First::Response);
    }
    let mut words = line.split(' ');
    let (method, uri, version) = (words.next()?, words.next()?, words.next()?);
    let fits = !method.is_empty()
        && method.bytes().all(|byte| byte.is_ascii_uppercase())
        && !uri.is_empty()
        && version == "SIP/2.0"
        && words.next().is_none();
    fits.then_some(First::Request)
}

/// The address part of a From or To, and the parameters behind it.
fn address_and_parameters(value: &str) -> Option<(&str, &str)> {
    let mut rest = value.trim();
    if let Some(quoted) = rest.strip_prefix('"') {
        let mut escaped = false;
        let end = quoted.char_indices().find_map(|(at, c)| {
            let ends = c == '"' && !escaped;
            escaped = c == '\\' && !escaped;
            ends.then_some(at)
        })?;
        rest = quoted[end + 1..].trim_start();
    }
    if let Some(start) = rest.find('<') {
        let (address, parameters) = rest[start + 1..].split_once('>')?;
        return Some((address, parameters));
    }
    Some(rest.split_once(';').unwrap_or((rest, "")))
}

/// The user part of a header's SIP address.
fn user_of(value: &str) -> Option<&str> {
    let (address, _) = address_and_parameters(value)?;
    let (scheme, rest) = address.split_once(':')?;
    let (user, _) = rest.split_once('@')?;
    (scheme.eq_ignore_ascii_case("sip") || scheme.eq_ignore_ascii_case("sips")).then_some(user)
}

fn has_tag(value: &str) -> bool {
    address_and_parameters(value).is_some_and(|(_, parameters)| {
        parameters.split(';').any(|parameter| {
            parameter
                .split_once('=')
                .is_some_and(|(name, tag)| name.trim().eq_ignore_ascii_case("tag") && !tag.trim().is_empty())
        })
    })
}

/// The `username` of digest credentials (RFC 7616 §3.4).
fn signed_by(value: &str) -> Option<&str> {
    let (scheme, mut rest) = value.trim().split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("digest") {
        return None;
    }
    let mut found = None;
    loop {
        let (name, behind) = rest.trim_start().split_once('=')?;
        let (text, after) = if let Some(quoted) = behind.trim_start().strip_prefix('"') {
            quoted.split_once('"')?
        } else {
            behind.split_at(behind.find(',').unwrap_or(behind.len()))
        };
        if name.trim().eq_ignore_ascii_case("username") && found.replace(text).is_some() {
            return None;
        }
        let after = after.trim_start();
        if after.is_empty() {
            return found;
        }
        rest = after.strip_prefix(',')?;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const REGISTER: &str = "REGISTER sip:127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/WS x.invalid;branch=z9hG4bK1\r\n\
         To: <sip:demo-web-1@127.0.0.1>\r\nFrom: \"Olga \\\" <x>\" <sip:demo-web-1@127.0.0.1>;tag=a\r\nCSeq: 1 REGISTER\r\n\
         Authorization: Digest algorithm=MD5, username=\"demo-web-1\", realm=\"trunkline\", nc=00000001, uri=\"sip:127.0.0.1\"\r\n\
         Content-Length: 0\r\n\r\n";

    fn said(text: &str) -> Result<Message, Unfit> {
        check(text.as_bytes(), "demo-web-1")
    }

    #[test]
    fn a_softphone_speaks_for_itself() {
        assert_eq!(said(REGISTER), Ok(Message::Sip));
        assert_eq!(said(&REGISTER.replace("From:", "f :")), Ok(Message::Sip));
        assert_eq!(said("\r\n\r\n"), Ok(Message::KeepAlive));
        assert_eq!(said("\n"), Ok(Message::KeepAlive));
    }

    #[test]
    fn and_for_nobody_else() {
        for text in [
            REGISTER.replace("\" <sip:demo-web-1@", "\" <sip:demo-desk@"),
            REGISTER.replace("username=\"demo-web-1\"", "username=\"demo-desk\""),
            REGISTER.replace("username=\"demo-web-1\"", "username=\"demo-web-1\", username=\"demo-desk\""),
            REGISTER.replace("Digest", "Basic"),
            REGISTER.replace("\" <sip:demo-web-1@", "\" <tel:1@"),
        ] {
            assert_eq!(said(&text), Err(Unfit::OtherName), "{text}");
        }
    }

    #[test]
    fn within_a_dialog_the_browser_is_whoever_was_called() {
        let bye =
            "BYE sip:asterisk@127.0.0.1 SIP/2.0\r\nf: <sip:h3k9@x.invalid>;tag=b\r\nt: sip:+1@127.0.0.1;tag=c\r\n\r\n";
        assert_eq!(said(bye), Ok(Message::Sip));
        assert_eq!(said(&bye.replace(";tag=c", ";tag=")), Err(Unfit::OtherName));
        let answer = "SIP/2.0 200 OK\r\nFrom: <sip:asterisk@127.0.0.1>;tag=c\r\nTo: <sip:h3k9@x.invalid>\r\n\r\n";
        assert_eq!(said(answer), Ok(Message::Sip));
    }

    #[test]
    fn what_is_no_sip_goes_no_further() {
        for text in [
            "",
            "hello",
            "GET / HTTP/1.1\r\nHost: x\r\n\r\n",
            "REGISTER sip:x SIP/2.0\r\n\r\n",
            "SIP/2.0 OK\r\nFrom: <sip:a@b>\r\nTo: <sip:a@b>\r\n\r\n",
            &REGISTER.replace("\r\n\r\n", "\r\n"),
            &REGISTER.replace("To:", "From: <sip:demo-desk@x>\r\nTo:"),
            &REGISTER.replace("Via:", " Via:"),
            &REGISTER.replace("To:", "From:\r\n <sip:demo-web-1@x>\r\nTo:"),
            &format!("{}{}\r\n", REGISTER.trim_end(), "\r\nX: y".repeat(MOST_LINES)),
        ] {
            assert_eq!(said(text), Err(Unfit::NotSip), "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn anything_may_come(bytes in prop::collection::vec(any::<u8>(), 0..600)) {
            let _ = check(&bytes, "demo-web-1");
        }

        #[test]
        fn a_damaged_message_is_judged_too(at in 0..REGISTER.len(), with in ".{0,3}", cut in 0..20_usize) {
            let end = (at + cut).min(REGISTER.len());
            let text = format!("{}{with}{}", &REGISTER[..at], &REGISTER[end..]);
            let _ = said(&text);
        }

        /// Whatever else it says, a request outside a dialog passes in one name only.
        #[test]
        fn no_other_name_gets_through(user in "[a-z0-9-]{1,12}", display in "[ -~]{0,20}", more in "(;[a-z]{1,5}(=[a-z0-9]{1,5})?){0,3}") {
            prop_assume!(user != "demo-web-1");
            let text = format!(
                "INVITE sip:600@x SIP/2.0\r\nFrom: \"{}\" <sip:{user}@x>{more}\r\nTo: <sip:600@x>\r\n\r\n",
                display.replace(['"', '\\'], "")
            );
            prop_assert_eq!(said(&text), Err(Unfit::OtherName));
        }
    }
}
