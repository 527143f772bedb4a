//! What a user's streams may see, and telling them when that changes.

mod store;

use std::time::Duration;

use tokio_util::sync::CancellationToken;
use trunkline_db::{AgentId, Db, DbError, QueueId, Role, TenantTx, UserId};
use trunkline_journal::{Scope, Viewer};

use crate::state::AppState;

/// What a user may see of the tenant's journal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Grants {
    /// Everything: admins and managers.
    All,
    /// What is the tenant's, the operator's own and these queues'.
    Queues(Vec<QueueId>),
    /// Nothing: the user is no member any more.
    Nothing,
}

impl Grants {
    fn of(role: Option<Role>, queues: Vec<QueueId>) -> Self {
        match role {
            Some(Role::Admin | Role::Manager) => Self::All,
            Some(Role::Operator) => Self::Queues(queues),
            None => Self::Nothing,
        }
    }

    /// Reads a user's grants as they are now.
    pub(super) async fn read(tx: &mut TenantTx<'_>, user: UserId) -> Result<Self, DbError> {
        let role = store::role(tx, user).await?;
        let queues = match role {
            Some(Role::Operator) => crate::queues::store::of_agent(tx, AgentId::from(user)).await?,
            _ => Vec::new(),
        };
        Ok(Self::of(role, queues))
    }

    /// The journal's view of them; `None` for a user who may see nothing.
    pub(super) fn viewer(&self, user: UserId) -> Option<Viewer> {
        let viewer = match self {
            Self::All => Viewer::all(),
            Self::Queues(queues) => {
                let own = Scope::Agent(AgentId::from(user));
                Viewer::member(queues.iter().copied().map(Scope::Queue).chain([own]))
            }
            Self::Nothing => return None,
        };
        Some(viewer.user(user))
    }
}

/// How long to gather changes before looking at what they mean: an import is one change, not a thousand.
const GATHER: Duration = Duration::from_millis(200);
/// How often to look without having been told: a notification may be lost while the database is away.
const LOOK_EVERY: Duration = Duration::from_secs(30);

/// Watches memberships and queue members; streams of users whose grants changed get `reset` with `permissions`.
pub async fn watch_grants(state: AppState, cancel: CancellationToken) {
    let watching = async {
        loop {
            if let Err(error) = watch_once(&state).await {
                tracing::debug!(%error, "cannot watch the directory; trying again");
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
        }
    };
    tokio::select! {
        () = cancel.cancelled() => {}
        () = watching => {}
    }
}

async fn watch_once(state: &AppState) -> Result<(), DbError> {
    let mut listener = state.db.listen(&["trunkline_directory"]).await?;
    loop {
        tell_changes(state, &state.db).await?;
        match tokio::time::timeout(LOOK_EVERY, listener.next()).await {
            Ok(notification) => drop(notification?),
            Err(_) => continue,
        }
        while let Ok(more) = tokio::time::timeout(GATHER, listener.next()).await {
            more?;
        }
    }
}

async fn tell_changes(state: &AppState, db: &Db) -> Result<(), DbError> {
    for (tenant, users) in state.streams.by_tenant() {
        let mut tx = db.tenant(tenant).await?;
        let roles = store::roles(&mut tx).await?;
        let mut queues = store::queues_by_agent(&mut tx).await?;
        tx.commit().await?;
        for user in users {
            let role = roles.get(&user).copied();
            let grants = Grants::of(role, queues.remove(&AgentId::from(user)).unwrap_or_default());
            if state.streams.update(tenant, user, grants) {
                state.journal.hub().permissions_changed(tenant, user);
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_operator_sees_the_own_and_the_queues_events_only() {
        let (me, colleague) = (UserId::new(), UserId::new());
        let (mine, other) = (QueueId::new(), QueueId::new());
        let viewer = Grants::of(Some(Role::Operator), vec![mine]).viewer(me).unwrap();
        assert!(
            viewer.sees(&[Scope::Tenant])
                && viewer.sees(&[Scope::Queue(mine)])
                && viewer.sees(&[Scope::Agent(me.into())])
        );
        assert!(!viewer.sees(&[Scope::Queue(other)]) && !viewer.sees(&[Scope::Agent(colleague.into())]));
        assert!(Grants::of(Some(Role::Admin), Vec::new()).viewer(me).unwrap().sees(&[Scope::Queue(other)]));
        assert!(Grants::of(None, Vec::new()).viewer(me).is_none());
    }
}
