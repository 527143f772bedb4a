//! Starting again what dies. Each part is watched by itself: one that takes long to come back holds up no other.

use std::convert::Infallible;
use std::process::ExitStatus;
use std::time::Duration;

use tokio::time::Instant;
use trunkline_stack::process::{Process, status_words};
use trunkline_stack::{Asterisk, Gateway, Postgres, Stack, StackError};

use crate::run::say;

/// How often a part is looked at.
const LOOK: Duration = Duration::from_millis(50);
/// A part that ran for so long did start: what ended it came from outside, and it is started again at once.
const STEADY: Duration = Duration::from_secs(2);
/// The longest pause before a part that keeps dying is tried again.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// Keeps all parts of a stack running, for ever.
pub(crate) async fn supervise(stack: &mut Stack) -> Infallible {
    let Stack { gateway, asterisk, postgres, .. } = stack;
    tokio::select! {
        never = keep_up(gateway) => never,
        never = keep_up(asterisk) => never,
        never = keep_up(postgres) => never,
    }
}

/// Something that runs and can be started again.
trait Part {
    const NAME: &'static str;

    /// How it ended, if it did.
    fn ended(&mut self) -> Option<ExitStatus>;

    /// Starts it again; an error when it does not come up.
    async fn revive(&mut self) -> Result<(), StackError>;
}

impl Part for Gateway {
    const NAME: &'static str = "the gateway";

    fn ended(&mut self) -> Option<ExitStatus> {
        self.process().and_then(Process::ended)
    }

    async fn revive(&mut self) -> Result<(), StackError> {
        self.launch()?;
        announce_when_ready(&self.base_url());
        Ok(())
    }
}

impl Part for Asterisk {
    const NAME: &'static str = "Asterisk";

    fn ended(&mut self) -> Option<ExitStatus> {
        self.process().and_then(Process::ended)
    }

    async fn revive(&mut self) -> Result<(), StackError> {
        announce(Self::NAME, self.start_again()).await
    }
}

impl Part for Postgres {
    const NAME: &'static str = "PostgreSQL";

    fn ended(&mut self) -> Option<ExitStatus> {
        self.process().and_then(Process::ended)
    }

    async fn revive(&mut self) -> Result<(), StackError> {
        announce(Self::NAME, self.start_again()).await
    }
}

async fn keep_up<P: Part>(part: &mut P) -> Infallible {
    let mut watch = Watch::new(P::NAME);
    loop {
        tokio::time::sleep(LOOK).await;
        if watch.due.is_none()
            && let Some(status) = part.ended()
        {
            watch.died(&status_words(status), Instant::now());
        }
        if watch.is_due(Instant::now()) {
            match part.revive().await {
                Ok(()) => watch.started(),
                Err(error) => watch.died(&error.to_string(), Instant::now()),
            }
        }
    }
}

/// When a part was last started, and how long to wait before the next time.
#[derive(Debug)]
struct Watch {
    name: &'static str,
    since: Instant,
    pause: Duration,
    /// When to start it again, after it was seen dead.
    due: Option<Instant>,
}

impl Watch {
    fn new(name: &'static str) -> Self {
        Self { name, since: Instant::now(), pause: Duration::ZERO, due: None }
    }

    /// Takes note of a death; the first comes back at once, the ones in quick succession after ever longer pauses.
    fn died(&mut self, how: &str, now: Instant) {
        if now.duration_since(self.since) >= STEADY {
            self.pause = Duration::ZERO;
        }
        let pause = self.pause;
        self.due = Some(now + pause);
        self.pause = (pause * 2).clamp(Duration::from_millis(500), LONGEST_PAUSE);
        let when = if pause.is_zero() { "now".to_owned() } else { format!("in {:.1} s", pause.as_secs_f64()) };
        say(&format!("{} ended ({how}): starting it again {when}", self.name));
    }

    fn is_due(&self, now: Instant) -> bool {
        self.due.is_some_and(|due| now >= due)
    }

    fn started(&mut self) {
        self.since = Instant::now();
        self.due = None;
    }
}

/// Says when a start succeeded, and how long it took.
async fn announce(name: &str, start: impl Future<Output = Result<(), StackError>>) -> Result<(), StackError> {
    let since = Instant::now();
    start.await?;
    say(&format!("{name} is back ({:.1} s)", since.elapsed().as_secs_f64()));
    Ok(())
}

/// Says when a restarted gateway answers, without waiting for it: it may need PostgreSQL, which may be away too.
fn announce_when_ready(base_url: &str) {
    let url = format!("{base_url}/health/ready");
    let since = Instant::now();
    tokio::spawn(async move {
        let Ok(http) = reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(1)).build() else { return };
        while since.elapsed() < Duration::from_secs(30) {
            if http.get(&url).send().await.is_ok_and(|answer| answer.status().is_success()) {
                say(&format!("the gateway is back ({:.1} s)", since.elapsed().as_secs_f64()));
                return;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    });
}

#[cfg(test)]
mod tests {
    use std::os::unix::process::ExitStatusExt;

    use super::*;

    /// A part that dies, and takes its time to come back.
    struct Mortal {
        dead: bool,
        revived: u32,
        takes: Duration,
    }

    impl Mortal {
        fn killed(takes: Duration) -> Self {
            Self { dead: true, revived: 0, takes }
        }
    }

    impl Part for Mortal {
        const NAME: &'static str = "it";

        fn ended(&mut self) -> Option<ExitStatus> {
            self.dead.then(|| ExitStatus::from_raw(9))
        }

        async fn revive(&mut self) -> Result<(), StackError> {
            tokio::time::sleep(self.takes).await;
            self.dead = false;
            self.revived += 1;
            Ok(())
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_part_that_comes_back_slowly_holds_up_no_other() {
        let (mut slow, mut quick) = (Mortal::killed(Duration::from_mins(1)), Mortal::killed(Duration::ZERO));
        let both = async {
            tokio::select! {
                never = keep_up(&mut slow) => never,
                never = keep_up(&mut quick) => never,
            }
        };
        assert!(tokio::time::timeout(Duration::from_secs(1), both).await.is_err());
        assert_eq!((slow.revived, quick.revived), (0, 1));
    }

    #[tokio::test(start_paused = true)]
    async fn the_first_death_is_mended_at_once_and_quick_ones_ever_later() {
        let mut watch = Watch::new("it");
        let now = watch.since + Duration::from_secs(1);
        watch.died("x", now);
        assert!(watch.is_due(now));
        watch.died("x", now);
        assert!(!watch.is_due(now) && watch.is_due(now + Duration::from_millis(500)));
        for _ in 0..10 {
            watch.died("x", now);
        }
        assert!(watch.is_due(now + LONGEST_PAUSE) && !watch.is_due(now + LONGEST_PAUSE / 2));
        watch.started();
        watch.died("x", watch.since + STEADY);
        assert!(watch.is_due(watch.since + STEADY));
    }
}
