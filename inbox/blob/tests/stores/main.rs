//! One suite over both stores: a folder, and a real S3 server (s3s-fs) on loopback.

mod bucket;
mod keep;
mod lines;
mod read;
mod resume;
mod stores;
mod sweep;
