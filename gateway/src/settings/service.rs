//! Reading and changing settings.

use std::collections::HashMap;

use serde_json::json;
use trunkline_db::{Db, DbError, SystemTx, TenantId, TenantTx, UserId};
use trunkline_journal::{Fault, Kind, NewEvent, Ref, Scope};
use uuid::Uuid;

use super::cascade::{Lock, Said, locked_above, resolve};
use super::model::{SetSetting, SettingView};
use super::registry::{self, Level, Setting, SettingValue};
use super::store::{self, Row};
use crate::audit;
use crate::auth::Principal;
use crate::http::AppError;
use crate::roles::Asking;

const CHANGED: Kind = Kind::from_static("settings.changed");

/// What the levels say, for somebody.
#[derive(Debug, Clone)]
pub struct Settings {
    rows: Vec<Row>,
    level: Level,
}

/// What counts in each tenant of some settings: [`EachTenant::value`].
#[derive(Debug, Default)]
pub struct EachTenant {
    platform: Vec<Row>,
    tenants: HashMap<TenantId, Vec<Row>>,
}

/// Reads some settings for all tenants at once.
pub async fn of_all_tenants(tx: &mut SystemTx, settings: &[&Setting]) -> Result<EachTenant, DbError> {
    let keys: Vec<String> = settings.iter().map(|setting| setting.key.to_owned()).collect();
    let (platform, rows) = store::read_all(tx, &keys).await?;
    let mut tenants: HashMap<TenantId, Vec<Row>> = HashMap::new();
    for (tenant, row) in rows {
        tenants.entry(tenant).or_default().push(row);
    }
    Ok(EachTenant { platform, tenants })
}

impl EachTenant {
    /// What a setting is in a tenant.
    pub fn value(&self, tenant: TenantId, setting: &Setting) -> SettingValue {
        let own = self.tenants.get(&tenant).into_iter().flatten();
        let said: Vec<Said> = self
            .platform
            .iter()
            .chain(own)
            .filter(|(key, _)| key == setting.key)
            .map(|(_, said)| said.clone())
            .collect();
        resolve(setting, Level::Tenant, &said).value
    }
}

/// What counts for a member in one sign-in.
pub async fn of_member(tx: &mut TenantTx<'_>, user: UserId, session: Uuid) -> Result<Settings, DbError> {
    Ok(Settings { rows: store::read(tx, Some((user, session))).await?, level: Level::Session })
}

impl Settings {
    fn said(&self, setting: &Setting) -> Vec<Said> {
        self.rows.iter().filter(|(key, _)| key == setting.key).map(|(_, said)| said.clone()).collect()
    }

    /// What counts of this one.
    pub fn value(&self, setting: &Setting) -> SettingValue {
        resolve(setting, self.level, &self.said(setting)).value
    }

    pub(super) fn views(&self) -> Vec<SettingView> {
        registry::ALL.iter().map(|setting| SettingView::new(setting, self.level, self.said(setting))).collect()
    }
}

/// The platform's settings.
pub(super) async fn of_platform(tx: &mut SystemTx) -> Result<Settings, DbError> {
    Ok(Settings { rows: store::read_platform(tx).await?, level: Level::Platform })
}

/// A change that fits the registry and stands under no lock.
fn checked(
    settings: &Settings,
    level: Level,
    key: &str,
    wanted: Option<&SetSetting>,
) -> Result<&'static Setting, AppError> {
    let setting = Setting::find(key).ok_or_else(|| AppError::not_found("setting"))?;
    if !setting.may_be_set(level) {
        return Err(AppError::conflict("level-not-allowed", format!("{key} cannot be set for the {}", level.as_str())));
    }
    let Some(wanted) = wanted else { return Ok(setting) };
    setting.check(&wanted.value).map_err(|wrong| AppError::invalid_field("value", wrong))?;
    if wanted.lock != Lock::None && level == Level::Session {
        return Err(AppError::invalid_field("lock", "a sign-in binds nobody"));
    }
    if let Some(by) = locked_above(setting, level, &settings.said(setting)) {
        return Err(locked(setting, by));
    }
    Ok(setting)
}

fn told(settings: &Settings, setting: &Setting, level: Level) -> Option<serde_json::Value> {
    let said = settings.said(setting);
    said.iter()
        .find(|said| said.level == level)
        .map(|said| json!({ "name": setting.key, "value": said.value, "lock": said.lock }))
}

/// Sets (or, with `None`, takes back) a setting of the platform.
pub(super) async fn change_platform(
    tx: &mut SystemTx,
    asking: &Asking,
    key: &str,
    wanted: Option<&SetSetting>,
) -> Result<SettingView, AppError> {
    let before = of_platform(tx).await?;
    let setting = checked(&before, Level::Platform, key, wanted)?;
    match wanted {
        Some(SetSetting { value, lock }) => store::set_platform(tx, key, value, *lock, asking.by.user).await?,
        None => store::clear_platform(tx, key).await?,
    }
    let after = of_platform(tx).await?;
    let (old, new) = (told(&before, setting, Level::Platform), told(&after, setting, Level::Platform));
    if old != new {
        let subject = Ref::new("setting", Uuid::nil());
        audit::append_system(tx, None, asking.entry("setting.changed", subject, old, new)).await?;
    }
    Ok(SettingView::new(setting, Level::Platform, after.said(setting)))
}

/// The same of the asking person's tenant, of the person, or of the sign-in. The event is for those who are concerned.
pub(super) async fn change(
    tx: &mut TenantTx<'_>,
    asking: &Asking,
    level: Level,
    key: &str,
    wanted: Option<&SetSetting>,
) -> Result<(SettingView, Option<NewEvent>), Fault<AppError>> {
    let by = asking.by;
    let before = of_member(tx, by.user, by.session).await?;
    let setting = checked(&before, level, key, wanted)?;
    let whose = if level == Level::Session { by.session } else { Uuid::nil() };
    match (level, wanted) {
        (Level::Platform, _) => return Err(AppError::not_found("setting").into()),
        (Level::Tenant, Some(wanted)) => store::set_tenant(tx, key, &wanted.value, wanted.lock, by.user).await?,
        (Level::Tenant, None) => store::clear_tenant(tx, key).await?,
        // A person's language is the same in all their tenants: it stands with the person.
        (Level::User, wanted) if *setting == registry::LANGUAGE => {
            let language = wanted.and_then(|wanted| wanted.value.text());
            store::set_language(tx, by.user, language).await?;
        }
        (Level::User | Level::Session, Some(wanted)) => {
            store::set_member(tx, by.user, whose, key, &wanted.value, wanted.lock).await?;
        }
        (Level::User | Level::Session, None) => store::clear_member(tx, by.user, whose, key).await?,
    }
    let after = of_member(tx, by.user, by.session).await?;
    let view = SettingView::new(setting, Level::Session, after.said(setting));
    let (old, new) = (told(&before, setting, level), told(&after, setting, level));
    if old == new {
        return Ok((view, None));
    }
    let subject = if level == Level::Tenant { Ref::new("tenant", by.tenant) } else { Ref::new("user", by.user) };
    audit::append(tx, asking.entry("setting.changed", subject.clone(), old, new)).await?;
    let event = NewEvent::new(CHANGED, subject, json!({ "key": key, "level": level })).actor(Ref::new("user", by.user));
    let event = if level == Level::Tenant { event } else { event.scopes([Scope::Agent(by.user.into())]) };
    Ok((view, Some(event)))
}

/// What is chosen with a new tenant.
pub(crate) async fn choose(tx: &mut TenantTx<'_>, by: UserId, language: &str, time_zone: &str) -> Result<(), DbError> {
    for (setting, word) in [(registry::LANGUAGE, language), (registry::TIME_ZONE, time_zone)] {
        store::set_tenant(tx, setting.key, &SettingValue::Text(word.to_owned()), Lock::None, by).await?;
    }
    Ok(())
}

/// 409 when a level above the member's locked the setting hard; for what changes it by another way than [`change`].
pub(crate) async fn require_open(tx: &mut TenantTx<'_>, by: &Principal, setting: &Setting) -> Result<(), AppError> {
    let settings = of_member(tx, by.user, by.session).await?;
    match locked_above(setting, Level::User, &settings.said(setting)) {
        Some(by) => Err(locked(setting, by)),
        None => Ok(()),
    }
}

fn locked(setting: &Setting, by: Level) -> AppError {
    AppError::conflict("setting-locked", format!("{} is locked by the {}", setting.key, by.as_str()))
}

/// Removes what was set for sign-ins that are over; called now and then.
pub(crate) async fn sweep(db: &Db) -> Result<(), DbError> {
    loop {
        let mut tx = db.system().await?;
        let removed = store::sweep(&mut tx).await?;
        tx.commit().await?;
        if removed < 500 {
            return Ok(());
        }
    }
}
