//! Builds anew when the panel was built anew: its files are in the program (`src/panel`).

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    // Empty in a checkout whose panel was never built; a folder that is missing would have the gateway built each time.
    let dist = concat!(env!("CARGO_MANIFEST_DIR"), "/web/dist");
    if let Err(error) = std::fs::create_dir_all(dist) {
        println!("cargo:warning={dist} cannot be made: {error}");
    }
    println!("cargo:rerun-if-changed={dist}");
}
