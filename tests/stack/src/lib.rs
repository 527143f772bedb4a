//! The real parts that Trunkline stands on, started privately: PostgreSQL, Asterisk, the gateway, and SIP phones to call it.
//!
//! `make run` (the program `trunkline-stack`) and the tests use the same code, so what the tests prove is what a person gets.
//! Everything listens on loopback, on ports found free; everything that is started is stopped when its value is dropped, and does not
//! outlive a process that dies without dropping anything (see [`process`]).

pub mod asterisk;
pub mod audio;
mod error;
mod files;
pub mod gateway;
pub mod phones;
pub mod ports;
pub mod postgres;
pub mod process;
pub mod run_dir;
mod stack;

pub use asterisk::{Asterisk, AsteriskOptions};
pub use error::{Result, StackError};
pub use files::random_hex;
pub use gateway::{Gateway, GatewayOptions};
pub use phones::{Baresip, BaresipOptions, PhoneEvent, PhoneEventKind, Sipp, SippCall};
pub use ports::Ports;
pub use postgres::{Postgres, PostgresOptions};
pub use stack::{Stack, StackOptions};
