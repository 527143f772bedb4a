//! The newest frames of one tenant, within bounds.

use std::collections::VecDeque;

use crate::{event::Seq, frame::Frame};

/// How much a ring may hold.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bounds {
    pub(super) frames: usize,
    pub(super) bytes: usize,
}

/// Frames that follow each other up to `head`.
#[derive(Debug, Default)]
pub(super) struct Ring {
    frames: VecDeque<Frame>,
    bytes: usize,
    head: Seq,
}

impl Ring {
    /// The newest event that is known.
    pub(super) fn head(&self) -> Seq {
        self.head
    }

    /// The place of the oldest frame, or, while there is none, of the next.
    pub(super) fn first(&self) -> Seq {
        Seq(self.head.get() - self.frames.len() as i64 + 1)
    }

    pub(super) fn len(&self) -> usize {
        self.frames.len()
    }

    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Forgets all frames; the next one follows `head`.
    pub(super) fn restart(&mut self, head: Seq) {
        self.frames = VecDeque::new();
        self.bytes = 0;
        self.head = head;
    }

    pub(super) fn get(&self, seq: Seq) -> Option<&Frame> {
        let index = usize::try_from(seq.get() - self.first().get()).ok()?;
        self.frames.get(index)
    }

    /// The frames after a place that is not before [`first`](Self::first).
    pub(super) fn after(&self, seq: Seq) -> impl Iterator<Item = &Frame> {
        let index = usize::try_from(seq.next().get() - self.first().get()).unwrap_or(0);
        self.frames.range(index.min(self.frames.len())..)
    }

    /// Adds the frame that follows the head; the oldest ones make room.
    pub(super) fn push(&mut self, frame: Frame, bounds: Bounds) {
        debug_assert_eq!(frame.seq(), self.head.next());
        self.head = frame.seq();
        self.bytes += frame.cost();
        self.frames.push_back(frame);
        while self.frames.len() > bounds.frames || self.bytes > bounds.bytes {
            let Some(oldest) = self.frames.pop_front() else { break };
            self.bytes -= oldest.cost();
        }
    }

    /// Whether reading back from the log may add to it. Half of the bytes are left to what comes next.
    pub(super) fn has_room(&self, bounds: Bounds) -> bool {
        self.frames.len() < bounds.frames && self.bytes < bounds.bytes / 2
    }

    /// Adds frames read from the log before the oldest one, as far as there is room. Those that it has already are passed over.
    pub(super) fn extend_back(&mut self, frames: &[Frame], bounds: Bounds) {
        for frame in frames.iter().rev() {
            if frame.seq() >= self.first() {
                continue;
            }
            if frame.seq().next() != self.first() || !self.has_room(bounds) {
                break;
            }
            self.bytes += frame.cost();
            self.frames.push_front(frame.clone());
        }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use proptest::prelude::*;
    use serde_json::json;
    use trunkline_db::CallId;

    use super::*;
    use crate::event::{Kind, NewEvent, Ref, Sealed};

    pub(in crate::hub) fn frame(seq: i64, size: usize) -> Frame {
        let data = json!({"x": "y".repeat(size)});
        let event = NewEvent::new(Kind::from_static("test.happened"), Ref::call(CallId::new()), data);
        Frame::of(&Sealed::seal(event).unwrap(), Seq(seq))
    }

    const BOUNDS: Bounds = Bounds { frames: 8, bytes: 20_000 };

    #[test]
    fn what_is_kept_is_bounded_by_frames_and_by_bytes() {
        let mut ring = Ring::default();
        for seq in 1..=20 {
            ring.push(frame(seq, 10), BOUNDS);
        }
        assert_eq!((ring.len(), ring.first(), ring.head()), (8, Seq(13), Seq(20)));
        for seq in 21..=23 {
            ring.push(frame(seq, 9_000), BOUNDS);
        }
        assert_eq!((ring.len(), ring.first()), (2, Seq(22)));
        assert!(ring.bytes() <= BOUNDS.bytes);
    }

    #[test]
    fn what_was_read_from_the_log_joins_from_behind() {
        let mut ring = Ring::default();
        ring.restart(Seq(10));
        let frames: Vec<_> = (7..=10).map(|seq| frame(seq, 1)).collect();
        ring.extend_back(&frames[..2], BOUNDS);
        assert_eq!(ring.len(), 0, "there would be a hole");
        ring.extend_back(&frames, BOUNDS);
        assert_eq!((ring.first(), ring.head()), (Seq(7), Seq(10)));
        ring.extend_back(&frames, BOUNDS);
        assert_eq!(ring.len(), 4, "nothing twice");
        assert_eq!(ring.after(Seq(8)).map(Frame::seq).collect::<Vec<_>>(), [Seq(9), Seq(10)]);
    }

    proptest! {
        #[test]
        fn a_ring_is_always_a_stretch_of_the_log(steps in prop::collection::vec((0..3_u8, 0..40_i64, 0..6_000_usize), 1..60)) {
            let mut ring = Ring::default();
            for (what, n, size) in steps {
                match what {
                    0 => ring.restart(Seq(ring.head().get() + n)),
                    1 => ring.push(frame(ring.head().get() + 1, size), BOUNDS),
                    _ => {
                        let last = ring.first().get() - 1;
                        let back: Vec<_> = ((last - n).max(1)..=last).map(|seq| frame(seq, size)).collect();
                        ring.extend_back(&back, BOUNDS);
                    }
                }
                prop_assert!(ring.len() <= BOUNDS.frames && ring.bytes() <= BOUNDS.bytes + 8_000);
                prop_assert_eq!(ring.bytes(), ring.after(ring.first().previous()).map(Frame::cost).sum::<usize>());
                let seqs: Vec<_> = ring.after(ring.first().previous()).map(|frame| frame.seq().get()).collect();
                prop_assert_eq!(seqs, (ring.first().get()..=ring.head().get()).collect::<Vec<_>>());
            }
        }
    }
}
