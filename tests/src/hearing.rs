//! What a phone hears at this moment.

use std::time::Duration;

use anyhow::{Result, bail, ensure};
use trunkline_stack::audio::{Wav, tone_share_windowed};
use trunkline_stack::phones::Baresip;

/// How long to wait for a second of sound.
const PATIENCE: Duration = Duration::from_secs(15);

/// How much of a tone a whole recording holds at least. A test's phone that gets no turn on a busy machine leaves holes of a tenth of a second in
/// what it says; sound that is lost, or heard on the wrong side, takes far more.
pub const MOSTLY: f64 = 0.75;

/// Waits until a phone hears a tone, in sound that is newer than this call.
pub async fn hears_now(phone: &Baresip, hz: u32) -> Result<()> {
    let mut before = 0.0_f64;
    for file in phone.heard()? {
        before = before.max(Wav::read(&file).map_or(0.0, |wav| wav.seconds()));
    }
    crate::eventually(PATIENCE, async || {
        for file in phone.heard()? {
            let Ok(wav) = Wav::read(&file) else { continue };
            if wav.seconds() > before + 1.0 {
                let share = tone_share_windowed(wav.cut(0, before + 0.2, wav.seconds()), wav.rate, f64::from(hz));
                ensure!(share > 0.9, "{share} of {hz} Hz");
                return Ok(());
            }
        }
        bail!("no new sound yet")
    })
    .await
}
