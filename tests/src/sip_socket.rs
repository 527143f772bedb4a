//! A browser's half of SIP over WebSocket (RFC 7118), as much of it as tests need: it signs in, is rung, answers, holds and
//! hangs up. Its SDP promises a certificate that it does not have: calls come about, sound does not.

use std::fmt::Write as _;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use futures_util::{SinkExt as _, StreamExt as _};
use md5::{Digest as _, Md5};
use serde_json::Value;
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::{self, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream};

/// How long an answer may take.
const SOON: Duration = Duration::from_secs(15);

/// One SIP message.
#[derive(Debug, Clone)]
pub struct Sip {
    /// The request or status line.
    pub first: String,
    headers: Vec<(String, String)>,
    /// The SDP, if any.
    pub body: String,
}

impl Sip {
    /// Reads a message.
    pub fn parse(text: &str) -> Result<Self> {
        let (head, body) = text.split_once("\r\n\r\n").context("no end of the headers")?;
        let mut lines = head.split("\r\n");
        let first = lines.next().unwrap_or_default().to_owned();
        let headers = lines
            .map(|line| line.split_once(':').map(|(name, value)| (name.trim().to_owned(), value.trim().to_owned())))
            .collect::<Option<Vec<_>>>()
            .with_context(|| format!("a line without a colon in {head:?}"))?;
        Ok(Self { first, headers, body: body.to_owned() })
    }

    /// A header's first value.
    pub fn header(&self, wanted: &str) -> Option<&str> {
        self.headers.iter().find(|(name, _)| name.eq_ignore_ascii_case(wanted)).map(|(_, value)| value.as_str())
    }

    /// A header's first value, which has to be there.
    pub fn must(&self, wanted: &str) -> Result<&str> {
        self.header(wanted).with_context(|| format!("no {wanted} in {self:?}"))
    }

    /// All values of a header, in order.
    pub fn all<'a>(&'a self, wanted: &'a str) -> impl Iterator<Item = &'a str> {
        self.headers.iter().filter(move |(name, _)| name.eq_ignore_ascii_case(wanted)).map(|(_, value)| value.as_str())
    }

    /// The method of a request; none for a response.
    pub fn method(&self) -> Option<&str> {
        self.first.split_once(' ').map(|(method, _)| method).filter(|method| *method != "SIP/2.0")
    }

    /// The code of a response; none for a request.
    pub fn status(&self) -> Option<u16> {
        self.first.strip_prefix("SIP/2.0 ")?.get(..3)?.parse().ok()
    }
}

/// A call that was answered here.
#[derive(Debug, Clone)]
pub struct Dialog {
    /// SIP's own id of it.
    pub call_id: String,
    ours: String,
    theirs: String,
    target: String,
    mid: String,
    cseq: u32,
    offers: u32,
}

/// A browser's SIP socket.
#[derive(Debug)]
pub struct SipSocket {
    socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
    name: String,
    password: String,
    domain: String,
    /// Another for each socket, as of a page that was loaded anew.
    host: String,
    registrations: u32,
}

/// Opens a WebSocket for SIP as a page at `origin` would; a refusal comes back as its status.
pub async fn open_sip(
    url: &str,
    origin: &str,
    protocol: Option<&str>,
) -> Result<Result<WebSocketStream<MaybeTlsStream<TcpStream>>, u16>> {
    let mut request = url.into_client_request()?;
    request.headers_mut().insert("origin", origin.parse()?);
    if let Some(protocol) = protocol {
        request.headers_mut().insert("sec-websocket-protocol", protocol.parse()?);
    }
    match tokio_tungstenite::connect_async(request).await {
        Ok((socket, _)) => Ok(Ok(socket)),
        Err(tungstenite::Error::Http(answer)) => Ok(Err(answer.status().as_u16())),
        Err(error) => Err(error.into()),
    }
}

impl SipSocket {
    /// Opens the socket of a session (the answer to `POST /softphone/session`).
    pub async fn open(session: &Value) -> Result<Self> {
        let text = |name: &str| session[name].as_str().map(str::to_owned).with_context(|| format!("no {name}"));
        let url = text("ws_url")?;
        let origin = url.split("/ws/").next().unwrap_or_default().replacen("ws", "http", 1);
        let socket = match open_sip(&url, &origin, Some("sip")).await? {
            Ok(socket) => socket,
            Err(status) => bail!("the socket was refused: {status}"),
        };
        let uri = text("sip_uri")?;
        Ok(Self {
            socket,
            name: text("username")?,
            password: text("password")?,
            domain: uri.rsplit('@').next().unwrap_or_default().to_owned(),
            host: format!("{}.invalid", unique("h")),
            registrations: 0,
        })
    }

    /// Speaks in another name from now on.
    pub fn pretend(&mut self, name: &str, password: &str) {
        (self.name, self.password) = (name.to_owned(), password.to_owned());
    }

    /// Signs in; gives the code of the last answer.
    pub async fn register(&mut self) -> Result<u16> {
        let call_id = unique("reg");
        let first = self.send_register(&call_id, None).await?;
        if first.status() != Some(401) {
            return first.status().context("no status");
        }
        let challenge = first.must("WWW-Authenticate")?.to_owned();
        let uri = format!("sip:{}", self.domain);
        let credentials = digest(&self.name, &self.password, &challenge, "REGISTER", &uri)?;
        self.send_register(&call_id, Some(&credentials)).await?.status().context("no status")
    }

    async fn send_register(&mut self, call_id: &str, credentials: Option<&str>) -> Result<Sip> {
        self.registrations += 1;
        let (name, domain, host) = (&self.name, &self.domain, &self.host);
        let authorization = credentials.map(|text| format!("Authorization: {text}\r\n")).unwrap_or_default();
        let cseq = self.registrations;
        let text = format!(
            "REGISTER sip:{domain} SIP/2.0\r\nVia: SIP/2.0/WS {host};branch={}\r\nMax-Forwards: 69\r\n\
             To: <sip:{name}@{domain}>\r\nFrom: <sip:{name}@{domain}>;tag={call_id}\r\nCall-ID: {call_id}\r\n\
             CSeq: {cseq} REGISTER\r\nContact: <sip:{name}@{host};transport=ws>;expires=600\r\n{authorization}\
             Content-Length: 0\r\n\r\n",
            unique("z9hG4bK"),
        );
        self.say(text).await?;
        self.wait("an answer to REGISTER", |sip| {
            sip.header("Call-ID") == Some(call_id)
                && sip.header("CSeq").is_some_and(|value| value.starts_with(&format!("{cseq} ")))
        })
        .await
    }

    /// Sends text as it is.
    pub async fn say(&mut self, text: String) -> Result<()> {
        Ok(self.socket.send(Message::text(text)).await?)
    }

    /// Waits for a message, and answers what a phone answers by itself meanwhile.
    pub async fn wait(&mut self, what: &str, mut wanted: impl FnMut(&Sip) -> bool) -> Result<Sip> {
        let found = async {
            loop {
                let message = self.socket.next().await.context("the socket ended")??;
                let text = match &message {
                    Message::Text(text) => text.as_str(),
                    Message::Binary(bytes) => std::str::from_utf8(bytes)?,
                    Message::Close(frame) => bail!("the socket was closed: {frame:?}"),
                    _ => continue,
                };
                let sip = Sip::parse(text)?;
                if wanted(&sip) {
                    return Ok(sip);
                }
                if matches!(sip.method(), Some("OPTIONS" | "NOTIFY" | "BYE" | "CANCEL" | "UPDATE")) {
                    self.respond(&sip, "200 OK").await?;
                }
            }
        };
        match tokio::time::timeout(SOON, found).await {
            Ok(found) => found.with_context(|| format!("waiting for {what}")),
            Err(_) => bail!("no {what} within {SOON:?}"),
        }
    }

    /// Waits until it is rung.
    pub async fn ring(&mut self) -> Result<Sip> {
        self.wait("an INVITE", |sip| sip.method() == Some("INVITE")).await
    }

    /// Waits until the other side hangs up, and agrees.
    pub async fn hung_up(&mut self, dialog: &Dialog) -> Result<()> {
        let bye = self
            .wait("a BYE", |sip| sip.method() == Some("BYE") && sip.header("Call-ID") == Some(&dialog.call_id))
            .await?;
        self.respond(&bye, "200 OK").await
    }

    /// The close code of the socket, which has to be closed now.
    pub async fn closed(&mut self) -> Result<u16> {
        let end = async {
            loop {
                if let Message::Close(frame) = self.socket.next().await.context("ended without a close")?? {
                    return frame.map(|frame| frame.code.into()).context("no code");
                }
            }
        };
        tokio::time::timeout(SOON, end).await.context("the socket stays open")?
    }

    /// Answers a request without a body.
    pub async fn respond(&mut self, request: &Sip, status: &str) -> Result<()> {
        let text = format!("{}Content-Length: 0\r\n\r\n", self.response_head(request, status, &unique("t"))?);
        self.say(text).await
    }

    fn response_head(&self, request: &Sip, status: &str, tag: &str) -> Result<String> {
        let mut text = format!("SIP/2.0 {status}\r\n");
        for value in request.all("Via") {
            let _ = write!(text, "Via: {value}\r\n");
        }
        let to = request.must("To")?;
        let tag = if to.contains(";tag=") { String::new() } else { format!(";tag={tag}") };
        let _ = write!(
            text,
            "To: {to}{tag}\r\nFrom: {}\r\nCall-ID: {}\r\nCSeq: {}\r\nContact: {}\r\n",
            request.must("From")?,
            request.must("Call-ID")?,
            request.must("CSeq")?,
            self.contact(),
        );
        Ok(text)
    }

    fn contact(&self) -> String {
        format!("<sip:{}@{};transport=ws>", self.name, self.host)
    }

    /// Answers a ring, and waits until the answer has arrived.
    pub async fn answer(&mut self, invite: &Sip) -> Result<Dialog> {
        let tag = unique("t");
        let mid = invite
            .body
            .lines()
            .find_map(|line| line.strip_prefix("a=mid:"))
            .context("the offer has no mid: no WebRTC")?
            .trim()
            .to_owned();
        let sdp = sdp(&mid, "active", "sendrecv", 1);
        let text = format!(
            "{}Content-Type: application/sdp\r\nContent-Length: {}\r\n\r\n{sdp}",
            self.response_head(invite, "200 OK", &tag)?,
            sdp.len()
        );
        self.say(text).await?;
        let call_id = invite.must("Call-ID")?.to_owned();
        let acknowledged =
            self.wait("an ACK", |sip| sip.method() == Some("ACK") && sip.header("Call-ID") == Some(&call_id)).await?;
        drop(acknowledged);
        let target = invite.must("Contact")?;
        Ok(Dialog {
            ours: format!("{};tag={tag}", invite.must("To")?),
            theirs: invite.must("From")?.to_owned(),
            target: target.trim_start_matches('<').split('>').next().unwrap_or_default().to_owned(),
            call_id,
            mid,
            cseq: 0,
            offers: 1,
        })
    }

    fn request(&self, dialog: &mut Dialog, method: &str, cseq: Option<u32>, sdp: Option<&str>) -> String {
        if cseq.is_none() {
            dialog.cseq += 1;
        }
        let kind = sdp.map(|_| "Content-Type: application/sdp\r\n").unwrap_or_default();
        format!(
            "{method} {} SIP/2.0\r\nVia: SIP/2.0/WS {};branch={}\r\nMax-Forwards: 69\r\nTo: {}\r\nFrom: {}\r\n\
             Call-ID: {}\r\nCSeq: {} {method}\r\nContact: {}\r\n{kind}Content-Length: {}\r\n\r\n{}",
            dialog.target,
            self.host,
            unique("z9hG4bK"),
            dialog.theirs,
            dialog.ours,
            dialog.call_id,
            cseq.unwrap_or(dialog.cseq),
            self.contact(),
            sdp.map_or(0, str::len),
            sdp.unwrap_or_default(),
        )
    }

    /// Puts the other side on hold, or takes it back: a re-INVITE, which also tells where this phone is now.
    pub async fn set_held(&mut self, dialog: &mut Dialog, held: bool) -> Result<()> {
        dialog.offers += 1;
        let sdp = sdp(&dialog.mid, "actpass", if held { "sendonly" } else { "sendrecv" }, dialog.offers);
        let invite = self.request(dialog, "INVITE", None, Some(&sdp));
        self.say(invite).await?;
        let wanted = format!("{} INVITE", dialog.cseq);
        let answer = self
            .wait("an answer to the re-INVITE", |sip| {
                sip.status().is_some_and(|status| status >= 200) && sip.header("CSeq") == Some(wanted.as_str())
            })
            .await?;
        let cseq = dialog.cseq;
        let ack = self.request(dialog, "ACK", Some(cseq), None);
        self.say(ack).await?;
        ensure!(answer.status() == Some(200), "{}", answer.first);
        Ok(())
    }

    /// Hangs up.
    pub async fn hang_up(&mut self, dialog: &mut Dialog) -> Result<()> {
        let bye = self.request(dialog, "BYE", None, None);
        self.say(bye).await?;
        let wanted = format!("{} BYE", dialog.cseq);
        let answer = self.wait("an answer to BYE", |sip| sip.header("CSeq") == Some(wanted.as_str())).await?;
        ensure!(answer.status() == Some(200), "{}", answer.first);
        Ok(())
    }
}

/// WebRTC's form of a description, with PCMU.
fn sdp(mid: &str, setup: &str, direction: &str, version: u32) -> String {
    let fingerprint = ["5A"; 32].join(":");
    format!(
        "v=0\r\no=- 4611 {version} IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE {mid}\r\n\
         m=audio 9 UDP/TLS/RTP/SAVPF 0\r\nc=IN IP4 127.0.0.1\r\na=rtpmap:0 PCMU/8000\r\na=mid:{mid}\r\na={direction}\r\n\
         a=rtcp-mux\r\na=ice-ufrag:test\r\na=ice-pwd:aaaaaaaaaaaaaaaaaaaaaaaa\r\na=fingerprint:sha-256 {fingerprint}\r\n\
         a=setup:{setup}\r\n"
    )
}

/// The answer to a challenge (RFC 2617 section 3.2.2, with qop=auth).
pub fn digest(name: &str, password: &str, challenge: &str, method: &str, uri: &str) -> Result<String> {
    let value = |wanted: &str| {
        let rest = challenge.split_once(&format!("{wanted}=\""))?.1;
        rest.split_once('"').map(|(value, _)| value.to_owned())
    };
    let (realm, nonce) = (value("realm").context("no realm")?, value("nonce").context("no nonce")?);
    let ha1 = md5_hex(&format!("{name}:{realm}:{password}"));
    let ha2 = md5_hex(&format!("{method}:{uri}"));
    let cnonce = unique("c");
    let response = md5_hex(&format!("{ha1}:{nonce}:00000001:{cnonce}:auth:{ha2}"));
    let opaque = value("opaque").map(|opaque| format!(", opaque=\"{opaque}\"")).unwrap_or_default();
    Ok(format!(
        "Digest username=\"{name}\", realm=\"{realm}\", nonce=\"{nonce}\", uri=\"{uri}\", response=\"{response}\", \
         algorithm=MD5, qop=auth, nc=00000001, cnonce=\"{cnonce}\"{opaque}"
    ))
}

/// A word that no other call in this process, nor one in another, has.
pub fn unique(prefix: &str) -> String {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    format!("{prefix}{}x{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed))
}

fn md5_hex(text: &str) -> String {
    Md5::digest(text.as_bytes()).iter().fold(String::new(), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}
