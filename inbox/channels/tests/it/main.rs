//! What adapters are held to, and what each of them does of its own.

mod client;
mod conformance;
mod fixtures;
mod held;
mod support;
mod telegram;
mod telegram_say;
mod twilio;
mod twilio_say;
mod whatsapp;
