//! The account itself: whether its number and its token are good, and that Meta posts its webhooks to us.
//! <https://developers.facebook.com/docs/graph-api/reference/whats-app-business-account-to-number-current-status/>

use super::{Account, read};
use crate::adapter::{Answer, Body, Request};
use chrono::{DateTime, Utc};
use http::Method;
use serde_json::{Value, json};

/// What Meta says of a number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Number {
    /// As people write it.
    pub display: Option<String>,
    /// What customers see.
    pub name: Option<String>,
    /// `GREEN`, `YELLOW`, `RED`.
    pub quality: Option<String>,
}

impl Account {
    fn ask(&self, method: Method, path: &str, name: &'static str) -> Request {
        Request { method, url: self.url(path), headers: self.headers(), body: Body::Empty, name, repeatable: true }
    }

    /// Asks for the number: a wrong token or a wrong id shows.
    pub fn check(&self) -> Request {
        let number: String = url::form_urlencoded::byte_serialize(self.phone_number_id.as_bytes()).collect();
        self.ask(
            Method::GET,
            &format!("{number}?fields=id,display_phone_number,verified_name,quality_rating"),
            "account.check",
        )
    }

    /// The answer to [`Account::check`], where it was taken.
    pub fn read_check(&self, answer: Answer<'_>) -> Option<Number> {
        let told: Value = serde_json::from_slice(answer.body).ok().filter(Value::is_object)?;
        let owned = |key: &str| read::text(&told, key).map(str::to_owned);
        Some(Number {
            display: owned("display_phone_number"),
            name: owned("verified_name"),
            quality: owned("quality_rating").filter(|quality| quality != "UNKNOWN"),
        })
    }

    /// Has Meta post the webhooks of this WhatsApp Business Account to our app; to `url` and not to the app's own, so that several installations share
    /// an app. <https://developers.facebook.com/documentation/business-messaging/whatsapp/webhooks/override>
    pub fn subscribe(&self, url: &str) -> Request {
        let account: String = url::form_urlencoded::byte_serialize(self.waba_id.as_bytes()).collect();
        let mut request = self.ask(Method::POST, &format!("{account}/subscribed_apps"), "account.subscribe");
        request.body = Body::Json(json!({ "override_callback_uri": url, "verify_token": self.verify_token }));
        request
    }

    /// Asks until when the token is good: <https://developers.facebook.com/docs/graph-api/reference/debug_token/>.
    pub fn token(&self) -> Request {
        let token: String = url::form_urlencoded::byte_serialize(self.access_token.trim().as_bytes()).collect();
        self.ask(Method::GET, &format!("debug_token?input_token={token}"), "account.token")
    }

    /// The answer to [`Account::token`]: when it ends. `None`: never, or it is not told.
    pub fn read_token(&self, answer: Answer<'_>) -> Option<DateTime<Utc>> {
        let told: Value = serde_json::from_slice(answer.body).ok()?;
        let ends = read::whole(told.get("data")?, "expires_at").filter(|seconds| *seconds > 0)?;
        DateTime::from_timestamp(i64::try_from(ends).ok()?, 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderMap;

    fn account() -> Account {
        Account {
            api_base: "https://graph.test/".to_owned(),
            version: "v26.0".to_owned(),
            phone_number_id: "1/2".to_owned(),
            waba_id: "3".to_owned(),
            access_token: "t&t".to_owned(),
            app_secret: String::new(),
            verify_token: "v".to_owned(),
            list_label: String::new(),
        }
    }

    #[test]
    fn what_people_wrote_leads_nowhere_else() {
        let account = account();
        assert!(account.check().url.starts_with("https://graph.test/v26.0/1%2F2?fields="));
        assert_eq!(account.token().url, "https://graph.test/v26.0/debug_token?input_token=t%26t");
    }

    #[test]
    fn a_token_ends_when_meta_says_so() {
        let headers = HeaderMap::new();
        let read =
            |body: &'static str| account().read_token(Answer { status: 200, headers: &headers, body: body.as_bytes() });
        assert_eq!(read(r#"{"data":{"expires_at":0}}"#), None);
        assert_eq!(read(r#"{"data":{"expires_at":1700000000}}"#), DateTime::from_timestamp(1_700_000_000, 0));
        assert_eq!(read("[]"), None);
        assert_eq!(read(r#"{"data":{"expires_at":99999999999999999}}"#), None);
    }
}
