//! Making and changing sites.

use serde_json::json;
use trunkline_db::{DbError, SiteId, TenantTx};
use trunkline_journal::{Fault, Kind, NewEvent, Ref};

use super::model::{CreateSite, Site, UpdateSite};
use super::store;
use crate::audit;
use crate::http::{AppError, IfMatch};
use crate::roles::{Asking, checked_name};

const CREATED: Kind = Kind::from_static("site.created");
const UPDATED: Kind = Kind::from_static("site.updated");
const DELETED: Kind = Kind::from_static("site.deleted");

/// Most sites of a tenant.
const MAX_SITES: i64 = 1_000;
/// Most numbers of a site.
const MAX_NUMBERS: usize = 1_000;
/// Longest address, in characters.
const MAX_ADDRESS_CHARS: usize = 500;

fn subject(id: SiteId) -> Ref {
    Ref::new("site", id.uuid())
}

fn state_of(site: &Site) -> serde_json::Value {
    json!({ "name": site.name, "address": site.address, "time_zone": site.time_zone, "numbers": site.numbers })
}

fn name_taken(error: DbError) -> Fault<AppError> {
    if error.constraint() == Some("sites_name_key") {
        AppError::conflict("name-taken", "there is a site with this name already").into()
    } else {
        error.into()
    }
}

fn checked_address(address: &str) -> Result<String, AppError> {
    let address = address.trim();
    if address.chars().count() > MAX_ADDRESS_CHARS {
        return Err(AppError::invalid_field("address", format!("must have at most {MAX_ADDRESS_CHARS} characters")));
    }
    Ok(address.to_owned())
}

fn check_zone(zone: Option<&str>) -> Result<(), AppError> {
    if zone.is_some_and(|zone| zone.parse::<chrono_tz::Tz>().is_err()) {
        return Err(AppError::invalid_field("time_zone", "must be an IANA time zone such as Europe/Rome"));
    }
    Ok(())
}

async fn set_numbers(tx: &mut TenantTx<'_>, id: SiteId, numbers: &[String]) -> Result<(), Fault<AppError>> {
    if numbers.len() > MAX_NUMBERS {
        return Err(AppError::invalid_field("numbers", format!("must be at most {MAX_NUMBERS}")).into());
    }
    if let Some(unknown) = store::unknown_numbers(tx, numbers).await?.first() {
        return Err(AppError::invalid_field("numbers", format!("{unknown} is no number of the company")).into());
    }
    Ok(store::set_numbers(tx, id, numbers).await?)
}

async fn locked(tx: &mut TenantTx<'_>, id: SiteId) -> Result<Site, Fault<AppError>> {
    store::lock(tx, id).await?.ok_or_else(|| AppError::not_found("site").into())
}

/// Makes a site.
pub(super) async fn create(
    tx: &mut TenantTx<'_>,
    asking: &Asking,
    wanted: &CreateSite,
) -> Result<(Site, NewEvent), Fault<AppError>> {
    let name = checked_name(&wanted.name)?;
    let address = checked_address(&wanted.address)?;
    check_zone(wanted.time_zone.as_deref())?;
    if store::count(tx).await? >= MAX_SITES {
        return Err(AppError::conflict("too-many-sites", format!("at most {MAX_SITES} sites can be made")).into());
    }
    let id = SiteId::new();
    store::insert(tx, id, &name, &address, wanted.time_zone.as_deref()).await.map_err(name_taken)?;
    set_numbers(tx, id, &wanted.numbers).await?;
    let site = locked(tx, id).await?;
    audit::append(tx, asking.entry("site.created", subject(id), None, Some(state_of(&site)))).await?;
    Ok((site.clone(), told(CREATED, asking, &site)))
}

/// Changes a site.
pub(super) async fn update(
    tx: &mut TenantTx<'_>,
    asking: &Asking,
    id: SiteId,
    seen: &IfMatch,
    wanted: &UpdateSite,
) -> Result<(Site, Option<NewEvent>), Fault<AppError>> {
    let before = locked(tx, id).await?;
    seen.check(before.updated_at)?;
    let mut after = before.clone();
    if let Some(name) = &wanted.name {
        after.name = checked_name(name)?;
    }
    if let Some(address) = &wanted.address {
        after.address = checked_address(address)?;
    }
    after.time_zone = wanted.time_zone.clone().over(after.time_zone);
    check_zone(after.time_zone.as_deref())?;
    store::update(tx, &after).await.map_err(name_taken)?;
    if let Some(numbers) = &wanted.numbers {
        set_numbers(tx, id, numbers).await?;
    }
    let after = locked(tx, id).await?;
    let (old, new) = audit::changed(&state_of(&before), &state_of(&after));
    if old == new {
        return Ok((after, None));
    }
    audit::append(tx, asking.entry("site.updated", subject(id), old, new)).await?;
    let event = told(UPDATED, asking, &after);
    Ok((after, Some(event)))
}

/// Removes a site; its numbers go on leading where they lead.
pub(super) async fn remove(tx: &mut TenantTx<'_>, asking: &Asking, id: SiteId) -> Result<NewEvent, Fault<AppError>> {
    let site = locked(tx, id).await?;
    store::remove(tx, id).await?;
    audit::append(tx, asking.entry("site.removed", subject(id), Some(state_of(&site)), None)).await?;
    Ok(told(DELETED, asking, &site))
}

fn told(kind: Kind, asking: &Asking, site: &Site) -> NewEvent {
    NewEvent::new(kind, subject(site.id), json!({ "name": site.name })).actor(Ref::new("user", asking.by.user))
}
