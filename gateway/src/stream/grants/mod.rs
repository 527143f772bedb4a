//! What a user's streams may see, and telling them when that changes.

mod store;

use std::time::Duration;

use tokio_util::sync::CancellationToken;
use trunkline_db::{AgentId, Db, DbError, QueueId, TeamId, TenantTx, UserId};
use trunkline_journal::{Scope, Viewer};

use crate::http::{Permission, Reach, Rights};
use crate::state::AppState;

/// What a user may see of the tenant's journal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Grants {
    /// Everything: whose reach is the whole tenant.
    All,
    /// What is the tenant's, one's own, one's queues' and teams', and the own of those whom one leads.
    Member {
        /// The queues one serves.
        queues: Vec<QueueId>,
        /// The teams one belongs to.
        teams: Vec<TeamId>,
        /// The members of the teams that one leads.
        led: Vec<AgentId>,
    },
    /// Nothing: the user is no member any more, or may read no events.
    Nothing,
}

/// What somebody belongs to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Belongings {
    queues: Vec<QueueId>,
    teams: Vec<TeamId>,
    led: Vec<AgentId>,
}

impl Grants {
    fn of(rights: Option<Rights>, belongings: Belongings) -> Self {
        match rights {
            Some(rights) if !rights.permissions.has(Permission::EventsRead) => Self::Nothing,
            Some(rights) if rights.reach == Reach::All => Self::All,
            Some(_) => {
                let Belongings { queues, teams, led } = belongings;
                Self::Member { queues, teams, led }
            }
            None => Self::Nothing,
        }
    }

    /// Reads a user's grants as they are now.
    pub(super) async fn read(tx: &mut TenantTx<'_>, user: UserId) -> Result<Self, DbError> {
        let rights = store::rights(tx, user).await?;
        let belongings = match rights {
            Some(Rights { reach: Reach::Member, .. }) => Belongings {
                queues: crate::queues::store::of_agent(tx, AgentId::from(user)).await?,
                teams: crate::teams::store::of_member(tx, user).await?,
                led: crate::teams::store::led_by(tx, user).await?,
            },
            _ => Belongings::default(),
        };
        Ok(Self::of(rights, belongings))
    }

    /// The journal's view of them; `None` for a user who may see nothing.
    pub(super) fn viewer(&self, user: UserId) -> Option<Viewer> {
        let viewer = match self {
            Self::All => Viewer::all(),
            Self::Member { queues, teams, led } => {
                let queues = queues.iter().copied().map(Scope::Queue);
                let teams = teams.iter().map(|team| Scope::Team(team.uuid()));
                let own = led.iter().copied().chain([AgentId::from(user)]).map(Scope::Agent);
                Viewer::member(queues.chain(teams).chain(own))
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

/// Watches memberships, roles, and members of queues and teams; streams of users whose grants changed get `reset` with `permissions`.
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
    let mut listener = state.db.listen(&["trunkline_directory", "trunkline_rights"]).await?;
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
        let rights = store::all_rights(&mut tx).await?;
        let mut belongings = store::all_belongings(&mut tx).await?;
        tx.commit().await?;
        for user in users {
            let grants = Grants::of(rights.get(&user).copied(), belongings.remove(&user).unwrap_or_default());
            if state.streams.update(tenant, user, grants) {
                state.journal.hub().permissions_changed(tenant, user);
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use trunkline_db::Role;

    use super::*;

    #[test]
    fn a_member_sees_what_is_its_own_its_queues_its_teams_and_of_those_it_leads() {
        let (me, colleague, led) = (UserId::new(), UserId::new(), AgentId::new());
        let (mine, other) = (QueueId::new(), QueueId::new());
        let team = TeamId::new();
        let belongings = Belongings { queues: vec![mine], teams: vec![team], led: vec![led] };
        let viewer = Grants::of(Some(Rights::of(Role::Operator)), belongings).viewer(me).unwrap();
        for scope in
            [Scope::Tenant, Scope::Queue(mine), Scope::Agent(me.into()), Scope::Team(team.uuid()), Scope::Agent(led)]
        {
            assert!(viewer.sees(&[scope]), "{scope}");
        }
        assert!(!viewer.sees(&[Scope::Queue(other)]) && !viewer.sees(&[Scope::Agent(colleague.into())]));
        let all = Grants::of(Some(Rights::of(Role::Viewer)), Belongings::default()).viewer(me).unwrap();
        assert!(all.sees(&[Scope::Queue(other)]));
        assert!(Grants::of(Some(Rights::of(Role::Client)), Belongings::default()).viewer(me).is_none());
        assert!(Grants::of(None, Belongings::default()).viewer(me).is_none());
    }
}
