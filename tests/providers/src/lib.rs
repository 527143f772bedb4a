//! Stand-ins for messaging providers: HTTP servers on loopback that speak what WhatsApp's Cloud API, the Telegram Bot API and Twilio's messaging
//! document, for tests of a gateway that takes them for the providers.
//!
//! They are written from the providers' references and know nothing of our own adapters: a mistake on our side must not meet the same mistake here. Each
//! checks what it is sent as strictly as the provider does, keeps what it took ([`Standin::messages`], [`Standin::next_message`]), sends signed
//! webhooks back, and fails on demand ([`Fault`]).
//!
//! ```no_run
//! use std::time::Duration;
//! use trunkline_providers::whatsapp::{Customer, Options, Says, WhatsApp};
//! use trunkline_providers::{Fault, Standin as _};
//!
//! # async fn test() -> Result<(), Box<dyn std::error::Error>> {
//! let whatsapp = WhatsApp::start(Options::default()).await?;
//! // … connect an account with whatsapp.api_base() and whatsapp.options(), then:
//! whatsapp.connect("http://127.0.0.1:8080/webhooks/whatsapp/0193").await?;
//! let ada = Customer::new("491700000001", "Ada");
//! let told = whatsapp.customer_says(&ada, Says::text("Is it ready?")).await?;
//! assert!(told.answer.is_success());
//! whatsapp.faults().add("messages.send", 1, Fault::NeverAnswer { hang: false });
//! let sent = whatsapp.next_message(Duration::from_secs(10)).await?;
//! assert!(!sent.answered);
//! # Ok(())
//! # }
//! ```

mod control;
mod deliver;
mod faults;
mod fetch;
mod multipart;
mod record;
mod request;
mod server;
mod standin;
pub mod telegram;
pub mod twilio;
pub mod whatsapp;

pub use control::{Control, Providers};
pub use deliver::{Answered, Burst, BurstOptions, BurstReport, Delivery, Post, Undelivered};
pub use faults::{Fault, Faults, Rule};
pub use fetch::Fetched;
pub use multipart::Part;
pub use record::{Late, Record};
pub use request::{Payload, Request};
pub use standin::{Core, Standin};
