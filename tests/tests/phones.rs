//! Phones that may not sign in. Each test has a stack of its own: failed sign-ins bar their address, which here is everybody's.

use std::time::Duration;

use anyhow::{Context, ensure};
use reqwest::Method;
use trunkline_tests::{Scene, eventually, outage_stack, run};

const SOON: Duration = Duration::from_secs(15);

#[test]
fn phone_with_a_wrong_password_is_refused() {
    run(async {
        let stack = outage_stack().await?;
        let mut scene = Scene::new(&stack, 1).await?;
        scene.agents[0].credentials.1 = "wrong".to_owned();
        let refused = scene.plug_in(0, false).await;
        ensure!(refused.is_err(), "a wrong password signed in");
        Ok(())
    });
}

#[test]
fn removed_phone_can_no_longer_sign_in_or_ring() {
    run(async {
        let stack = outage_stack().await?;
        let mut scene = Scene::new(&stack, 1).await?;
        scene.everybody_works(false).await?;
        let agent = scene.agents[0].api.clone();
        let devices = agent.get(&format!("/agents/{}/devices", agent.user)).await?;
        let device = devices["items"][0]["id"].as_str().context("a device")?.to_owned();
        let gone = agent.request(Method::DELETE, &format!("/agents/{}/devices/{device}", agent.user)).send().await?;
        ensure!(gone.status().is_success(), "{}", gone.status());
        eventually(SOON, async || {
            let agents = scene.admin.get("/agents").await?;
            ensure!(agents["items"][0]["reachable"] == false, "{agents}");
            Ok(())
        })
        .await?;
        ensure!(scene.plug_in(0, false).await.is_err(), "a removed phone signed in");
        Ok(())
    });
}
