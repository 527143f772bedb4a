//! Addresses that keep failing to sign in are limited, and only they.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::{Duration, Instant};

use tokio::net::UdpSocket;
use trunkline_stack::{Sipp, SippCall, Stack, StackOptions};

/// A guesser at an address of loopback: it answers Asterisk's challenge with nonsense.
struct Guesser {
    socket: UdpSocket,
    server: SocketAddr,
    count: u32,
}

impl Guesser {
    async fn at(address: [u8; 4], sip_port: u16) -> Self {
        let socket = UdpSocket::bind((Ipv4Addr::from(address), 0)).await.unwrap();
        Self { socket, server: SocketAddr::from((Ipv4Addr::LOCALHOST, sip_port)), count: 0 }
    }

    /// One REGISTER; the status of its answer and the nonce of a challenge.
    async fn register(&mut self, authorization: &str) -> (u16, Option<String>) {
        self.count += 1;
        let (own, server, count) = (self.socket.local_addr().unwrap(), self.server, self.count);
        let request = format!(
            "REGISTER sip:{server} SIP/2.0\r\nVia: SIP/2.0/UDP {own};branch=z9hG4bKguess{count};rport\r\nFrom: <sip:demo-guess@{server}>;tag=1\r\n\
             To: <sip:demo-guess@{server}>\r\nCall-ID: guess{count}@{own}\r\nCSeq: {count} REGISTER\r\nContact: <sip:demo-guess@{own}>\r\nMax-Forwards: 70\r\n\
             {authorization}Content-Length: 0\r\n\r\n"
        );
        self.socket.send_to(request.as_bytes(), server).await.unwrap();
        let mut buffer = vec![0; 4096];
        let read = tokio::time::timeout(Duration::from_secs(5), self.socket.recv(&mut buffer))
            .await
            .expect("an answer")
            .unwrap();
        let answer = String::from_utf8_lossy(&buffer[..read]).into_owned();
        let status = answer.split(' ').nth(1).unwrap().parse().unwrap();
        let nonce = answer.split("nonce=\"").nth(1).and_then(|rest| rest.split('"').next()).map(str::to_owned);
        (status, nonce)
    }

    /// Asks for a challenge and fails it; the status of the last answer.
    async fn guess(&mut self) -> u16 {
        let (status, nonce) = self.register("").await;
        let Some(nonce) = nonce else { return status };
        let server = self.server;
        let authorization = format!(
            "Authorization: Digest username=\"demo-guess\", realm=\"trunkline\", nonce=\"{nonce}\", uri=\"sip:{server}\", response=\"{}\", algorithm=MD5\r\n",
            "0".repeat(32)
        );
        self.register(&authorization).await.0
    }
}

#[tokio::test]
async fn who_guesses_passwords_is_barred_and_nobody_else_is() {
    let stack = Stack::start(StackOptions::default()).await.unwrap();
    let sip_port = stack.asterisk.sip_port();
    let mut guesser = Guesser::at([127, 0, 0, 66], sip_port).await;
    let started = Instant::now();
    let mut guesses = 0;
    while guesser.guess().await != 403 {
        guesses += 1;
        assert!(started.elapsed() < Duration::from_secs(20), "{guesses} guesses and no end");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    // Ten, and what was under way until Asterisk had been told.
    assert!((9..40).contains(&guesses), "{guesses}");

    let mut neighbour = Guesser::at([127, 0, 0, 67], sip_port).await;
    assert_eq!(neighbour.register("").await.0, 401);
    let call = SippCall::new(sip_port, "+15550100", Duration::from_secs(1));
    let sipp = Sipp::start(&stack.dir().join("sipp"), &call).unwrap().wait().await.unwrap();
    assert_eq!((sipp.succeeded, sipp.failed), (1, 0), "{}", sipp.errors);
    assert_eq!(guesser.guess().await, 403);
}
