//! The texts of SIP messages (RFC 3261), as far as these phones need them.

use std::fmt::Write as _;
use std::net::SocketAddr;

use trunkline_tests::Sip;

/// G.711 µ-law to a port of ours.
pub(super) fn sdp(address: SocketAddr, audio: u16) -> String {
    let ip = address.ip();
    format!(
        "v=0\r\no=- 1 1 IN IP4 {ip}\r\ns=-\r\nc=IN IP4 {ip}\r\nt=0 0\r\nm=audio {audio} RTP/AVP 0\r\na=rtpmap:0 PCMU/8000\r\n\
         a=ptime:20\r\na=sendrecv\r\n"
    )
}

/// A request's head and body; `via` is where it comes from, with its branch.
pub(super) struct Request<'a> {
    pub(super) method: &'a str,
    pub(super) uri: &'a str,
    pub(super) via: (SocketAddr, &'a str),
    pub(super) from: &'a str,
    pub(super) to: &'a str,
    pub(super) call_id: &'a str,
    pub(super) cseq: u32,
    pub(super) contact: &'a str,
    /// Further lines, each with its end.
    pub(super) more: &'a str,
    pub(super) sdp: &'a str,
}

impl Request<'_> {
    pub(super) fn text(&self) -> String {
        let (own, branch) = self.via;
        let kind = if self.sdp.is_empty() { "" } else { "Content-Type: application/sdp\r\n" };
        format!(
            "{method} {uri} SIP/2.0\r\nVia: SIP/2.0/UDP {own};branch={branch};rport\r\nMax-Forwards: 70\r\nFrom: {from}\r\n\
             To: {to}\r\nCall-ID: {call_id}\r\nCSeq: {cseq} {method}\r\nContact: {contact}\r\n{more}{kind}Content-Length: {length}\r\n\r\n{sdp}",
            method = self.method,
            uri = self.uri,
            from = self.from,
            to = self.to,
            call_id = self.call_id,
            cseq = self.cseq,
            contact = self.contact,
            more = self.more,
            length = self.sdp.len(),
            sdp = self.sdp,
        )
    }
}

/// An answer to a request; `None` when the request lacks what every request has.
pub(super) fn response(request: &Sip, status: &str, tag: &str, contact: &str, sdp: &str) -> Option<String> {
    let mut text = format!("SIP/2.0 {status}\r\n");
    for via in request.all("Via") {
        let _infallible = write!(text, "Via: {via}\r\n");
    }
    let to = request.header("To")?;
    let tag = if to.contains(";tag=") { String::new() } else { format!(";tag={tag}") };
    let kind = if sdp.is_empty() { "" } else { "Content-Type: application/sdp\r\n" };
    let _infallible = write!(
        text,
        "From: {}\r\nTo: {to}{tag}\r\nCall-ID: {}\r\nCSeq: {}\r\nContact: {contact}\r\n{kind}Content-Length: {}\r\n\r\n{sdp}",
        request.header("From")?,
        request.header("Call-ID")?,
        request.header("CSeq")?,
        sdp.len(),
    );
    Some(text)
}

/// The URI of `"Name" <uri>;parameters`.
pub(super) fn uri(header: &str) -> &str {
    header.split_once('<').map_or(header, |(_, rest)| rest).split('>').next().unwrap_or_default()
}

/// The digits of a URI's user.
pub(super) fn digits(header: &str) -> String {
    let user = uri(header).split('@').next().unwrap_or_default();
    user.chars().filter(char::is_ascii_digit).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_callers_digits_are_found_in_every_form() {
        assert_eq!(digits("\"Ann\" <sip:+15551000001@127.0.0.1:5060>;tag=x"), "15551000001");
        assert_eq!(digits("sip:15551000001@127.0.0.1"), "15551000001");
        assert_eq!(digits("<sip:anonymous@anonymous.invalid>"), "");
        assert_eq!(uri("<sip:asterisk@127.0.0.1:5060>"), "sip:asterisk@127.0.0.1:5060");
    }

    proptest! {
        #[test]
        fn no_header_is_too_strange(text in ".{0,60}") {
            let _ = (uri(&text), digits(&text));
        }
    }
}
