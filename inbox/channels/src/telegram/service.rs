//! What is no text and no file, in one line that a person reads. The line stands beside a name: "Ada — closed the topic".

use super::json::{flag, integer, list, object, text};
use super::message::{name, title};
use serde_json::Value;

/// The provider's name of it, and the line. `None`: nothing in this message is known.
pub(super) fn notice(message: &Value) -> Option<(&'static str, String)> {
    KINDS.iter().find_map(|(key, line)| {
        let value = message.get(key).filter(|value| !value.is_null())?;
        Some((*key, line(value)))
    })
}

type Line = fn(&Value) -> String;

const KINDS: &[(&str, Line)] = &[
    ("dice", |v| format!("{} {}", text(v, "emoji").unwrap_or("🎲"), number(v, "value"))),
    ("game", |v| with("game", text(v, "title"))),
    ("poll", poll),
    ("checklist", checklist),
    ("story", |v| with("a story", object(v, "chat").and_then(speaker).as_deref())),
    ("paid_media", |v| format!("{} paid media for {} stars", list(v, "paid_media").len(), number(v, "star_count"))),
    ("invoice", |v| format!("an invoice: {}, {}", text(v, "title").unwrap_or("untitled"), money(v))),
    ("successful_payment", |v| format!("paid {}", money(v))),
    ("refunded_payment", |v| format!("was paid back {}", money(v))),
    ("gift", |_| "a gift".to_owned()),
    ("unique_gift", |v| with("a gift", object(v, "gift").and_then(|gift| text(gift, "base_name")))),
    ("gift_upgrade_sent", |_| "paid for the upgrade of a gift".to_owned()),
    ("giveaway", |v| format!("a giveaway for {} winners", number(v, "winner_count"))),
    ("giveaway_created", |_| "began a giveaway".to_owned()),
    ("giveaway_completed", |v| format!("the giveaway ended with {} winners", number(v, "winner_count"))),
    ("giveaway_winners", |v| with("won the giveaway", names(v, "winners").as_deref())),
    ("users_shared", |v| with("shared", names(v, "users").as_deref())),
    ("user_shared", |v| format!("shared the user {}", number(v, "user_id"))),
    ("chat_shared", |v| {
        let id = number(v, "chat_id");
        format!("shared the chat {}", text(v, "title").unwrap_or(&id))
    }),
    ("passport_data", |_| "sent documents with Telegram Passport".to_owned()),
    ("connected_website", |v| with("signed in at", v.as_str())),
    ("write_access_allowed", |_| "allowed the bot to write".to_owned()),
    ("proximity_alert_triggered", |v| {
        let who = |key| object(v, key).and_then(name).unwrap_or_else(|| "somebody".to_owned());
        format!("{} is {} m from {}", who("traveler"), number(v, "distance"), who("watcher"))
    }),
    ("pinned_message", |v| with("pinned", text(v, "text").or_else(|| text(v, "caption")))),
    ("new_chat_title", |v| with("named the chat", v.as_str())),
    ("new_chat_photo", |_| "changed the chat's picture".to_owned()),
    ("delete_chat_photo", |_| "took the chat's picture away".to_owned()),
    ("chat_background_set", |_| "changed the chat's background".to_owned()),
    ("group_chat_created", |_| "created the group".to_owned()),
    ("supergroup_chat_created", |_| "created the group".to_owned()),
    ("channel_chat_created", |_| "created the channel".to_owned()),
    ("chat_owner_left", |v| with("the owner left; next is", object(v, "new_owner").and_then(name).as_deref())),
    ("chat_owner_changed", |v| with("the owner is now", object(v, "new_owner").and_then(name).as_deref())),
    ("message_auto_delete_timer_changed", |v| match integer(v, "message_auto_delete_time") {
        Some(0) | None => "messages stay from now on".to_owned(),
        Some(seconds) => format!("messages go after {seconds} s"),
    }),
    ("boost_added", |v| format!("boosted the chat: {}", number(v, "boost_count"))),
    ("forum_topic_created", |v| with("opened the topic", text(v, "name"))),
    ("forum_topic_edited", |v| with("changed the topic", text(v, "name"))),
    ("forum_topic_closed", |_| "closed the topic".to_owned()),
    ("forum_topic_reopened", |_| "opened the topic again".to_owned()),
    ("general_forum_topic_hidden", |_| "hid the General topic".to_owned()),
    ("general_forum_topic_unhidden", |_| "showed the General topic".to_owned()),
    ("checklist_tasks_done", |v| {
        match (list(v, "marked_as_done_task_ids").len(), list(v, "marked_as_not_done_task_ids").len()) {
            (0, 0) => "changed the checklist".to_owned(),
            (done, 0) => format!("ticked off in the checklist: {done}"),
            (0, undone) => format!("opened again in the checklist: {undone}"),
            (done, undone) => format!("ticked off in the checklist: {done}, opened again: {undone}"),
        }
    }),
    ("checklist_tasks_added", |v| {
        let tasks: Vec<&str> = list(v, "tasks").iter().filter_map(|task| text(task, "text")).collect();
        with("added to the checklist", Some(&tasks.join(", ")))
    }),
    ("poll_option_added", |v| with("added to the poll", text(v, "option_text"))),
    ("poll_option_deleted", |v| with("took from the poll", text(v, "option_text"))),
    ("direct_message_price_changed", |v| {
        if flag(v, "are_direct_messages_enabled") {
            format!("a direct message costs {} stars", number(v, "direct_message_star_count"))
        } else {
            "direct messages are closed".to_owned()
        }
    }),
    ("paid_message_price_changed", |v| format!("a message costs {} stars", number(v, "paid_message_star_count"))),
    ("suggested_post_approved", |_| "approved the suggested post".to_owned()),
    ("suggested_post_approval_failed", |_| "the suggested post could not be approved".to_owned()),
    ("suggested_post_declined", |v| with("declined the suggested post", text(v, "comment"))),
    ("suggested_post_paid", |_| "paid for the suggested post".to_owned()),
    ("suggested_post_refunded", |_| "took the payment for the suggested post back".to_owned()),
    ("video_chat_scheduled", |_| "planned a video chat".to_owned()),
    ("video_chat_started", |_| "began a video chat".to_owned()),
    ("video_chat_ended", |v| format!("the video chat ended after {} s", number(v, "duration"))),
    ("video_chat_participants_invited", |v| with("invited to the video chat", names(v, "users").as_deref())),
    ("managed_bot_created", |v| with("created the bot", object(v, "bot").and_then(name).as_deref())),
    ("community_chat_added", |v| {
        with("the chat joined the community", object(v, "community").and_then(|it| text(it, "name")))
    }),
    ("community_chat_removed", |_| "the chat left its community".to_owned()),
];

fn with(what: &str, whom: Option<&str>) -> String {
    whom.filter(|whom| !whom.is_empty()).map_or_else(|| what.to_owned(), |whom| format!("{what}: {whom}"))
}

fn number(value: &Value, key: &str) -> String {
    integer(value, key).map_or_else(|| "?".to_owned(), |number| number.to_string())
}

fn names(value: &Value, key: &str) -> Option<String> {
    let names: Vec<String> = list(value, key).iter().filter_map(name).collect();
    (!names.is_empty()).then(|| names.join(", "))
}

fn speaker(chat: &Value) -> Option<String> {
    title(chat).or_else(|| name(chat))
}

fn poll(poll: &Value) -> String {
    let options: Vec<String> = list(poll, "options")
        .iter()
        .filter_map(|option| Some(format!("{} ({})", text(option, "text")?, number(option, "voter_count"))))
        .collect();
    format!("poll: {} {}", text(poll, "question").unwrap_or_default(), options.join(", "))
}

fn checklist(checklist: &Value) -> String {
    let tasks: Vec<String> = list(checklist, "tasks")
        .iter()
        .filter_map(|task| {
            let done = integer(task, "completion_date").is_some_and(|date| date > 0);
            Some(format!("{} {}", if done { "☑" } else { "☐" }, text(task, "text")?))
        })
        .collect();
    format!("checklist: {} {}", text(checklist, "title").unwrap_or_default(), tasks.join(" "))
}

/// `total_amount` counts the smallest unit of the currency. Most have two decimals; these have none (<https://core.telegram.org/bots/payments/currencies.json>).
const WITHOUT_DECIMALS: &[&str] = &[
    "BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF", "UGX", "UZS", "VND", "VUV", "XAF", "XOF",
    "XPF", "XTR",
];

pub(super) fn money(value: &Value) -> String {
    let currency = text(value, "currency").unwrap_or("?");
    let amount = integer(value, "total_amount").unwrap_or_default();
    if currency == "XTR" {
        return format!("{amount} stars");
    }
    if WITHOUT_DECIMALS.contains(&currency) {
        return format!("{amount} {currency}");
    }
    let sign = if amount < 0 { "-" } else { "" };
    let cents = amount.unsigned_abs();
    format!("{sign}{}.{:02} {currency}", cents / 100, cents % 100)
}
