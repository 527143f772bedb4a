//! A phone that answers by itself, or calls, and sends back every packet of audio as it comes: what the other side says is heard from this one,
//! later by the way through Asterisk and back and by nothing else. Its keys can be pressed faster than any hand could.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use tokio::net::UdpSocket;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::sip_socket::{Sip, digest, unique};

/// How long an answer may take.
const SOON: Duration = Duration::from_secs(10);
/// The payload type of keys in our descriptions of sound.
const KEYS: u8 = 101;

/// How long a key among the sound is down, and up before the next one. Of shorter ones Asterisk makes keys of this length by itself, later and
/// more than once.
const PRESSED: Duration = Duration::from_millis(85);
const BETWEEN: Duration = Duration::from_millis(50);

/// How much sound is in a packet.
const PACKET: Duration = Duration::from_millis(20);

/// How pressed keys travel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keys {
    /// Among the sound (RFC 4733).
    Events,
    /// As SIP INFO.
    Info,
}

/// A phone; dropping it ends it without a word.
#[derive(Debug)]
pub struct EchoPhone {
    signalling: Arc<UdpSocket>,
    audio: Arc<UdpSocket>,
    server: SocketAddr,
    talk: Arc<Mutex<Option<Talk>>>,
    /// A key was pressed: from then on packets have numbers of our own, so that keys fit in between.
    pressed: Arc<AtomicBool>,
    /// What became of what it asked to transfer: the bodies of NOTIFY (RFC 3515 section 2.4.5).
    notified: watch::Sender<Vec<String>>,
    tasks: Vec<JoinHandle<()>>,
}

/// The call it is in.
#[derive(Debug, Clone)]
struct Talk {
    ours: String,
    theirs: String,
    target: String,
    call_id: String,
    audio_port: u16,
    cseq: u32,
    /// Number and time of the next packet.
    sequence: u16,
    time: u32,
    /// A key is down: as in most phones nothing else is sent meanwhile. Sound with a later time would end the key for Asterisk, and its own end
    /// would be another key.
    key_is_down: bool,
}

impl Drop for EchoPhone {
    fn drop(&mut self) {
        for task in &self.tasks {
            task.abort();
        }
    }
}

impl EchoPhone {
    async fn new(sip_port: u16) -> Result<Self> {
        Ok(Self {
            signalling: Arc::new(UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await?),
            audio: Arc::new(UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await?),
            server: SocketAddr::from((Ipv4Addr::LOCALHOST, sip_port)),
            talk: Arc::default(),
            pressed: Arc::default(),
            notified: watch::Sender::default(),
            tasks: Vec::new(),
        })
    }

    /// Signs in over UDP.
    pub async fn sign_in(sip_port: u16, name: &str, password: &str) -> Result<Self> {
        let mut phone = Self::new(sip_port).await?;
        let (server, own) = (phone.server, phone.signalling.local_addr()?);
        let contact = format!("<sip:{name}@{own}>");
        let uri = format!("sip:{server}");
        let call_id = unique("echo");
        let mut authorization = String::new();
        for cseq in 1..=2 {
            let text = format!(
                "REGISTER {uri} SIP/2.0\r\nVia: SIP/2.0/UDP {own};branch={};rport\r\nMax-Forwards: 70\r\n\
                 To: <sip:{name}@{server}>\r\nFrom: <sip:{name}@{server}>;tag={call_id}\r\nCall-ID: {call_id}\r\n\
                 CSeq: {cseq} REGISTER\r\nContact: <sip:{name}@{own}>;expires=600\r\n{authorization}Content-Length: 0\r\n\r\n",
                unique("z9hG4bK"),
            );
            phone.signalling.send_to(text.as_bytes(), server).await?;
            let reply = phone.reply(&contact).await?;
            match reply.status() {
                Some(401) => {
                    let credentials = digest(name, password, reply.must("WWW-Authenticate")?, "REGISTER", &uri)?;
                    authorization = format!("Authorization: {credentials}\r\n");
                }
                status => {
                    ensure!(status == Some(200), "REGISTER: {}", reply.first);
                    break;
                }
            }
        }
        phone.go_on(contact)?;
        Ok(phone)
    }

    /// Calls a number without signing in, and waits until somebody or something answers.
    pub async fn dial(sip_port: u16, from: &str, number: &str) -> Result<Self> {
        Self::call(sip_port, (from, None), number).await
    }

    /// The second line of a phone that has this name and password: calls a number, and waits for the answer.
    pub async fn second_line(sip_port: u16, (name, password): (&str, &str), number: &str) -> Result<Self> {
        Self::call(sip_port, (name, Some(password)), number).await
    }

    async fn call(sip_port: u16, (from, password): (&str, Option<&str>), number: &str) -> Result<Self> {
        let mut phone = Self::new(sip_port).await?;
        let (server, own) = (phone.server, phone.signalling.local_addr()?);
        let contact = format!("<sip:{from}@{own}>");
        let (call_id, tag) = (unique("echo"), unique("t"));
        let uri = format!("sip:{number}@{server}");
        let head = |method: &str, to: &str, cseq: u32, branch: &str| {
            format!(
                "{method} {uri} SIP/2.0\r\nVia: SIP/2.0/UDP {own};branch={branch};rport\r\nMax-Forwards: 70\r\nTo: {to}\r\n\
                 From: <sip:{from}@{own}>;tag={tag}\r\nCall-ID: {call_id}\r\nCSeq: {cseq} {method}\r\nContact: {contact}\r\n",
            )
        };
        let sdp = sdp(phone.audio.local_addr()?.port());
        let to = format!("<{uri}>");
        let (mut cseq, mut branch, mut authorization) = (1, unique("z9hG4bK"), String::new());
        let reply = 'answered: loop {
            let invite = head("INVITE", &to, cseq, &branch) + &authorization;
            let text = format!("{invite}Content-Type: application/sdp\r\nContent-Length: {}\r\n\r\n{sdp}", sdp.len());
            phone.signalling.send_to(text.as_bytes(), server).await?;
            loop {
                let reply = phone.reply(&contact).await?;
                match (reply.status(), password) {
                    (Some(100..=199), _) => {}
                    (Some(200), _) => break 'answered reply,
                    (Some(401), Some(password)) if cseq == 1 => {
                        // An ACK of what is no 2xx is of the same transaction (RFC 3261 section 17.1.1.3).
                        let ack = head("ACK", reply.must("To")?, cseq, &branch) + "Content-Length: 0\r\n\r\n";
                        phone.signalling.send_to(ack.as_bytes(), server).await?;
                        let credentials = digest(from, password, reply.must("WWW-Authenticate")?, "INVITE", &uri)?;
                        authorization = format!("Authorization: {credentials}\r\n");
                        (cseq, branch) = (2, unique("z9hG4bK"));
                        break;
                    }
                    _ => bail!("INVITE: {}", reply.first),
                }
            }
        };
        let theirs = reply.must("To")?.to_owned();
        let ack = head("ACK", &theirs, cseq, &unique("z9hG4bK")) + "Content-Length: 0\r\n\r\n";
        phone.signalling.send_to(ack.as_bytes(), server).await?;
        *phone.talk.lock().unwrap_or_else(PoisonError::into_inner) =
            Talk::new(&reply, format!("<sip:{from}@{own}>;tag={tag}"), theirs).map(|talk| Talk { cseq, ..talk });
        phone.go_on(contact)?;
        Ok(phone)
    }

    /// The next answer to a request of ours. Asterisk may ask whether the phone is there before.
    async fn reply(&self, contact: &str) -> Result<Sip> {
        let port = self.audio.local_addr()?.port();
        let answered = async {
            loop {
                let (sip, from) = receive(&self.signalling).await?;
                match answer(&sip, contact, port) {
                    Some(text) => _ = self.signalling.send_to(text.as_bytes(), from).await?,
                    None => return anyhow::Ok(sip),
                }
            }
        };
        tokio::time::timeout(SOON, answered).await?
    }

    /// Answers whatever comes, and sends back what is heard.
    fn go_on(&mut self, contact: String) -> Result<()> {
        let (signalling, audio) = (Arc::clone(&self.signalling), Arc::clone(&self.audio));
        let (talk, numbers, pressed) = (Arc::clone(&self.talk), Arc::clone(&self.talk), Arc::clone(&self.pressed));
        let (port, notified) = (audio.local_addr()?.port(), self.notified.clone());
        self.tasks = vec![
            tokio::spawn(async move {
                // A request that cannot be read is answered by nobody, and the test says what it waited for.
                while let Ok((request, from)) = receive(&signalling).await {
                    let Some(text) = answer(&request, &contact, port) else { continue };
                    if request.method() == Some("NOTIFY") {
                        notified.send_modify(|told| told.push(request.body.clone()));
                    }
                    if request.method() == Some("INVITE")
                        && let Ok(answer) = Sip::parse(&text)
                        && let (Some(ours), Some(theirs)) = (answer.header("To"), request.header("From"))
                    {
                        *talk.lock().unwrap_or_else(PoisonError::into_inner) =
                            Talk::new(&request, ours.to_owned(), theirs.to_owned());
                    }
                    if signalling.send_to(text.as_bytes(), from).await.is_err() {
                        return;
                    }
                }
            }),
            tokio::spawn(async move {
                let mut packet = [0; 2_048];
                while let Ok((length, from)) = audio.recv_from(&mut packet).await {
                    // A key of the other side's that came back would be a key pressed here.
                    if packet[1] & 0x7f == KEYS {
                        continue;
                    }
                    if pressed.load(Ordering::Relaxed)
                        && let Some(talk) = &mut *numbers.lock().unwrap_or_else(PoisonError::into_inner)
                    {
                        if talk.key_is_down {
                            continue;
                        }
                        packet[2..12].copy_from_slice(&talk.next_packet());
                        talk.time = talk.time.wrapping_add(160);
                    }
                    let _far_side_gone = audio.send_to(&packet[..length], from).await;
                }
            }),
        ];
        Ok(())
    }

    /// Presses keys, one after the other as fast as they can be told apart.
    pub async fn press(&self, digits: &str, keys: Keys) -> Result<()> {
        self.pressed.store(true, Ordering::Relaxed);
        for digit in digits.chars() {
            match keys {
                Keys::Events => self.send_event(digit).await?,
                Keys::Info => self.send_info(digit).await?,
            }
            // Sockets of this machine lose packets, too, where nobody gets around to reading them.
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        Ok(())
    }

    /// Speaks by itself for so long, whether it hears anything or not: a tone.
    pub async fn speak(&self, long: Duration) -> Result<()> {
        self.pressed.store(true, Ordering::Relaxed);
        let mut beat = tokio::time::interval(PACKET);
        for _ in 0..long.as_millis() / PACKET.as_millis() {
            beat.tick().await;
            let (port, packet) = self.talk(|talk| {
                let mut packet = vec![0x80, 0];
                packet.extend(talk.next_packet());
                // 500 Hz in PCMU: eight samples above, eight below.
                packet.extend((0..160).map(|at| if at % 16 < 8 { 0x90_u8 } else { 0x10 }));
                talk.time = talk.time.wrapping_add(160);
                (talk.audio_port, packet)
            })?;
            self.audio.send_to(&packet, (Ipv4Addr::LOCALHOST, port)).await?;
        }
        Ok(())
    }

    fn talk<T>(&self, with: impl FnOnce(&mut Talk) -> T) -> Result<T> {
        self.talk.lock().unwrap_or_else(PoisonError::into_inner).as_mut().map(with).context("in no call")
    }

    async fn send_event(&self, digit: char) -> Result<()> {
        let event = "0123456789*#ABCD".find(digit).and_then(|at| u8::try_from(at).ok()).context("no key")?;
        // Its beginning, then its end three times (RFC 4733 section 2.5.1.4).
        let (port, packets) = self.talk(|talk| {
            let packets =
                [(0x80, 0, 160_u16), (0, 0x80, 800), (0, 0x80, 800), (0, 0x80, 800)].map(|(begin, end, samples)| {
                    let mut packet = vec![0x80, begin | KEYS];
                    packet.extend(talk.next_packet());
                    packet.extend([event, end | 0x0a]);
                    packet.extend(samples.to_be_bytes());
                    packet
                });
            talk.key_is_down = true;
            (talk.audio_port, packets)
        })?;
        for (number, packet) in packets.iter().enumerate() {
            self.audio.send_to(packet, (Ipv4Addr::LOCALHOST, port)).await?;
            if number == 0 {
                tokio::time::sleep(PRESSED).await;
            }
        }
        self.talk(|talk| {
            talk.time = talk.time.wrapping_add(1_600);
            talk.key_is_down = false;
        })?;
        tokio::time::sleep(BETWEEN).await;
        Ok(())
    }

    async fn send_info(&self, digit: char) -> Result<()> {
        let body = format!("Signal={digit}\r\nDuration=100\r\n");
        let text = self.request("INFO", "Content-Type: application/dtmf-relay\r\n", &body)?;
        self.signalling.send_to(text.as_bytes(), self.server).await?;
        Ok(())
    }

    /// A request of the call it is in.
    fn request(&self, method: &str, headers: &str, body: &str) -> Result<String> {
        let own = self.signalling.local_addr()?;
        self.talk(|talk| {
            talk.cseq += 1;
            format!(
                "{method} {} SIP/2.0\r\nVia: SIP/2.0/UDP {own};branch={};rport\r\nMax-Forwards: 70\r\nTo: {}\r\nFrom: {}\r\n\
                 Call-ID: {}\r\nCSeq: {} {method}\r\n{headers}Content-Length: {}\r\n\r\n{body}",
                talk.target,
                unique("z9hG4bK"),
                talk.theirs,
                talk.ours,
                talk.call_id,
                talk.cseq,
                body.len(),
            )
        })
    }

    /// Asks the other side to call a number in its place (REFER); after asking there, with `second`, to take that line's place.
    pub async fn refer(&self, number: &str, second: Option<&Self>) -> Result<()> {
        let replaces = second.map(|second| second.talk(Talk::replaces)).transpose()?.flatten();
        let replaces = replaces.map(|text| format!("?Replaces={text}")).unwrap_or_default();
        let by = self.talk(|talk| talk.ours.split(';').next().unwrap_or_default().to_owned())?;
        let headers =
            format!("Refer-To: <sip:{number}@{}{replaces}>\r\nReferred-By: {by}\r\nContact: {by}\r\n", self.server);
        self.notified.send_modify(Vec::clear);
        let refer = self.request("REFER", &headers, "")?;
        self.signalling.send_to(refer.as_bytes(), self.server).await?;
        Ok(())
    }

    /// Waits until it is told how its transfer ended: the status line.
    pub async fn told_of_transfer(&self) -> Result<String> {
        let mut told = self.notified.subscribe();
        let last = |told: &Vec<String>| told.iter().rev().find(|line| !line.starts_with("SIP/2.0 1")).cloned();
        let told = tokio::time::timeout(SOON, told.wait_for(|told| last(told).is_some())).await??;
        Ok(last(&told).unwrap_or_default().trim().to_owned())
    }

    /// Waits until it is told this by a NOTIFY, after whatever it was told before.
    pub async fn told(&self, words: &str) -> Result<()> {
        let mut told = self.notified.subscribe();
        let says = |told: &Vec<String>| told.iter().position(|body| body.contains(words));
        let found = tokio::time::timeout(SOON, told.wait_for(|told| says(told).is_some())).await;
        let at = found.with_context(|| format!("not told: {words}"))?.map(|told| says(&told))?;
        self.notified.send_modify(|told| drop(told.drain(..=at.unwrap_or_default())));
        Ok(())
    }

    /// Hangs up.
    pub async fn hang_up(&self) -> Result<()> {
        let bye = self.request("BYE", "", "")?;
        self.signalling.send_to(bye.as_bytes(), self.server).await?;
        Ok(())
    }
}

impl Talk {
    /// Number, time and source of the next packet (RFC 3550 section 5.1).
    fn next_packet(&mut self) -> [u8; 10] {
        let mut head = [0; 10];
        head[..2].copy_from_slice(&self.sequence.to_be_bytes());
        head[2..6].copy_from_slice(&self.time.to_be_bytes());
        head[6..].copy_from_slice(b"keys");
        self.sequence = self.sequence.wrapping_add(1);
        head
    }

    /// This dialog as the other side knows it, for a Refer-To (RFC 3891 section 3).
    fn replaces(&mut self) -> Option<String> {
        let tag = |of: &str| of.split_once(";tag=").map(|(_, tag)| tag.split(';').next().unwrap_or(tag).to_owned());
        Some(format!("{}%3Bto-tag%3D{}%3Bfrom-tag%3D{}", self.call_id, tag(&self.theirs)?, tag(&self.ours)?))
    }

    /// What their message says of where they are, if it says all of it.
    fn new(message: &Sip, ours: String, theirs: String) -> Option<Self> {
        let target = message.header("Contact")?.trim_start_matches('<').split('>').next()?.to_owned();
        let media = message.body.lines().find_map(|line| line.strip_prefix("m=audio "))?;
        Some(Self {
            ours,
            theirs,
            target,
            call_id: message.header("Call-ID")?.to_owned(),
            audio_port: media.split(' ').next()?.parse().ok()?,
            cseq: 1,
            sequence: 1,
            time: 1,
            key_is_down: false,
        })
    }
}

async fn receive(socket: &UdpSocket) -> Result<(Sip, SocketAddr)> {
    let mut buffer = vec![0; 8_192];
    let (length, from) = socket.recv_from(&mut buffer).await?;
    Ok((Sip::parse(std::str::from_utf8(&buffer[..length])?).context("no SIP")?, from))
}

fn sdp(audio_port: u16) -> String {
    format!(
        "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio {audio_port} RTP/AVP 0 {KEYS}\r\n\
         a=rtpmap:0 PCMU/8000\r\na=rtpmap:{KEYS} telephone-event/8000\r\na=fmtp:{KEYS} 0-15\r\na=ptime:20\r\na=sendrecv\r\n"
    )
}

/// What the phone says to a request; nothing to an ACK, and to answers.
fn answer(request: &Sip, contact: &str, audio_port: u16) -> Option<String> {
    let method = request.method().filter(|method| *method != "ACK")?;
    let sdp = if method == "INVITE" { sdp(audio_port) } else { String::new() };
    let vias = request.all("Via").fold(String::new(), |vias, via| vias + "Via: " + via + "\r\n");
    let to = request.header("To")?;
    // The same for all requests of a dialog that has none yet.
    let tag = if to.contains(";tag=") { "" } else { ";tag=echo" };
    let kind = if sdp.is_empty() { "" } else { "Content-Type: application/sdp\r\n" };
    Some(format!(
        "SIP/2.0 200 OK\r\n{vias}To: {to}{tag}\r\nFrom: {}\r\nCall-ID: {}\r\nCSeq: {}\r\nContact: {contact}\r\n{kind}\
         Content-Length: {}\r\n\r\n{sdp}",
        request.header("From")?,
        request.header("Call-ID")?,
        request.header("CSeq")?,
        sdp.len(),
    ))
}
