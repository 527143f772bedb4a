//! `/api/v1/reports`.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use chrono::Utc;
use http::HeaderMap;
use http::header::{ACCEPT, CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_TYPE, HeaderValue, VARY};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::model::Report;
use super::report::{self, ReportQuery};
use super::sheet;
use crate::auth::Principal;
use crate::http::{AppError, Permission, Problem, Query};
use crate::state::AppState;

const CSV: &str = "text/csv; charset=utf-8";
const XLSX: &str = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";

/// Routes of reports.
pub fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(report_calls))
}

/// What an answer looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shape {
    Json,
    Csv,
    Xlsx,
}

impl Shape {
    /// As the parameter says, else as the header does; JSON when neither says anything that is known.
    fn of(format: Option<&str>, headers: &HeaderMap) -> Result<Self, AppError> {
        match format {
            Some("json") => Ok(Self::Json),
            Some("csv") => Ok(Self::Csv),
            Some("xlsx") => Ok(Self::Xlsx),
            Some(_) => Err(AppError::bad_parameter("format", "must be one of json, csv, xlsx")),
            None => {
                let accept = headers.get(ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
                // The first that is known: whoever weighs them asks for one by name.
                let known =
                    accept.split(',').find_map(|range| match range.split(';').next().unwrap_or_default().trim() {
                        "text/csv" => Some(Self::Csv),
                        XLSX => Some(Self::Xlsx),
                        "application/json" | "*/*" => Some(Self::Json),
                        _ => None,
                    });
                Ok(known.unwrap_or(Self::Json))
            }
        }
    }
}

/// Report on calls
///
/// Figures of calls and agents, per stretch of time of the tenant's time zone and per queue or agent. What each figure means, with its
/// formula, stands in the documentation (`docs/metrics.md`); derived ones are always computed from sums. With `by=none` every stretch
/// has its row; else those in which something happened. At most 10,000 rows. As CSV or XLSX the same rows are a file, with times of the
/// tenant's zone.
#[utoipa::path(
    get, path = "/reports/calls", tag = "reports", operation_id = "reportCalls", params(ReportQuery),
    responses(
        (status = 200, description = "The figures in the user's sight", content(
            (Report = "application/json"),
            (Vec<u8> = "text/csv"),
            (Vec<u8> = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
        )),
        (status = 400, description = "A parameter does not fit, or there would be too many rows", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "Not somebody who reads reports", body = Problem, content_type = "application/problem+json"),
    ),
    extensions(("x-permission" = json!("reports:read")))
)]
async fn report_calls(
    State(state): State<AppState>,
    principal: Principal,
    headers: HeaderMap,
    Query(query): Query<ReportQuery>,
) -> Result<Response, AppError> {
    principal.require(Permission::ReportsRead)?;
    let shape = Shape::of(query.format.as_deref(), &headers)?;
    let zone = report::zone_of(&state, &principal).await?;
    let wanted = query.parse(zone)?;
    let report = report::read(&state, &principal, &wanted, Utc::now()).await?;
    let name = format!("calls-{}", report.from.with_timezone(&zone).format("%Y-%m-%d"));
    let mut response = match shape {
        Shape::Json => axum::Json(report).into_response(),
        Shape::Csv => file(&format!("{name}.csv"), CSV, sheet::csv(&report).into_bytes()),
        Shape::Xlsx => {
            // Packing takes a while; the workers that serve calls do not wait for it.
            let bytes = tokio::task::spawn_blocking(move || sheet::xlsx(&report)).await.map_err(AppError::internal)?;
            file(&format!("{name}.xlsx"), XLSX, bytes.map_err(AppError::internal)?)
        }
    };
    response.headers_mut().insert(VARY, HeaderValue::from_static("accept"));
    Ok(response)
}

fn file(name: &str, kind: &'static str, bytes: Vec<u8>) -> Response {
    let disposition = format!("attachment; filename=\"{name}\"");
    let headers = [
        (CONTENT_TYPE, HeaderValue::from_static(kind)),
        (CONTENT_DISPOSITION, HeaderValue::from_str(&disposition).expect("digits and letters")),
        (CACHE_CONTROL, HeaderValue::from_static("no-store")),
    ];
    (headers, bytes).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shape_is_what_was_asked_for() {
        let accept = |value: &'static str| HeaderMap::from_iter([(ACCEPT, HeaderValue::from_static(value))]);
        let browser = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";
        for (format, header, shape) in [
            (None, "", Shape::Json),
            (None, "text/csv", Shape::Csv),
            (None, "text/csv; charset=utf-8, application/json", Shape::Csv),
            (None, XLSX, Shape::Xlsx),
            (None, browser, Shape::Json),
            (Some("xlsx"), "application/json", Shape::Xlsx),
            (Some("json"), "text/csv", Shape::Json),
        ] {
            assert_eq!(Shape::of(format, &accept(header)).unwrap(), shape, "{format:?} {header}");
        }
        assert!(Shape::of(Some("pdf"), &HeaderMap::new()).is_err());
    }
}
