//! Twilio's codes: <https://www.twilio.com/docs/api/errors>.

use crate::request::Reply;
use serde_json::json;

/// The body of every error: <https://www.twilio.com/docs/usage/twilios-response>.
pub(super) fn refuse(code: u32, message: &str) -> Reply {
    let status = status(code);
    let more = format!("https://www.twilio.com/docs/errors/{code}");
    let reply = Reply::json(status, &json!({ "code": code, "message": message, "more_info": more, "status": status }));
    if status == 401 { reply.with("www-authenticate", "Basic realm=\"Twilio API\"") } else { reply }
}

fn status(code: u32) -> u16 {
    match code {
        20_003 => 401,
        20_005 | 20_006 | 20_403 => 403,
        20_404 => 404,
        20_004 => 405,
        20_429 | 14_107 | 21_611 => 429,
        20_500 => 500,
        20_503 => 503,
        _ => 400,
    }
}

/// What Twilio calls an error of a message that was not delivered.
pub(super) fn words(code: u32) -> &'static str {
    match code {
        30_001 => "Queue overflow",
        30_003 => "Unreachable destination handset",
        30_004 => "Message blocked",
        30_005 => "Unknown destination handset",
        30_006 => "Landline or unreachable carrier",
        30_007 => "Message filtered",
        30_008 => "Unknown error",
        11_200 => "HTTP retrieval failure",
        12_300 => "Invalid Content-Type",
        63_016 => "Failed to send freeform message because you are outside the allowed window.",
        _ => "Message delivery failed",
    }
}
