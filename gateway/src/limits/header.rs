//! Telling clients of their limits: `RateLimit-Policy` and `RateLimit` (draft-ietf-httpapi-ratelimit-headers-10), and `Retry-After`
//! (RFC 9110 §10.2.3) with a refusal.

use http::HeaderMap;
use http::header::{HeaderName, HeaderValue};

use super::{Class, Verdict};
use crate::http::AppError;

/// What the limit is: `"user";q=2000;w=2` is 2,000 requests within 2 seconds.
pub const RATE_LIMIT_POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");
/// Where the client stands: `"user";r=1999;t=1` is 1,999 requests left, and all of them back in a second.
pub const RATE_LIMIT: HeaderName = HeaderName::from_static("ratelimit");

const SECOND: u64 = 1_000_000_000;

/// Writes the headers of the limit that is nearest to its end.
pub fn describe(verdict: &Verdict, headers: &mut HeaderMap) {
    let (policy, state) = texts(verdict);
    headers.insert(RATE_LIMIT_POLICY, policy);
    headers.insert(RATE_LIMIT, state);
}

fn texts(verdict: &Verdict) -> (HeaderValue, HeaderValue) {
    let name = verdict.ask.subject.kind();
    let quota = verdict.ask.quota;
    let policy = match verdict.ask.class {
        Class::Api => format!("\"{name}\";q={};w={}", quota.burst, quota.window()),
        class => format!("\"{}-{name}\";q={};w={}", class.as_str(), quota.burst, quota.window()),
    };
    let label = policy.split(';').next().unwrap_or_default();
    let seconds = verdict.full_in.max(verdict.wait).div_ceil(SECOND);
    let state = format!("{label};r={};t={seconds}", verdict.remaining);
    let value = |text: String| HeaderValue::from_str(&text).expect("names and numbers are valid in a header");
    (value(policy), value(state))
}

/// 429 for a request that was refused.
pub(super) fn refusal(verdict: &Verdict) -> AppError {
    let whose = match verdict.ask.subject.kind() {
        "address" => "this address",
        "user" => "this user",
        "key" => "this API key",
        "tenant" => "this tenant",
        _ => "this account",
    };
    let what = match verdict.ask.class {
        Class::Api => "requests",
        Class::SignIn => "sign-ins",
        Class::Webhook => "webhooks",
        Class::Sip => "softphone connections",
        Class::Stream => "live streams",
    };
    let (policy, state) = texts(verdict);
    AppError::too_many(format!("too many {what} of {whose}; see Retry-After"), verdict.wait.div_ceil(SECOND))
        .with_header(RATE_LIMIT_POLICY, policy)
        .with_header(RATE_LIMIT, state)
}

#[cfg(test)]
mod tests {
    use trunkline_db::TenantId;

    use super::*;
    use crate::limits::{Ask, Quota, Subject};

    #[test]
    fn the_headers_say_how_much_and_how_much_is_left() {
        let quota = Quota::per_second(1000);
        let ask = Ask { class: Class::Api, subject: Subject::Tenant(TenantId::new()), quota };
        let mut headers = HeaderMap::new();
        describe(&Verdict { ask, wait: 0, remaining: 1999, full_in: 1_000_000 }, &mut headers);
        assert_eq!(
            (&headers["ratelimit-policy"], &headers["ratelimit"]),
            (&HeaderValue::from_static("\"tenant\";q=2000;w=2"), &HeaderValue::from_static("\"tenant\";r=1999;t=1"))
        );
        let ask = Ask { class: Class::SignIn, subject: Subject::address("192.0.2.1".parse().unwrap()), quota };
        let (policy, _) = texts(&Verdict { ask, wait: 1, remaining: 0, full_in: SECOND });
        assert_eq!(policy, "\"sign_in-address\";q=2000;w=2");
    }
}
