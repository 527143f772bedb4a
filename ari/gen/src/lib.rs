//! Reads the api-docs that Asterisk ships (`rest-api/*.json`) and writes the typed part of `trunkline-ari`:
//! models, events, operations. The JSON itself is covered by Asterisk's licence and is not kept in the repository;
//! what is generated from it is names and types only, with documentation of our own making.
//!
//! ```no_run
//! # fn main() -> anyhow::Result<()> {
//! use std::path::Path;
//! let api = trunkline_ari_gen::Api::load(Path::new("/usr/share/asterisk/rest-api"))?;
//! let drift = trunkline_ari_gen::drift(&["model Channel"], &api);
//! assert!(drift.missing.is_empty());
//! # Ok(())
//! # }
//! ```

mod emit;
mod names;
mod prefix;
mod surface;
mod swagger;
mod write;

pub use emit::{GeneratedFile, generate};
pub use prefix::{installed_api_docs, installed_prefix};
pub use surface::{Drift, drift, lines as surface_lines};
pub use swagger::{Api, Field, Model, Operation, Parameter, Place, Resource, find_api_docs};
pub use write::{format_files, stale_files, write_files};
