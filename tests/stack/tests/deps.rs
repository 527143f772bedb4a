//! `.ci/deps` on a machine that lacks a program: it says what to type, or types it.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

/// A folder with nothing in it but what `.ci/deps run` looks for and uses, less `lacking`. Its `apt-get` notes what it is told.
fn path_without(lacking: &str, folder: &Path) -> PathBuf {
    let path = folder.join("bin");
    fs::create_dir(&path).unwrap();
    for program in ["bash", "id", "sort", "mktemp", "grep", "rm", "seq"] {
        let real = ["/usr/bin", "/bin"].map(|dir| Path::new(dir).join(program)).into_iter().find(|file| file.exists());
        symlink(real.expect("a program of every Debian"), path.join(program)).unwrap();
    }
    for program in ["cargo", "cc", "setpriv", "unshare", "flock", "node", "npm", "espeak-ng"] {
        if program != lacking {
            symlink("/bin/true", path.join(program)).unwrap();
        }
    }
    let apt = path.join("apt-get");
    fs::write(&apt, format!("#!/bin/bash\nprintf '%s\\n' \"$*\" >> {}\n", folder.join("apt").display())).unwrap();
    fs::set_permissions(&apt, fs::Permissions::from_mode(0o755)).unwrap();
    path
}

/// Runs it as root or as an ordinary user. It is read from here, since the user may not get at the checkout.
fn deps(path: &Path, ordinary: bool) -> Output {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../.ci/deps");
    let mut command = Command::new(if ordinary { "/usr/bin/setpriv" } else { "/usr/bin/env" });
    if ordinary {
        command.args(["--reuid=65534", "--regid=65534", "--clear-groups"]);
    }
    command.args(["/bin/bash", "-s", "--", "run"]).env("PATH", path).stdin(fs::File::open(script).unwrap());
    command.stdout(Stdio::piped()).stderr(Stdio::piped()).output().unwrap()
}

fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
    folder
}

#[test]
fn an_ordinary_user_is_told_what_to_type_and_nothing_is_installed() {
    let folder = folder();
    let path = path_without("node", folder.path());
    let is_root = nix::unistd::geteuid().is_root();
    let output = deps(&path, is_root);
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("deps: missing: nodejs\n"), "{said}");
    assert!(said.contains("apt-get install -y --no-install-recommends nodejs\n"), "{said}");
    assert!(!folder.path().join("apt").exists(), "apt-get was called");
}

#[test]
fn root_gets_it_installed_and_nothing_else() {
    if !nix::unistd::geteuid().is_root() {
        return;
    }
    let folder = folder();
    let output = deps(&path_without("npm", folder.path()), false);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let told = fs::read_to_string(folder.path().join("apt")).unwrap();
    let last: Vec<&str> = told.lines().map(|line| line.split_once("=600 ").map_or(line, |(_, rest)| rest)).collect();
    assert_eq!(last, ["update", "install -y --no-install-recommends npm"]);
}

#[test]
fn without_rust_it_says_so() {
    let folder = folder();
    let output = deps(&path_without("cargo", folder.path()), false);
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("cargo is not here: install Rust"), "{said}");
}
