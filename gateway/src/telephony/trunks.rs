//! The trunks that Asterisk has to know: pushed like phones, into its memory, whenever a connection comes about and whenever they change.
//!
//! What Asterisk 22.10.1 does with such objects, measured: an `identify` that is put once more keeps its old addresses beside the new ones; a
//! `registration` that is put once more with other fields, or whose password changed, goes on as it was for as long as the old one lasts. Both
//! are deleted first, and left alone where they are what they should be: a gateway that comes back disturbs no sign-in. What it keeps of a deleted
//! registration goes by its name, a while after the deletion was answered, and a new one of the same name may go with it (one in fifty did, and then
//! nobody signs in): so a trunk's registration has two names by turns.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::sync::Arc;

use tokio::sync::mpsc;
use trunkline_ari::model::ConfigTuple;
use trunkline_ari::{Client, Error, OrGone as _, asterisk};
use trunkline_calls::lines::{ANONYMOUS, Kind, Line, Shown, TrunkSettings, trunk_of_endpoint};
use trunkline_db::TrunkId;

use super::phones::PhoneTerms;
use crate::calls::directory::Directory;
use crate::calls::model::Server;
use crate::trunks::board::Board;

/// Where trunks' calls come in.
const CONTEXT: &str = "trunkline-trunk";
/// The kinds of objects, in the order in which they are removed: nobody signs in or calls by what is half there.
const KINDS: [&str; 5] = ["registration", "identify", "endpoint", "aor", "auth"];

/// Behind the trunk's name: the other name of its registration.
const OTHER: &str = "-b";

/// The trunk whose registration has this name.
pub(super) fn trunk_of_registration(name: &str) -> Option<TrunkId> {
    trunk_of_endpoint(name.strip_suffix(OTHER).unwrap_or(name))
}

/// What an object of a trunk may be called.
fn names(kind: &str, name: &str) -> Vec<String> {
    if kind == "registration" { vec![name.to_owned(), format!("{name}{OTHER}")] } else { vec![name.to_owned()] }
}

/// What the task is told.
#[derive(Debug)]
pub(crate) enum TrunkNews {
    /// A connection to Asterisk came about. Everything is looked at, since it may have restarted meanwhile.
    Connected,
    /// The directory changed: what differs is pushed.
    Directory(Arc<Directory>),
}

/// An object of Asterisk's: its kind, and its fields in order.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Object {
    kind: &'static str,
    fields: Vec<(&'static str, String)>,
}

/// What Asterisk has of each trunk, by its endpoint's name.
type Pushed = BTreeMap<String, Vec<Object>>;

/// Keeps a server's trunks like the directory's. Sends on `ask` when sign-ins may have changed. Ends when the sender is dropped.
pub(crate) async fn keep(
    server: Server,
    client: Client,
    terms: PhoneTerms,
    board: Board,
    mut news: mpsc::UnboundedReceiver<TrunkNews>,
    ask: mpsc::UnboundedSender<()>,
) {
    let mut wanted: Pushed = Pushed::new();
    let mut pushed: Pushed = Pushed::new();
    let mut connected = false;
    while let Some(message) = news.recv().await {
        match message {
            TrunkNews::Connected => {
                connected = true;
                pushed = Pushed::new();
                remove_strangers(&client, &wanted).await;
            }
            TrunkNews::Directory(directory) => {
                let lines: Vec<Arc<Line>> =
                    directory.lines.values().filter(|line| line.is_at(&server)).cloned().collect();
                wanted = lines.iter().map(|line| (line.endpoint(), objects(line, terms))).collect();
                board.wanted(&server, &lines);
            }
        }
        // Before the first connection there is nobody to tell; a connection brings everything in line.
        if connected && bring_in_line(&client, &wanted, &mut pushed).await {
            // Who asks lives as long as the process, or there is no manager interface.
            let _ = ask.send(());
        }
    }
}

/// Removes the trunks that Asterisk still has from an earlier life of ours, and that are gone.
async fn remove_strangers(client: &Client, wanted: &Pushed) {
    match client.endpoints().list_by_tech("PJSIP").await {
        Ok(endpoints) => {
            for endpoint in endpoints {
                let name = endpoint.resource;
                if trunk_of_endpoint(&name).is_some() && !wanted.contains_key(&name) {
                    remove(client, &name, &KINDS.into()).await;
                }
            }
        }
        Err(error) => tracing::warn!(%error, "Asterisk would not tell which trunks it has"),
    }
}

/// Pushes and removes what differs. Whether anything did.
async fn bring_in_line(client: &Client, wanted: &Pushed, pushed: &mut Pushed) -> bool {
    let mut any = false;
    let gone: Vec<String> = pushed.keys().filter(|name| !wanted.contains_key(*name)).cloned().collect();
    for name in gone {
        any = true;
        if remove(client, &name, &KINDS.into()).await {
            pushed.remove(&name);
        }
    }
    for (name, objects) in wanted {
        let known = pushed.get(name);
        if known == Some(objects) {
            continue;
        }
        any = true;
        match push(client, name, objects, known).await {
            Ok(()) => {
                pushed.insert(name.clone(), objects.clone());
            }
            Err(error) => {
                // Next time everything of it is looked at.
                pushed.remove(name);
                tracing::warn!(endpoint = name, %error, "Asterisk could not be told of a trunk");
            }
        }
    }
    any
}

/// Tells Asterisk of a trunk; `known` is what it has of it, if we told it in this connection.
async fn push(client: &Client, name: &str, objects: &[Object], known: Option<&Vec<Object>>) -> Result<(), Error> {
    let of = |objects: &[Object], kind: &str| objects.iter().find(|object| object.kind == kind).cloned();
    let is_other = |kind: &str| known.is_none_or(|known| of(known, kind) != of(objects, kind));
    let superfluous: BTreeSet<&str> =
        KINDS.into_iter().filter(|kind| of(objects, kind).is_none() && is_other(kind)).collect();
    if !superfluous.is_empty() {
        remove(client, name, &superfluous).await;
    }
    let mut credentials_changed = false;
    for object in objects {
        let kind = object.kind;
        let mut other = is_other(kind);
        if other && known.is_none() && kind != "aor" {
            // After a connection came about: what is as it should be is left alone. An aor is told anew, so that its carrier is asked at once.
            other = !is_there(client, name, object).await?;
        }
        match kind {
            "auth" => credentials_changed = other,
            "registration" => other |= credentials_changed,
            _ => {}
        }
        if !other {
            continue;
        }
        let mut called = name.to_owned();
        if kind == "registration" {
            let [one, two] = [name.to_owned(), format!("{name}{OTHER}")];
            let (old, new) = if has_object(client, kind, &one).await? { (one, two) } else { (two, one) };
            client.asterisk().delete_object("res_pjsip", kind, &old).await.or_gone()?;
            called = new;
        } else if kind == "identify" {
            client.asterisk().delete_object("res_pjsip", kind, name).await.or_gone()?;
        }
        let fields: Vec<_> =
            object.fields.iter().map(|(field, value)| ConfigTuple::new(*field, value.clone())).collect();
        let params = asterisk::UpdateObject::default().fields(fields);
        client.asterisk().update_object("res_pjsip", kind, &called, params).await?;
    }
    Ok(())
}

/// Whether Asterisk has an object of this name.
async fn has_object(client: &Client, kind: &str, name: &str) -> Result<bool, Error> {
    match client.asterisk().get_object("res_pjsip", kind, name).await {
        Ok(_) => Ok(true),
        Err(Error::NotFound { .. }) => Ok(false),
        Err(error) => Err(error),
    }
}

/// Whether Asterisk has an object with these fields.
async fn is_there(client: &Client, name: &str, object: &Object) -> Result<bool, Error> {
    for called in names(object.kind, name) {
        if is_called(client, &called, object).await? {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Whether Asterisk has an object of this name with these fields.
async fn is_called(client: &Client, name: &str, object: &Object) -> Result<bool, Error> {
    let there = match client.asterisk().get_object("res_pjsip", object.kind, name).await {
        Ok(there) => there,
        Err(Error::NotFound { .. }) => return Ok(false),
        Err(error) => return Err(error),
    };
    let has = |field: &str| -> BTreeSet<String> {
        there.iter().filter(|tuple| tuple.attribute == field).map(|tuple| canonical(&tuple.value)).collect()
    };
    Ok(object.fields.iter().filter(|(field, _)| *field != "disallow").all(|(field, value)| match *field {
        "match" => has(field) == value.split(',').map(canonical).collect(),
        "allow" => has(field) == [format!("({})", value.replace(',', "|"))].into(),
        _ => has(field) == [canonical(value)].into(),
    }))
}

/// One way to write what Asterisk writes in another.
fn canonical(value: &str) -> String {
    match value {
        "yes" => return "true".to_owned(),
        "no" => return "false".to_owned(),
        _ => {}
    }
    let Some((address, bits)) = value.split_once('/') else {
        return match value.parse::<std::net::IpAddr>() {
            Ok(address) if address.is_ipv4() => format!("{value}/32"),
            Ok(_) => format!("{value}/128"),
            Err(_) => value.to_owned(),
        };
    };
    match bits.parse::<std::net::IpAddr>() {
        Ok(std::net::IpAddr::V4(mask)) => format!("{address}/{}", mask.to_bits().leading_ones()),
        Ok(std::net::IpAddr::V6(mask)) => format!("{address}/{}", mask.to_bits().leading_ones()),
        Err(_) => value.to_owned(),
    }
}

/// Removes objects of a trunk. Whether all are gone.
async fn remove(client: &Client, name: &str, kinds: &BTreeSet<&str>) -> bool {
    for kind in KINDS.into_iter().filter(|kind| kinds.contains(kind)) {
        for called in names(kind, name) {
            if let Err(error) = client.asterisk().delete_object("res_pjsip", kind, &called).await.or_gone() {
                tracing::warn!(endpoint = name, kind, %error, "a trunk could not be taken from Asterisk");
                return false;
            }
        }
    }
    true
}

/// What Asterisk is told of a trunk, in order: an endpoint names what has to be there already.
fn objects(line: &Line, terms: PhoneTerms) -> Vec<Object> {
    let name = line.endpoint();
    let settings = &line.settings;
    let mut objects = Vec::new();
    if let Some(password) = &line.password {
        let username = if settings.auth_username.is_empty() { &settings.username } else { &settings.auth_username };
        let fields = vec![
            ("auth_type", "userpass".to_owned()),
            ("username", username.clone()),
            ("password", password.expose().to_owned()),
        ];
        objects.push(Object { kind: "auth", fields });
    }
    let proxy = proxy(settings);
    let mut aor = vec![("contact", uri(None, settings)), ("qualify_frequency", settings.qualify_seconds.to_string())];
    aor.extend(proxy.clone());
    objects.push(Object { kind: "aor", fields: aor });
    objects.push(Object { kind: "endpoint", fields: endpoint(line, terms, proxy.as_ref()) });
    let own_host = (settings.kind == Kind::Address && settings.sources.is_empty()).then(|| settings.host.clone());
    let sources: Vec<String> = settings.sources.iter().cloned().chain(own_host).collect();
    if !sources.is_empty() {
        let fields = vec![("endpoint", name.clone()), ("match", sources.join(","))];
        objects.push(Object { kind: "identify", fields });
    }
    if settings.kind == Kind::Registration {
        let mut fields = vec![
            ("server_uri", uri(None, settings)),
            ("client_uri", uri(Some(&settings.username), settings)),
            ("contact_user", settings.username.clone()),
            ("outbound_auth", name.clone()),
            ("expiration", settings.expires_seconds.to_string()),
            ("retry_interval", "30".to_owned()),
            // Who may not sign in is told so five times an hour, not a hundred.
            ("forbidden_retry_interval", "300".to_owned()),
            ("fatal_retry_interval", "300".to_owned()),
            ("max_retries", "1000000".to_owned()),
            ("auth_rejection_permanent", "no".to_owned()),
            ("max_random_initial_delay", "1".to_owned()),
            // Its calls say by a parameter of their address which sign-in they belong to, wherever they come from.
            ("line", "yes".to_owned()),
            ("endpoint", name),
        ];
        fields.extend(proxy);
        objects.push(Object { kind: "registration", fields });
    }
    objects
}

fn endpoint(line: &Line, terms: PhoneTerms, proxy: Option<&(&'static str, String)>) -> Vec<(&'static str, String)> {
    let (name, settings) = (line.endpoint(), &line.settings);
    let mut fields: Vec<(&'static str, String)> = [
        ("context", CONTEXT),
        ("message_context", "trunkline-nothing"),
        // Whoever claims to be the trunk in From opens nothing.
        ("identify_by", "ip"),
        ("disallow", "all"),
        ("direct_media", "no"),
        ("dtmf_mode", "rfc4733"),
        ("rtp_symmetric", "yes"),
        ("force_rport", "yes"),
        ("rewrite_contact", "yes"),
        ("trust_id_inbound", "yes"),
        ("trust_id_outbound", "yes"),
        ("send_pai", "yes"),
        ("allow_subscribe", "no"),
        ("allow_transfer", "no"),
        ("rtp_timeout", "180"),
        ("rtp_timeout_hold", "3600"),
    ]
    .into_iter()
    .map(|(field, value)| (field, value.to_owned()))
    .collect();
    fields.push(("allow", settings.codecs.join(",")));
    fields.push(("aors", name.clone()));
    if line.password.is_some() {
        fields.push(("outbound_auth", name));
    }
    if !settings.from_user.is_empty() {
        fields.push(("from_user", settings.from_user.clone()));
    } else if settings.shown == Shown::Withheld {
        // Without any number the endpoint's own name would stand there.
        fields.push(("from_user", ANONYMOUS.to_owned()));
    }
    let domain = if settings.from_domain.is_empty() { &settings.host } else { &settings.from_domain };
    fields.push(("from_domain", domain.clone()));
    fields.extend(proxy.cloned());
    fields.extend(terms.media_address.map(|address| ("media_address", address.to_string())));
    fields
}

/// `sip:user@host:port;transport=tcp` (RFC 3261 §19.1.1).
fn uri(user: Option<&str>, settings: &TrunkSettings) -> String {
    let mut uri = "sip:".to_owned();
    if let Some(user) = user {
        uri.push_str(user);
        uri.push('@');
    }
    // Where the sign-in belongs to another domain than its server.
    let host = if user.is_some() && !settings.from_domain.is_empty() { &settings.from_domain } else { &settings.host };
    uri.push_str(host);
    if let Some(port) = settings.port.filter(|_| *host == settings.host) {
        let _ = write!(uri, ":{port}");
    }
    if settings.transport != trunkline_calls::lines::Transport::Udp {
        let _ = write!(uri, ";transport={}", settings.transport.as_str());
    }
    uri
}

fn proxy(settings: &TrunkSettings) -> Option<(&'static str, String)> {
    let place = Some(&settings.outbound_proxy).filter(|place| !place.is_empty())?;
    Some(("outbound_proxy", format!("sip:{place};lr")))
}

#[cfg(test)]
mod tests {
    use trunkline_db::{Secret, TenantId};

    use super::*;

    fn line(kind: Kind) -> Line {
        let mut settings = TrunkSettings::new(kind, "sip.example.net");
        settings.username = "me".to_owned();
        let password = (kind == Kind::Registration).then(|| Secret::new("secret"));
        Line {
            id: TrunkId::new(),
            tenant: TenantId::new(),
            name: "Our carrier".to_owned(),
            priority: 0,
            settings,
            password,
        }
    }

    fn kinds(line: &Line) -> Vec<&'static str> {
        objects(line, PhoneTerms::default()).iter().map(|object| object.kind).collect()
    }

    #[test]
    fn a_trunk_is_the_objects_that_it_needs() {
        assert_eq!(kinds(&line(Kind::Registration)), ["auth", "aor", "endpoint", "registration"]);
        assert_eq!(kinds(&line(Kind::Address)), ["aor", "endpoint", "identify"]);
        let mut both = line(Kind::Registration);
        both.settings.sources = vec!["192.0.2.0/24".to_owned()];
        assert_eq!(kinds(&both), ["auth", "aor", "endpoint", "identify", "registration"]);
    }

    #[test]
    fn a_registration_has_two_names_of_one_trunk() {
        let line = line(Kind::Registration);
        let called = names("registration", &line.endpoint());
        assert_eq!(called.len(), 2);
        assert!(called.iter().all(|one| trunk_of_registration(one) == Some(line.id)), "{called:?}");
        assert_eq!(names("endpoint", &line.endpoint()), [line.endpoint()]);
    }

    #[test]
    fn addresses_are_written_as_sip_wants_them() {
        let mut settings = line(Kind::Registration).settings;
        assert_eq!(
            (uri(None, &settings), uri(Some("me"), &settings)),
            ("sip:sip.example.net".into(), "sip:me@sip.example.net".into())
        );
        settings.port = Some(5070);
        settings.transport = trunkline_calls::lines::Transport::Tls;
        assert_eq!(uri(Some("me"), &settings), "sip:me@sip.example.net:5070;transport=tls");
        settings.from_domain = "example.org".to_owned();
        assert_eq!(uri(Some("me"), &settings), "sip:me@example.org;transport=tls");
        assert_eq!(uri(None, &settings), "sip:sip.example.net:5070;transport=tls");
        settings.outbound_proxy = "proxy.example.net:5080".to_owned();
        assert_eq!(proxy(&settings), Some(("outbound_proxy", "sip:proxy.example.net:5080;lr".to_owned())));
    }

    #[test]
    fn no_name_of_a_tenant_or_trunk_is_told() {
        let line = line(Kind::Registration);
        let told = format!("{:?} {}", objects(&line, PhoneTerms::default()), line.endpoint());
        assert!(!told.contains("Our carrier") && !told.contains(&line.tenant.to_string()), "{told}");
    }

    #[test]
    fn what_asterisk_writes_otherwise_is_the_same() {
        assert_eq!(canonical("yes"), canonical("true"));
        assert_eq!(canonical("192.0.2.1"), canonical("192.0.2.1/255.255.255.255"));
        assert_eq!(canonical("10.1.0.0/16"), canonical("10.1.0.0/255.255.0.0"));
        assert_eq!(canonical("2001:db8::/32"), canonical("2001:db8::/ffff:ffff::"));
        assert_ne!(canonical("10.1.0.0/16"), canonical("10.1.0.0/17"));
    }
}
