//! Writes what the program is made of as a CycloneDX 1.5 document: the crates of `trunkline` (reads `cargo metadata` from standard input)
//! and the packages of its panel.
//!
//!     cargo metadata --format-version 1 --locked | trunkline-sbom Cargo.lock gateway/web/package-lock.json
//!
//! The same inputs give the same bytes: no clock, no random number. What only builds or tests is left out, but for the crates that run
//! while the program is built.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::io::Read as _;
use std::process::ExitCode;

use anyhow::Context as _;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde_json::{Value, json};
use uuid::Uuid;

const PROGRAM: &str = "trunkline";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [cargo_lock, npm_lock] = arguments.as_slice() else {
        eprintln!("usage: cargo metadata --format-version 1 --locked | trunkline-sbom Cargo.lock package-lock.json");
        return ExitCode::FAILURE;
    };
    match run(cargo_lock, npm_lock) {
        Ok(document) => {
            println!("{document}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("sbom: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(cargo_lock: &str, npm_lock: &str) -> anyhow::Result<String> {
    let mut text = String::new();
    std::io::stdin().read_to_string(&mut text)?;
    let metadata: Metadata =
        serde_json::from_str(&text).context("expected the output of `cargo metadata --format-version 1`")?;
    let lock: CargoLock = toml::from_str(&std::fs::read_to_string(cargo_lock).context(cargo_lock.to_owned())?)?;
    let npm: NpmLock = serde_json::from_str(&std::fs::read_to_string(npm_lock).context(npm_lock.to_owned())?)?;
    Ok(serde_json::to_string_pretty(&document(&metadata, &lock, &npm)?)?)
}

#[derive(Debug, Deserialize)]
struct Metadata {
    packages: Vec<Package>,
    resolve: Resolve,
}

#[derive(Debug, Deserialize)]
struct Package {
    id: String,
    name: String,
    version: String,
    license: Option<String>,
    description: Option<String>,
    repository: Option<String>,
    /// Absent for what lies in this repository.
    source: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Resolve {
    nodes: Vec<Node>,
}

#[derive(Debug, Deserialize)]
struct Node {
    id: String,
    deps: Vec<Edge>,
}

#[derive(Debug, Deserialize)]
struct Edge {
    pkg: String,
    dep_kinds: Vec<EdgeKind>,
}

#[derive(Debug, Deserialize)]
struct EdgeKind {
    /// `null`: a usual dependency.
    kind: Option<String>,
}

impl Edge {
    fn is_built_in(&self) -> bool {
        self.dep_kinds.iter().any(|one| one.kind.as_deref() != Some("dev"))
    }
}

#[derive(Debug, Deserialize)]
struct CargoLock {
    package: Vec<Locked>,
}

#[derive(Debug, Deserialize)]
struct Locked {
    name: String,
    version: String,
    /// SHA-256, in hex.
    checksum: Option<String>,
}

#[derive(Debug, Deserialize)]
struct NpmLock {
    packages: BTreeMap<String, NpmPackage>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct NpmPackage {
    name: Option<String>,
    version: Option<String>,
    license: Option<String>,
    /// `sha512-` and base64.
    integrity: Option<String>,
    #[serde(default)]
    dev: bool,
    #[serde(default)]
    dev_optional: bool,
    #[serde(default)]
    dependencies: BTreeMap<String, String>,
    #[serde(default)]
    peer_dependencies: BTreeMap<String, String>,
}

/// The whole document.
fn document(metadata: &Metadata, lock: &CargoLock, npm: &NpmLock) -> anyhow::Result<Value> {
    let mut components = BTreeMap::new();
    let mut dependencies: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let program = rust(metadata, lock, &mut components, &mut dependencies)?;
    let panel = javascript(npm, &mut components, &mut dependencies)?;
    let root = components.remove(&program).context("the program is no component")?;
    dependencies.entry(program).or_default().insert(panel);
    let dependencies: Vec<Value> =
        dependencies.into_iter().map(|(reference, on)| json!({ "ref": reference, "dependsOn": on })).collect();
    let components: Vec<Value> = components.into_values().collect();
    let mut document = json!({
        "$schema": "http://cyclonedx.org/schema/bom-1.5.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "version": 1,
        "metadata": {
            "component": root,
            "tools": { "components": [{ "type": "application", "name": "trunkline-sbom", "version": env!("CARGO_PKG_VERSION") }] },
        },
        "components": components,
        "dependencies": dependencies,
    });
    // Named after what it says.
    let serial = Uuid::new_v5(&Uuid::NAMESPACE_OID, document.to_string().as_bytes());
    document["serialNumber"] = json!(serial.urn().to_string());
    Ok(document)
}

/// Adds what the program is built from, and gives the program's reference.
fn rust(
    metadata: &Metadata,
    lock: &CargoLock,
    components: &mut BTreeMap<String, Value>,
    dependencies: &mut BTreeMap<String, BTreeSet<String>>,
) -> anyhow::Result<String> {
    let packages: BTreeMap<&str, &Package> = metadata.packages.iter().map(|one| (one.id.as_str(), one)).collect();
    let nodes: BTreeMap<&str, &Node> = metadata.resolve.nodes.iter().map(|one| (one.id.as_str(), one)).collect();
    let checksums: BTreeMap<(&str, &str), &str> = lock
        .package
        .iter()
        .filter_map(|one| Some(((one.name.as_str(), one.version.as_str()), one.checksum.as_deref()?)))
        .collect();
    let program = metadata.packages.iter().find(|one| one.name == PROGRAM && one.source.is_none());
    let program = program.context("there is no package of the program's name")?;
    let mut waiting = vec![program.id.as_str()];
    let mut seen = BTreeSet::new();
    while let Some(id) = waiting.pop() {
        if !seen.insert(id) {
            continue;
        }
        let package = packages.get(id).with_context(|| format!("{id} is in the graph and no package"))?;
        let node = nodes.get(id).with_context(|| format!("{id} is a package and not in the graph"))?;
        let on: Vec<&str> = node.deps.iter().filter(|one| one.is_built_in()).map(|one| one.pkg.as_str()).collect();
        let references = on.iter().filter_map(|id| packages.get(id)).map(|one| crate_reference(one)).collect();
        dependencies.insert(crate_reference(package), references);
        let checksum = checksums.get(&(package.name.as_str(), package.version.as_str())).copied();
        components.insert(crate_reference(package), crate_component(package, checksum));
        waiting.extend(on);
    }
    Ok(crate_reference(program))
}

fn crate_reference(package: &Package) -> String {
    format!("pkg:cargo/{}@{}", package.name, package.version)
}

fn crate_component(package: &Package, checksum: Option<&str>) -> Value {
    let reference = crate_reference(package);
    let kind = if package.name == PROGRAM { "application" } else { "library" };
    let mut component = json!({
        "type": kind, "bom-ref": reference, "purl": reference, "name": package.name, "version": package.version,
    });
    if let Some(licence) = &package.license {
        // The old form `MIT/Apache-2.0` means OR.
        component["licenses"] = json!([{ "expression": licence.replace('/', " OR ") }]);
    }
    if let Some(words) = &package.description {
        component["description"] = json!(words.split_whitespace().collect::<Vec<_>>().join(" "));
    }
    if let Some(address) = &package.repository {
        component["externalReferences"] = json!([{ "type": "vcs", "url": address }]);
    }
    if let Some(checksum) = checksum {
        component["hashes"] = json!([{ "alg": "SHA-256", "content": checksum }]);
    }
    component
}

/// Adds what is in the panel, and gives the panel's reference.
fn javascript(
    lock: &NpmLock,
    components: &mut BTreeMap<String, Value>,
    dependencies: &mut BTreeMap<String, BTreeSet<String>>,
) -> anyhow::Result<String> {
    let mut panel = None;
    for (place, package) in lock.packages.iter().filter(|(_, package)| !package.dev && !package.dev_optional) {
        let reference = npm_reference(place, package)?;
        let (name, version) = (npm_name(place, package), package.version.as_deref().unwrap_or_default());
        let mut component = json!({
            "type": "library", "bom-ref": reference, "purl": reference, "name": name, "version": version,
        });
        if let Some(licence) = &package.license {
            component["licenses"] = json!([{ "expression": licence }]);
        }
        if let Some(digest) = package.integrity.as_deref().and_then(|text| text.strip_prefix("sha512-")) {
            let digest = STANDARD.decode(digest).with_context(|| format!("{place}: its checksum is no base64"))?;
            let content = digest.iter().fold(String::new(), |mut text, byte| {
                let _ = write!(text, "{byte:02x}");
                text
            });
            component["hashes"] = json!([{ "alg": "SHA-512", "content": content }]);
        }
        components.insert(reference.clone(), component);
        let wanted = package.dependencies.keys().chain(package.peer_dependencies.keys());
        let on = wanted.filter_map(|name| found(lock, place, name)).collect::<anyhow::Result<BTreeSet<String>>>()?;
        dependencies.entry(reference.clone()).or_default().extend(on);
        if place.is_empty() {
            panel = Some(reference);
        }
    }
    panel.context("package-lock.json has no root")
}

/// The package that `name` means at `place`: the nearest one, as Node looks for it. A peer that is optional may be nowhere.
fn found(lock: &NpmLock, place: &str, name: &str) -> Option<anyhow::Result<String>> {
    let mut at = place;
    loop {
        let candidate =
            if at.is_empty() { format!("node_modules/{name}") } else { format!("{at}/node_modules/{name}") };
        if let Some(package) = lock.packages.get(&candidate) {
            return (!package.dev && !package.dev_optional).then(|| npm_reference(&candidate, package));
        }
        if at.is_empty() {
            return None;
        }
        at = at.rsplit_once("node_modules/").map_or("", |(before, _)| before.trim_end_matches('/'));
    }
}

fn npm_name<'a>(place: &'a str, package: &'a NpmPackage) -> &'a str {
    package.name.as_deref().unwrap_or_else(|| place.rsplit_once("node_modules/").map_or(place, |(_, name)| name))
}

fn npm_reference(place: &str, package: &NpmPackage) -> anyhow::Result<String> {
    let version = package.version.as_deref().with_context(|| format!("{place}: it has no version"))?;
    Ok(format!("pkg:npm/{}@{version}", npm_name(place, package).replace('@', "%40")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Value {
        let metadata = json!({
            "packages": [
                { "id": "p", "name": "trunkline", "version": "1.0.0", "license": "Apache-2.0" },
                { "id": "a", "name": "a", "version": "2.0.0", "license": "MIT/Apache-2.0", "source": "registry" },
                { "id": "t", "name": "t", "version": "3.0.0", "source": "registry" },
            ],
            "resolve": { "nodes": [
                { "id": "p", "deps": [
                    { "pkg": "a", "dep_kinds": [{ "kind": null }, { "kind": "dev" }] },
                    { "pkg": "t", "dep_kinds": [{ "kind": "dev" }] },
                ] },
                { "id": "a", "deps": [] },
                { "id": "t", "deps": [] },
            ] },
        });
        let lock = json!({ "package": [{ "name": "a", "version": "2.0.0", "checksum": "00ff" }] });
        let npm = json!({ "packages": {
            "": { "name": "panel", "version": "1.0.0", "dependencies": { "@s/x": "1", "y": "1" } },
            "node_modules/@s/x": { "version": "1.1.0", "license": "MIT", "integrity": "sha512-AP8=", "dependencies": { "y": "2" } },
            "node_modules/@s/x/node_modules/y": { "version": "2.0.0" },
            "node_modules/y": { "version": "1.0.0", "peerDependencies": { "gone": "1" } },
            "node_modules/tool": { "version": "9.0.0", "dev": true },
        } });
        document(
            &serde_json::from_value(metadata).unwrap(),
            &serde_json::from_value(lock).unwrap(),
            &serde_json::from_value(npm).unwrap(),
        )
        .unwrap()
    }

    #[test]
    fn it_names_what_is_built_in_and_nothing_that_only_tests() {
        let document = sample();
        let names: Vec<&str> =
            document["components"].as_array().unwrap().iter().map(|one| one["bom-ref"].as_str().unwrap()).collect();
        assert_eq!(
            names,
            ["pkg:cargo/a@2.0.0", "pkg:npm/%40s/x@1.1.0", "pkg:npm/panel@1.0.0", "pkg:npm/y@1.0.0", "pkg:npm/y@2.0.0"]
        );
        assert_eq!(document["metadata"]["component"]["bom-ref"], "pkg:cargo/trunkline@1.0.0");
        assert_eq!(document["components"][0]["hashes"][0]["content"], "00ff");
        assert_eq!(document["components"][0]["licenses"][0]["expression"], "MIT OR Apache-2.0");
        assert_eq!(document["components"][1]["hashes"][0]["content"], "00ff");
    }

    #[test]
    fn a_package_depends_on_the_nearest_one_of_a_name() {
        let document = sample();
        let on = |reference: &str| {
            let all = document["dependencies"].as_array().unwrap();
            all.iter().find(|one| one["ref"] == reference).unwrap()["dependsOn"].clone()
        };
        assert_eq!(on("pkg:npm/%40s/x@1.1.0"), json!(["pkg:npm/y@2.0.0"]));
        assert_eq!(on("pkg:npm/panel@1.0.0"), json!(["pkg:npm/%40s/x@1.1.0", "pkg:npm/y@1.0.0"]));
        assert_eq!(on("pkg:cargo/trunkline@1.0.0"), json!(["pkg:cargo/a@2.0.0", "pkg:npm/panel@1.0.0"]));
    }

    #[test]
    fn the_same_inputs_give_the_same_bytes() {
        assert_eq!(sample().to_string(), sample().to_string());
    }
}
