//! What is to be written: shared frames, in one `writev` per wake-up.

use std::collections::VecDeque;
use std::io::{self, IoSlice};

use bytes::{Buf as _, Bytes};

/// Buffers handed to one `writev`; the kernel takes up to 1,024.
const SLICES: usize = 64;
/// Room that an empty outbox may keep, in entries: a usual wake-up then needs no memory of its own.
const IDLE_CAPACITY: usize = 8;

/// Frames that wait for the socket. It never holds more than one batch of the subscription and a few control frames: while there is
/// something in it, nothing more is taken from the hub.
#[derive(Debug, Default)]
pub(super) struct Outbox {
    frames: VecDeque<Bytes>,
    /// Whether the first frame was written in part.
    begun: bool,
}

impl Outbox {
    pub(super) fn push(&mut self, frame: Bytes) {
        self.frames.push_back(frame);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.frames.is_empty()
    }

    pub(super) fn len(&self) -> usize {
        self.frames.len()
    }

    /// Drops all that was not begun: so that a last frame comes right behind what the client has in part.
    pub(super) fn drop_unsent(&mut self) {
        self.frames.truncate(usize::from(self.begun));
    }

    /// Writes as much as `write` takes. True when something was written; a full socket is no error.
    pub(super) fn flush(&mut self, mut write: impl FnMut(&[IoSlice<'_>]) -> io::Result<usize>) -> io::Result<bool> {
        let mut progress = false;
        while !self.frames.is_empty() {
            let mut slices = [IoSlice::new(&[]); SLICES];
            let mut offered = 0;
            let mut count = 0;
            for (slice, frame) in slices.iter_mut().zip(&self.frames) {
                *slice = IoSlice::new(frame);
                offered += frame.len();
                count += 1;
            }
            match write(&slices[..count]) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(written) => {
                    progress = true;
                    self.advance(written);
                    if written < offered {
                        break;
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        if self.frames.is_empty() && self.frames.capacity() > IDLE_CAPACITY {
            self.frames = VecDeque::new();
        }
        Ok(progress)
    }

    fn advance(&mut self, mut written: usize) {
        while let Some(first) = self.frames.front_mut() {
            if written < first.len() {
                first.advance(written);
                self.begun |= written > 0;
                return;
            }
            written -= first.len();
            self.frames.pop_front();
            self.begun = false;
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A socket that takes so many bytes and is then full.
    fn take(out: &mut Vec<u8>, room: usize) -> impl FnMut(&[IoSlice<'_>]) -> io::Result<usize> + '_ {
        let mut room = room;
        move |slices| {
            if room == 0 {
                return Err(io::ErrorKind::WouldBlock.into());
            }
            let mut taken = 0;
            for slice in slices {
                let part = slice.len().min(room);
                out.extend_from_slice(&slice[..part]);
                room -= part;
                taken += part;
            }
            Ok(taken)
        }
    }

    #[test]
    fn a_full_socket_leaves_the_rest_and_a_last_frame_follows_the_begun_one() {
        let (mut outbox, mut out) = (Outbox::default(), Vec::new());
        for frame in ["first", "second", "third"] {
            outbox.push(Bytes::from_static(frame.as_bytes()));
        }
        assert!(outbox.flush(take(&mut out, 7)).unwrap());
        outbox.drop_unsent();
        outbox.push(Bytes::from_static(b"last"));
        outbox.flush(take(&mut out, 100)).unwrap();
        assert_eq!(out, b"firstsecondlast");
        assert!(outbox.is_empty());
    }

    #[test]
    fn an_empty_outbox_keeps_no_memory() {
        let (mut outbox, mut out) = (Outbox::default(), Vec::new());
        (0..300).for_each(|_| outbox.push(Bytes::from_static(b"x")));
        outbox.flush(take(&mut out, usize::MAX)).unwrap();
        assert_eq!(out.len(), 300);
        assert_eq!(outbox.frames.capacity(), 0);
    }

    proptest! {
        #[test]
        fn whatever_the_socket_takes_at_a_time_the_bytes_are_the_same(
            frames in prop::collection::vec(prop::collection::vec(any::<u8>(), 1..40), 1..100), room in 1usize..50,
        ) {
            let (mut outbox, mut out) = (Outbox::default(), Vec::new());
            for frame in &frames {
                outbox.push(Bytes::copy_from_slice(frame));
            }
            while !outbox.is_empty() {
                outbox.flush(take(&mut out, room)).unwrap();
            }
            prop_assert_eq!(out, frames.concat());
        }
    }
}
