//! What is asked of the gateway, and the raw limit of each.

use anyhow::{Context as _, ensure};
use reqwest::StatusCode;
use serde_json::Value;

use super::load::Loaded;
use crate::gateway::{Gateway, Member};

/// What somebody asks for.
#[derive(Debug)]
pub(super) struct Ask {
    pub(super) name: &'static str,
    pub(super) who: Member,
    /// Asked in turn.
    pub(super) paths: Vec<String>,
    /// Whether each of them shows something.
    pub(super) shows: bool,
    pub(super) goal_ms: f64,
    pub(super) raw: Raw,
}

/// What it is held against, by a superuser's connection to PostgreSQL.
#[derive(Debug)]
pub(super) enum Raw {
    /// The rows of the page alone, by the index that has them in their order.
    Rows(String),
    /// All rows are looked at.
    Scan(String),
}

const PAGE_GOAL_MS: f64 = 50.0;
const SEARCH_GOAL_MS: f64 = 200.0;
/// A page of the panel's.
const PAGE: usize = 50;

/// A client of the API.
#[derive(Debug, Clone)]
pub(super) struct Client {
    http: reqwest::Client,
    base: String,
}

impl Client {
    pub(super) fn new(gateway: &Gateway) -> anyhow::Result<Self> {
        let http = reqwest::Client::builder().no_proxy().build()?;
        Ok(Self { http, base: format!("http://{}/api/v1", gateway.http()) })
    }

    /// The whole answer, which must be one of success.
    pub(super) async fn get(&self, who: &Member, path: &str) -> anyhow::Result<bytes::Bytes> {
        let answer = self.http.get(format!("{}{path}", self.base)).bearer_auth(&who.token).send().await?;
        let status = answer.status();
        let body = answer.bytes().await?;
        ensure!(status == StatusCode::OK, "GET {path}: {status} {}", String::from_utf8_lossy(&body));
        Ok(body)
    }

    pub(super) async fn get_json(&self, who: &Member, path: &str) -> anyhow::Result<Value> {
        serde_json::from_slice(&self.get(who, path).await?).context("an answer is JSON")
    }
}

/// Everything that is asked for.
pub(super) async fn all(client: &Client, gateway: &Gateway, loaded: &Loaded) -> anyhow::Result<Vec<Ask>> {
    let admin = gateway.admins().first().context("an admin")?.clone();
    let agent = gateway.agents().first().context("an agent")?.clone();
    let (tenant, known) = (&loaded.tenant, &loaded.known);
    let (of, limit) = (tenant.id, PAGE + 1);
    let rows = |which: &str| {
        Raw::Rows(format!(
            "SELECT * FROM conversations c WHERE c.tenant_id = '{of}' AND NOT c.spam AND {which} ORDER BY c.last_at DESC, c.id DESC LIMIT {limit};"
        ))
    };
    let page = |name, who: &Member, query: &str, raw| Ask {
        name,
        who: who.clone(),
        paths: vec![format!("/conversations?limit={PAGE}&{query}")],
        shows: true,
        goal_ms: PAGE_GOAL_MS,
        raw,
    };
    let (queue, label) = (tenant.queues[0], |place: usize| tenant.labels[place]);
    let labelled = |place: usize| {
        rows(&format!(
            "c.state = 'open' AND EXISTS (SELECT FROM conversation_labels l WHERE l.tenant_id = c.tenant_id AND l.conversation_id = c.id AND l.label_id = '{}')",
            label(place)
        ))
    };
    let mut asks = vec![
        page("open, an admin", &admin, "state=open", rows("c.state = 'open'")),
        page("open, an agent", &agent, "state=open", rows("c.state = 'open'")),
        page("all states, an agent", &agent, "state=all", rows("true")),
        page("mine", &agent, "mine=true", rows(&format!("c.state = 'open' AND c.agent_id = '{}'", agent.user))),
        page("unassigned", &agent, "unassigned=true", rows("c.state = 'open' AND c.agent_id IS NULL")),
        page(
            "a queue",
            &admin,
            &format!("queue_id={queue}"),
            rows(&format!("c.state = 'open' AND c.queue_id = '{queue}'")),
        ),
        page("a label of one in ten", &admin, &format!("label_id={}", label(0)), labelled(0)),
        page("a label of one in 270", &admin, &format!("label_id={}", label(3)), labelled(3)),
        page(
            "unread, an agent",
            &agent,
            "mine=true&unread=true",
            rows(&format!(
                "c.state = 'open' AND c.agent_id = '{0}' AND c.last_in_at > coalesce((SELECT r.read_at FROM conversation_reads r
                  WHERE r.tenant_id = c.tenant_id AND r.conversation_id = c.id AND r.user_id = '{0}'), '-infinity')",
                agent.user
            )),
        ),
    ];
    let (cursors, deepest) = deep(client, &admin).await?;
    asks.push(Ask {
        paths: cursors.iter().map(|cursor| format!("/conversations?state=all&limit={PAGE}&cursor={cursor}")).collect(),
        ..page("a deep page", &admin, "", rows(&format!("(c.last_at, c.id) < ('{}', '{}')", deepest.0, deepest.1)))
    });
    asks.push(Ask {
        paths: vec!["/conversations/counts".to_owned()],
        ..page("counts, an agent", &agent, "", count(&of.to_string()))
    });
    asks.push(Ask {
        paths: vec!["/conversations/counts".to_owned()],
        ..page("counts, an admin", &admin, "", count(&of.to_string()))
    });
    let thread = |id: &str| {
        Raw::Rows(format!(
            "SELECT * FROM messages WHERE tenant_id = '{of}' AND conversation_id = '{id}' ORDER BY at DESC, id DESC LIMIT {limit};"
        ))
    };
    let long = known.long.to_string();
    asks.push(Ask {
        paths: others(client, &admin).await?.iter().map(|id| format!("/conversations/{id}/messages")).collect(),
        ..page("a thread, another one each time", &admin, "", thread(&long))
    });
    asks.push(Ask {
        paths: vec![format!("/conversations/{long}/messages")],
        ..page("the end of a thread of 400", &admin, "", thread(&long))
    });
    let search = |name, words: &[String], raw: String| Ask {
        paths: words
            .iter()
            .map(|word| format!("/conversations?state=all&limit={PAGE}&q={}", word.replace(' ', "+")))
            .collect(),
        goal_ms: SEARCH_GOAL_MS,
        raw: Raw::Scan(raw),
        ..page(name, &admin, "", rows("true"))
    };
    let said = |word: &str| {
        format!(
            "SELECT conversation_id, max(at) FROM messages WHERE tenant_id = '{of}' AND text ~ '\\m{word}\\M' GROUP BY 1 ORDER BY 2 DESC LIMIT {limit};"
        )
    };
    let person = |table: &str, column: &str, like: &str| {
        format!("SELECT * FROM {table} WHERE tenant_id = '{of}' AND lower({column}) LIKE '{like}' LIMIT {limit};")
    };
    asks.push(search("q: a rare word", &known.rare, said(&known.rare[0])));
    asks.push(search("q: a word of one message in twenty", &known.common, said(&known.common[0])));
    asks.push(Ask {
        paths: known.common.iter().map(|word| format!("/conversations?limit={PAGE}&q={word}")).collect(),
        ..search("q: the same, open ones, an agent", &known.common, said(&known.common[0]))
    });
    if let Some(ask) = asks.last_mut() {
        ask.who = agent;
        // Of the thousand that such a word names, it may be that none is open and theirs.
        ask.shows = false;
    }
    asks.push(search(
        "q: the last six digits of a number",
        &known.tails,
        person("contact_identities", "value", &format!("%{}", known.tails[0])),
    ));
    asks.push(search(
        "q: the beginning of a name",
        &known.names,
        person("contacts", "display_name", &format!("%{}%", known.names[0].to_lowercase())),
    ));
    Ok(asks)
}

/// Every open conversation is counted.
fn count(of: &str) -> Raw {
    Raw::Rows(format!("SELECT count(*) FROM conversations WHERE tenant_id = '{of}' AND state = 'open' AND NOT spam;"))
}

/// Cursors some ten thousand conversations down, and where the last of them stands.
async fn deep(client: &Client, who: &Member) -> anyhow::Result<(Vec<String>, (String, String))> {
    let (mut cursors, mut cursor, mut deepest) = (Vec::new(), String::new(), None);
    for _ in 0..60 {
        let page = client.get_json(who, &format!("/conversations?state=all&limit=200{cursor}")).await?;
        let Some(next) = page["next_cursor"].as_str() else { break };
        cursors.push(next.to_owned());
        cursor = format!("&cursor={next}");
        let last = page["items"].as_array().and_then(|items| items.last()).context("a page has items")?;
        deepest = last["last_at"].as_str().zip(last["id"].as_str()).map(|(at, id)| (at.to_owned(), id.to_owned()));
    }
    let half = cursors.split_off(cursors.len() / 2);
    Ok((half, deepest.context("there is a second page")?))
}

/// Conversations from everywhere in the list.
async fn others(client: &Client, who: &Member) -> anyhow::Result<Vec<String>> {
    let mut ids = Vec::new();
    for state in ["open", "pending", "resolved"] {
        let page = client.get_json(who, &format!("/conversations?state={state}&limit=200")).await?;
        let items = page["items"].as_array().context("a page has items")?;
        ids.extend(items.iter().filter_map(|item| item["id"].as_str()).map(str::to_owned));
    }
    Ok(ids)
}
