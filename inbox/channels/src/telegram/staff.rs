//! Commands: what customers press (`/start`, `/help`) and what the staff asks in a group that is linked to the tenant (`/stats`, `/leads`).
//!
//! Pure: which command it is, and how given figures read. Who may ask, and what the figures are, is the caller's to know.

use super::text::units;
use std::fmt::Write as _;

/// A customer's command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CustomerCommand {
    /// With the payload of the link that they came by (`t.me/bot?start=…`).
    Start {
        payload: Option<String>,
    },
    Help,
    /// Not ours to know: shown to the operator as it is.
    Other,
}

impl CustomerCommand {
    /// From [`crate::model::Content::Command`].
    pub fn read(name: &str, argument: &str) -> Self {
        match name {
            "start" => Self::Start { payload: Some(argument.trim().to_owned()).filter(|payload| !payload.is_empty()) },
            "help" => Self::Help,
            _ => Self::Other,
        }
    }
}

/// A command of the staff's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StaffCommand {
    Stats {
        period: Period,
    },
    Leads {
        count: usize,
    },
    /// Links this group to the tenant that gave out the code.
    Link {
        code: String,
    },
    Unlink,
    /// From now on the group is not told of this, or is again.
    Hear {
        topic: Topic,
        wanted: bool,
    },
    Help,
    /// Known, but what stands behind it cannot be read: the answer says how it is written.
    Misspelt {
        usage: &'static str,
    },
    Other,
}

/// What a group is told of by itself; each can be left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Topic {
    Leads,
    /// Service levels that were missed, and who waits too long.
    Sla,
    Surveys,
    Channels,
}

impl Topic {
    pub const ALL: [Self; 4] = [Self::Leads, Self::Sla, Self::Surveys, Self::Channels];

    pub const fn word(self) -> &'static str {
        match self {
            Self::Leads => "leads",
            Self::Sla => "sla",
            Self::Surveys => "surveys",
            Self::Channels => "channels",
        }
    }

    fn read(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|topic| topic.word().eq_ignore_ascii_case(word))
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Period {
    Today,
    Yesterday,
    /// The last seven days.
    Week,
    /// The last thirty days.
    Month,
}

impl Period {
    fn words(self) -> &'static str {
        match self {
            Self::Today => "today",
            Self::Yesterday => "yesterday",
            Self::Week => "the last 7 days",
            Self::Month => "the last 30 days",
        }
    }
}

/// Leads in one answer, where none are asked for, and at most.
pub const LEADS: usize = 10;
pub const LEADS_LIMIT: usize = 50;

const STATS_USAGE: &str = "/stats [today|yesterday|week|month]";
const LEADS_USAGE: &str = "/leads [1-50]";
const LINK_USAGE: &str = "/link CODE";
const MUTE_USAGE: &str = "/mute [leads|sla|surveys|channels]";
const UNMUTE_USAGE: &str = "/unmute [leads|sla|surveys|channels]";

impl StaffCommand {
    pub fn read(name: &str, argument: &str) -> Self {
        let argument = argument.trim();
        match name {
            "stats" => match argument.to_ascii_lowercase().as_str() {
                "" | "today" => Self::Stats { period: Period::Today },
                "yesterday" => Self::Stats { period: Period::Yesterday },
                "week" => Self::Stats { period: Period::Week },
                "month" => Self::Stats { period: Period::Month },
                _ => Self::Misspelt { usage: STATS_USAGE },
            },
            "leads" if argument.is_empty() => Self::Leads { count: LEADS },
            "leads" => match argument.parse() {
                Ok(count) if (1..=LEADS_LIMIT).contains(&count) => Self::Leads { count },
                _ => Self::Misspelt { usage: LEADS_USAGE },
            },
            "link" if argument.is_empty() || argument.contains(char::is_whitespace) => {
                Self::Misspelt { usage: LINK_USAGE }
            }
            "link" => Self::Link { code: argument.to_owned() },
            "unlink" => Self::Unlink,
            "mute" | "unmute" => match Topic::read(argument) {
                Some(topic) => Self::Hear { topic, wanted: name == "unmute" },
                None => Self::Misspelt { usage: if name == "mute" { MUTE_USAGE } else { UNMUTE_USAGE } },
            },
            "help" | "start" => Self::Help,
            _ => Self::Other,
        }
    }

    /// What the help says.
    pub fn help() -> String {
        format!(
            "{STATS_USAGE} — figures of calls and chats\n{LEADS_USAGE} — the newest leads\n{MUTE_USAGE} — no news of this, {UNMUTE_USAGE} brings them back\n\
             /unlink — no more news in this group"
        )
    }
}

/// Figures of a period; counts, and seconds where a name says so. What was not measured is absent and not shown.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Stats {
    pub calls: u64,
    pub calls_answered: u64,
    pub calls_abandoned: u64,
    pub chats: u64,
    pub chats_resolved: u64,
    pub waiting_now: u64,
    pub agents_available: u64,
    pub average_wait_seconds: Option<u64>,
    pub first_reply_seconds: Option<u64>,
    /// 0 to 1.
    pub service_level: Option<f64>,
    pub new_leads: u64,
}

impl Stats {
    pub fn words(&self, period: Period) -> String {
        let mut out = format!("Figures of {}", period.words());
        let _ = write!(
            out,
            "\nCalls: {} ({} answered, {} abandoned)",
            self.calls, self.calls_answered, self.calls_abandoned
        );
        let _ = write!(out, "\nChats: {} ({} resolved)", self.chats, self.chats_resolved);
        if let Some(seconds) = self.average_wait_seconds {
            let _ = write!(out, "\nAverage wait: {}", duration(seconds));
        }
        if let Some(seconds) = self.first_reply_seconds {
            let _ = write!(out, "\nFirst reply: {}", duration(seconds));
        }
        if let Some(level) = self.service_level.filter(|level| level.is_finite()) {
            let _ = write!(out, "\nService level: {:.0} %", level * 100.0);
        }
        let _ = write!(out, "\nNew leads: {}", self.new_leads);
        let _ = write!(out, "\nNow: {} waiting, {} agents available", self.waiting_now, self.agents_available);
        out
    }
}

/// Somebody who may become a customer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lead {
    pub name: String,
    /// `WhatsApp`, `Call`, …
    pub channel: String,
    pub age_seconds: u64,
    /// What they wrote first.
    pub preview: Option<String>,
    pub link: Option<String>,
}

/// As many as fit into one message; what does not fit is counted.
pub fn leads(leads: &[Lead]) -> String {
    if leads.is_empty() {
        return "No new leads".to_owned();
    }
    let mut out = String::from("New leads");
    for (at, lead) in leads.iter().enumerate() {
        let mut line = format!(
            "\n{}. {} · {} · {} ago",
            at + 1,
            one_line(&lead.name, 80),
            lead.channel,
            duration(lead.age_seconds)
        );
        if let Some(preview) = &lead.preview {
            let _ = write!(line, "\n   {}", one_line(preview, 160));
        }
        if let Some(link) = &lead.link {
            let _ = write!(line, "\n   {link}");
        }
        // Room for the line that says how many are left out.
        if units(&out) + units(&line) + 32 > super::render::TEXT_LIMIT {
            let _ = write!(out, "\nand {} more", leads.len() - at);
            break;
        }
        out.push_str(&line);
    }
    out
}

/// What the group is told by itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum News {
    NewLead(Lead),
    Waiting {
        name: String,
        channel: String,
        seconds: u64,
    },
    /// `target`: `first reply`, `next reply`, `resolution`.
    SlaBreached {
        name: String,
        target: String,
        link: Option<String>,
    },
    /// An answer that somebody should look at. `score` is of 5.
    Survey {
        name: String,
        score: i16,
        comment: Option<String>,
        link: Option<String>,
    },
    ChannelStopped {
        account: String,
        reason: String,
    },
    /// After it had stopped.
    ChannelWorks {
        account: String,
    },
}

impl News {
    pub const fn topic(&self) -> Topic {
        match self {
            Self::NewLead(_) => Topic::Leads,
            Self::Waiting { .. } | Self::SlaBreached { .. } => Topic::Sla,
            Self::Survey { .. } => Topic::Surveys,
            Self::ChannelStopped { .. } | Self::ChannelWorks { .. } => Topic::Channels,
        }
    }

    pub fn words(&self) -> String {
        match self {
            Self::NewLead(lead) => {
                let mut out = format!("New lead: {} · {}", one_line(&lead.name, 80), lead.channel);
                for more in lead.preview.iter().map(|text| one_line(text, 300)).chain(lead.link.clone()) {
                    let _ = write!(out, "\n{more}");
                }
                out
            }
            Self::Waiting { name, channel, seconds } => {
                format!("Waiting for {}: {} · {channel}", duration(*seconds), one_line(name, 80))
            }
            Self::SlaBreached { name, target, link } => {
                let link = link.as_ref().map(|link| format!("\n{link}")).unwrap_or_default();
                format!("Too late for {target}: {}{link}", one_line(name, 80))
            }
            Self::Survey { name, score, comment, link } => {
                let mut out = format!("Not content ({score} of 5): {}", one_line(name, 80));
                for more in comment.iter().map(|text| one_line(text, 300)).chain(link.clone()) {
                    let _ = write!(out, "\n{more}");
                }
                out
            }
            Self::ChannelWorks { account } => format!("{} works again", one_line(account, 80)),
            Self::ChannelStopped { account, reason } => {
                format!("{} has stopped: {}", one_line(account, 80), one_line(reason, 300))
            }
        }
    }
}

/// What others wrote stays one line of a bounded length.
fn one_line(text: &str, limit: usize) -> String {
    let flat: String = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if flat.chars().count() <= limit {
        return flat;
    }
    flat.chars().take(limit.saturating_sub(1)).chain(['…']).collect()
}

fn duration(seconds: u64) -> String {
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3600 => format!("{} min", seconds / 60),
        3600..86_400 => format!("{} h {:02} min", seconds / 3600, seconds % 3600 / 60),
        _ => format!("{} d", seconds / 86_400),
    }
}
