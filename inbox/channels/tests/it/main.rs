//! What adapters are held to, and what each of them does of its own.

mod client;
mod conformance;
mod fixtures;
mod whatsapp;
