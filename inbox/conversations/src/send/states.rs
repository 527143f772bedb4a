//! How far a message of ours is, by what its provider tells. Pure.

use trunkline_channels::model::DeliveryState;
use trunkline_journal::Kind;

use crate::messages;
use crate::model::MessageState;

/// What a message becomes by what was told; `None`: it is that far already, or it is none that was sent. What was told late or twice changes nothing,
/// whatever the order.
pub fn advance(now: MessageState, told: DeliveryState) -> Option<MessageState> {
    let next = match told {
        DeliveryState::Accepted | DeliveryState::Sent => MessageState::Sent,
        DeliveryState::Delivered => MessageState::Delivered,
        DeliveryState::Read => MessageState::Read,
        DeliveryState::Failed => MessageState::Failed,
    };
    (rank(next)? > rank(now)?).then_some(next)
}

/// In the order in which they come.
fn rank(state: MessageState) -> Option<u8> {
    match state {
        MessageState::Received | MessageState::Canceled => None,
        MessageState::Scheduled | MessageState::Queued | MessageState::Sending | MessageState::Uncertain => Some(0),
        MessageState::Sent => Some(1),
        MessageState::Delivered => Some(2),
        MessageState::Read => Some(3),
        MessageState::Failed => Some(4),
    }
}

/// Whether the provider took it.
pub(crate) fn is_taken(state: MessageState) -> bool {
    matches!(state, MessageState::Sent | MessageState::Delivered | MessageState::Read)
}

/// The event of a message that is this far now.
pub(crate) fn kind(state: MessageState) -> Kind {
    match state {
        MessageState::Received => messages::RECEIVED,
        MessageState::Scheduled | MessageState::Queued | MessageState::Sending => messages::QUEUED,
        MessageState::Sent => messages::SENT,
        MessageState::Delivered => messages::DELIVERED,
        MessageState::Read => messages::READ,
        MessageState::Failed => messages::FAILED,
        MessageState::Uncertain => messages::UNCERTAIN,
        MessageState::Canceled => messages::CANCELED,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::words::Word as _;

    fn told() -> impl Strategy<Value = DeliveryState> {
        use DeliveryState::{Accepted, Delivered, Failed, Read, Sent};
        prop::sample::select(vec![Accepted, Sent, Delivered, Read, Failed])
    }

    fn states() -> impl Strategy<Value = MessageState> {
        prop::sample::select(MessageState::WORDS.iter().map(|(state, _)| *state).collect::<Vec<_>>())
    }

    fn after(mut state: MessageState, told: &[DeliveryState]) -> MessageState {
        for told in told {
            state = advance(state, *told).unwrap_or(state);
        }
        state
    }

    proptest! {
        #[test]
        fn the_order_and_the_number_of_times_in_which_it_is_told_make_no_difference(
            start in states(), told in prop::collection::vec(told(), 0..8).prop_shuffle(),
        ) {
            let mut sorted = told.clone();
            sorted.sort();
            let mut twice = told.clone();
            twice.extend(told.iter().copied());
            prop_assert_eq!(after(start, &told), after(start, &sorted));
            prop_assert_eq!(after(start, &told), after(start, &twice));
        }

        #[test]
        fn nothing_goes_back(start in states(), told in told()) {
            if let Some(next) = advance(start, told) {
                prop_assert!(rank(next) > rank(start));
            }
        }

        #[test]
        fn what_was_never_ours_to_send_stays_as_it_is(told in told()) {
            prop_assert_eq!(advance(MessageState::Received, told), None);
            prop_assert_eq!(advance(MessageState::Canceled, told), None);
        }
    }
}
