//! Where our code comes from: every dependency has a reason, our crates forbid `unsafe`, and the SBOM is one.

use std::collections::BTreeSet;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap()
}

fn table(path: &str) -> toml::Table {
    read(path).parse().unwrap()
}

fn members() -> Vec<String> {
    let workspace = table("Cargo.toml");
    workspace["workspace"]["members"].as_array().unwrap().iter().map(|one| one.as_str().unwrap().to_owned()).collect()
}

fn metadata() -> Vec<u8> {
    let made = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--locked", "--offline"])
        .current_dir(root())
        .output()
        .unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    made.stdout
}

fn sbom() -> Value {
    let mut child = Command::new(env!("CARGO_BIN_EXE_trunkline-sbom"))
        .args(["Cargo.lock", "gateway/web/package-lock.json"])
        .current_dir(root())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = child.stdin.take().unwrap();
    let metadata = metadata();
    let writing = std::thread::spawn(move || input.write_all(&metadata).unwrap());
    let output = child.wait_with_output().unwrap();
    writing.join().unwrap();
    assert!(output.status.success());
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn every_direct_dependency_has_a_reason_and_no_other_has() {
    let page = read("docs/dependencies.md");
    let mut explained = BTreeSet::new();
    for line in page.lines().filter(|line| line.starts_with("| `")) {
        let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
        let [name, reason] = cells.as_slice() else { panic!("{line}") };
        assert!(!reason.is_empty(), "{line}");
        assert!(explained.insert(name.trim_matches('`').to_owned()), "twice: {line}");
    }
    let mut used = BTreeSet::new();
    for (name, value) in table("Cargo.toml")["workspace"]["dependencies"].as_table().unwrap() {
        if value.get("path").is_none() {
            used.insert(name.clone());
        }
    }
    for member in members() {
        for (kind, dependencies) in table(&format!("{member}/Cargo.toml")) {
            if kind.ends_with("dependencies") {
                for (name, value) in dependencies.as_table().unwrap() {
                    assert_eq!(
                        value.get("workspace"),
                        Some(&true.into()),
                        "{member}: {name} belongs to the workspace's list"
                    );
                }
            }
        }
    }
    let package: Value = serde_json::from_str(&read("gateway/web/package.json")).unwrap();
    for kind in ["dependencies", "devDependencies"] {
        used.extend(package[kind].as_object().unwrap().keys().cloned());
    }
    assert_eq!(explained, used);
}

#[test]
fn unsafe_code_is_forbidden_in_each_of_our_crates() {
    assert_eq!(table("Cargo.toml")["workspace"]["lints"]["rust"]["unsafe_code"].as_str(), Some("forbid"));
    for member in members() {
        let manifest = table(&format!("{member}/Cargo.toml"));
        let inherits = manifest.get("lints").and_then(|lints| lints.get("workspace"));
        assert_eq!(inherits, Some(&true.into()), "{member} does not take the workspace's lints");
    }
}

#[test]
fn both_licence_checks_accept_the_same() {
    let deny = table("deny.toml");
    let allowed: Vec<&str> =
        deny["licenses"]["allow"].as_array().unwrap().iter().map(|one| one.as_str().unwrap()).collect();
    let ours = read("tests/stack/src/bin/trunkline-licences.rs");
    let list = ours.split_once("const ACCEPTED").unwrap().1.split_once("];").unwrap().0;
    let accepted: Vec<&str> =
        list.lines().filter_map(|line| line.trim().strip_prefix('"')?.strip_suffix("\",")).collect();
    assert_eq!(allowed, accepted);
}

/// What the CycloneDX 1.5 schema requires, and what makes the document of use.
#[test]
fn the_sbom_is_a_cyclonedx_document_of_all_that_is_in_the_program() {
    let sbom = sbom();
    assert_eq!(
        (&sbom["bomFormat"], &sbom["specVersion"], &sbom["version"]),
        (&"CycloneDX".into(), &"1.5".into(), &1.into())
    );
    let serial = sbom["serialNumber"].as_str().unwrap();
    assert!(serial.starts_with("urn:uuid:") && serial.len() == 45, "{serial}");
    let program = &sbom["metadata"]["component"];
    assert_eq!((&program["type"], &program["name"]), (&"application".into(), &"trunkline".into()));

    let components = sbom["components"].as_array().unwrap();
    let mut references = BTreeSet::from([program["bom-ref"].as_str().unwrap()]);
    for component in components {
        let text = |key: &str| {
            component[key].as_str().filter(|text| !text.is_empty()).unwrap_or_else(|| panic!("{key}: {component}"))
        };
        assert_eq!(text("type"), "library");
        assert_eq!(text("purl"), text("bom-ref"));
        assert!(text("purl").starts_with("pkg:cargo/") || text("purl").starts_with("pkg:npm/"));
        assert!(!text("name").is_empty() && !text("version").is_empty());
        assert!(references.insert(text("bom-ref")), "twice: {component}");
        for licence in component["licenses"].as_array().into_iter().flatten() {
            assert!(licence["expression"].is_string(), "{component}");
        }
        for hash in component["hashes"].as_array().into_iter().flatten() {
            let length = match hash["alg"].as_str().unwrap() {
                "SHA-256" => 64,
                "SHA-512" => 128,
                other => panic!("{other}"),
            };
            let content = hash["content"].as_str().unwrap();
            assert!(content.len() == length && content.bytes().all(|byte| byte.is_ascii_hexdigit()), "{component}");
        }
    }
    let known = |reference: &Value| references.contains(reference.as_str().unwrap());
    for dependency in sbom["dependencies"].as_array().unwrap() {
        assert!(known(&dependency["ref"]), "{dependency}");
        assert!(dependency["dependsOn"].as_array().unwrap().iter().all(known), "{dependency}");
    }
    let named = |prefix: &str| components.iter().any(|one| one["purl"].as_str().unwrap().starts_with(prefix));
    for prefix in [
        "pkg:cargo/trunkline-ari@",
        "pkg:cargo/rustls@",
        "pkg:cargo/sqlx-postgres@",
        "pkg:npm/jssip@",
        "pkg:npm/react@",
    ] {
        assert!(named(prefix), "{prefix}");
    }
    for prefix in ["pkg:cargo/proptest@", "pkg:npm/vite@"] {
        assert!(!named(prefix), "{prefix} is no part of the program");
    }
    // What came from a registry can be told from a forgery.
    let ours = |purl: &str| purl.starts_with("pkg:cargo/trunkline") || purl.starts_with("pkg:npm/trunkline-panel");
    for component in components.iter().filter(|one| !ours(one["purl"].as_str().unwrap())) {
        assert!(component["hashes"].is_array() && component["licenses"].is_array(), "{component}");
    }
}
