//! What each role may do: one table. Every operation of the OpenAPI document names its permission as `x-permission`, and the guard
//! ([`super::guard`]) holds requests to it.
//!
//! Who adds an operation adds a line to the table, or takes one that is there.

use std::fmt;

use trunkline_db::Role;

use super::AppError;
use crate::auth::{Principal, Via};

/// Reads the table: one line per permission, one column per role.
macro_rules! permissions {
    (@mark x) => { true };
    (@mark -) => { false };
    ($( $variant:ident $name:literal $s:tt $a:tt $m:tt $c:tt $t:tt $r:tt $o:tt $v:tt $l:tt $doc:literal )+) => {
        /// A right that an operation asks for.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Permission {
            $( #[doc = $doc] $variant, )+
        }

        impl Permission {
            /// Every permission, in the table's order.
            pub const ALL: &[Self] = &[ $( Self::$variant ),+ ];

            /// The name in `x-permission` and in `GET /me`.
            pub const fn as_str(self) -> &'static str {
                match self { $( Self::$variant => $name ),+ }
            }

            /// What it allows, in a sentence.
            pub const fn description(self) -> &'static str {
                match self { $( Self::$variant => $doc ),+ }
            }

            /// Its line of the table: the superadmin's mark, then those of [`Role::ALL`].
            const fn marks(self) -> [bool; 9] {
                match self {
                    $( Self::$variant => [
                        permissions!(@mark $s), permissions!(@mark $a), permissions!(@mark $m), permissions!(@mark $c),
                        permissions!(@mark $t), permissions!(@mark $r), permissions!(@mark $o), permissions!(@mark $v),
                        permissions!(@mark $l),
                    ] ),+
                }
            }
        }
    };
}

// The table. The first column is no role of a tenant's: it is what those who run the platform may do beside their role.
permissions! {
    //                                       superadmin
    //                                       | admin
    //                                       | | manager
    //                                       | | | closer
    //                                       | | | | setter
    //                                       | | | | | sales_rep
    //                                       | | | | | | operator
    //                                       | | | | | | | viewer
    //                                       | | | | | | | | client
    AgentsRead         "agents:read"         - x x x x x x x - "See the tenant's agents and their states."
    AgentsSelf         "agents:self"         - x x x x x x - - "Set one's own state."
    AgentsManage       "agents:manage"       - x x - - - - - - "Set anybody's state, and say who can do what how well."
    DevicesSelf        "devices:self"        - x x x x x x - - "See and make one's own devices."
    SoftphoneSelf      "softphone:self"      - x x x x x x - - "Make one's browser a phone."
    DevicesAny         "devices:any"         - x - - - - - - - "See and make anybody's devices."
    QueuesRead         "queues:read"         - x x x x x x x - "See the tenant's queues."
    QueuesManage       "queues:manage"       - x x - - - - - - "Say how queues work."
    TelephonyRead      "telephony:read"      - x x - - - - - - "See numbers, trunks, flows, opening hours and dialplan hooks."
    TelephonyManage    "telephony:manage"    - x - - - - - - - "Set up numbers, trunks, flows, opening hours and dialplan hooks."
    CallsRead          "calls:read"          - x x x x x x x - "See calls within one's reach."
    CallsControl       "calls:control"       - x x x x x x - - "Act on calls within one's reach."
    CallsSupervise     "calls:supervise"     - x x - - - - - - "Listen to calls within one's reach, whisper, join, take over, move those that wait."
    CallsDial          "calls:dial"          - x x x x x x - - "Call people outside, as far as the tenant allows it."
    CallsTest          "calls:test"          - x x - - - - - - "Have a simulated customer call a queue."
    NoticesSend        "notices:send"        - x x - - - - - - "Tell something to everybody at work, or to a queue."
    RecordingsRead     "recordings:read"     - x x x x x x x - "Hear recordings within one's reach."
    RecordingsDownload "recordings:download" - x x - - - - - - "Save recordings within one's reach as files."
    EventsRead         "events:read"         - x x x x x x x - "Read the journal within one's reach, live or back."
    TeamsRead          "teams:read"          - x x x x x x x - "See the tenant's teams and who belongs to them."
    TeamsManage        "teams:manage"        - x x - - - - - - "Make teams, say who belongs to them and who leads them."
    MembersRead        "members:read"        - x x - - - - - - "See who belongs to the tenant."
    MembersManage      "members:manage"      - x - - - - - - - "Invite people, change what they are, let them in no more."
    SignInManage       "sign_in:manage"      - x - - - - - - - "Say how the tenant's people sign in."
    RolesRead          "roles:read"          - x x - - - - - - "See the tenant's roles and what each may do."
    RolesManage        "roles:manage"        - x - - - - - - - "Make roles, and give them to people."
    ApiKeysManage      "api_keys:manage"     - x - - - - - - - "See, make, change and revoke API keys."
    JobsRead           "jobs:read"           - x - - - - - - - "See what the tenant has to be done in the background."
    JobsManage         "jobs:manage"         - x - - - - - - - "Run such jobs at once, and drop them."
    AuditRead          "audit:read"          - x - - - - - - - "Read the tenant's audit log, and save it as a file."
    SettingsManage     "settings:manage"    - x - - - - - - - "Set settings for the whole tenant, and lock them."
    SitesRead          "sites:read"         - x x x x x x x - "See the tenant's sites and their numbers."
    SitesManage        "sites:manage"       - x - - - - - - - "Make and change sites, and say which numbers are theirs."
    UsageRead          "usage:read"         - x x - - - - - - "See what the tenant may use and has used."
    ReportsRead        "reports:read"        - x x - - - - - - "Read figures of the work within one's reach, and save them as files."
    DialingRead        "dialing:read"       - x x - - - - - - "See what may be called, and the do-not-call list."
    DialingManage      "dialing:manage"     - x - - - - - - - "Say what may be called: countries, prefixes, hours, limits, shown numbers."
    DncManage          "dnc:manage"         - x x - - - - - - "Put numbers on the do-not-call list, and take them off."
    CallersMark        "callers:mark"       - x x x x x x - - "Block callers and mark VIPs."
    ContactsRead       "contacts:read"      - x x x x x x x - "See the people who call and write."
    ContactsManage     "contacts:manage"    - x x x x x x - - "Change, block and merge contacts."
    ConversationsRead  "conversations:read" - x x x x x x x - "Read conversations within one's reach."
    ConversationsWrite "conversations:write" - x x x x x x - - "Write in conversations within one's reach, take them, hand them on, resolve them."
    ConversationsManage "conversations:manage" - x x - - - - - - "Change many conversations at once, and save transcripts."
    ChannelsRead       "channels:read"      - x x x x x x x - "See the connected channels and their templates."
    ChannelsManage     "channels:manage"    - x - - - - - - - "Connect channels, and see and replay what providers told."
    InboxToolsManage   "inbox_tools:manage" - x x - - - - - - "Make labels, shared replies and views, macros and service levels."
    SetupRun           "setup:run"           - x - - - - - - - "Set up a tenant of one's own, and remove the demo."
    MetricsRead        "metrics:read"        x x - - - - - - - "Read the gateway's metrics from elsewhere than loopback."
    PlatformManage     "platform:manage"     x - - - - - - - - "Run the platform that all tenants share."
}

/// The table's columns behind the first, in its order.
const COLUMNS: [Role; 8] = Role::ALL;

impl Permission {
    /// Whether a built-in role has it.
    pub const fn allowed_to(self, role: Role) -> bool {
        let marks = self.marks();
        let mut column = 0;
        while column < COLUMNS.len() {
            if COLUMNS[column] as u8 == role as u8 {
                return marks[column + 1];
            }
            column += 1;
        }
        false
    }

    /// Whether those who run the platform have it.
    pub const fn allowed_to_superadmin(self) -> bool {
        self.marks()[0]
    }

    /// Whether it reaches beyond a tenant: no role of a tenant's own may have it.
    pub const fn is_platforms(self) -> bool {
        matches!(self, Self::PlatformManage)
    }

    /// The permission with this name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|permission| permission.as_str() == name)
    }
}

/// A set of permissions.
#[derive(Clone, Copy, PartialEq, Eq, Default, Hash)]
pub struct Permissions(u128);

// One bit each.
const _: () = assert!(Permission::ALL.len() <= 128);

impl Permissions {
    /// None.
    pub const NONE: Self = Self(0);

    /// What a built-in role may do.
    pub const fn of(role: Role) -> Self {
        let mut set = Self::NONE;
        let mut at = 0;
        while at < Permission::ALL.len() {
            if Permission::ALL[at].allowed_to(role) {
                set = set.with(Permission::ALL[at]);
            }
            at += 1;
        }
        set
    }

    /// What those who run the platform may do beside their role.
    pub const fn of_superadmin() -> Self {
        let mut set = Self::NONE;
        let mut at = 0;
        while at < Permission::ALL.len() {
            if Permission::ALL[at].allowed_to_superadmin() {
                set = set.with(Permission::ALL[at]);
            }
            at += 1;
        }
        set
    }

    /// What no role of a tenant's may hold.
    pub fn of_platform() -> Self {
        Permission::ALL.iter().copied().filter(|permission| permission.is_platforms()).collect()
    }

    /// This set and one more.
    #[must_use]
    pub const fn with(self, permission: Permission) -> Self {
        Self(self.0 | 1 << permission as u32)
    }

    /// What is in either.
    #[must_use]
    pub const fn or(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// What is in both.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// What is in this one alone.
    #[must_use]
    pub const fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// Whether `permission` is in it.
    pub const fn has(self, permission: Permission) -> bool {
        self.0 & (1 << permission as u32) != 0
    }

    /// Whether nothing is in it.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Its members, in the table's order.
    pub fn iter(self) -> impl Iterator<Item = Permission> {
        Permission::ALL.iter().copied().filter(move |permission| self.has(*permission))
    }

    /// Their names, in the table's order.
    pub fn names(self) -> Vec<&'static str> {
        self.iter().map(Permission::as_str).collect()
    }

    /// The set of stored names. A name that this version does not know allows nothing.
    pub fn of_names<'a>(names: impl IntoIterator<Item = &'a String>) -> Self {
        names.into_iter().filter_map(|name| Permission::parse(name)).collect()
    }
}

impl FromIterator<Permission> for Permissions {
    fn from_iter<I: IntoIterator<Item = Permission>>(permissions: I) -> Self {
        permissions.into_iter().fold(Self::NONE, Self::with)
    }
}

impl fmt::Debug for Permissions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.names()).finish()
    }
}

/// How far somebody's sight goes within the tenant; the journal's scopes say the same of events.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize, utoipa::ToSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Reach {
    /// One's own work, that of one's queues, and that of the teams one leads.
    Member,
    /// Everything of the tenant.
    All,
}

impl Reach {
    /// That of a built-in role.
    pub const fn of(role: Role) -> Self {
        match role {
            Role::Admin | Role::Manager | Role::Viewer => Self::All,
            Role::Closer | Role::Setter | Role::SalesRep | Role::Operator | Role::Client => Self::Member,
        }
    }

    /// The word as stored.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Member => "member",
            Self::All => "all",
        }
    }

    /// The reach with this name; one that is not known reaches no further than oneself.
    pub fn parse(text: &str) -> Self {
        if text == "all" { Self::All } else { Self::Member }
    }
}

/// Rights that can be given: never more than the giver's own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rights {
    /// What may be done.
    pub permissions: Permissions,
    /// How far.
    pub reach: Reach,
}

impl Rights {
    /// Those of nobody.
    pub const NONE: Self = Self { permissions: Permissions::NONE, reach: Reach::Member };

    /// Those of a built-in role.
    pub const fn of(role: Role) -> Self {
        Self { permissions: Permissions::of(role), reach: Reach::of(role) }
    }
}

impl Principal {
    /// Whether the user has `permission`.
    pub fn may(&self, permission: Permission) -> bool {
        self.permissions.has(permission)
    }

    /// 403 unless the user has `permission`, and a password that nobody else knows.
    pub fn require(&self, permission: Permission) -> Result<(), AppError> {
        self.require_own_password()?;
        if self.may(permission) {
            return Ok(());
        }
        let whose = match self.via {
            Via::SignIn => "your role",
            Via::ApiKey(_) => "this API key or its maker",
        };
        Err(AppError::forbidden(format!(
            "this takes the permission {}, which {whose} does not have",
            permission.as_str()
        )))
    }

    /// 403 while the password is one that somebody else chose.
    pub fn require_own_password(&self) -> Result<(), AppError> {
        if self.must_change_password { Err(AppError::password_change_required()) } else { Ok(()) }
    }

    /// 403 for programs: some things only a person who signed in may do.
    pub fn require_person(&self) -> Result<(), AppError> {
        match self.via {
            Via::SignIn => Ok(()),
            Via::ApiKey(_) => Err(AppError::person_required()),
        }
    }

    /// Whether the user sees everything of the tenant. Others see what is the tenant's, their own, their queues' and that of the
    /// teams that they lead.
    pub fn sees_all(&self) -> bool {
        self.reach == Reach::All
    }

    /// 403 unless the user has all of `rights`: nobody gives what they do not have.
    pub fn require_to_give(&self, rights: Rights) -> Result<(), AppError> {
        let missing = rights.permissions.without(self.permissions);
        if !missing.is_empty() {
            return Err(AppError::forbidden(format!(
                "you cannot give what you do not have yourself: {}",
                missing.names().join(", ")
            )));
        }
        if rights.reach > self.reach {
            return Err(AppError::forbidden(
                "you cannot give a sight of the whole tenant, which you do not have yourself",
            ));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_one_each_and_of_one_shape() {
        let mut names: Vec<&str> = Permission::ALL.iter().map(|permission| permission.as_str()).collect();
        for name in &names {
            let parts: Vec<&str> = name.split(':').collect();
            let fits =
                |part: &&str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
            assert!(parts.len() == 2 && parts.iter().all(fits), "{name}");
            assert_eq!(Permission::parse(name).unwrap().as_str(), *name);
        }
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), Permission::ALL.len());
    }

    #[test]
    fn an_admin_may_all_that_any_role_may_and_nothing_of_the_platforms() {
        for role in Role::ALL {
            assert!(Permissions::of(role).without(Permissions::of(Role::Admin)).is_empty(), "{role}");
            assert!(Permissions::of(role).iter().all(|permission| !permission.is_platforms()), "{role}");
        }
        assert!(Permissions::of(Role::Client).is_empty());
    }

    /// "viewer reads, never acts": whoever gives a viewer another kind of right has to say so here.
    #[test]
    fn a_viewer_reads_and_never_acts() {
        assert!(Permissions::of(Role::Viewer).iter().all(|permission| permission.as_str().ends_with(":read")));
    }

    #[test]
    fn a_set_survives_its_names() {
        for role in Role::ALL {
            let names: Vec<String> = Permissions::of(role).names().into_iter().map(str::to_owned).collect();
            assert_eq!(Permissions::of_names(&names), Permissions::of(role));
        }
        assert!(Permissions::of_names(&["calls:unheard_of".to_owned()]).is_empty());
    }
}
