//! How messages get into the servers that we write ourselves: channel and length, 4 bytes each, little end first, then the message.

/// Longest message that is taken, in bytes.
const LONGEST: usize = 64 * 1024;

/// Adds a message.
pub(crate) fn push(bytes: &mut Vec<u8>, channel: usize, message: &[u8]) {
    bytes.extend_from_slice(&(channel as u32).to_le_bytes());
    bytes.extend_from_slice(&(message.len() as u32).to_le_bytes());
    bytes.extend_from_slice(message);
}

/// The driver and the server do not speak the same language.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TooLong;

/// A message within the bytes that were read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Piped<'a> {
    pub(crate) channel: usize,
    pub(crate) message: &'a [u8],
    /// Bytes that it takes, with what stands in front.
    pub(crate) size: usize,
}

/// The message at the beginning of `bytes`; `None` while a part is missing.
pub(crate) fn parse(bytes: &[u8]) -> Result<Option<Piped<'_>>, TooLong> {
    let Some((channel, rest)) = bytes.split_first_chunk::<4>() else { return Ok(None) };
    let Some((length, rest)) = rest.split_first_chunk::<4>() else { return Ok(None) };
    let length = u32::from_le_bytes(*length) as usize;
    if length > LONGEST {
        return Err(TooLong);
    }
    let channel = u32::from_le_bytes(*channel) as usize;
    Ok(rest.get(..length).map(|message| Piped { channel, message, size: 8 + length }))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_is_pushed_is_parsed(channel in 0..100_000_usize, message in prop::collection::vec(any::<u8>(), 0..300)) {
            let mut bytes = Vec::new();
            push(&mut bytes, channel, &message);
            prop_assert_eq!(parse(&bytes), Ok(Some(Piped { channel, message: &message, size: bytes.len() })));
            prop_assert_eq!(parse(&bytes[..bytes.len() - 1]), Ok(None));
        }

        #[test]
        fn garbage_never_panics(bytes in prop::collection::vec(any::<u8>(), 0..40)) {
            let _ = parse(&bytes);
        }
    }
}
