//! The disk under the recordings is full. Calls go on; the recordings that broke say so, and those after it are whole.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use reqwest::{Method, StatusCode};
use serde_json::json;
use trunkline_stack::audio::Wav;
use trunkline_stack::{PhoneEventKind, Stack, StackOptions};
use trunkline_tests::{AGENT_HZ, CUSTOMER_HZ, EventStream, Scene, hears_now, nothing_left_in_asterisk, run};

const SOON: Duration = Duration::from_secs(15);

/// A small disk of its own, in memory; gone when dropped.
struct SmallDisk {
    folder: tempfile::TempDir,
}

impl SmallDisk {
    /// Mounts one, or says why this machine does not let us.
    fn mount(size: &str) -> Result<Self, String> {
        let folder = tempfile::Builder::new().prefix("trunkline-disk-").tempdir().map_err(|error| error.to_string())?;
        mount(&["-t", "tmpfs", "-o", &format!("size={size},mode=0777"), "tmpfs"], folder.path())?;
        Ok(Self { folder })
    }

    fn grow(&self, size: &str) -> Result<(), String> {
        mount(&["-o", &format!("remount,size={size}")], self.path())
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // Lazily: a gateway that still runs may hold a file.
        let _gone = Command::new("umount").arg("-l").arg(self.path()).status();
    }
}

fn mount(words: &[&str], folder: &Path) -> Result<(), String> {
    let output = Command::new("mount").args(words).arg(folder).output().map_err(|error| error.to_string())?;
    let why = String::from_utf8_lossy(&output.stderr).trim().to_owned();
    if output.status.success() { Ok(()) } else { Err(why) }
}

fn files_below(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    entries
        .flatten()
        .map(|entry| entry.path())
        .flat_map(|path| if path.is_dir() { files_below(&path) } else { vec![path] })
        .collect()
}

#[test]
fn a_full_disk_breaks_recordings_and_no_call() {
    // Two seconds of sound or so.
    let disk = match SmallDisk::mount("64k") {
        Ok(disk) => disk,
        Err(why) => {
            println!("SKIPPED: no small disk can be mounted here: {why}");
            return;
        }
    };
    run(async {
        let recordings = ("TRUNKLINE_RECORDINGS_DIR".to_owned(), disk.path().display().to_string());
        let stack =
            Stack::start(StackOptions { demo: false, env: vec![recordings], ..StackOptions::default() }).await?;
        let mut scene = Scene::new(&stack, 2).await?;
        scene.everybody_works(true).await?;
        let mut stream = EventStream::next_only(&scene.admin).await?;
        let mut first = scene.customer().await?;
        let first_call = stream.wait_kind("call.answered", None).await?.subject().to_owned();
        first.wait_for(PhoneEventKind::Established, SOON).await?;
        // Until the disk is full, and beyond.
        for _ in 0..4 {
            hears_now(&first, AGENT_HZ).await?;
        }
        // A call that comes now, with no room at all for its recording.
        let mut second = scene.customer().await?;
        let second_call = stream.wait_kind("call.answered", None).await?.subject().to_owned();
        second.wait_for(PhoneEventKind::Established, SOON).await?;
        hears_now(&second, AGENT_HZ).await.context("the second customer")?;
        hears_now(&first, AGENT_HZ).await.context("the first customer, with a full disk")?;
        hears_now(scene.phone(0), CUSTOMER_HZ).await.context("the first agent, with a full disk")?;

        for (customer, call) in [(&mut first, &first_call), (&mut second, &second_call)] {
            customer.hang_up().await?;
            stream.wait_kind("call.ended", Some(call)).await?;
            let failed = stream
                .wait_for("the recording's end", SOON, |seen| {
                    ["recording.ready", "recording.failed"].contains(&seen.kind.as_str())
                        && seen.event.pointer("/data/call_id") == Some(&json!(call))
                })
                .await?;
            assert_eq!(failed.kind, "recording.failed", "{}", failed.event);
            let why = failed.event["data"]["error"].as_str().context("no reason")?;
            ensure!(why.contains("no space left on the disk"), "{why}");

            let record = scene.admin.get(&format!("/calls/{call}")).await?;
            assert_eq!(record["end_reason"], "completed_customer", "{record}");
            let recording = record["recording_id"].as_str().context("a recording")?;
            let facts = scene.admin.get(&format!("/recordings/{recording}")).await?;
            assert_eq!((&facts["state"], &facts["error"]), (&json!("failed"), &json!(why)), "{facts}");
            let audio = scene.admin.request(Method::GET, &format!("/recordings/{recording}/audio")).send().await?;
            assert_eq!(audio.status(), StatusCode::NOT_FOUND);
            assert_eq!(audio.headers()["content-type"], "application/problem+json");
        }

        // Room again: nothing has to be started anew.
        disk.grow("16m").map_err(anyhow::Error::msg)?;
        let mut third = scene.customer().await?;
        let third_call = stream.wait_kind("call.answered", None).await?.subject().to_owned();
        third.wait_for(PhoneEventKind::Established, SOON).await?;
        hears_now(&third, AGENT_HZ).await?;
        third.hang_up().await?;
        stream.wait_kind("call.ended", Some(&third_call)).await?;
        let ready = stream.wait_kind("recording.ready", None).await?;
        let path = scene.folder("recording.wav");
        std::fs::write(&path, scene.admin.audio(ready.subject()).await?)?;
        ensure!(Wav::read(&path)?.seconds() > 0.9, "{}", ready.event);
        let left: Vec<_> = files_below(disk.path());
        ensure!(left.iter().any(|path| path.to_string_lossy().contains(ready.subject())), "{left:?}");
        nothing_left_in_asterisk(&stack).await
    });
}
