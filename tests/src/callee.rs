//! The outside world behind a trunk: a SIP server that answers, rings, speaks before the answer or is busy, depending on the number.

use std::collections::{BTreeSet, VecDeque};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use tokio::net::UdpSocket;
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use trunkline_stack::audio::{mu_law, tone};

use crate::sip_socket::Sip;
use crate::unique;

/// How long an INVITE may take to come.
const SOON: Duration = Duration::from_secs(15);
/// Samples of a packet: 20 ms.
const PACKET: usize = 160;

/// The side that is called.
#[derive(Debug)]
pub struct Callee {
    socket: Arc<UdpSocket>,
    address: SocketAddr,
    seen: Arc<Seen>,
    task: JoinHandle<()>,
}

#[derive(Debug, Default)]
struct Seen {
    /// Requests as they came in.
    requests: Mutex<Vec<String>>,
    /// Invitations that nobody has asked for yet.
    invitations: Mutex<VecDeque<Invitation>>,
    changed: Notify,
}

/// An INVITE that came.
#[derive(Debug, Clone)]
pub struct Invitation {
    invite: Sip,
    from: SocketAddr,
}

impl Drop for Callee {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Callee {
    /// Answers.
    pub const ANSWERS: &str = "+12125550123";
    /// Is busy.
    pub const BUSY: &str = "+12125550117";
    /// Rings until the caller gives up.
    pub const RINGS: &str = "+12125550180";
    /// Speaks before the answer, which does not come.
    pub const SPEAKS: &str = "+12125550183";
    /// What it speaks with, in Hz.
    pub const HZ: u32 = 700;

    /// Waits for calls.
    pub async fn start() -> Result<Self> {
        let socket = Arc::new(UdpSocket::bind("127.0.0.1:0").await?);
        let address = socket.local_addr()?;
        let seen = Arc::new(Seen::default());
        let task = tokio::spawn(serve(Arc::clone(&socket), address, Arc::clone(&seen)));
        Ok(Self { socket, address, seen, task })
    }

    /// The gateway's setting that leads here.
    pub fn trunk(&self) -> (String, String) {
        ("TRUNKLINE_OUTBOUND_TRUNK".to_owned(), format!("PJSIP/demo-trunk/sip:{{number}}@{}", self.address))
    }

    /// Every request of a method so far.
    pub fn requests(&self, method: &str) -> Vec<String> {
        let requests = self.seen.requests.lock().unwrap_or_else(PoisonError::into_inner);
        requests.iter().filter(|text| text.starts_with(method)).cloned().collect()
    }

    /// Waits for a call to a number by somebody who shows this one; each is given once.
    pub async fn invited(&self, number: &str, caller: &str) -> Result<Invitation> {
        let found = async {
            loop {
                let changed = self.seen.changed.notified();
                tokio::pin!(changed);
                // Registered before looking, so that nothing slips in between.
                changed.as_mut().enable();
                {
                    let mut all = self.seen.invitations.lock().unwrap_or_else(PoisonError::into_inner);
                    let wanted = |one: &Invitation| {
                        one.invite.first.contains(number)
                            && one.invite.header("From").is_some_and(|from| from.contains(caller))
                    };
                    if let Some(at) = all.iter().position(wanted) {
                        return all.remove(at);
                    }
                }
                changed.await;
            }
        };
        match tokio::time::timeout(SOON, found).await {
            Ok(invitation) => invitation.context("just found"),
            Err(_) => bail!("no call to {number} by {caller} within {SOON:?}"),
        }
    }

    /// Refuses a call that was not answered, as `486 Busy Here`.
    pub async fn refuse(&self, invitation: &Invitation, status: &str) -> Result<()> {
        let text = response(&invitation.invite, self.address, status, "").context("an INVITE without its headers")?;
        self.socket.send_to(text.as_bytes(), invitation.from).await?;
        Ok(())
    }

    /// Ends a call that was answered.
    pub async fn hang_up(&self, invitation: &Invitation) -> Result<()> {
        let invite = &invitation.invite;
        let target = invite.must("Contact")?.trim_start_matches('<').split('>').next().unwrap_or_default();
        let text = format!(
            "BYE {target} SIP/2.0\r\nVia: SIP/2.0/UDP {};branch={};rport\r\nMax-Forwards: 70\r\nTo: {}\r\nFrom: {};tag=callee\r\n\
             Call-ID: {}\r\nCSeq: 1 BYE\r\nContact: <sip:callee@{0}>\r\nContent-Length: 0\r\n\r\n",
            self.address,
            unique("z9hG4bK"),
            invite.must("From")?,
            invite.must("To")?,
            invite.must("Call-ID")?,
        );
        self.socket.send_to(text.as_bytes(), invitation.from).await?;
        Ok(())
    }
}

async fn serve(socket: Arc<UdpSocket>, own: SocketAddr, seen: Arc<Seen>) {
    let mut buffer = vec![0; 8_192];
    // An INVITE that comes once more, because our answer was slow, is the same call.
    let mut invited = BTreeSet::new();
    // Ends with this task.
    let mut speakers = tokio::task::JoinSet::new();
    while let Ok((length, from)) = socket.recv_from(&mut buffer).await {
        let text = String::from_utf8_lossy(&buffer[..length]).into_owned();
        let Ok(sip) = Sip::parse(&text) else { continue };
        let mut said = answers(&sip, own);
        if sip.method() == Some("INVITE") && invited.insert(sip.header("Call-ID").map(str::to_owned)) {
            if sip.first.contains(Callee::SPEAKS)
                && let Ok(audio) = UdpSocket::bind("127.0.0.1:0").await
                && let Ok(address) = audio.local_addr()
            {
                said.extend(response(&sip, own, "183 Session Progress", &sdp(address.port())));
                speakers.spawn(speak(audio, sip.clone()));
            }
            let invitation = Invitation { invite: sip, from };
            seen.invitations.lock().unwrap_or_else(PoisonError::into_inner).push_back(invitation);
        }
        for answer in said {
            let _ = socket.send_to(answer.as_bytes(), from).await;
        }
        seen.requests.lock().unwrap_or_else(PoisonError::into_inner).push(text);
        seen.changed.notify_waiters();
    }
}

/// What the server says to a request.
fn answers(request: &Sip, own: SocketAddr) -> Vec<String> {
    let say = |status: &str, body: &str| response(request, own, status, body);
    let answers = match request.method() {
        Some("INVITE") if request.first.contains(Callee::BUSY) => vec![say("486 Busy Here", "")],
        Some("INVITE") if request.first.contains(Callee::RINGS) => vec![say("180 Ringing", "")],
        Some("INVITE") if request.first.contains(Callee::SPEAKS) => Vec::new(),
        // The port that nobody listens at: whoever answers here says nothing.
        Some("INVITE") => vec![say("180 Ringing", ""), say("200 OK", &sdp(9))],
        // The INVITE that is given up is answered too; its CSeq has another method.
        Some("CANCEL") => {
            let terminated = say("487 Request Terminated", "").map(|text| text.replace("CANCEL", "INVITE"));
            vec![say("200 OK", ""), terminated]
        }
        Some("BYE" | "OPTIONS") => vec![say("200 OK", "")],
        _ => Vec::new(),
    };
    answers.into_iter().flatten().collect()
}

fn response(request: &Sip, own: SocketAddr, status: &str, body: &str) -> Option<String> {
    let vias = request.all("Via").fold(String::new(), |vias, via| vias + "Via: " + via + "\r\n");
    let to = request.header("To")?;
    let tag = if to.contains(";tag=") { "" } else { ";tag=callee" };
    let kind = if body.is_empty() { "" } else { "Content-Type: application/sdp\r\n" };
    Some(format!(
        "SIP/2.0 {status}\r\n{vias}From: {}\r\nTo: {to}{tag}\r\nCall-ID: {}\r\nCSeq: {}\r\nContact: <sip:callee@{own}>\r\n{kind}\
         Content-Length: {}\r\n\r\n{body}",
        request.header("From")?,
        request.header("Call-ID")?,
        request.header("CSeq")?,
        body.len(),
    ))
}

fn sdp(port: u16) -> String {
    format!(
        "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio {port} RTP/AVP 0\r\n\
         a=rtpmap:0 PCMU/8000\r\n"
    )
}

/// Sends the tone to where the offer says, until nobody is there.
async fn speak(audio: UdpSocket, invite: Sip) {
    let port =
        invite.body.lines().find_map(|line| line.strip_prefix("m=audio ")?.split(' ').next()?.parse::<u16>().ok());
    let Some(port) = port else { return };
    // One second holds a whole number of periods and of packets.
    let samples: Vec<u8> = tone(f64::from(Callee::HZ), 8_000, 1.0).into_iter().map(mu_law).collect();
    let mut clock = tokio::time::interval(Duration::from_millis(20));
    for (number, payload) in samples.chunks_exact(PACKET).cycle().enumerate().take(60 * 50) {
        clock.tick().await;
        let (sequence, time) = (number as u16, (number * PACKET) as u32);
        let mut packet = vec![0x80, 0];
        packet.extend(sequence.to_be_bytes());
        packet.extend(time.to_be_bytes());
        packet.extend(0x7472_756e_u32.to_be_bytes());
        packet.extend(payload);
        if audio.send_to(&packet, ("127.0.0.1", port)).await.is_err() {
            return;
        }
    }
}
