//! A desk phone that answers by itself and sends back every packet of audio as it comes: what the customer says is heard from the
//! agent's side, later by the way through Asterisk and back and by nothing else.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use tokio::net::UdpSocket;
use tokio::task::JoinHandle;

use crate::sip_socket::{Sip, digest, unique};

/// A phone that is signed in; dropping it ends it without a word.
#[derive(Debug)]
pub struct EchoPhone {
    tasks: [JoinHandle<()>; 2],
}

impl Drop for EchoPhone {
    fn drop(&mut self) {
        for task in &self.tasks {
            task.abort();
        }
    }
}

impl EchoPhone {
    /// Signs in over UDP.
    pub async fn sign_in(sip_port: u16, name: &str, password: &str) -> Result<Self> {
        let server = SocketAddr::from((Ipv4Addr::LOCALHOST, sip_port));
        let signalling = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let audio = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let own = signalling.local_addr()?;
        let contact = format!("<sip:{name}@{own}>");
        let audio_port = audio.local_addr()?.port();
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
            signalling.send_to(text.as_bytes(), server).await?;
            let answered = async {
                loop {
                    let (sip, from) = receive(&signalling).await?;
                    // Asterisk may ask whether the phone is there before it says that it is signed in.
                    match answer(&sip, &contact, audio_port) {
                        Some(text) => _ = signalling.send_to(text.as_bytes(), from).await?,
                        None => return anyhow::Ok(sip),
                    }
                }
            };
            let reply = tokio::time::timeout(Duration::from_secs(10), answered).await??;
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
        Ok(Self {
            tasks: [
                tokio::spawn(async move {
                    // A request that cannot be read is answered by nobody, and the test says what it waited for.
                    while let Ok((request, from)) = receive(&signalling).await {
                        if let Some(text) = answer(&request, &contact, audio_port)
                            && signalling.send_to(text.as_bytes(), from).await.is_err()
                        {
                            return;
                        }
                    }
                }),
                tokio::spawn(async move {
                    let mut packet = [0; 2_048];
                    while let Ok((length, from)) = audio.recv_from(&mut packet).await {
                        let _far_side_gone = audio.send_to(&packet[..length], from).await;
                    }
                }),
            ],
        })
    }
}

async fn receive(socket: &UdpSocket) -> Result<(Sip, SocketAddr)> {
    let mut buffer = vec![0; 8_192];
    let (length, from) = socket.recv_from(&mut buffer).await?;
    Ok((Sip::parse(std::str::from_utf8(&buffer[..length])?).context("no SIP")?, from))
}

/// What the phone says to a request; nothing to an ACK, and to answers.
fn answer(request: &Sip, contact: &str, audio_port: u16) -> Option<String> {
    let method = request.method().filter(|method| *method != "ACK")?;
    let sdp = if method == "INVITE" {
        format!(
            "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio {audio_port} RTP/AVP 0\r\n\
             a=rtpmap:0 PCMU/8000\r\na=ptime:20\r\na=sendrecv\r\n"
        )
    } else {
        String::new()
    };
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
