//! The demo tenant that `make run` seeds.

use trunkline_db::{AgentId, Db, Role, TenantId};

use super::{NewMember, NewQueue, ProvisionError, add_member, create_queue, store};
use crate::auth::Passwords;

/// Slug of the demo tenant.
pub const DEMO_TENANT: &str = "demo";
/// Password of all demo users.
pub const DEMO_PASSWORD: &str = "trunkline-demo";

const MEMBERS: &[NewMember<'static>] = &[
    NewMember { email: "admin@demo.test", name: "Ada Admin", role: Role::Admin, takes_work: false },
    NewMember { email: "manager@demo.test", name: "Mona Manager", role: Role::Manager, takes_work: false },
    NewMember { email: "operator@demo.test", name: "Olga Operator", role: Role::Operator, takes_work: true },
    NewMember { email: "operator2@demo.test", name: "Otto Operator", role: Role::Operator, takes_work: true },
];

const QUEUES: &[NewQueue<'static>] = &[
    NewQueue { slug: "sales", name: "Sales", extension: "700", numbers: &["+15550100"] },
    NewQueue { slug: "support", name: "Support", extension: "701", numbers: &["+15550101"] },
];

/// Makes what is missing of the demo tenant and leaves the rest as it is. None: the demo was removed, and does not come back.
pub async fn seed_demo(db: &Db, passwords: &Passwords) -> Result<Option<TenantId>, ProvisionError> {
    let mut tx = db.system().await?;
    let tenant = store::create_demo(&mut tx, DEMO_TENANT, "Demo").await?;
    tx.commit().await?;
    let Some(tenant) = tenant else { return Ok(None) };
    let mut agents = Vec::new();
    for member in MEMBERS {
        let mut tx = db.system().await?;
        let known = store::find_member(&mut tx, tenant, member.email).await?;
        tx.commit().await?;
        let user = match known {
            Some(user) => Some(user),
            None => add_member(db, passwords, tenant, *member, DEMO_PASSWORD).await?,
        };
        if let Some(user) = user.filter(|_| member.takes_work) {
            agents.push(AgentId::from(user));
        }
    }
    for queue in QUEUES {
        create_queue(db, tenant, *queue, &agents).await?;
    }
    Ok(Some(tenant))
}
