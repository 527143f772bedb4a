//! Reports as files: CSV and XLSX, with the same columns.

use anyhow::Context as _;
use chrono::{DateTime, SecondsFormat, Utc};
use chrono_tz::Tz;
use rust_xlsxwriter::{DocProperties, ExcelDateTime, Format, Workbook, Worksheet};
use trunkline_figures::{Derived, FIGURES, Meaning};

use super::model::{By, Report, ReportRow, Who};
use crate::http::csv_cell;

/// One cell of a sheet.
#[derive(Debug, Clone, PartialEq)]
enum Cell {
    Time(DateTime<Utc>),
    Text(String),
    Whole(i64),
    Share(f64),
    Empty,
}

/// The names of the columns, as the API has them. Each pause reason of the report is a column of its own behind the others.
fn columns(report: &Report) -> (Vec<String>, Vec<String>) {
    let mut names = vec!["from".to_owned(), "to".to_owned()];
    match report.by {
        By::None => {}
        By::Queue => names.extend(["queue".to_owned(), "queue_id".to_owned()]),
        By::Agent => names.extend(["agent".to_owned(), "agent_id".to_owned()]),
    }
    names.extend(FIGURES.iter().map(|(name, _)| (*name).to_owned()));
    names.extend(Derived::NAMES.iter().map(|(name, _)| (*name).to_owned()));
    let reasons = report.items.iter().flat_map(|row| row.figures.pauses.keys().cloned());
    let mut reasons: Vec<String> = reasons.collect();
    reasons.sort_unstable();
    reasons.dedup();
    names.extend(reasons.iter().map(|reason| format!("paused_ms: {reason}").trim_end().to_owned()));
    (names, reasons)
}

fn cells(row: &ReportRow, by: By, reasons: &[String]) -> Vec<Cell> {
    let mut cells = vec![Cell::Time(row.from), Cell::Time(row.to)];
    let who = match by {
        By::None => None,
        By::Queue => Some(&row.queue),
        By::Agent => Some(&row.agent),
    };
    match who {
        None => {}
        Some(None) => cells.extend([Cell::Empty, Cell::Empty]),
        Some(Some(Who { id, name })) => {
            cells.extend([name.clone().map_or(Cell::Empty, Cell::Text), Cell::Text(id.to_string())]);
        }
    }
    cells.extend(row.figures.values().map(Cell::Whole));
    cells.extend(row.derived.values().zip(Derived::NAMES).map(|(value, (_, meaning))| match (value, meaning) {
        (None, _) => Cell::Empty,
        (Some(value), Meaning::Share) => Cell::Share(value),
        (Some(value), _) => Cell::Whole(value as i64),
    }));
    cells.extend(reasons.iter().map(|reason| Cell::Whole(row.figures.pauses.get(reason).copied().unwrap_or(0))));
    cells
}

/// A time of the tenant's zone, with its offset: no hour of a day when the clock goes back is there twice.
fn local(at: DateTime<Utc>, zone: Tz) -> String {
    at.with_timezone(&zone).to_rfc3339_opts(SecondsFormat::Secs, false)
}

/// The report for spreadsheets and programs: RFC 4180, UTF-8, times of the tenant's zone with their offset.
pub(super) fn csv(report: &Report) -> String {
    let zone = report.time_zone.parse().unwrap_or(Tz::UTC);
    let (names, reasons) = columns(report);
    let mut text = String::new();
    line(&mut text, names.iter().map(|name| csv_cell(name)));
    for row in &report.items {
        line(
            &mut text,
            cells(row, report.by, &reasons).into_iter().map(|cell| match cell {
                Cell::Time(at) => local(at, zone),
                Cell::Text(text) => csv_cell(&text),
                Cell::Whole(number) => number.to_string(),
                Cell::Share(share) => share.to_string(),
                Cell::Empty => String::new(),
            }),
        );
    }
    text
}

fn line(text: &mut String, cells: impl Iterator<Item = String>) {
    for (place, cell) in cells.enumerate() {
        if place > 0 {
            text.push(',');
        }
        text.push_str(&cell);
    }
    text.push_str("\r\n");
}

/// The report as a workbook: numbers are numbers, shares percentages, times those of the tenant's zone.
pub(super) fn xlsx(report: &Report) -> anyhow::Result<Vec<u8>> {
    let zone: Tz = report.time_zone.parse().unwrap_or(Tz::UTC);
    let mut book = Workbook::new();
    // The same report is the same file.
    let made = ExcelDateTime::from_timestamp(report.as_of.timestamp()).context("a time")?;
    book.set_properties(&DocProperties::new().set_creation_datetime(&made));
    let sheet = book.add_worksheet();
    sheet.set_name("Calls")?;
    write(sheet, report, zone)?;
    Ok(book.save_to_buffer()?)
}

fn write(sheet: &mut Worksheet, report: &Report, zone: Tz) -> anyhow::Result<()> {
    let bold = Format::new().set_bold().set_text_wrap();
    let time = Format::new().set_num_format("yyyy-mm-dd hh:mm");
    let share = Format::new().set_num_format("0.00%");
    let (names, reasons) = columns(report);
    for (column, name) in names.iter().enumerate() {
        sheet.write_string_with_format(0, column as u16, name, &bold)?;
    }
    for (nth, row) in report.items.iter().enumerate() {
        let nth = nth as u32 + 1;
        for (column, cell) in cells(row, report.by, &reasons).into_iter().enumerate() {
            let column = column as u16;
            match cell {
                Cell::Time(at) => {
                    let wall = at.with_timezone(&zone).naive_local();
                    sheet.write_datetime_with_format(nth, column, wall, &time)?;
                }
                // A string is never a formula here, whatever it begins with.
                Cell::Text(text) => {
                    sheet.write_string(nth, column, text)?;
                }
                Cell::Whole(number) => {
                    sheet.write_number(nth, column, number as f64)?;
                }
                Cell::Share(value) => {
                    sheet.write_number_with_format(nth, column, value, &share)?;
                }
                Cell::Empty => {}
            }
        }
    }
    sheet.set_freeze_panes(1, 2)?;
    sheet.autofit();
    Ok(())
}
