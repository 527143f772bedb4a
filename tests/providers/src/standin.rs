//! What all stand-ins have in common.

use crate::deliver::{Deliverer, Delivery};
use crate::faults::Faults;
use crate::record::{Late, Record};
use crate::request::Request;
use serde::Serialize;
use std::fmt::Debug;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use tokio::task::JoinSet;

/// What every stand-in keeps.
#[derive(Debug)]
pub struct Core {
    pub(crate) base: String,
    pub(crate) faults: Faults,
    pub(crate) requests: Record<Request>,
    pub(crate) deliverer: Deliverer,
    // What it does by itself, such as receipts: it ends with the stand-in.
    tasks: Mutex<JoinSet<()>>,
}

impl Core {
    pub(crate) fn new(base: String) -> Self {
        Self {
            base,
            faults: Faults::default(),
            requests: Record::default(),
            deliverer: Deliverer::default(),
            tasks: Mutex::new(JoinSet::new()),
        }
    }

    pub(crate) fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        let mut tasks = self.tasks.lock().unwrap_or_else(PoisonError::into_inner);
        while tasks.try_join_next().is_some() {}
        tasks.spawn(task);
    }

    pub(crate) fn end(&self) {
        self.tasks.lock().unwrap_or_else(PoisonError::into_inner).abort_all();
    }
}

/// A provider that runs here, until it is dropped.
pub trait Standin: Send + Sync + 'static {
    /// A message that was taken.
    type Sent: Clone + Debug + Serialize + Send + Sync + 'static;

    #[doc(hidden)]
    fn core(&self) -> &Core;

    /// The messages that were taken, in order.
    fn sent(&self) -> &Record<Self::Sent>;

    /// For an account's `api_base`; without a slash at its end.
    fn api_base(&self) -> &str {
        &self.core().base
    }

    fn faults(&self) -> &Faults {
        &self.core().faults
    }

    /// Every request, messages or not, done or not.
    fn requests(&self) -> &Record<Request> {
        &self.core().requests
    }

    /// Every webhook that was delivered, or tried to.
    fn deliveries(&self) -> &Record<Delivery> {
        &self.core().deliverer.deliveries
    }

    fn messages(&self) -> Vec<Self::Sent> {
        self.sent().all()
    }

    /// Each message once, in order; waits for one that has not come yet.
    fn next_message(&self, deadline: Duration) -> impl Future<Output = Result<Self::Sent, Late>> + Send {
        self.sent().next(deadline)
    }

    /// Where webhooks go from now on, exactly as the provider would have been told: signatures are over it.
    fn set_webhook(&self, url: impl Into<String>) {
        self.core().deliverer.set_url(Some(url.into()));
    }

    /// What begins with `public` is reached at `actual`: for a gateway whose public address is not one of this machine.
    fn reach(&self, public: impl Into<String>, actual: impl Into<String>) {
        self.core().deliverer.reach(public.into(), actual.into());
    }

    /// Forgets what was recorded, and the faults. Accounts, customers and files stay.
    fn reset(&self) {
        self.sent().clear();
        self.core().requests.clear();
        self.core().deliverer.deliveries.clear();
        self.core().faults.clear();
    }
}
