//! A private Asterisk starts, stops, dies and comes back.

use std::time::{Duration, Instant};

use trunkline_stack::{Asterisk, AsteriskOptions};

#[tokio::test]
async fn asterisk_boots_stops_and_survives_its_kill() {
    let root = tempfile::tempdir().unwrap();
    // Longer than a Unix socket's path may be.
    let dir = root.path().join("a-rather-long-folder-name-".repeat(6));
    let started = Instant::now();
    let mut asterisk = Asterisk::start(&dir, AsteriskOptions::default()).await.unwrap();
    println!("booted in {:?}", started.elapsed());
    assert!(asterisk.rx("core show version").await.unwrap().starts_with("Asterisk 22."));
    let port = asterisk.sip_port();

    asterisk.kill();
    assert!(!asterisk.is_running());
    asterisk.start_again().await.unwrap();
    assert_eq!(asterisk.sip_port(), port);
    assert!(asterisk.rx("core show uptime").await.unwrap().contains("System uptime"));

    let started = Instant::now();
    assert!(asterisk.stop(), "it ends by itself");
    assert!(started.elapsed() < Duration::from_secs(5));
    asterisk.restart().await.unwrap();
    assert!(asterisk.is_running());
}

#[tokio::test]
async fn nothing_in_the_configuration_is_refused() {
    let root = tempfile::tempdir().unwrap();
    let asterisk = Asterisk::start(root.path(), AsteriskOptions::default()).await.unwrap();
    let log = std::fs::read_to_string(asterisk.dir().join("log/messages.log")).unwrap_or_default();
    let complaints: Vec<&str> = log.lines().filter(|line| line.contains("ERROR") || line.contains("WARNING")).collect();
    assert!(complaints.is_empty(), "{}", complaints.join("\n"));
    let endpoints = asterisk.rx("pjsip show identify demo-trunk").await.unwrap();
    assert!(endpoints.contains("127.0.0.1/32"), "{endpoints}");
}
