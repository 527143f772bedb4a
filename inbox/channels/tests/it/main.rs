//! The adapters, against samples in the providers' documented shape and, where they are at hand, against what others recorded.

mod support;
mod telegram;
mod telegram_say;
mod twilio;
mod twilio_say;
