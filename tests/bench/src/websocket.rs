//! As much of RFC 6455 as a load driver and a send loop need, without a socket.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha1::{Digest as _, Sha1};

/// Opcode of a text frame.
pub(crate) const TEXT: u8 = 0x1;
/// Opcode of a close frame.
pub(crate) const CLOSE: u8 = 0x8;
/// Opcode of a ping.
pub(crate) const PING: u8 = 0x9;
/// Opcode of a pong.
pub(crate) const PONG: u8 = 0xA;

/// RFC 6455 §1.3.
const ACCEPT_GUID: &str = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
/// Any 16 bytes will do: nobody caches here.
const KEY: &str = "AAAAAAAAAAAAAAAAAAAAAA==";

/// A client's opening request.
pub(crate) fn upgrade_request(path: &str, headers: &str) -> Vec<u8> {
    format!(
        "GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {KEY}\r\n{headers}\r\n"
    )
    .into_bytes()
}

/// A server's answer to a request with that key.
pub(crate) fn upgrade_answer(key: &str) -> Vec<u8> {
    let digest = Sha1::new().chain_update(key).chain_update(ACCEPT_GUID).finalize();
    format!(
        "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Accept: {}\r\n\r\n",
        STANDARD.encode(digest)
    )
    .into_bytes()
}

/// A whole frame of a server: final, not masked.
pub(crate) fn server_frame(opcode: u8, payload: &[u8]) -> Vec<u8> {
    let mut frame = Vec::with_capacity(payload.len() + 10);
    push_header(&mut frame, opcode, payload.len(), false);
    frame.extend_from_slice(payload);
    frame
}

/// A whole frame of a client. The mask is all zero, which the RFC allows and which leaves the payload as it is.
pub(crate) fn client_frame(opcode: u8, payload: &[u8]) -> Vec<u8> {
    let mut frame = Vec::with_capacity(payload.len() + 14);
    push_header(&mut frame, opcode, payload.len(), true);
    frame.extend_from_slice(&[0; 4]);
    frame.extend_from_slice(payload);
    frame
}

fn push_header(frame: &mut Vec<u8>, opcode: u8, length: usize, masked: bool) {
    let mask = if masked { 0x80 } else { 0 };
    frame.push(0x80 | opcode);
    if length < 126 {
        frame.push(mask | length as u8);
    } else if let Ok(short) = u16::try_from(length) {
        frame.push(mask | 0x7E);
        frame.extend_from_slice(&short.to_be_bytes());
    } else {
        frame.push(mask | 0x7F);
        frame.extend_from_slice(&(length as u64).to_be_bytes());
    }
}

/// A server's frame within the bytes that were read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Frame<'a> {
    pub(crate) opcode: u8,
    pub(crate) payload: &'a [u8],
    /// Bytes that the frame takes, header and all.
    pub(crate) size: usize,
}

/// What a server may not send.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the server sent a masked or fragmented frame, or used an extension")]
pub(crate) struct BadFrame;

/// The frame at the beginning of `bytes`; `None` while a part of it is missing. Servers mask nothing, and none of those that are
/// measured here splits messages or uses extensions.
pub(crate) fn parse_frame(bytes: &[u8]) -> Result<Option<Frame<'_>>, BadFrame> {
    let [first, second, rest @ ..] = bytes else { return Ok(None) };
    if first & 0xF0 != 0x80 || second & 0x80 != 0 {
        return Err(BadFrame);
    }
    let (length, header) = match second {
        126 => match rest.first_chunk::<2>() {
            Some(bytes) => (u64::from(u16::from_be_bytes(*bytes)), 4),
            None => return Ok(None),
        },
        127 => match rest.first_chunk::<8>() {
            Some(bytes) => (u64::from_be_bytes(*bytes), 10),
            None => return Ok(None),
        },
        short => (u64::from(*short), 2),
    };
    let size = usize::try_from(length).ok().and_then(|length| length.checked_add(header)).ok_or(BadFrame)?;
    Ok(bytes.get(header..size).map(|payload| Frame { opcode: first & 0x0F, payload, size }))
}

/// Cuts frames out of bytes as they come; keeps bytes only while a frame is incomplete.
#[derive(Debug, Default)]
pub(crate) struct Frames {
    partial: Vec<u8>,
}

impl Frames {
    /// Takes `input` and hands each whole frame to `sink`, in order.
    pub(crate) fn take<E: From<BadFrame>>(
        &mut self,
        input: &[u8],
        mut sink: impl FnMut(Frame<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        if self.partial.is_empty() {
            let used = take_whole(input, &mut sink)?;
            self.partial.extend_from_slice(&input[used..]);
            return Ok(());
        }
        self.partial.extend_from_slice(input);
        let used = take_whole(&self.partial, &mut sink)?;
        self.partial.drain(..used);
        if self.partial.is_empty() {
            self.partial = Vec::new();
        }
        Ok(())
    }
}

fn take_whole<E: From<BadFrame>>(bytes: &[u8], sink: &mut impl FnMut(Frame<'_>) -> Result<(), E>) -> Result<usize, E> {
    let mut used = 0;
    while let Some(frame) = parse_frame(&bytes[used..])? {
        used += frame.size;
        sink(frame)?;
    }
    Ok(used)
}

/// Length of an HTTP head at the beginning of `bytes`, with its empty line; `None` while it is incomplete.
pub(crate) fn head_length(bytes: &[u8]) -> Option<usize> {
    bytes.windows(4).position(|window| window == b"\r\n\r\n").map(|at| at + 4)
}

/// A header's value in an HTTP head.
pub(crate) fn header<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    head.lines().skip(1).find_map(|line| {
        let (key, value) = line.split_once(':')?;
        key.eq_ignore_ascii_case(name).then(|| value.trim())
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn in_pieces(bytes: &[u8], piece: usize) -> Result<Vec<(u8, Vec<u8>)>, BadFrame> {
        let mut frames = Frames::default();
        let mut all = Vec::new();
        for chunk in bytes.chunks(piece) {
            frames.take(chunk, |frame| {
                all.push((frame.opcode, frame.payload.to_vec()));
                Ok(())
            })?;
        }
        assert!(frames.partial.is_empty(), "nothing is left over");
        Ok(all)
    }

    #[test]
    fn the_examples_of_the_rfc_are_read() {
        // RFC 6455 §5.7: an unmasked text message; and 256 bytes of binary.
        let hello = [0x81, 0x05, 0x48, 0x65, 0x6c, 0x6c, 0x6f];
        assert_eq!(in_pieces(&hello, 3).unwrap(), [(TEXT, b"Hello".to_vec())]);
        let mut binary = vec![0x82, 0x7E, 0x01, 0x00];
        binary.extend([7; 256]);
        assert_eq!(in_pieces(&binary, 100).unwrap(), [(0x2, vec![7; 256])]);
        // The same section's masked message, as a client must send it, is not for us.
        assert_eq!(parse_frame(&[0x81, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58]), Err(BadFrame));
        assert_eq!(parse_frame(&[0x01, 0x03, 0x48, 0x65, 0x6c]), Err(BadFrame), "a fragment");
        assert_eq!(upgrade_answer("dGhlIHNhbXBsZSBub25jZQ==").len(), 129);
        assert!(
            String::from_utf8(upgrade_answer("dGhlIHNhbXBsZSBub25jZQ=="))
                .unwrap()
                .contains("s3pPLMBiTxaQ9kYGzzhZRbK+xOo=")
        );
    }

    #[test]
    fn headers_of_http_are_found_in_any_case() {
        let text = "HTTP/1.1 201 Created\r\ncontent-length: 12\r\nX: y\r\n\r\nbody";
        let length = head_length(text.as_bytes()).unwrap();
        assert_eq!(&text[length..], "body");
        assert_eq!(header(&text[..length], "Content-Length"), Some("12"));
        assert_eq!(header(&text[..length], "body"), None);
        assert_eq!(head_length(b"HTTP/1.1 200 OK\r\n"), None);
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_whatever_the_pieces(
            payloads in prop::collection::vec((prop::sample::select(vec![0, 1, 125, 126, 300, 65_535, 65_536]), any::<u8>()), 1..5),
            piece in 1_usize..5000,
        ) {
            let payloads: Vec<Vec<u8>> = payloads.into_iter().map(|(length, byte)| vec![byte; length]).collect();
            let bytes: Vec<u8> = payloads.iter().flat_map(|payload| server_frame(TEXT, payload)).collect();
            let read: Vec<Vec<u8>> = in_pieces(&bytes, piece).unwrap().into_iter().map(|(_, payload)| payload).collect();
            prop_assert_eq!(read, payloads);
        }

        #[test]
        fn garbage_never_panics(bytes in prop::collection::vec(any::<u8>(), 0..300), piece in 1_usize..64) {
            let mut frames = Frames::default();
            for chunk in bytes.chunks(piece) {
                if frames.take(chunk, |_| Ok::<_, BadFrame>(())).is_err() {
                    break;
                }
            }
        }
    }
}
