//! Methods by their names: <https://core.telegram.org/bots/api#available-methods>.

use super::errors::Refusal;
use super::parameters::Parameters;
use super::{Inner, changing, polling, sending};
use crate::request::{Reply, Request};
use serde_json::{Value, json};
use std::sync::Arc;

/// Bytes that the public server gives out.
const DOWNLOAD_LIMIT: usize = 20 << 20;

/// `sendMessage`; `file.download` for a file; `unknown` for a path that is no bot's.
pub(super) fn name(path: &str) -> String {
    let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
    match parts.as_slice() {
        [bot, method] if bot.starts_with("bot") => (*method).to_owned(),
        ["file", bot, ..] if bot.starts_with("bot") => "file.download".to_owned(),
        _ => "unknown".to_owned(),
    }
}

pub(super) async fn answer(inner: Arc<Inner>, request: Request) -> Reply {
    let parts = request.parts();
    let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
    let given = |bot: &str| bot.strip_prefix("bot").map(str::to_owned);
    match parts.as_slice() {
        ["file", bot, path @ ..] => {
            if given(bot).as_deref() != Some(inner.options.bot_token.as_str()) {
                return Refusal::unauthorized().reply();
            }
            let path = path.join("/");
            let state = inner.state();
            match state.files.values().find(|file| file.path == path) {
                // Telegram does not say what it is.
                Some(file) => Reply::new(200, "application/octet-stream", file.content.clone()),
                None => Refusal::not_found().reply(),
            }
        }
        [bot, method] if bot.starts_with("bot") => {
            match given(bot) {
                Some(token) if token == inner.options.bot_token => {}
                // What has not even the form of a token is not found; one that is not valid is not authorised.
                Some(token) if token.split_once(':').is_some_and(|(id, _)| id.parse::<i64>().is_ok()) => {
                    return Refusal::unauthorized().reply();
                }
                _ => return Refusal::not_found().reply(),
            }
            match call(&inner, method, &request).await {
                Ok(result) => Reply::json(200, &json!({ "ok": true, "result": result })),
                Err(refusal) => refusal.reply(),
            }
        }
        _ => Refusal::not_found().reply(),
    }
}

async fn call(inner: &Arc<Inner>, method: &str, request: &Request) -> Result<Value, Refusal> {
    let parameters = Parameters::read(request)?;
    // Names of methods are taken in any case.
    match method.to_ascii_lowercase().as_str() {
        "getme" => {
            let mut bot = inner.options.bot();
            for (right, has) in [
                ("can_join_groups", true),
                ("can_read_all_group_messages", false),
                ("supports_inline_queries", false),
                ("can_connect_to_business", true),
                ("has_main_web_app", false),
            ] {
                bot[right] = has.into();
            }
            Ok(bot)
        }
        "setwebhook" => set_webhook(inner, &parameters),
        "deletewebhook" => {
            inner.delete_webhook(parameters.flag("drop_pending_updates"));
            Ok(true.into())
        }
        "getwebhookinfo" => Ok(webhook_info(inner)),
        "getupdates" => polling::get_updates(inner, &parameters).await,
        "getfile" => get_file(inner, &parameters),
        "setmycommands" => set_commands(inner, &parameters),
        "getmycommands" => {
            let scope = scope(&parameters)?;
            Ok(inner.state().commands.get(&scope).cloned().unwrap_or_else(|| json!([])))
        }
        "deletemycommands" => {
            let scope = scope(&parameters)?;
            inner.state().commands.remove(&scope);
            Ok(true.into())
        }
        "getchat" => {
            let chat = sending::chat(inner, &parameters)?;
            Ok(inner.state().chats.get(&chat).cloned().unwrap_or_default())
        }
        "sendchataction" => changing::chat_action(inner, &parameters),
        "sendmediagroup" => sending::media_group(inner, &parameters, request),
        "editmessagetext" => changing::edit(inner, &parameters, "text"),
        "editmessagecaption" => changing::edit(inner, &parameters, "caption"),
        "deletemessage" => changing::delete_one(inner, &parameters),
        "deletemessages" => changing::delete_many(inner, &parameters),
        "setmessagereaction" => changing::react(inner, &parameters),
        "answercallbackquery" => changing::answer_press(inner, &parameters),
        "leavechat" => {
            let chat = sending::chat(inner, &parameters)?;
            inner.state().chats.remove(&chat);
            Ok(true.into())
        }
        sends if sends.starts_with("send") => sending::send(inner, method, &parameters, request),
        _ => Err(Refusal::not_found()),
    }
}

/// <https://core.telegram.org/bots/api#setwebhook>
fn set_webhook(inner: &Arc<Inner>, parameters: &Parameters) -> Result<Value, Refusal> {
    let url = parameters.text("url").unwrap_or_default();
    if url.is_empty() {
        inner.delete_webhook(parameters.flag("drop_pending_updates"));
        return Ok(true.into());
    }
    // A local Bot API server takes plain HTTP too, which is what a test has.
    let is_good = url::Url::parse(&url).is_ok_and(|url| matches!(url.scheme(), "https" | "http") && url.has_host());
    if !is_good {
        return Err(Refusal::bad("bad webhook: An HTTPS URL must be provided for webhook"));
    }
    let secret = parameters.text("secret_token").filter(|secret| !secret.is_empty());
    if let Some(secret) = &secret {
        let is_plain = secret.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-');
        if secret.len() > 256 {
            return Err(Refusal::bad("secret token is too long"));
        }
        if !is_plain {
            return Err(Refusal::bad("secret token contains unallowed characters"));
        }
    }
    {
        let mut state = inner.state();
        if let Some(allowed) = allowed_updates(parameters)? {
            state.allowed_updates = allowed;
        }
        if parameters.flag("drop_pending_updates") {
            state.pending.clear();
        }
    }
    let connections = parameters.integer("max_connections").unwrap_or(40).clamp(1, 100);
    inner.set_webhook(url, secret);
    if let Some(webhook) = &mut inner.state().webhook {
        webhook.max_connections = connections;
    }
    // What waited is pushed now.
    let later = Arc::clone(inner);
    inner.core.spawn(async move {
        later.push_pending().await;
    });
    Ok(true.into())
}

/// The outer `None`: nothing was said, and what was said before holds. The inner one: all but those that must be named.
#[allow(clippy::option_option, reason = "saying nothing and saying «all» are two things here")]
pub(super) fn allowed_updates(parameters: &Parameters) -> Result<Option<Option<Vec<String>>>, Refusal> {
    let Some(list) = parameters.structure("allowed_updates")? else { return Ok(None) };
    let Some(list) = list.as_array() else {
        return Err(Refusal::bad("can't parse allowed updates: expected an Array"));
    };
    let kinds: Vec<String> = list.iter().filter_map(Value::as_str).map(str::to_ascii_lowercase).collect();
    Ok(Some(if kinds.is_empty() { None } else { Some(kinds) }))
}

fn webhook_info(inner: &Inner) -> Value {
    let state = inner.state();
    let mut info = json!({
        "url": state.webhook.as_ref().map_or("", |webhook| webhook.url.as_str()),
        "has_custom_certificate": false,
        "pending_update_count": state.pending.len(),
    });
    if let Some(webhook) = &state.webhook {
        info["max_connections"] = webhook.max_connections.into();
        info["ip_address"] = "127.0.0.1".into();
    }
    if let Some((at, words)) = &state.last_error {
        info["last_error_date"] = at.timestamp().into();
        info["last_error_message"] = words.as_str().into();
    }
    if let Some(allowed) = &state.allowed_updates {
        info["allowed_updates"] = json!(allowed);
    }
    info
}

fn get_file(inner: &Inner, parameters: &Parameters) -> Result<Value, Refusal> {
    let wrong = || Refusal::bad("wrong file_id or the file is temporarily unavailable");
    let id = parameters.text("file_id").ok_or_else(|| Refusal::bad("file_id not specified"))?;
    let state = inner.state();
    // The smaller size of a picture is the same file here.
    let id = id.strip_suffix("-s").unwrap_or(&id);
    let file = state.files.get(id).ok_or_else(wrong)?;
    if file.content.len() > DOWNLOAD_LIMIT {
        return Err(Refusal::bad("file is too big"));
    }
    let mut told = state.told(id);
    told.remove("mime_type");
    told.remove("file_name");
    told.insert("file_path".to_owned(), file.path.as_str().into());
    Ok(Value::Object(told))
}

/// `default`, `all_group_chats`, `chat:7`; with a language behind it: `default/pt`.
fn scope(parameters: &Parameters) -> Result<String, Refusal> {
    let scope = parameters.structure("scope")?.unwrap_or_else(|| json!({ "type": "default" }));
    let kind = scope["type"].as_str().ok_or_else(|| Refusal::bad("can't parse BotCommandScope"))?;
    let chat = scope.get("chat_id").map(|chat| format!(":{}", chat.to_string().trim_matches('"')));
    let language = parameters.text("language_code").filter(|code| !code.is_empty()).map(|code| format!("/{code}"));
    Ok(format!("{kind}{}{}", chat.unwrap_or_default(), language.unwrap_or_default()))
}

fn set_commands(inner: &Inner, parameters: &Parameters) -> Result<Value, Refusal> {
    let commands = parameters.structure("commands")?.unwrap_or(Value::Null);
    let list = commands.as_array().ok_or_else(|| Refusal::bad("parameter \"commands\" is required"))?;
    if list.len() > 100 {
        return Err(Refusal::bad("BOT_COMMANDS_TOO_MUCH"));
    }
    for command in list {
        let name = command["command"].as_str().unwrap_or_default();
        let is_plain = name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_');
        if name.is_empty() || name.len() > 32 || !is_plain {
            return Err(Refusal::bad("BOT_COMMAND_INVALID"));
        }
        let description = command["description"].as_str().unwrap_or_default().chars().count();
        if !(1..=256).contains(&description) {
            return Err(Refusal::bad("BOT_COMMAND_DESCRIPTION_INVALID"));
        }
    }
    let scope = scope(parameters)?;
    inner.state().commands.insert(scope, commands);
    Ok(true.into())
}
