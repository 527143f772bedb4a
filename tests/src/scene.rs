//! A tenant of its own with agents, phones and a number, on a stack.

use std::future::Future;
use std::path::PathBuf;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use anyhow::{Context, Result};
use reqwest::Method;
use serde_json::json;
use tokio::runtime::Runtime;
use tokio::sync::OnceCell;
use trunkline::auth::Passwords;
use trunkline::provision::{NewMember, NewQueue, add_member, create_queue, create_tenant};
use trunkline_db::{AgentId, Db, PoolOptions, Role, TenantId};
use trunkline_stack::phones::{Baresip, BaresipOptions};
use trunkline_stack::{Sipp, SippCall, Stack, StackOptions};

use crate::{AGENT_HZ, Api, CUSTOMER_HZ};

const PASSWORD: &str = "a-long-password-for-tests";

/// Runs a test on the one runtime of the test binary: what is shared between tests outlives each of them.
pub fn run<T>(test: impl Future<Output = Result<T>>) -> T {
    static RUNTIME: LazyLock<Runtime> =
        LazyLock::new(|| tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime"));
    match RUNTIME.block_on(test) {
        Ok(value) => value,
        Err(error) => panic!("{error:?}"),
    }
}

/// The stack that the tests of this binary share. Its processes end with the binary's.
pub async fn shared_stack() -> Result<&'static Stack> {
    static STACK: OnceCell<Stack> = OnceCell::const_new();
    STACK
        .get_or_try_init(async || Ok(Stack::start(StackOptions { demo: false, ..StackOptions::default() }).await?))
        .await
}

/// A stack for a test that breaks it.
pub async fn outage_stack() -> Result<Stack> {
    Ok(Stack::start(StackOptions { demo: false, ..StackOptions::default() }).await?)
}

/// An agent with a desk phone.
#[derive(Debug)]
pub struct Agent {
    /// Signed in.
    pub api: Api,
    /// The phone, once [`Scene::plug_in`] was called.
    pub phone: Option<Baresip>,
    /// SIP user name and password of the phone.
    pub credentials: (String, String),
}

/// A tenant with a queue, a number and agents.
#[derive(Debug)]
pub struct Scene {
    /// Signed in as the tenant's admin.
    pub admin: Api,
    /// The agents, all members of the queue.
    pub agents: Vec<Agent>,
    /// The number that leads to the queue, E.164.
    pub number: String,
    tenant: TenantId,
    folder: tempfile::TempDir,
    sip_port: u16,
    things: AtomicU32,
}

impl Scene {
    /// Makes a tenant with this many agents, offline, without phones.
    pub async fn new(stack: &Stack, agents: usize) -> Result<Self> {
        // Unique among the tests of this process, which share a stack.
        static SCENES: AtomicU32 = AtomicU32::new(0);
        let scene = SCENES.fetch_add(1, Ordering::Relaxed);
        let slug = format!("scene{scene}");
        let number = format!("+1555020{scene:04}");
        let db = database(stack).await?;
        let passwords = Passwords::new();
        let tenant = create_tenant(&db, &slug, "A tenant for a test").await?;
        let admin = format!("admin@{slug}.test");
        let member = NewMember { email: &admin, name: "Admin", role: Role::Admin, takes_work: false };
        add_member(&db, &passwords, tenant, member, PASSWORD).await?;
        let (mut emails, mut members) = (Vec::new(), Vec::new());
        for index in 0..agents {
            let email = format!("agent{index}@{slug}.test");
            let name = format!("Agent {index}");
            let member = NewMember { email: &email, name: &name, role: Role::Operator, takes_work: true };
            let user = add_member(&db, &passwords, tenant, member, PASSWORD).await?.context("a new user")?;
            members.push(AgentId::from(user));
            emails.push(email);
        }
        let queue = NewQueue { slug: "sales", name: "Sales", extension: "700", numbers: &[&number] };
        create_queue(&db, tenant, queue, &members).await?;

        let base = stack.gateway.base_url();
        let mut scene = Self {
            admin: Api::sign_in(&base, &admin, PASSWORD).await?,
            agents: Vec::new(),
            number,
            tenant,
            folder: tempfile::Builder::new().prefix("trunkline-scene-").tempdir()?,
            sip_port: stack.asterisk.sip_port(),
            things: AtomicU32::new(0),
        };
        for email in emails {
            scene.agents.push(agent(&base, &email).await?);
        }
        Ok(scene)
    }

    /// A manager with a phone, who belongs to no queue: one more of the scene's agents.
    pub async fn add_supervisor(&mut self, stack: &Stack) -> Result<()> {
        let number = self.agents.len();
        let email = format!("supervisor{number}@{}.test", self.tenant);
        let member = NewMember { email: &email, name: "Supervisor", role: Role::Manager, takes_work: true };
        add_member(&database(stack).await?, &Passwords::new(), self.tenant, member, PASSWORD).await?;
        self.agents.push(agent(self.admin.base(), &email).await?);
        Ok(())
    }

    /// One more queue, with an extension and nobody in it.
    pub async fn add_queue(&self, stack: &Stack, extension: &str) -> Result<()> {
        let queue = NewQueue { slug: "one-more", name: "One more", extension, numbers: &[] };
        create_queue(&database(stack).await?, self.tenant, queue, &[]).await?;
        Ok(())
    }

    /// Port of SIP over UDP.
    pub fn sip_port(&self) -> u16 {
        self.sip_port
    }

    /// The channels and bridges that Asterisk has of this tenant's calls now: other tenants' may run beside them.
    pub async fn left(&self, stack: &Stack) -> Result<Vec<String>> {
        let calls = self.admin.get("/calls?limit=200").await?;
        let ids = calls["items"].as_array().context("calls")?.iter().filter_map(|call| call["id"].as_str());
        let phones = self.agents.iter().map(|agent| agent.credentials.0.as_str());
        // What the gateway makes is named after the call; who calls dials our number, or is one of our phones.
        let ours: Vec<&str> = ids.chain(phones).chain([self.number.as_str()]).collect();
        let channels = stack.asterisk.rx("core show channels concise").await?;
        let bridges = stack.asterisk.rx("bridge show all").await?;
        let left = channels.lines().chain(bridges.lines()).filter(|line| ours.iter().any(|name| line.contains(name)));
        Ok(left.map(str::to_owned).collect())
    }

    /// Waits until Asterisk has no channel and no bridge of this tenant's calls any more.
    pub async fn nothing_left(&self, stack: &Stack) -> Result<()> {
        crate::eventually(Duration::from_secs(10), async || {
            let left = self.left(stack).await?;
            anyhow::ensure!(left.is_empty(), "left in Asterisk: {left:#?}");
            Ok(())
        })
        .await
    }

    /// Whether the tenant's figures are those that its journal gives when it is counted anew.
    pub async fn figures_agree(&self, stack: &Stack) -> Result<bool> {
        Ok(trunkline::figures::rebuild(&database(stack).await?, self.tenant, true).await?.agrees())
    }

    /// A folder of its own.
    pub fn folder(&self, name: &str) -> PathBuf {
        let number = self.things.fetch_add(1, Ordering::Relaxed);
        self.folder.path().join(format!("{name}-{number}"))
    }

    /// Signs an agent's phone in and waits until the gateway knows that it can ring.
    pub async fn plug_in(&mut self, index: usize, answers: bool) -> Result<()> {
        self.plug_in_sounding(index, answers, AGENT_HZ).await
    }

    /// The same, with a tone of its own, so that it can be told who is heard.
    pub async fn plug_in_sounding(&mut self, index: usize, answers: bool, hz: u32) -> Result<()> {
        let folder = self.folder("phone");
        let agent = &mut self.agents[index];
        let (username, password) = &agent.credentials;
        let mut options = BaresipOptions::desk_phone(self.sip_port, username, password, hz);
        options.answers = answers;
        let mut phone = Baresip::start(&folder, options).await?;
        phone.wait_registered(Duration::from_secs(10)).await?;
        agent.phone = Some(phone);
        self.wait_reachable(index).await
    }

    /// Waits until the gateway knows that an agent's phone can ring.
    pub async fn wait_reachable(&self, index: usize) -> Result<()> {
        let (api, id) = (self.admin.clone(), self.agents[index].api.user.clone());
        crate::eventually(Duration::from_secs(10), async || {
            let agents = api.get("/agents").await?;
            let ours = agents["items"].as_array().and_then(|all| all.iter().find(|agent| agent["id"] == json!(id)));
            anyhow::ensure!(ours.is_some_and(|agent| agent["reachable"] == true), "not reachable: {agents}");
            Ok(())
        })
        .await
    }

    /// One more phone of an agent, signed in.
    pub async fn second_phone(&self, index: usize) -> Result<Baresip> {
        let api = &self.agents[index].api;
        let device = api
            .send(Method::POST, &format!("/agents/{}/devices", api.user), &json!({ "name": "Second phone" }))
            .await?;
        let text = |name: &str| device[name].as_str().context("credentials");
        let options = BaresipOptions::desk_phone(self.sip_port, text("username")?, text("password")?, AGENT_HZ);
        let mut phone = Baresip::start(&self.folder("phone"), options).await?;
        phone.wait_registered(Duration::from_secs(10)).await?;
        Ok(phone)
    }

    /// Changes how the scene's queue works, and waits until the gateway goes by it.
    pub async fn queue_works(&self, works: &serde_json::Value) -> Result<String> {
        let queues = self.admin.get("/queues").await?;
        let queue = queues["items"].as_array().and_then(|all| all.iter().find(|queue| queue["slug"] == "sales"));
        let id = queue.and_then(|queue| queue["id"].as_str()).context("the queue")?.to_owned();
        self.admin.send(Method::PUT, &format!("/queues/{id}/routing"), works).await?;
        Ok(id)
    }

    /// Signs the phones of all agents in, and makes them available in order.
    pub async fn everybody_works(&mut self, answers: bool) -> Result<()> {
        for index in 0..self.agents.len() {
            self.plug_in(index, answers).await?;
            self.agents[index].api.set_state("available").await?;
        }
        Ok(())
    }

    /// An agent's phone.
    pub fn phone(&mut self, index: usize) -> &mut Baresip {
        self.agents[index].phone.as_mut().expect("plugged in before")
    }

    /// A customer who calls with SIPp, talks for a while once answered, and hangs up.
    pub fn sipp_customer(&self, talk: Duration) -> Result<Sipp> {
        let mut call = SippCall::new(self.sip_port, &self.number, talk);
        call.tone_hz = CUSTOMER_HZ;
        Ok(Sipp::start(&self.folder("sipp"), &call)?)
    }

    /// A customer with a phone that can be listened to; already dialling.
    pub async fn customer(&self) -> Result<Baresip> {
        self.calls(BaresipOptions::caller(self.sip_port, "15557654321", CUSTOMER_HZ)).await
    }

    /// The same, who speaks a WAV file (8 kHz, mono) instead of a tone.
    pub async fn customer_speaking(&self, file: PathBuf) -> Result<Baresip> {
        let options = BaresipOptions::caller(self.sip_port, "15557654321", CUSTOMER_HZ);
        self.calls(BaresipOptions { speaks: Some(file), ..options }).await
    }

    async fn calls(&self, options: BaresipOptions) -> Result<Baresip> {
        let phone = Baresip::start(&self.folder("customer"), options).await?;
        phone.dial(&self.number).await?;
        Ok(phone)
    }
}

/// Signs an agent in and makes them a device.
async fn agent(base: &str, email: &str) -> Result<Agent> {
    let api = Api::sign_in(base, email, PASSWORD).await?;
    let device =
        api.send(Method::POST, &format!("/agents/{}/devices", api.user), &json!({ "name": "Desk phone" })).await?;
    let text = |name: &str| device[name].as_str().map(str::to_owned).context("credentials");
    let credentials = (text("username")?, text("password")?);
    Ok(Agent { api, phone: None, credentials })
}

async fn database(stack: &Stack) -> Result<Db> {
    let url = stack.gateway.env("TRUNKLINE_DATABASE_URL").context("no database")?;
    Ok(Db::connect(url, PoolOptions { max_connections: 2, ..PoolOptions::default() }).await?)
}

/// The channels and bridges that Asterisk has now, by its own command line.
pub async fn left_in_asterisk(stack: &Stack) -> Result<(usize, usize)> {
    let channels = stack.asterisk.rx("core show channels concise").await?;
    let bridges = stack.asterisk.rx("bridge show all").await?;
    let channels = channels.lines().filter(|line| line.contains('!')).count();
    // One heading, then one line for each bridge.
    let bridges = bridges.lines().skip(1).filter(|line| !line.trim().is_empty()).count();
    Ok((channels, bridges))
}

/// Waits until Asterisk has no channel and no bridge any more.
pub async fn nothing_left_in_asterisk(stack: &Stack) -> Result<()> {
    crate::eventually(Duration::from_secs(10), async || {
        let (channels, bridges) = left_in_asterisk(stack).await?;
        anyhow::ensure!(channels == 0 && bridges == 0, "left in Asterisk: {channels} channels, {bridges} bridges");
        Ok(())
    })
    .await
}
