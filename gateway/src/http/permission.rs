//! What each role may do. Every operation of the OpenAPI document names its permission as `x-permission`.

use trunkline_db::Role;

use super::AppError;
use crate::auth::Principal;

/// A right that an operation asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Permission {
    /// See the tenant's agents and their states.
    AgentsRead,
    /// Set one's own state.
    AgentsSelf,
    /// See and make one's own devices.
    DevicesSelf,
    /// Make one's browser a phone.
    SoftphoneSelf,
    /// See and make anybody's devices.
    DevicesAny,
    /// See the tenant's queues.
    QueuesRead,
    /// See calls in one's scopes.
    CallsRead,
    /// Act on calls in one's scopes.
    CallsControl,
    /// Hear recordings in one's scopes.
    RecordingsRead,
    /// Save recordings in one's scopes as files.
    RecordingsDownload,
    /// Have a simulated customer call a queue.
    CallsTest,
    /// Set up a tenant of one's own, and remove the demo.
    SetupRun,
    /// Read the journal in one's scopes, live or back.
    EventsRead,
    /// See what the tenant has to be done in the background.
    JobsRead,
    /// Run such jobs at once, and drop them.
    JobsManage,
    /// Read the gateway's metrics from elsewhere than loopback.
    MetricsRead,
    /// Read and export the audit log.
    AuditRead,
}

impl Permission {
    /// Every permission.
    pub const ALL: &[Self] = &[
        Self::AgentsRead,
        Self::AgentsSelf,
        Self::DevicesSelf,
        Self::SoftphoneSelf,
        Self::DevicesAny,
        Self::QueuesRead,
        Self::CallsRead,
        Self::CallsControl,
        Self::RecordingsRead,
        Self::RecordingsDownload,
        Self::CallsTest,
        Self::SetupRun,
        Self::EventsRead,
        Self::JobsRead,
        Self::JobsManage,
        Self::MetricsRead,
        Self::AuditRead,
    ];

    /// The name in `x-permission` and in `GET /me`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::AgentsRead => "agents:read",
            Self::AgentsSelf => "agents:self",
            Self::DevicesSelf => "devices:self",
            Self::SoftphoneSelf => "softphone:self",
            Self::DevicesAny => "devices:any",
            Self::QueuesRead => "queues:read",
            Self::CallsRead => "calls:read",
            Self::CallsControl => "calls:control",
            Self::RecordingsRead => "recordings:read",
            Self::RecordingsDownload => "recordings:download",
            Self::CallsTest => "calls:test",
            Self::SetupRun => "setup:run",
            Self::EventsRead => "events:read",
            Self::JobsRead => "jobs:read",
            Self::JobsManage => "jobs:manage",
            Self::MetricsRead => "metrics:read",
            Self::AuditRead => "audit:read",
        }
    }

    /// Whether a role has it.
    pub const fn allowed_to(self, role: Role) -> bool {
        match self {
            Self::AgentsRead
            | Self::AgentsSelf
            | Self::DevicesSelf
            | Self::SoftphoneSelf
            | Self::QueuesRead
            | Self::CallsRead
            | Self::CallsControl
            | Self::RecordingsRead
            | Self::EventsRead => true,
            Self::RecordingsDownload | Self::CallsTest => matches!(role, Role::Admin | Role::Manager),
            Self::DevicesAny
            | Self::SetupRun
            | Self::JobsRead
            | Self::JobsManage
            | Self::MetricsRead
            | Self::AuditRead => matches!(role, Role::Admin),
        }
    }
}

impl Principal {
    /// Whether the user has `permission`.
    pub fn may(&self, permission: Permission) -> bool {
        permission.allowed_to(self.role)
    }

    /// 403 unless the user has `permission`, and a password that nobody else knows.
    pub fn require(&self, permission: Permission) -> Result<(), AppError> {
        self.require_own_password()?;
        if self.may(permission) {
            return Ok(());
        }
        Err(AppError::forbidden(format!(
            "this takes the permission {}, which the role {} does not have",
            permission.as_str(),
            self.role
        )))
    }

    /// 403 while the password is one that somebody else chose.
    pub fn require_own_password(&self) -> Result<(), AppError> {
        if self.must_change_password { Err(AppError::password_change_required()) } else { Ok(()) }
    }

    /// Whether the user sees everything of the tenant: admins and managers do. An operator sees what is the tenant's, the operator's
    /// own and the operator's queues'.
    pub fn sees_all(&self) -> bool {
        matches!(self.role, Role::Admin | Role::Manager)
    }
}
