//! A cluster that the tests share while they run, a database of its own for each, an account in it, and what its provider tells.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Weak};

use chrono::{DateTime, Duration, Utc};
use serde_json::Value;
use tempfile::TempDir;
use tokio::sync::Mutex;
use trunkline_channels::model::{
    Address, By, Content, DeliveryState, Identity, Message, Party, ProviderId, Status, Told, What,
};
use trunkline_conversations::{Account, Channel, Received, Rules, receive};
use trunkline_db::{ChannelAccountId, Db, PoolOptions, TenantId, bootstrap, migrate};
use trunkline_stack::Postgres;

const PASSWORD: &str = "test";
const TEMPLATE: &str = "trunkline_template";

/// Lives as long as any test holds it: the last one stops it and removes its folder.
static SHARED: Mutex<Weak<Cluster>> = Mutex::const_new(Weak::new());

#[derive(Debug)]
struct Cluster {
    postgres: Postgres,
    databases: AtomicU32,
    // Removed after the server has stopped.
    _dir: TempDir,
}

/// A database of its own, with one tenant that has one account.
#[derive(Debug)]
pub(crate) struct World {
    pub(crate) db: Db,
    pub(crate) account: Account,
    #[allow(dead_code, reason = "of the two binaries that share this one asks")]
    owner_url: String,
    _cluster: Arc<Cluster>,
}

impl World {
    pub(crate) async fn new(channel: Channel) -> Self {
        let cluster = {
            let mut shared = SHARED.lock().await;
            if let Some(cluster) = shared.upgrade() {
                cluster
            } else {
                let dir = tempfile::tempdir().unwrap();
                let postgres = Postgres::start(dir.path()).await.unwrap();
                bootstrap::run(&postgres.superuser_url("postgres"), TEMPLATE, PASSWORD, PASSWORD).await.unwrap();
                migrate(&postgres.url("trunkline_owner", PASSWORD, TEMPLATE)).await.unwrap();
                let cluster = Arc::new(Cluster { postgres, databases: AtomicU32::new(0), _dir: dir });
                *shared = Arc::downgrade(&cluster);
                cluster
            }
        };
        let name = format!("test_{}", cluster.databases.fetch_add(1, Ordering::Relaxed));
        cluster.postgres.clone_database(TEMPLATE, &name).unwrap();
        let db =
            Db::connect(&cluster.postgres.url("trunkline", PASSWORD, &name), PoolOptions::default()).await.unwrap();
        let account = make_account(&db, make_tenant(&db).await, channel).await;
        let owner_url = cluster.postgres.url("trunkline_owner", PASSWORD, &name);
        Self { db, account, owner_url, _cluster: cluster }
    }

    pub(crate) async fn telegram() -> Self {
        Self::new(Channel::Telegram).await
    }

    pub(crate) async fn whatsapp() -> Self {
        Self::new(Channel::Whatsapp).await
    }

    /// Who may everything.
    #[allow(dead_code, reason = "of the two binaries that share this one asks")]
    pub(crate) async fn owner(&self) -> sqlx::PgConnection {
        <sqlx::PgConnection as sqlx::Connection>::connect(&self.owner_url).await.unwrap()
    }

    /// With these rules.
    pub(crate) fn ruled(mut self, rules: Rules) -> Self {
        self.account.rules = rules;
        self
    }

    /// The provider tells this, and it comes at once.
    pub(crate) async fn tell(&self, told: Told) -> Received {
        let at = told.at.unwrap_or_else(|| minute(0));
        self.tell_at(told, at + Duration::seconds(1)).await
    }

    pub(crate) async fn tell_at(&self, told: Told, received_at: DateTime<Utc>) -> Received {
        tell(&self.db, &self.account, &told, received_at).await
    }

    /// The one value of a query, which has the account as `$1` if it wants it.
    pub(crate) async fn one(&self, sql: &'static str) -> Value {
        let mut tx = self.db.tenant(self.account.tenant).await.unwrap();
        let asked =
            format!("SELECT coalesce((SELECT to_jsonb(q) FROM ({sql}) AS q), 'null') WHERE $1::uuid IS NOT NULL");
        let value = sqlx::query_scalar::<_, Value>(sqlx::AssertSqlSafe(asked));
        value.bind(self.account.id).fetch_one(tx.conn()).await.unwrap()
    }

    /// All rows of a query.
    pub(crate) async fn all(&self, sql: &'static str) -> Vec<Value> {
        let mut tx = self.db.tenant(self.account.tenant).await.unwrap();
        let asked = sqlx::AssertSqlSafe(format!("SELECT to_jsonb(q) FROM ({sql}) AS q"));
        sqlx::query_scalar::<_, Value>(asked).fetch_all(tx.conn()).await.unwrap()
    }

    pub(crate) async fn run(&self, sql: &'static str) -> u64 {
        let mut tx = self.db.tenant(self.account.tenant).await.unwrap();
        let done = sqlx::query(sql).execute(tx.conn()).await.unwrap().rows_affected();
        tx.commit().await.unwrap();
        done
    }

    /// Its one conversation.
    pub(crate) async fn conversation(&self) -> Value {
        self.one("SELECT * FROM conversations").await
    }

    /// Jobs of a kind.
    pub(crate) async fn jobs(&self, kind: &str) -> i64 {
        let mut tx = self.db.system().await.unwrap();
        let count = sqlx::query_scalar("SELECT count(*) FROM jobs WHERE lane = $1 AND kind = $2");
        count.bind(self.account.tenant).bind(kind).fetch_one(tx.conn()).await.unwrap()
    }
}

pub(crate) async fn tell(db: &Db, account: &Account, told: &Told, received_at: DateTime<Utc>) -> Received {
    let mut tx = db.tenant(account.tenant).await.unwrap();
    let received = receive(&mut tx, account, told, received_at).await.unwrap();
    tx.commit().await.unwrap();
    received
}

/// Kinds of the events of what was received.
pub(crate) fn kinds(received: &Received) -> Vec<&str> {
    received.events.iter().map(|event| event.kind.as_str()).collect()
}

pub(crate) async fn make_tenant(db: &Db) -> TenantId {
    let tenant = TenantId::new();
    let mut tx = db.system().await.unwrap();
    sqlx::query("INSERT INTO tenants (id, slug, name) VALUES ($1, $2, 'Test')")
        .bind(tenant)
        .bind(format!("t-{}", &tenant.uuid().simple().to_string()[16..]))
        .execute(tx.conn())
        .await
        .unwrap();
    tx.commit().await.unwrap();
    tenant
}

pub(crate) async fn make_account(db: &Db, tenant: TenantId, channel: Channel) -> Account {
    let id = ChannelAccountId::new();
    let kind = match channel {
        Channel::Whatsapp => "whatsapp",
        Channel::Telegram => "telegram",
        Channel::Sms | Channel::Call => "twilio",
    };
    let mut tx = db.tenant(tenant).await.unwrap();
    sqlx::query("INSERT INTO channel_accounts (tenant_id, id, type, name, settings, secrets_sealed) VALUES ($1, $2, $3, 'Desk', '{}', '')")
        .bind(tenant)
        .bind(id)
        .bind(kind)
        .execute(tx.conn())
        .await
        .unwrap();
    tx.commit().await.unwrap();
    Account { tenant, id, channel, name: "Desk".to_owned(), queue_id: None, country: None, rules: Rules::default() }
}

/// At the given minute of a day long gone.
pub(crate) fn minute(minute: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_750_000_000 + minute * 60, 0).unwrap()
}

pub(crate) fn told(minutes: i64, key: &str, what: What) -> Told {
    Told { at: Some(minute(minutes)), key: key.to_owned(), line: None, what }
}

/// A customer, known by the number 7 at Telegram and by one at WhatsApp.
pub(crate) fn ada(channel: Channel) -> Party {
    let identities = match channel {
        Channel::Telegram => vec![Identity::TelegramId(7), Identity::Username("ada".to_owned())],
        _ => vec![Identity::WhatsappId("14155550107".to_owned()), Identity::Phone("+14155550107".to_owned())],
    };
    Party { identities, name: Some("Ada".to_owned()), language: Some("en".to_owned()) }
}

/// Our own side, as an echo names it.
pub(crate) fn us(channel: Channel) -> Party {
    let identity = match channel {
        Channel::Telegram => Identity::TelegramId(99),
        _ => Identity::WhatsappId("14155550199".to_owned()),
    };
    Party { identities: vec![identity], name: None, language: None }
}

pub(crate) fn address(channel: Channel) -> Address {
    Address(if channel == Channel::Telegram { "7" } else { "14155550107" }.to_owned())
}

/// The provider's id of the n-th message of Ada's chat.
pub(crate) fn id(channel: Channel, n: u32) -> ProviderId {
    ProviderId(if channel == Channel::Telegram { format!("7/{n}") } else { format!("wamid.{n}") })
}

/// The n-th message of Ada's chat, said at minute n.
pub(crate) fn message(channel: Channel, n: u32, by: By, content: Content) -> Message {
    Message {
        id: id(channel, n),
        from: if by == By::Customer { ada(channel) } else { us(channel) },
        chat: address(channel),
        title: None,
        by,
        history: false,
        content,
        reply_to: None,
        forwarded: false,
        album: None,
        referral: None,
    }
}

pub(crate) fn text(text: &str) -> Content {
    Content::Text { text: text.to_owned() }
}

pub(crate) fn came(minutes: i64, message: Message) -> Told {
    told(minutes, &format!("message:{}", message.id.0), What::Message(Box::new(message)))
}

/// Ada says it at minute n.
pub(crate) fn said(channel: Channel, n: u32, words: &str) -> Told {
    came(i64::from(n), message(channel, n, By::Customer, text(words)))
}

/// Our side said it in the provider's app, at minute n.
pub(crate) fn echoed(channel: Channel, n: u32, words: &str) -> Told {
    came(i64::from(n), message(channel, n, By::Us, text(words)))
}

pub(crate) fn status(channel: Channel, minutes: i64, n: u32, state: DeliveryState) -> Told {
    let status = Status { message: id(channel, n), state, reference: None, to: None, failure: None, pricing: None };
    told(minutes, &format!("status:{n}:{state:?}"), What::Status(status))
}
