//! One datagram.

use rtp_rs::{RtpReader, RtpReaderError};

use crate::g711::Law;

/// An RTP packet of a datagram's bytes (RFC 3550, 5.1).
///
/// CSRCs, the header extension and the padding have been checked and taken off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Packet<'a> {
    /// 0 to 127.
    pub payload_type: u8,
    /// The marker bit: for audio, the first packet after silence (RFC 3551, 4.1).
    pub marker: bool,
    /// Grows by one with each packet, modulo 2¹⁶.
    pub sequence: u16,
    /// Of the first sample, in samples, modulo 2³², from a random beginning.
    pub timestamp: u32,
    /// Names the stream.
    pub ssrc: u32,
    /// What it carries.
    pub payload: &'a [u8],
}

/// The payload types that are recorded (RFC 3551, table 4).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Codec {
    /// G.711 µ-law, payload type 0.
    Pcmu,
    /// G.711 A-law, payload type 8.
    Pcma,
}

/// Why a datagram is no RTP packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ParseError {
    /// Shorter than its own header says, or than 12 octets.
    #[error("{0} octets end within the RTP header")]
    Truncated(usize),
    /// Not version 2: an old draft, STUN, DTLS, noise.
    #[error("RTP version {0}, expected 2")]
    Version(u8),
    /// More padding than there is payload, or a padding length of 0.
    #[error("padding length {0} does not fit the payload")]
    Padding(u8),
    /// RTCP sent to the RTP port (RFC 5761, 4).
    #[error("RTCP packet type {0}")]
    Rtcp(u8),
}

/// RTCP packet types as they are told from RTP on one port (RFC 5761, 4).
const RTCP_TYPES: std::ops::RangeInclusive<u8> = 192..=223;

impl<'a> Packet<'a> {
    /// Reads a datagram. Never panics, whatever it holds.
    pub fn parse(datagram: &'a [u8]) -> Result<Self, ParseError> {
        let reader = RtpReader::new(datagram).map_err(|error| match error {
            RtpReaderError::BufferTooShort(length) => ParseError::Truncated(length),
            RtpReaderError::UnsupportedVersion(version) => ParseError::Version(version),
            RtpReaderError::HeadersTruncated { buffer_len, .. } => ParseError::Truncated(buffer_len),
            RtpReaderError::PaddingLengthInvalid(length) => ParseError::Padding(length),
        })?;
        // rtp-rs has checked that there are at least 12 octets.
        if let Some(&kind) = datagram.get(1).filter(|kind| RTCP_TYPES.contains(*kind)) {
            return Err(ParseError::Rtcp(kind));
        }
        Ok(Self {
            payload_type: reader.payload_type(),
            marker: reader.mark(),
            sequence: reader.sequence_number().into(),
            timestamp: reader.timestamp(),
            ssrc: reader.ssrc(),
            payload: reader.payload(),
        })
    }

    /// How the payload is coded, if it is audio that can be recorded.
    pub fn codec(&self) -> Option<Codec> {
        Codec::of_payload_type(self.payload_type)
    }
}

impl Codec {
    /// The static assignment of RFC 3551.
    pub fn of_payload_type(payload_type: u8) -> Option<Self> {
        match payload_type {
            0 => Some(Self::Pcmu),
            8 => Some(Self::Pcma),
            _ => None,
        }
    }

    /// The law of its octets.
    pub fn law(self) -> Law {
        match self {
            Self::Pcmu => Law::Mu,
            Self::Pcma => Law::A,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn datagram(first: u8, second: u8, rest: &[u8]) -> Vec<u8> {
        let mut octets = vec![first, second, 0x12, 0x34, 1, 2, 3, 4, 0xa, 0xb, 0xc, 0xd];
        octets.extend_from_slice(rest);
        octets
    }

    #[test]
    fn a_plain_packet_is_read() {
        let octets = datagram(0x80, 0x80, &[1, 2, 3]);
        let packet = Packet::parse(&octets).expect("sound");
        assert_eq!((packet.payload_type, packet.marker, packet.sequence), (0, true, 0x1234));
        assert_eq!((packet.timestamp, packet.ssrc), (0x0102_0304, 0x0a0b_0c0d));
        assert_eq!(packet.payload, [1, 2, 3]);
        assert_eq!(packet.codec(), Some(Codec::Pcmu));
    }

    #[test]
    fn csrcs_extension_and_padding_are_no_payload() {
        // V=2, padding, extension, 2 CSRCs; PT 8; extension of one word; two octets of padding.
        let rest = [0, 0, 0, 1, 0, 0, 0, 2, 0xbe, 0xde, 0, 1, 9, 9, 9, 9, 0x55, 0x66, 0, 2];
        let octets = datagram(0b1011_0010, 8, &rest);
        let packet = Packet::parse(&octets).expect("sound");
        assert_eq!(packet.payload, [0x55, 0x66]);
        assert_eq!(packet.codec(), Some(Codec::Pcma));
    }

    #[test]
    fn unsound_headers_are_refused_by_name() {
        assert_eq!(Packet::parse(&[]), Err(ParseError::Truncated(0)));
        assert_eq!(Packet::parse(&[0x80; 11]), Err(ParseError::Truncated(11)));
        assert_eq!(Packet::parse(&datagram(0x40, 0, &[])), Err(ParseError::Version(1)));
        assert_eq!(Packet::parse(&datagram(0x83, 0, &[0; 8])), Err(ParseError::Truncated(20)));
        assert_eq!(Packet::parse(&datagram(0x90, 0, &[0, 0, 0, 9, 1])), Err(ParseError::Truncated(17)));
        assert_eq!(Packet::parse(&datagram(0xa0, 0, &[1, 2, 200])), Err(ParseError::Padding(200)));
        assert_eq!(Packet::parse(&datagram(0xa0, 0, &[1, 2, 0])), Err(ParseError::Padding(0)));
        assert!(Packet::parse(&datagram(0xa0, 0, &[])).is_err());
        assert_eq!(Packet::parse(&datagram(0x80, 200, &[0; 16])), Err(ParseError::Rtcp(200)));
    }

    proptest! {
        #[test]
        fn random_datagrams_never_panic(octets in proptest::collection::vec(any::<u8>(), 0..600)) {
            if let Ok(packet) = Packet::parse(&octets) {
                prop_assert!(packet.payload.len() + 12 <= octets.len());
                prop_assert!(packet.payload_type < 128);
            }
        }

        #[test]
        fn mutated_packets_never_panic(
            first in 0x80_u8..=0xbf,
            rest in proptest::collection::vec(any::<u8>(), 0..200),
            at in 0_usize..12,
            bit in 0_u8..8,
            cut in 0_usize..220,
        ) {
            let mut octets = datagram(first, 0, &rest);
            octets[at] ^= 1 << bit;
            octets.truncate(cut);
            let _ = Packet::parse(&octets);
        }
    }
}
