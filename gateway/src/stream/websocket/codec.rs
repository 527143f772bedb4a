//! WebSocket frames (RFC 6455), the server's side, without a socket.
//!
//! Why our own: an idle connection must cost next to nothing and a live one exactly one `writev` per wake-up. A server's frames
//! are not masked, so header and payload can be written from where they are, and a shared payload is never copied; a client's
//! frames are few and small, so bytes are kept only while a frame is incomplete.

use bytes::Bytes;

/// Longest header of a server's frame: two bytes and a 64-bit length.
pub(super) const MAX_HEADER: usize = 10;

/// Opcodes of RFC 6455 §5.2.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Opcode {
    Continuation,
    Text,
    Binary,
    Close,
    Ping,
    Pong,
}

impl Opcode {
    fn from_bits(bits: u8) -> Option<Self> {
        Some(match bits {
            0x0 => Self::Continuation,
            0x1 => Self::Text,
            0x2 => Self::Binary,
            0x8 => Self::Close,
            0x9 => Self::Ping,
            0xA => Self::Pong,
            _ => return None,
        })
    }

    fn bits(self) -> u8 {
        match self {
            Self::Continuation => 0x0,
            Self::Text => 0x1,
            Self::Binary => 0x2,
            Self::Close => 0x8,
            Self::Ping => 0x9,
            Self::Pong => 0xA,
        }
    }

    fn is_control(self) -> bool {
        matches!(self, Self::Close | Self::Ping | Self::Pong)
    }
}

/// Header of an unfragmented, unmasked frame; the length says how much of the array is used.
#[derive(Debug, Clone, Copy)]
pub(super) struct Header {
    bytes: [u8; MAX_HEADER],
    len: u8,
}

impl Header {
    pub(super) fn new(opcode: Opcode, payload: usize) -> Self {
        let mut bytes = [0; MAX_HEADER];
        bytes[0] = 0x80 | opcode.bits();
        let len = if payload < 126 {
            bytes[1] = payload as u8;
            2
        } else if let Ok(short) = u16::try_from(payload) {
            bytes[1] = 126;
            bytes[2..4].copy_from_slice(&short.to_be_bytes());
            4
        } else {
            bytes[1] = 127;
            bytes[2..10].copy_from_slice(&(payload as u64).to_be_bytes());
            10
        };
        Self { bytes, len }
    }

    pub(super) fn as_slice(&self) -> &[u8] {
        &self.bytes[..usize::from(self.len)]
    }
}

/// The payload of a close frame: a code and at most 123 bytes of words.
pub(super) fn close_payload(code: u16, reason: &str) -> Bytes {
    let mut end = reason.len().min(123);
    while !reason.is_char_boundary(end) {
        end -= 1;
    }
    let mut payload = Vec::with_capacity(2 + end);
    payload.extend_from_slice(&code.to_be_bytes());
    payload.extend_from_slice(&reason.as_bytes()[..end]);
    payload.into()
}

/// What a client said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Incoming {
    Text(String),
    Binary,
    Ping(Vec<u8>),
    Pong,
    /// The client closes; the code is absent when it gave none.
    Close(Option<u16>),
}

/// How a client broke the protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum ProtocolError {
    #[error("frames of a client must be masked")]
    Unmasked,
    #[error("reserved bits are set")]
    ReservedBits,
    #[error("unknown opcode")]
    Opcode,
    #[error("a control frame is fragmented or longer than 125 bytes")]
    Control,
    #[error("a continuation without a beginning, or a beginning within a message")]
    Fragment,
    #[error("a message is larger than 64 KiB")]
    TooLarge,
    #[error("text is not UTF-8")]
    Utf8,
    #[error("a close frame is malformed")]
    Close,
}

/// Reads client frames from bytes as they come. Keeps bytes only while a frame or message is incomplete.
#[derive(Debug)]
pub(super) struct Decoder {
    max_message: usize,
    /// Bytes of an incomplete frame.
    partial: Vec<u8>,
    /// Payload of a fragmented message so far, and whether it is text.
    message: Option<Box<(bool, Vec<u8>)>>,
}

impl Decoder {
    pub(super) fn new(max_message: usize) -> Self {
        Self { max_message, partial: Vec::new(), message: None }
    }

    /// Takes `input` and hands each complete message to `sink`, in order; the first error ends the connection.
    pub(super) fn decode(&mut self, mut input: &[u8], mut sink: impl FnMut(Incoming)) -> Result<(), ProtocolError> {
        if !self.partial.is_empty() {
            let mut joined = std::mem::take(&mut self.partial);
            joined.extend_from_slice(input);
            let used = self.decode_frames(&joined, &mut sink)?;
            joined.drain(..used);
            if !joined.is_empty() {
                self.partial = joined;
            }
            return Ok(());
        }
        let used = self.decode_frames(input, &mut sink)?;
        input = &input[used..];
        if !input.is_empty() {
            self.partial = input.to_vec();
        }
        Ok(())
    }

    fn decode_frames(&mut self, input: &[u8], sink: &mut impl FnMut(Incoming)) -> Result<usize, ProtocolError> {
        let mut used = 0;
        while let Some((frame, length)) = self.parse_frame(&input[used..])? {
            used += length;
            if let Some(incoming) = self.take_frame(frame)? {
                sink(incoming);
            }
        }
        Ok(used)
    }

    /// One whole frame and its length on the wire; `None` when bytes are missing. Limits are checked from the header on, so that
    /// nobody makes us gather what would be refused.
    fn parse_frame(&self, input: &[u8]) -> Result<Option<(RawFrame, usize)>, ProtocolError> {
        let [first, second, rest @ ..] = input else { return Ok(None) };
        if first & 0x70 != 0 {
            return Err(ProtocolError::ReservedBits);
        }
        let opcode = Opcode::from_bits(first & 0x0F).ok_or(ProtocolError::Opcode)?;
        let last = first & 0x80 != 0;
        if second & 0x80 == 0 {
            return Err(ProtocolError::Unmasked);
        }
        let short = usize::from(second & 0x7F);
        if opcode.is_control() && (!last || short > 125) {
            return Err(ProtocolError::Control);
        }
        let (length, rest, header) = match short {
            126 => match rest.split_first_chunk::<2>() {
                Some((bytes, rest)) => (u64::from(u16::from_be_bytes(*bytes)), rest, 4),
                None => return Ok(None),
            },
            127 => match rest.split_first_chunk::<8>() {
                Some((bytes, rest)) => (u64::from_be_bytes(*bytes), rest, 10),
                None => return Ok(None),
            },
            short => (short as u64, rest, 2),
        };
        let gathered = self.message.as_ref().map_or(0, |message| message.1.len());
        let length = usize::try_from(length)
            .ok()
            .filter(|length| length.saturating_add(gathered) <= self.max_message || opcode.is_control());
        let length = length.ok_or(ProtocolError::TooLarge)?;
        let Some((mask, rest)) = rest.split_first_chunk::<4>() else { return Ok(None) };
        let Some(masked) = rest.get(..length) else { return Ok(None) };
        let payload = masked.iter().zip(mask.iter().cycle()).map(|(byte, key)| byte ^ key).collect();
        Ok(Some((RawFrame { opcode, last, payload }, header + 4 + length)))
    }

    fn take_frame(&mut self, frame: RawFrame) -> Result<Option<Incoming>, ProtocolError> {
        let RawFrame { opcode, last, payload } = frame;
        match opcode {
            Opcode::Ping => Ok(Some(Incoming::Ping(payload))),
            Opcode::Pong => Ok(Some(Incoming::Pong)),
            Opcode::Close => parse_close(&payload).map(|code| Some(Incoming::Close(code))),
            Opcode::Text | Opcode::Binary => {
                if self.message.is_some() {
                    return Err(ProtocolError::Fragment);
                }
                let is_text = opcode == Opcode::Text;
                if last {
                    return finish(is_text, payload).map(Some);
                }
                self.message = Some(Box::new((is_text, payload)));
                Ok(None)
            }
            Opcode::Continuation => {
                let Some(mut message) = self.message.take() else { return Err(ProtocolError::Fragment) };
                message.1.extend_from_slice(&payload);
                if last {
                    return finish(message.0, message.1).map(Some);
                }
                self.message = Some(message);
                Ok(None)
            }
        }
    }
}

struct RawFrame {
    opcode: Opcode,
    last: bool,
    payload: Vec<u8>,
}

fn finish(is_text: bool, payload: Vec<u8>) -> Result<Incoming, ProtocolError> {
    if is_text {
        String::from_utf8(payload).map(Incoming::Text).map_err(|_| ProtocolError::Utf8)
    } else {
        Ok(Incoming::Binary)
    }
}

/// RFC 6455 §7.4: a code, if any, must be one that may travel; the words must be UTF-8.
fn parse_close(payload: &[u8]) -> Result<Option<u16>, ProtocolError> {
    match payload {
        [] => Ok(None),
        [_] => Err(ProtocolError::Close),
        [high, low, reason @ ..] => {
            let code = u16::from_be_bytes([*high, *low]);
            let may_travel = matches!(code, 1000..=1003 | 1007..=1014 | 3000..=4999);
            if !may_travel || std::str::from_utf8(reason).is_err() {
                return Err(ProtocolError::Close);
            }
            Ok(Some(code))
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A client's frame.
    fn masked(first: u8, payload: &[u8]) -> Vec<u8> {
        let mut frame = vec![first];
        match payload.len() {
            short @ 0..126 => frame.push(0x80 | short as u8),
            medium @ 126..=0xFFFF => {
                frame.push(0x80 | 0x7E);
                frame.extend_from_slice(&(medium as u16).to_be_bytes());
            }
            long => {
                frame.push(0x80 | 0x7F);
                frame.extend_from_slice(&(long as u64).to_be_bytes());
            }
        }
        let mask = [0x37, 0xfa, 0x21, 0x3d];
        frame.extend_from_slice(&mask);
        frame.extend(payload.iter().zip(mask.iter().cycle()).map(|(byte, key)| byte ^ key));
        frame
    }

    fn decode_in_pieces(bytes: &[u8], piece: usize) -> Result<Vec<Incoming>, ProtocolError> {
        let mut decoder = Decoder::new(64 * 1024);
        let mut all = Vec::new();
        for chunk in bytes.chunks(piece) {
            decoder.decode(chunk, |incoming| all.push(incoming))?;
        }
        assert!(decoder.partial.is_empty() || !bytes.is_empty());
        Ok(all)
    }

    #[test]
    fn the_examples_of_the_rfc_are_read_whole_and_byte_by_byte() {
        // RFC 6455 §5.7: a single-frame masked text message, and a masked ping and close beside it.
        let hello = [0x81, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58];
        let bytes = [hello.to_vec(), masked(0x89, b"Hello"), masked(0x8A, b""), masked(0x88, &[0x03, 0xE8])].concat();
        let expected = vec![
            Incoming::Text("Hello".to_owned()),
            Incoming::Ping(b"Hello".to_vec()),
            Incoming::Pong,
            Incoming::Close(Some(1000)),
        ];
        for piece in [1, 2, 3, 7, 1000] {
            assert_eq!(decode_in_pieces(&bytes, piece).unwrap(), expected);
        }
    }

    #[test]
    fn a_fragmented_message_may_hold_a_ping_in_between() {
        let bytes = [masked(0x01, b"Hel"), masked(0x89, b"?"), masked(0x80, b"lo")].concat();
        assert_eq!(
            decode_in_pieces(&bytes, 4).unwrap(),
            [Incoming::Ping(b"?".to_vec()), Incoming::Text("Hello".to_owned())]
        );
    }

    #[test]
    fn breaches_are_named() {
        let refused = |bytes: &[u8]| decode_in_pieces(bytes, 1000).unwrap_err();
        assert_eq!(refused(&[0x81, 0x05, b'H', b'e', b'l', b'l', b'o']), ProtocolError::Unmasked);
        assert_eq!(refused(&masked(0xC1, b"x")), ProtocolError::ReservedBits);
        assert_eq!(refused(&masked(0x83, b"x")), ProtocolError::Opcode);
        assert_eq!(refused(&masked(0x09, b"x")), ProtocolError::Control);
        assert_eq!(refused(&masked(0x89, &[0; 126])), ProtocolError::Control);
        assert_eq!(refused(&masked(0x80, b"x")), ProtocolError::Fragment);
        assert_eq!(refused(&[masked(0x01, b"x"), masked(0x81, b"y")].concat()), ProtocolError::Fragment);
        assert_eq!(refused(&masked(0x81, &[0xC3, 0x28])), ProtocolError::Utf8);
        assert_eq!(refused(&masked(0x88, &[0x03])), ProtocolError::Close);
        assert_eq!(refused(&masked(0x88, &[0x03, 0xED])), ProtocolError::Close, "1005 may not travel");
    }

    #[test]
    fn a_message_over_the_limit_is_refused_from_its_header_on() {
        let mut decoder = Decoder::new(64 * 1024);
        let header = [0x81, 0xFF, 0, 0, 0, 0, 0, 1, 0, 1];
        assert_eq!(decoder.decode(&header, |_| ()), Err(ProtocolError::TooLarge));
        assert_eq!(decoder.partial.capacity(), 0);
        let pieces = [masked(0x01, &vec![b'a'; 40_000]), masked(0x80, &vec![b'a'; 30_000])].concat();
        assert_eq!(decode_in_pieces(&pieces, 5000), Err(ProtocolError::TooLarge));
        assert!(decode_in_pieces(&masked(0x81, &vec![b'a'; 64 * 1024]), 5000).is_ok());
    }

    #[test]
    fn headers_have_the_three_lengths() {
        assert_eq!(Header::new(Opcode::Text, 125).as_slice(), [0x81, 125]);
        assert_eq!(Header::new(Opcode::Text, 126).as_slice(), [0x81, 126, 0, 126]);
        assert_eq!(Header::new(Opcode::Text, 65_536).as_slice(), [0x81, 127, 0, 0, 0, 0, 0, 1, 0, 0]);
    }

    #[test]
    fn words_of_a_close_are_cut_at_a_character() {
        let payload = close_payload(4400, &"ä".repeat(100));
        assert_eq!(payload.len(), 2 + 122);
        assert!(std::str::from_utf8(&payload[2..]).is_ok());
    }

    proptest! {
        #[test]
        fn garbage_never_panics_and_never_gathers_more_than_the_limit(bytes in prop::collection::vec(any::<u8>(), 0..400), piece in 1usize..64) {
            let mut decoder = Decoder::new(1024);
            for chunk in bytes.chunks(piece) {
                if decoder.decode(chunk, |_| ()).is_err() {
                    break;
                }
                prop_assert!(decoder.partial.len() <= 1024 + 14 + 64);
            }
        }

        #[test]
        fn any_cut_gives_the_same_messages(texts in prop::collection::vec("\\PC{0,200}", 1..5), piece in 1usize..50) {
            let bytes: Vec<u8> = texts.iter().flat_map(|text| masked(0x81, text.as_bytes())).collect();
            let expected: Vec<Incoming> = texts.into_iter().map(Incoming::Text).collect();
            prop_assert_eq!(decode_in_pieces(&bytes, piece).unwrap(), expected);
        }
    }
}
