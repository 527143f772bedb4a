//! The phones that Asterisk has to know.
//!
//! They live in the gateway's database and in Asterisk's memory only (sorcery's memory wizard): an Asterisk that restarts
//! has forgotten them, so they are pushed again whenever a connection comes about, and again when they change. Phones go
//! on working while the database is away.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::StreamExt as _;
use tokio::sync::{mpsc, oneshot};
use trunkline_ari::model::ConfigTuple;
use trunkline_ari::{Client, Error, OrGone as _, asterisk};

use crate::calls::directory::Directory;
use crate::calls::{DeviceKind, DirectoryDevice};
use crate::secrets::Secret;
use crate::telephony::peers::Others;

/// The realm of every phone's password hash; `default_realm` in `pjsip.conf.in` is the same.
const REALM: &str = "trunkline";
/// Phones pushed at the same time. Measured: three requests a phone, about 2 ms.
const SIDE_BY_SIDE: usize = 4;
/// Where pushed phones may dial.
const CONTEXT: &str = "trunkline-phones";

/// What the task is told.
#[derive(Debug)]
pub(crate) enum PhoneNews {
    /// A connection to Asterisk came about. Everything is pushed, since it may have restarted meanwhile.
    Connected,
    /// The directory changed: what differs is pushed.
    Directory(Arc<Directory>),
    /// One phone is wanted now; answered once Asterisk has it.
    Push(DirectoryDevice, oneshot::Sender<bool>),
    /// One phone has to go now.
    Remove(String, oneshot::Sender<()>),
}

/// What all phones of a server are told.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct PhoneTerms {
    /// Address that the server names for its audio, where it is not one of its own.
    pub media_address: Option<IpAddr>,
    /// Whether desk phones may hand calls on by their own transfer key.
    pub transfers: bool,
}

/// Keeps Asterisk's phones like the directory's; tells `pushed_some` when Asterisk learnt of phones, since one that it had
/// forgotten may still be registered. Ends when the sender is dropped.
pub(crate) async fn keep(
    client: Client,
    terms: PhoneTerms,
    others: Others,
    mut news: mpsc::UnboundedReceiver<PhoneNews>,
    pushed_some: impl Fn(),
) {
    let mut wanted: BTreeMap<String, Phone> = BTreeMap::new();
    let mut pushed: BTreeMap<String, Phone> = BTreeMap::new();
    let mut ahead = Ahead::default();
    let mut connected = false;
    while let Some(message) = news.recv().await {
        match message {
            PhoneNews::Connected => {
                connected = true;
                others.push(&client).await;
                pushed = still_known(&client, pushed).await;
            }
            PhoneNews::Directory(directory) => {
                wanted = phones(&directory, terms);
                ahead.add_to(&mut wanted, Instant::now());
            }
            PhoneNews::Push(device, answer) => {
                let phone = Phone::of(&device, terms);
                let done = push(&client, &phone, phone.beyond(pushed.get(&phone.username))).await;
                if done {
                    pushed.insert(phone.username.clone(), phone.clone());
                }
                wanted.insert(phone.username.clone(), phone.clone());
                ahead.note(phone, Instant::now());
                let _ = answer.send(done);
                continue;
            }
            PhoneNews::Remove(username, answer) => {
                wanted.remove(&username);
                ahead.0.remove(&username);
                if remove(&client, &username).await {
                    pushed.remove(&username);
                }
                let _ = answer.send(());
                continue;
            }
        }
        // Before the first connection there is nobody to tell; a connection brings everything in line.
        if connected && bring_in_line(&client, &wanted, &mut pushed).await {
            pushed_some();
        }
    }
}

/// How old a reading of the directory can be when it comes in.
const OLDEST_READING: Duration = Duration::from_secs(30);

/// Phones that no directory has had yet: one whose reading began before they were made takes nothing from them.
#[derive(Debug, Default)]
struct Ahead(BTreeMap<String, (Phone, Instant)>);

impl Ahead {
    fn note(&mut self, phone: Phone, now: Instant) {
        self.0.insert(phone.username.clone(), (phone, now));
    }

    fn add_to(&mut self, wanted: &mut BTreeMap<String, Phone>, now: Instant) {
        self.0.retain(|username, (_, since)| {
            !wanted.contains_key(username) && now.saturating_duration_since(*since) < OLDEST_READING
        });
        wanted.extend(self.0.iter().map(|(username, (phone, _))| (username.clone(), phone.clone())));
    }
}

/// What need not be pushed again although Asterisk may have restarted: browsers' phones that it still has. See [`Phone::beyond`] for why
/// they are better left alone while their sockets are open.
async fn still_known(client: &Client, pushed: BTreeMap<String, Phone>) -> BTreeMap<String, Phone> {
    let mut known = BTreeMap::new();
    for (username, phone) in pushed {
        if phone.kind == DeviceKind::Softphone
            && client.asterisk().get_object("res_pjsip", Object::Aor.as_str(), &username).await.is_ok()
        {
            known.insert(username, phone);
        }
    }
    known
}

/// Pushes and removes what differs. Whether any was pushed.
async fn bring_in_line(
    client: &Client,
    wanted: &BTreeMap<String, Phone>,
    pushed: &mut BTreeMap<String, Phone>,
) -> bool {
    let gone: Vec<String> = pushed.keys().filter(|username| !wanted.contains_key(*username)).cloned().collect();
    for username in gone {
        if remove(client, &username).await {
            pushed.remove(&username);
        }
    }
    let missing: Vec<Change> = wanted
        .values()
        .map(|phone| Change { phone: phone.clone(), objects: phone.beyond(pushed.get(&phone.username)) })
        .filter(|change| !change.objects.is_empty())
        .collect();
    if missing.is_empty() {
        return false;
    }
    let count = missing.len();
    let done: Vec<Phone> = futures_util::stream::iter(missing)
        .map(async |change| push(client, &change.phone, change.objects).await.then_some(change.phone))
        .buffer_unordered(SIDE_BY_SIDE)
        .filter_map(std::future::ready)
        .collect()
        .await;
    tracing::info!(phones = count, pushed = done.len(), "told Asterisk its phones");
    let any = !done.is_empty();
    pushed.extend(done.into_iter().map(|phone| (phone.username.clone(), phone)));
    any
}

/// What Asterisk is told of a phone.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Phone {
    username: String,
    ha1: Secret,
    kind: DeviceKind,
    terms: PhoneTerms,
}

/// A phone of which Asterisk has to be told something.
#[derive(Debug)]
struct Change {
    phone: Phone,
    objects: &'static [Object],
}

/// What a phone consists of in Asterisk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Object {
    Auth,
    Endpoint,
    Aor,
}

impl Object {
    /// The aor comes last: with it Asterisk finds where the phone had signed in before a restart, and asks it there, in the
    /// name of the endpoint, whether it can ring. Without an endpoint it would ask again only `qualify_frequency` later.
    const ALL: &[Self] = &[Self::Auth, Self::Endpoint, Self::Aor];

    const fn as_str(self) -> &'static str {
        match self {
            Self::Auth => "auth",
            Self::Endpoint => "endpoint",
            Self::Aor => "aor",
        }
    }
}

impl Phone {
    fn of(device: &DirectoryDevice, terms: PhoneTerms) -> Self {
        Self { username: device.username.clone(), ha1: device.ha1.clone(), kind: device.kind, terms }
    }

    /// What Asterisk has to be told, when this is what it knows. Another password alone leaves registration and calls as they are: an
    /// aor that is put once more forgets that its contact ends with a socket, and the phone would ring on for nobody.
    fn beyond(&self, known: Option<&Self>) -> &'static [Object] {
        match known {
            Some(known) if known == self => &[],
            Some(known) if *known == Self { ha1: known.ha1.clone(), ..self.clone() } => &[Object::Auth],
            _ => Object::ALL,
        }
    }

    fn auth(&self) -> Fields<'_> {
        vec![("auth_type", "md5"), ("username", &self.username), ("realm", REALM), ("md5_cred", self.ha1.expose())]
    }

    fn aor(&self) -> Fields<'static> {
        match self.kind {
            DeviceKind::Desk => Self::desk_aor(),
            DeviceKind::Softphone => Self::softphone_aor(),
        }
    }

    /// A browser is registered for as long as its socket is open: Asterisk drops the contact with it, and the gateway closes the
    /// sockets of browsers that are gone. A page that was reloaded takes the place of the one before.
    fn softphone_aor() -> Fields<'static> {
        vec![
            ("max_contacts", "1"),
            ("remove_existing", "yes"),
            ("minimum_expiration", "30"),
            ("default_expiration", "120"),
            ("maximum_expiration", "600"),
        ]
    }

    fn desk_aor() -> Fields<'static> {
        vec![
            ("max_contacts", "5"),
            ("remove_existing", "yes"),
            ("remove_unavailable", "yes"),
            ("qualify_frequency", "30"),
            ("minimum_expiration", "30"),
            ("default_expiration", "120"),
            // A phone whose registration an Asterisk that died took with it (over TCP; or made in its last second) is back
            // within this time, whatever it asked for.
            ("maximum_expiration", "120"),
        ]
    }

    fn endpoint(&self) -> OwnedFields {
        let both = [
            ("context", CONTEXT),
            ("message_context", "trunkline-nothing"),
            ("disallow", "all"),
            ("direct_media", "no"),
            ("dtmf_mode", "rfc4733"),
            ("rtp_symmetric", "yes"),
            ("force_rport", "yes"),
            ("rewrite_contact", "yes"),
            ("allow_subscribe", "no"),
        ];
        let of_kind: &[_] = match self.kind {
            DeviceKind::Desk => &[("allow", "ulaw,alaw"), ("rtp_timeout", "180"), ("rtp_timeout_hold", "3600")],
            // `webrtc` stands for DTLS-SRTP, ICE, RTCP multiplexing and a certificate made on the spot. A browser sends audio all the
            // time, muted and on hold too: when nothing comes, the page or its machine is gone.
            DeviceKind::Softphone => &[
                ("allow", "opus,ulaw"),
                ("allow_transfer", "no"),
                ("webrtc", "yes"),
                ("rtp_timeout", "60"),
                ("rtp_timeout_hold", "300"),
            ],
        };
        let mut fields: OwnedFields =
            both.iter().chain(of_kind).map(|(name, value)| (*name, (*value).to_owned())).collect();
        fields.extend(self.terms.media_address.map(|address| ("media_address", address.to_string())));
        // What it asks to transfer Asterisk leaves to us, on legs that we ring and on those that come by its context.
        let transfers = self.terms.transfers && self.kind == DeviceKind::Desk;
        fields.push(("allow_transfer", if transfers { "yes" } else { "no" }.to_owned()));
        fields.push(("auth", self.username.clone()));
        fields.push(("aors", self.username.clone()));
        // No set_var: Asterisk 22.10.1 answers 500 to every further PUT of an endpoint that has one.
        fields
    }
}

type Fields<'a> = Vec<(&'static str, &'a str)>;
type OwnedFields = Vec<(&'static str, String)>;

fn phones(directory: &Directory, terms: PhoneTerms) -> BTreeMap<String, Phone> {
    directory.devices.values().map(|device| (device.username.clone(), Phone::of(device, terms))).collect()
}

async fn push(client: &Client, phone: &Phone, objects: &[Object]) -> bool {
    match try_push(client, phone, objects).await {
        Ok(()) => true,
        Err(error) => {
            tracing::warn!(username = phone.username, %error, "Asterisk could not be told of a phone");
            false
        }
    }
}

async fn try_push(client: &Client, phone: &Phone, objects: &[Object]) -> Result<(), Error> {
    let endpoint = phone.endpoint();
    for object in objects {
        let fields = match object {
            Object::Auth => phone.auth(),
            Object::Endpoint => endpoint.iter().map(|(name, value)| (*name, value.as_str())).collect(),
            Object::Aor => phone.aor(),
        };
        let fields: Vec<ConfigTuple> = fields.into_iter().map(|(name, value)| ConfigTuple::new(name, value)).collect();
        let params = asterisk::UpdateObject::default().fields(fields);
        client.asterisk().update_object("res_pjsip", object.as_str(), &phone.username, params).await?;
    }
    Ok(())
}

/// All three have to go: an aor that stays keeps its contacts, an endpoint that stays can still call.
async fn remove(client: &Client, username: &str) -> bool {
    for kind in ["endpoint", "auth", "aor"] {
        if let Err(error) = client.asterisk().delete_object("res_pjsip", kind, username).await.or_gone() {
            tracing::warn!(username, kind, %error, "a phone could not be taken from Asterisk");
            return false;
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use trunkline_db::{AgentId, DeviceId, TenantId};

    use super::*;

    fn phone(username: &str) -> Phone {
        let device = DirectoryDevice {
            id: DeviceId::new(),
            tenant: TenantId::new(),
            agent: AgentId::new(),
            username: username.to_owned(),
            ha1: Secret::new("0".repeat(32)),
            kind: DeviceKind::Desk,
        };
        Phone::of(&device, PhoneTerms::default())
    }

    #[test]
    fn a_directory_read_too_early_takes_no_phone_away() {
        let start = Instant::now();
        let mut ahead = Ahead::default();
        ahead.note(phone("new"), start);
        let mut wanted = BTreeMap::new();
        ahead.add_to(&mut wanted, start);
        assert!(wanted.contains_key("new"), "the reading began before the phone was made");

        let mut wanted = BTreeMap::from([("new".to_owned(), phone("new"))]);
        ahead.add_to(&mut wanted, start);
        let mut wanted = BTreeMap::new();
        ahead.add_to(&mut wanted, start);
        assert!(wanted.is_empty(), "once a directory had it, the next one without it takes it away");

        ahead.note(phone("never stored"), start);
        let mut wanted = BTreeMap::new();
        ahead.add_to(&mut wanted, start + OLDEST_READING);
        assert!(wanted.is_empty(), "no reading is that old");
    }
}
