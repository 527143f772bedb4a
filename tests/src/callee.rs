//! Who is called through the trunk: a SIP server that answers, rings, is busy or has no such number, depending on the number. Who answers sends every packet
//! of audio back as it came, so that whoever talks with them hears their own tone, and by no other way.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::Result;
use tokio::net::UdpSocket;
use tokio::task::JoinHandle;

/// Answers.
pub const ANSWERS: &str = "+12125550123";
/// Is busy.
pub const BUSY: &str = "+12125550117";
/// Rings until the caller gives up.
pub const RINGS: &str = "+12125550180";
/// Does not exist.
pub const DEAD: &str = "+12125550104";

/// The outside world. Dropping it ends it without a word.
#[derive(Debug)]
pub struct Callee {
    /// Requests as they came in.
    seen: Arc<Mutex<Vec<String>>>,
    address: SocketAddr,
    tasks: [JoinHandle<()>; 2],
}

impl Drop for Callee {
    fn drop(&mut self) {
        for task in &self.tasks {
            task.abort();
        }
    }
}

impl Callee {
    /// Begins to listen.
    pub async fn start() -> Result<Self> {
        let socket = Arc::new(UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await?);
        let audio = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = socket.local_addr()?;
        let audio_port = audio.local_addr()?.port();
        let seen = Arc::new(Mutex::new(Vec::new()));
        let requests = Arc::clone(&seen);
        let signalling = tokio::spawn(async move {
            let mut buffer = vec![0; 8192];
            while let Ok((length, from)) = socket.recv_from(&mut buffer).await {
                let text = String::from_utf8_lossy(&buffer[..length]).into_owned();
                for answer in answers(&text, address, audio_port) {
                    let _ = socket.send_to(answer.as_bytes(), from).await;
                }
                requests.lock().unwrap_or_else(PoisonError::into_inner).push(text);
            }
        });
        let echo = tokio::spawn(async move {
            let mut packet = [0; 2_048];
            while let Ok((length, from)) = audio.recv_from(&mut packet).await {
                let _far_side_gone = audio.send_to(&packet[..length], from).await;
            }
        });
        Ok(Self { seen, address, tasks: [signalling, echo] })
    }

    /// How Asterisk reaches it: the gateway's `TRUNKLINE_OUTBOUND_TRUNK`.
    pub fn trunk(&self) -> String {
        format!("PJSIP/demo-trunk/sip:{{number}}@{}", self.address)
    }

    /// The requests of a method that came in.
    pub fn requests(&self, method: &str) -> Vec<String> {
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.iter().filter(|text| text.starts_with(method)).cloned().collect()
    }
}

/// What the server says to a request.
fn answers(request: &str, own: SocketAddr, audio_port: u16) -> Vec<String> {
    let header = |name: &str| request.lines().find(|line| line.starts_with(name)).unwrap_or_default().to_owned();
    let vias: Vec<&str> = request.lines().filter(|line| line.starts_with("Via:")).collect();
    let response = |status: &str, body: &str| {
        let to = header("To:");
        let tag = if to.contains(";tag=") { "" } else { ";tag=callee" };
        let kind = if body.is_empty() { "" } else { "Content-Type: application/sdp\r\n" };
        format!(
            "SIP/2.0 {status}\r\n{}\r\n{}\r\n{to}{tag}\r\n{}\r\n{}\r\nContact: <sip:callee@{own}>\r\n{kind}Content-Length: {}\r\n\r\n{body}",
            vias.join("\r\n"),
            header("From:"),
            header("Call-ID:"),
            header("CSeq:"),
            body.len(),
        )
    };
    let sdp = format!(
        "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio {audio_port} RTP/AVP 0\r\na=rtpmap:0 PCMU/8000\r\n"
    );
    match request.split(' ').next() {
        Some("INVITE") if request.contains(DEAD) => vec![response("404 Not Found", "")],
        Some("INVITE") if request.contains(BUSY) => vec![response("486 Busy Here", "")],
        Some("INVITE") if request.contains(RINGS) => vec![response("180 Ringing", "")],
        Some("INVITE") => vec![response("180 Ringing", ""), response("200 OK", &sdp)],
        // The INVITE that is given up is answered too; its CSeq has another method.
        Some("CANCEL") => {
            let terminated = response("487 Request Terminated", "").replace("CANCEL", "INVITE");
            vec![response("200 OK", ""), terminated]
        }
        Some("BYE" | "OPTIONS") => vec![response("200 OK", "")],
        _ => Vec::new(),
    }
}
