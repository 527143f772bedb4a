//! SIP phones for tests: [`Baresip`], which rings, talks and listens, and [`Sipp`], which calls as a trunk does.

mod baresip;
mod control;
mod sipp;

pub use baresip::{Baresip, BaresipOptions, Credentials, Transport};
pub use control::{PhoneEvent, PhoneEventKind};
pub use sipp::{Sipp, SippCall, SippResult};
