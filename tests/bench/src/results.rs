//! What a run says: `results.json`, and a table for people.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use anyhow::Context as _;
use serde::{Deserialize, Serialize};

use crate::machine::Machine;
use crate::stats::significant;

/// Which way a figure is good.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Better {
    Lower,
    Higher,
}

/// A peer's, or a raw limit's, figure from the same run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Peer {
    pub(crate) name: String,
    pub(crate) version: String,
    pub(crate) value: f64,
    /// Ours / theirs.
    pub(crate) ratio: f64,
    /// What the ratio should be at most (or at least, where higher is better). Not part of the file.
    #[serde(skip)]
    pub(crate) goal: Option<f64>,
}

/// One figure of ours beside its peers'.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Row {
    pub(crate) name: String,
    pub(crate) unit: String,
    pub(crate) better: Better,
    pub(crate) ours: f64,
    pub(crate) peers: Vec<Peer>,
    /// The machine's load average over a minute, before each round and at the end. Most of it is the benchmark's own.
    pub(crate) load: Vec<f64>,
    /// What our figure itself should be at most. Not part of the file.
    #[serde(skip)]
    pub(crate) goal: Option<f64>,
    /// Said below the table: figures that explain this one. Not part of the file.
    #[serde(skip)]
    pub(crate) notes: Vec<String>,
}

impl Row {
    pub(crate) fn new(name: &str, unit: &str, better: Better, ours: f64, load: Vec<f64>) -> Self {
        Self {
            name: name.to_owned(),
            unit: unit.to_owned(),
            better,
            ours: significant(ours, 4),
            peers: Vec::new(),
            load,
            goal: None,
            notes: Vec::new(),
        }
    }

    /// Adds a peer's figure; its ratio comes from the values as measured.
    pub(crate) fn peer(mut self, name: &str, version: &str, value: f64, goal: Option<f64>) -> Self {
        self.peers.push(Peer {
            name: name.to_owned(),
            version: version.to_owned(),
            value: significant(value, 4),
            ratio: significant(self.ours / value, 3),
            goal,
        });
        self
    }

    /// The goal of our own figure.
    pub(crate) fn goal(mut self, goal: f64) -> Self {
        self.goal = Some(goal);
        self
    }

    /// A line to be said below the table.
    pub(crate) fn note(mut self, note: impl Into<String>) -> Self {
        self.notes.push(note.into());
        self
    }

    fn judge(&self, value: f64, goal: Option<f64>) -> String {
        let Some(goal) = goal else { return String::new() };
        let (sign, met) = match self.better {
            Better::Lower => ('≤', value <= goal),
            Better::Higher => ('≥', value >= goal),
        };
        format!("{sign} {goal} {}", if met { "met" } else { "MISSED" })
    }
}

/// A whole run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Results {
    pub(crate) machine: Machine,
    pub(crate) rows: Vec<Row>,
}

impl Results {
    /// Writes the file, by a rename: nobody reads half of it.
    pub(crate) fn write(&self, path: &Path) -> anyhow::Result<()> {
        let text = serde_json::to_string_pretty(self).context("results are plain values")?;
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
        }
        let part = path.with_extension("json.part");
        fs::write(&part, text + "\n").with_context(|| format!("cannot write {}", part.display()))?;
        fs::rename(&part, path).with_context(|| format!("cannot write {}", path.display()))
    }

    /// The table for people.
    pub(crate) fn table(&self) -> String {
        let mut lines = vec![["benchmark", "unit", "", "figure", "ours / theirs", "goal"].map(str::to_owned)];
        for row in &self.rows {
            lines.push([
                row.name.clone(),
                row.unit.clone(),
                "trunkline".to_owned(),
                figure(row.ours),
                String::new(),
                row.judge(row.ours, row.goal),
            ]);
            for peer in &row.peers {
                let name = format!("{} ({})", peer.name, peer.version);
                let goal = row.judge(peer.ratio, peer.goal);
                lines.push([String::new(), String::new(), name, figure(peer.value), figure(peer.ratio), goal]);
            }
        }
        let mut text = aligned(&lines);
        for row in &self.rows {
            let loads: Vec<String> = row.load.iter().map(|load| format!("{load:.2}")).collect();
            let _ = writeln!(text, "{} [{}]: load {}", row.name, row.unit, loads.join(" "));
            for note in &row.notes {
                let _ = writeln!(text, "    {note}");
            }
        }
        text
    }
}

/// A figure as people read it.
pub(crate) fn figure(value: f64) -> String {
    match value.abs() {
        large if large >= 1000.0 => format!("{value:.0}"),
        middle if middle >= 100.0 => format!("{value:.1}"),
        small if small >= 1.0 => format!("{value:.2}"),
        _ => format!("{value:.3}"),
    }
}

/// Columns as wide as their widest cell; the fourth and fifth are numbers and stand right.
fn aligned(lines: &[[String; 6]]) -> String {
    let width = |column: usize| lines.iter().map(|line| line[column].chars().count()).max().unwrap_or(0);
    let widths: [usize; 6] = std::array::from_fn(width);
    let mut text = String::new();
    for line in lines {
        let mut out = String::new();
        for (column, cell) in line.iter().enumerate() {
            let room = " ".repeat(widths[column] - cell.chars().count());
            let right = column == 3 || column == 4;
            let _ = if right { write!(out, "{room}{cell}  ") } else { write!(out, "{cell}{room}  ") };
        }
        text.push_str(out.trim_end());
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn results() -> Results {
        let row = Row::new("hub_fanout", "CPU-s per million deliveries", Better::Lower, 2.5, vec![0.5, 1.0])
            .peer("raw send loop", "Linux 6.1", 2.0, Some(1.25))
            .peer("nchan", "1.3.6", 4.0, Some(0.5))
            .note("no message was lost");
        Results { machine: Machine::example(), rows: vec![row] }
    }

    #[test]
    fn the_file_has_exactly_the_promised_shape() {
        let value = serde_json::to_value(results()).unwrap();
        let keys = |value: &Value| {
            let mut keys: Vec<_> = value.as_object().unwrap().keys().cloned().collect();
            keys.sort();
            keys
        };
        assert_eq!(keys(&value), ["machine", "rows"]);
        assert_eq!(keys(&value["rows"][0]), ["better", "load", "name", "ours", "peers", "unit"]);
        assert_eq!(
            value["rows"][0],
            json!({
                "name": "hub_fanout", "unit": "CPU-s per million deliveries", "better": "lower", "ours": 2.5,
                "peers": [
                    {"name": "raw send loop", "version": "Linux 6.1", "value": 2.0, "ratio": 1.25},
                    {"name": "nchan", "version": "1.3.6", "value": 4.0, "ratio": 0.625},
                ],
                "load": [0.5, 1.0],
            })
        );
    }

    #[test]
    fn the_file_is_written_whole_and_read_back() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("bench/results.json");
        let mut written = results();
        written.write(&path).unwrap();
        let read: Results = serde_json::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
        // Goals and notes are for the table alone.
        for row in &mut written.rows {
            row.notes.clear();
            row.peers.iter_mut().for_each(|peer| peer.goal = None);
        }
        assert_eq!(read, written);
    }

    #[test]
    fn the_table_says_which_goals_are_met() {
        let table = results().table();
        assert!(table.contains("≤ 1.25 met"), "{table}");
        assert!(table.contains("≤ 0.5 MISSED"), "{table}");
        assert!(table.contains("no message was lost"), "{table}");
        let higher = Row::new("journal_append", "rows/s", Better::Higher, 90.0, Vec::new());
        assert_eq!(higher.judge(4.5, Some(4.0)), "≥ 4 met");
    }
}
