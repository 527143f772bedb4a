//! The rows of a tenant's inbox, as `COPY` reads them: two years of conversations, messages in the order in which they were said.
//!
//! Words follow Zipf's law (the n-th most frequent is n times rarer than the first), so that there are rare and common ones to look for.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::fmt::Write as _;
use std::io::{self, Write};

use chrono::{DateTime, TimeDelta, Utc};
use trunkline_tests::Chance;
use uuid::Uuid;

/// Messages of a conversation, on average.
pub(super) const PER_CONVERSATION: usize = 5;
/// Conversations for each five contacts: some write again.
const CONTACTS_OF_FIVE: usize = 3;
/// Words that are in use.
const WORDS: usize = 30_000;
/// Ranks of words that stand in about one of twenty messages, and in one of 25,000.
const COMMON: usize = 20;
const RARE: usize = 27_000;
/// So many of each thing there are to look for.
const ASKED: usize = 10;
/// First names, and last names.
const NAMES: (usize, usize) = (500, 2_000);
/// Messages of the one conversation that is long.
const LONG: usize = 400;
/// How long ago the oldest conversation was spoken in last.
const YEARS: TimeDelta = TimeDelta::days(730);
/// No conversation is longer than this.
const LONGEST: TimeDelta = TimeDelta::days(3);

/// What there is to be copied, and into which columns.
pub(super) const TABLES: [(&str, &str); 7] = [
    ("contacts", "tenant_id, id, person_id, display_name, created_at, updated_at"),
    ("contact_identities", "tenant_id, id, contact_id, type, value, shown, evidence"),
    (
        "conversations",
        "tenant_id, id, channel, account_id, contact_id, address, state, snoozed_until, queue_id, agent_id, priority, spam, opened_at, \
         resolved_at, last_in_at, last_at, last_message_id, preview, messages",
    ),
    ("conversation_labels", "tenant_id, conversation_id, label_id"),
    (
        "messages",
        "tenant_id, id, conversation_id, account_id, direction, author_type, author_id, kind, text, content, provider_id, state, at, created_at",
    ),
    ("conversation_reads", "tenant_id, conversation_id, user_id, read_at"),
    ("mentions", "tenant_id, message_id, user_id, conversation_id, at, seen_at"),
];

/// Whose rows they are, and what they refer to.
#[derive(Debug, Clone)]
pub(super) struct Tenant {
    pub(super) id: Uuid,
    pub(super) account: Uuid,
    pub(super) admin: Uuid,
    pub(super) agents: Vec<Uuid>,
    pub(super) queues: Vec<Uuid>,
    /// From the most used one to the rarest.
    pub(super) labels: Vec<Uuid>,
    pub(super) messages: usize,
}

/// What can be looked for in them.
#[derive(Debug, Clone)]
pub(super) struct Known {
    pub(super) rare: Vec<String>,
    pub(super) common: Vec<String>,
    /// The last six digits of somebody's number.
    pub(super) tails: Vec<String>,
    /// First names, each with the beginning of a last one.
    pub(super) names: Vec<String>,
    pub(super) long: Uuid,
    pub(super) conversations: usize,
    pub(super) messages: usize,
    pub(super) contacts: usize,
}

/// Writes a tenant's rows, into the writers in the order of [`TABLES`].
pub(super) fn write<W: Write>(
    tenant: &Tenant,
    chance: &mut Chance,
    now: DateTime<Utc>,
    out: &mut [W; 7],
) -> io::Result<Known> {
    let conversations = tenant.messages / PER_CONVERSATION;
    let contacts = (conversations * CONTACTS_OF_FIVE / 5).max(1);
    let mut ids = Vec::with_capacity(contacts);
    for number in 0..contacts {
        let id = v7(now - YEARS - TimeDelta::days(30) + TimeDelta::milliseconds(number as i64), chance);
        let (of, phone) = (tenant.id, phone(number));
        let at = text(now - YEARS);
        writeln!(out[0], "{of}\t{id}\t{id}\t{}\t{at}\t{at}", name(number))?;
        let (one, other) = (v7(now, chance), v7(now, chance));
        writeln!(out[1], "{of}\t{one}\t{id}\twhatsapp_id\t{phone}\t{phone}\t{{\"by\":\"whatsapp\"}}")?;
        writeln!(out[1], "{of}\t{other}\t{id}\tphone\t+{phone}\t+{phone}\t{{\"by\":\"whatsapp\"}}")?;
        ids.push(id);
    }
    // Messages that are still to be written: others that were said before may come.
    let mut waiting: BinaryHeap<Reverse<(DateTime<Utc>, String)>> = BinaryHeap::new();
    let (mut messages, mut long) = (0, Uuid::nil());
    for number in 0..conversations {
        let share = (conversations - number) as f64 / conversations as f64;
        let last_at =
            now - TimeDelta::microseconds((YEARS.num_microseconds().unwrap_or(0) as f64 * share.powf(1.5)) as i64);
        while waiting.peek().is_some_and(|Reverse((at, _))| *at < last_at - LONGEST) {
            if let Some(Reverse((_, row))) = waiting.pop() {
                out[4].write_all(row.as_bytes())?;
            }
        }
        let contact = number * 7_919 % contacts;
        let is_long = number + 500 == conversations.max(500);
        let count = if is_long { LONG } else { 1 + number * 7 % (2 * PER_CONVERSATION - 1) };
        let conversation = Conversation {
            tenant,
            id: v7(last_at - LONGEST, chance),
            contact: ids[contact],
            address: phone(contact),
            count,
            last_at,
            // Of a contact's conversations only the newest may go on.
            newest: number + contacts >= conversations,
        };
        if is_long {
            long = conversation.id;
        }
        conversation.write(chance, out, &mut waiting)?;
        messages += count;
    }
    while let Some(Reverse((_, row))) = waiting.pop() {
        out[4].write_all(row.as_bytes())?;
    }
    // People from everywhere.
    let somebody: Vec<usize> = (0..ASKED).map(|place| contacts / ASKED * place + 7 % contacts).collect();
    let beginning = |number: usize| {
        let whole = name(number);
        whole.chars().take(whole.find(' ').unwrap_or(0) + 4).collect()
    };
    Ok(Known {
        rare: (RARE..RARE + ASKED).map(word).collect(),
        common: (COMMON..COMMON + ASKED).map(word).collect(),
        tails: somebody.iter().map(|number| phone(*number).split_off(6)).collect(),
        names: somebody.iter().map(|number| beginning(*number)).collect(),
        long,
        conversations,
        messages,
        contacts,
    })
}

struct Conversation<'a> {
    tenant: &'a Tenant,
    id: Uuid,
    contact: Uuid,
    address: String,
    count: usize,
    last_at: DateTime<Utc>,
    newest: bool,
}

impl Conversation<'_> {
    fn write<W: Write>(
        &self,
        chance: &mut Chance,
        out: &mut [W; 7],
        messages: &mut BinaryHeap<Reverse<(DateTime<Utc>, String)>>,
    ) -> io::Result<()> {
        let (of, account) = (self.tenant.id, self.tenant.account);
        let (agent, queue) = (chance.pick(&self.tenant.agents).copied(), chance.pick(&self.tenant.queues).copied());
        let (state, spam) = match chance.below(100) {
            0 => ("resolved", true),
            1..=14 if self.newest => ("open", false),
            15..=18 if self.newest => ("pending", false),
            19 if self.newest => ("snoozed", false),
            _ => ("resolved", false),
        };
        let unassigned = state != "resolved" && chance.below(4) == 0;
        let mut at = self.last_at - LONGEST * (self.count.min(LONG) as i32) / (LONG as i32 + 1);
        let step = (self.last_at - at) / (self.count as i32);
        let (opened_at, mut last_in, mut preview, mut last) = (at, None, String::new(), Uuid::nil());
        for place in 0..self.count {
            at = if place + 1 == self.count { self.last_at } else { at + step };
            let id = v7(at, chance);
            let said = sentence(chance);
            let (direction, author, by, state) = match chance.below(50) {
                0 if place > 0 => ("note", "agent", agent, "received"),
                1..=20 if place > 0 => ("out", "agent", agent, "read"),
                _ => ("in", "contact", None, "received"),
            };
            if direction == "in" {
                last_in = Some(at);
            }
            let provider = if direction == "note" { "\\N".to_owned() } else { format!("wamid.{}", id.simple()) };
            let row = format!(
                "{of}\t{id}\t{}\t{account}\t{direction}\t{author}\t{}\ttext\t{said}\t{{\"text\":{{\"body\":\"{said}\"}}}}\t{provider}\t{state}\t{}\t{}\n",
                self.id,
                or_null(by),
                text(at),
                text(at),
            );
            if direction == "note" && chance.below(200) == 0 {
                let user = self.tenant.admin;
                writeln!(out[6], "{of}\t{id}\t{user}\t{}\t{}\t\\N", self.id, text(at))?;
            }
            messages.push(Reverse((at, row)));
            (preview, last) = (said.chars().take(120).collect(), id);
        }
        let (snoozed, resolved) = match state {
            "snoozed" => (text(self.last_at + TimeDelta::days(40)), "\\N".to_owned()),
            "resolved" => ("\\N".to_owned(), text(self.last_at)),
            _ => ("\\N".to_owned(), "\\N".to_owned()),
        };
        writeln!(
            out[2],
            "{of}\t{}\twhatsapp\t{account}\t{}\t{}\t{state}\t{snoozed}\t{}\t{}\t{}\t{spam}\t{}\t{resolved}\t{}\t{}\t{last}\t{preview}\t{}",
            self.id,
            self.contact,
            self.address,
            or_null(queue.filter(|_| chance.below(20) > 0)),
            or_null(agent.filter(|_| !unassigned)),
            chance.below(5),
            text(opened_at),
            last_in.map_or_else(|| "\\N".to_owned(), text),
            text(self.last_at),
            self.count,
        )?;
        // In a tenth, a thirtieth, a ninetieth … of them.
        let mut odds = 10;
        for label in &self.tenant.labels {
            if chance.below(odds) == 0 {
                writeln!(out[3], "{of}\t{}\t{label}", self.id)?;
            }
            odds *= 3;
        }
        if chance.below(3) > 0 {
            let admin = (chance.below(2) == 0).then_some(self.tenant.admin);
            for user in [admin, agent].into_iter().flatten() {
                let read_at = text(self.last_at - TimeDelta::minutes(chance.below(3) as i64));
                writeln!(out[5], "{of}\t{}\t{user}\t{read_at}", self.id)?;
            }
        }
        Ok(())
    }
}

fn or_null(id: Option<Uuid>) -> String {
    id.map_or_else(|| "\\N".to_owned(), |id| id.to_string())
}

fn text(at: DateTime<Utc>) -> String {
    at.format("%Y-%m-%d %H:%M:%S%.6f+00").to_string()
}

/// An id as it is made at that time (RFC 9562, version 7).
fn v7(at: DateTime<Utc>, chance: &mut Chance) -> Uuid {
    let millis = u64::try_from(at.timestamp_millis()).unwrap_or(0);
    let mut random = [0; 10];
    for byte in &mut random {
        *byte = chance.below(256) as u8;
    }
    uuid::Builder::from_unix_timestamp_millis(millis, &random).into_uuid()
}

/// A number of eleven digits and more: Italy's, of mobile phones.
fn phone(number: usize) -> String {
    // Another one for each: the factor has no common divisor with the range.
    format!("393{:09}", number * 370_261 % 1_000_000_000)
}

fn name(number: usize) -> String {
    let mut text = capital(&word(100 + number % NAMES.0));
    let last = word(1_000 + number / NAMES.0 * 31 % NAMES.1);
    let _ = write!(text, " {}", capital(&last));
    text
}

fn capital(word: &str) -> String {
    let mut letters = word.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

/// Three to twenty words.
fn sentence(chance: &mut Chance) -> String {
    let mut text = String::new();
    for place in 0..3 + chance.below(18) {
        if place > 0 {
            text.push(' ');
        }
        // By Zipf's law: the logarithm of the rank is spread evenly.
        let share = chance.below(1 << 30) as f64 / f64::from(1 << 30);
        text.push_str(&word((WORDS as f64).powf(share) as usize));
    }
    text
}

/// The word of a rank: two syllables and more, another one for each rank.
pub(super) fn word(rank: usize) -> String {
    const FIRST: &[u8; 16] = b"bcdfghjklmnprstv";
    const VOWELS: &[u8; 5] = b"aeiou";
    let mut text = String::new();
    let mut rest = rank;
    loop {
        text.push(char::from(FIRST[rest % 16]));
        text.push(char::from(VOWELS[rest / 16 % 5]));
        rest /= 80;
        if rest == 0 && text.len() >= 4 {
            return text;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn tenant() -> Tenant {
        let ids = |count: u128| (1..=count).map(Uuid::from_u128).collect();
        Tenant {
            id: Uuid::from_u128(9),
            account: Uuid::from_u128(8),
            admin: Uuid::from_u128(7),
            agents: ids(5),
            queues: ids(3),
            labels: ids(4),
            messages: 4_000,
        }
    }

    #[test]
    fn rows_are_as_wide_as_their_columns_and_messages_are_in_their_order() {
        let now = "2026-11-30T10:00:00Z".parse().unwrap();
        let mut out: [Vec<u8>; 7] = Default::default();
        let known = write(&tenant(), &mut Chance::new(1), now, &mut out).unwrap();
        for (bytes, (table, columns)) in out.iter().zip(TABLES) {
            let text = std::str::from_utf8(bytes).unwrap();
            let width = columns.split(',').count();
            assert!(text.lines().all(|line| line.split('\t').count() == width), "{table}");
        }
        let messages = String::from_utf8(out[4].clone()).unwrap();
        let times: Vec<&str> = messages.lines().map(|line| line.split('\t').nth(12).unwrap()).collect();
        assert_eq!(times.len(), known.messages);
        assert!(times.is_sorted());
        assert!(messages.contains(&known.long.to_string()));
        let identities = String::from_utf8(out[1].clone()).unwrap();
        assert!(identities.lines().any(|line| line.split('\t').nth(4).unwrap().ends_with(&known.tails[3])));
        assert!(String::from_utf8(out[0].clone()).unwrap().contains(&known.names[3]));
    }

    #[test]
    fn no_two_people_have_the_same_number_and_no_two_ranks_the_same_word() {
        assert_eq!((0..200_000).map(phone).collect::<BTreeSet<_>>().len(), 200_000);
        assert_eq!((1..WORDS).map(word).collect::<BTreeSet<_>>().len(), WORDS - 1);
    }
}
