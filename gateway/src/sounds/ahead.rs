//! Speaks what flows say to every caller as soon as they are published, so that nobody waits for it.

use std::collections::HashMap;
use std::sync::Arc;

use tokio::sync::watch;
use trunkline_calls::directory::Directory;
use trunkline_calls::flow::walk::Published;
use uuid::Uuid;

use super::Sounds;

/// Speaks the texts of each flow that is new, or newer than the last one seen, one after the other. Ends with the directory.
pub(super) async fn speak(sounds: Sounds, mut directory: watch::Receiver<Arc<Directory>>) {
    let mut seen: HashMap<Uuid, i32> = HashMap::new();
    loop {
        let fresh: Vec<Arc<Published>> = {
            let directory = directory.borrow_and_update();
            seen.retain(|id, _| directory.flows.contains_key(&trunkline_db::FlowId(*id)));
            let flows = directory.flows.values().map(|(_, flow)| flow);
            flows.filter(|flow| seen.insert(flow.id, flow.version) != Some(flow.version)).map(Arc::clone).collect()
        };
        for flow in fresh {
            for (text, language) in flow.flow.fixed_texts() {
                // Why it failed is in the log; a call tries again.
                let _ = sounds.speech().speak(text, language).await;
            }
        }
        if directory.changed().await.is_err() {
            return;
        }
    }
}
