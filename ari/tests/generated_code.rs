//! The generated code against the api-docs of the Asterisk that is installed.

use std::collections::BTreeSet;
use std::path::Path;

use trunkline_ari::{Event, SURFACE};
use trunkline_ari_gen::{Api, drift, format_files, generate, installed_api_docs, stale_files, surface_lines};

fn installed() -> Option<Api> {
    let Some(folder) = installed_api_docs() else {
        println!("skipped: no Asterisk prefix is installed (TRUNKLINE_ASTERISK_PREFIX, or asterisk/get-asterisk.sh)");
        return None;
    };
    println!("api-docs: {}", folder.display());
    Some(Api::load(&folder).unwrap())
}

#[test]
fn nothing_generated_is_missing_in_the_installed_asterisk() {
    let Some(api) = installed() else { return };
    let drift = drift(SURFACE, &api);
    for line in &drift.added {
        println!("warning: the installed Asterisk has what is not generated yet: {line}");
    }
    assert!(drift.missing.is_empty(), "gone or changed in the installed Asterisk: {:#?}", drift.missing);
}

#[test]
fn generated_files_are_what_the_generator_writes() {
    let Some(api) = installed() else { return };
    if surface_lines(&api) != SURFACE {
        println!("skipped: the installed Asterisk has other api-docs than the code was generated from");
        return;
    }
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/generated");
    let files = format_files(generate(&api).unwrap(), &folder).unwrap();
    let stale = stale_files(&files, &folder).unwrap();
    assert!(stale.is_empty(), "run `cargo run -p trunkline-ari-gen`: {stale:?}");
}

#[test]
fn all_of_ari_22_is_there() {
    let count = |prefix: &str| SURFACE.iter().filter(|line| line.starts_with(prefix)).count();
    assert_eq!((count("operation "), count("model "), count("event ")), (109, 85, 45));
    let events: BTreeSet<&str> = SURFACE.iter().filter_map(|line| line.strip_prefix("event ")).collect();
    assert_eq!(events, Event::KINDS.iter().copied().collect());
}

#[test]
fn what_was_removed_or_changed_is_told_apart_from_what_was_added() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
    write("resources.json", r#"{"apis":[{"path":"/api-docs/things.{format}"}]}"#);
    write(
        "things.json",
        r#"{"apis":[{"path":"/things/{id}","operations":[{"httpMethod":"GET","nickname":"get","responseClass":"Thing",
            "parameters":[{"name":"id","paramType":"path","dataType":"string"}]}]}],
            "models":{"Thing":{"properties":{"id":{"type":"string"},"size":{"type":"int"}}}}}"#,
    );
    let api = Api::load(folder.path()).unwrap();
    let generated =
        ["operation things.get GET /things/{id} -> Thing", "model Thing", "field Thing.id int", "model Gone"];
    let drift = drift(&generated, &api);
    assert_eq!(drift.missing, ["field Thing.id int", "model Gone"]);
    assert_eq!(
        drift.added,
        ["field Thing.id string", "field Thing.size int", "parameter things.get id path string required"]
    );
}
