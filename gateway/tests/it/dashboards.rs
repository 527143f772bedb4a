//! What dashboards ask for is there.

use std::collections::BTreeSet;
use std::path::Path;

use trunkline::conversations::ThreadMetrics;

use crate::support::App;

/// The names of metrics in a text.
fn names(text: &str) -> BTreeSet<String> {
    let is_part = |sign: char| sign.is_ascii_alphanumeric() || sign == '_';
    let words = text.split(|sign| !is_part(sign));
    words.filter(|word| word.starts_with("trunkline_")).map(str::to_owned).collect()
}

#[tokio::test]
async fn every_metric_of_a_dashboard_is_exported() {
    let app = App::start().await;
    ThreadMetrics::register(app.state.metrics.registry()).unwrap();
    let metrics = app.client.get(app.url("/metrics")).send().await.unwrap().text().await.unwrap();
    let help = metrics.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split(' ').next());
    let exported: BTreeSet<&str> = help.collect();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().join("dashboards");
    let mut asked = 0;
    for file in std::fs::read_dir(folder).unwrap() {
        let text = std::fs::read_to_string(file.unwrap().path()).unwrap();
        serde_json::from_str::<serde_json::Value>(&text).unwrap();
        for name in names(&text) {
            asked += 1;
            assert!(exported.contains(name.trim_end_matches("_bucket")), "{name} is not exported");
        }
    }
    assert!(asked > 5, "{asked}");
}
