//! A message as Asterisk wrote it: one channel of 16 bit PCM. One whose writing was cut off is mended, not thrown away.

/// Longest header that is looked through, in bytes.
const MOST_HEADER: usize = 64 * 1024;

/// A message that can be played.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Message {
    /// The whole file, with a header that tells its length.
    pub(super) bytes: Vec<u8>,
    /// How long it plays, in milliseconds.
    pub(super) length_ms: i64,
}

/// Why a file is no message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum NoMessage {
    /// It is something else.
    #[error("not a WAV file of one channel and 16 bit: {0}")]
    Format(&'static str),
    /// Nothing was said.
    #[error("the message is empty")]
    Empty,
}

/// Reads a file. The lengths in its header are those of what is there, whatever they said: Asterisk writes them when it closes the file, and one that
/// died did not.
pub(super) fn read(file: &[u8]) -> Result<Message, NoMessage> {
    let word =
        |at: usize| file.get(at..at + 4).map(|bytes| u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]));
    let half = |at: usize| file.get(at..at + 2).map(|bytes| u16::from_le_bytes([bytes[0], bytes[1]]));
    if file.get(..4) != Some(b"RIFF") || file.get(8..12) != Some(b"WAVE") {
        return Err(NoMessage::Format("it does not begin with RIFF and WAVE"));
    }
    let (mut at, mut rate) = (12, None);
    loop {
        let (Some(name), Some(size)) = (file.get(at..at + 4), word(at + 4)) else {
            return Err(NoMessage::Format("its samples do not begin"));
        };
        let body = at + 8;
        match name {
            b"data" => {
                let rate = rate.ok_or(NoMessage::Format("its samples come before their description"))?;
                return samples(file, body, size, rate);
            }
            b"fmt " => {
                if (half(body), half(body + 2), half(body + 14)) != (Some(1), Some(1), Some(16)) {
                    return Err(NoMessage::Format("it is not PCM, one channel, 16 bit"));
                }
                rate = word(body + 4).filter(|rate| (1_000..=192_000).contains(rate));
                if rate.is_none() {
                    return Err(NoMessage::Format("it has no sample rate"));
                }
            }
            _ => {}
        }
        let size = usize::try_from(size).unwrap_or(usize::MAX);
        at = body.saturating_add(size).saturating_add(size % 2);
        if at > MOST_HEADER {
            return Err(NoMessage::Format("its samples do not begin"));
        }
    }
}

fn samples(file: &[u8], body: usize, said: u32, rate: u32) -> Result<Message, NoMessage> {
    let there = file.len().saturating_sub(body);
    let said = usize::try_from(said).unwrap_or(usize::MAX);
    // Nothing, or more than there is: the header was never brought up to date.
    let length = (if said == 0 || said > there { there } else { said }) & !1;
    if length == 0 {
        return Err(NoMessage::Empty);
    }
    let mut bytes = file[..body + length].to_vec();
    let whole = u32::try_from(body + length - 8).map_err(|_| NoMessage::Format("it is too long"))?;
    let data = u32::try_from(length).map_err(|_| NoMessage::Format("it is too long"))?;
    bytes[4..8].copy_from_slice(&whole.to_le_bytes());
    bytes[body - 4..body].copy_from_slice(&data.to_le_bytes());
    let frames = i64::from(data / 2);
    Ok(Message { bytes, length_ms: frames * 1000 / i64::from(rate) })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn wav(rate: u32, samples: usize) -> Vec<u8> {
        let data = samples as u32 * 2;
        let mut bytes = b"RIFF".to_vec();
        bytes.extend((36 + data).to_le_bytes());
        bytes.extend(b"WAVEfmt \x10\0\0\0\x01\0\x01\0");
        bytes.extend(rate.to_le_bytes());
        bytes.extend((rate * 2).to_le_bytes());
        bytes.extend(b"\x02\0\x10\0data");
        bytes.extend(data.to_le_bytes());
        bytes.extend((0..samples).flat_map(|n| (n as i16).to_le_bytes()));
        bytes
    }

    #[test]
    fn a_message_is_as_long_as_its_samples() {
        let file = wav(8000, 12_000);
        assert_eq!(read(&file), Ok(Message { bytes: file.clone(), length_ms: 1500 }));
        assert_eq!(read(&wav(8000, 0)), Err(NoMessage::Empty));
    }

    #[test]
    fn one_that_was_cut_off_is_mended() {
        let whole = wav(8000, 8000);
        for said in [0_u32, u32::MAX] {
            let mut cut = whole.clone();
            cut[40..44].copy_from_slice(&said.to_le_bytes());
            cut.push(7);
            assert_eq!(read(&cut), Ok(Message { bytes: whole.clone(), length_ms: 1000 }), "{said}");
        }
    }

    #[test]
    fn other_files_are_refused() {
        for (place, byte) in [(0, b'X'), (8, b'X'), (20, 3), (22, 2), (34, 8), (36, b'X')] {
            let mut file = wav(8000, 10);
            file[place] = byte;
            assert!(matches!(read(&file), Err(NoMessage::Format(_))), "{place}");
        }
    }

    proptest! {
        #[test]
        fn no_bytes_bring_it_down(noise in proptest::collection::vec(any::<u8>(), 0..120), at in 0_usize..44) {
            let _ = read(&noise);
            let mut dressed = wav(8000, 20);
            dressed.splice(at..at, noise);
            if let Ok(message) = read(&dressed) {
                prop_assert_eq!(read(&message.bytes), Ok(message));
            }
        }
    }
}
