//! The refresh cookie: how it is named, set and read.
//!
//! Under https its name begins with `__Host-` (RFC 6265bis §4.1.3.2): a browser takes such a cookie only from this very host, over https,
//! for all its paths. Nobody on the network, and no other name beneath the same domain, can plant one. It is also the only name that is
//! read then.

use axum::response::Response;
use axum_extra::extract::cookie::CookieJar;
use http::header::{HeaderValue, SET_COOKIE};
use url::Url;

/// Its name and scope over plain HTTP, where `Secure` would keep it from some browsers: the sign-in paths only.
const PLAIN: Shape = Shape { name: "trunkline_refresh", scope: "Path=/api/v1/auth" };
/// And under https.
const HOST_BOUND: Shape = Shape { name: "__Host-trunkline_refresh", scope: "Path=/; Secure" };

struct Shape {
    name: &'static str,
    scope: &'static str,
}

impl Shape {
    fn under(public: &Url) -> &'static Self {
        if public.scheme() == "https" { &HOST_BOUND } else { &PLAIN }
    }
}

/// Sets it (RFC 6265 §4.1): sent back from pages of the same site only, out of reach of scripts.
pub(super) fn set(public: &Url, answer: &mut Response, value: &str, max_age: u64) {
    let Shape { name, scope } = Shape::under(public);
    let text = format!("{name}={value}; {scope}; Max-Age={max_age}; HttpOnly; SameSite=Strict");
    answer.headers_mut().append(SET_COOKIE, HeaderValue::from_str(&text).expect("tokens are base64url"));
}

/// The refresh token that a browser sent.
pub(super) fn read<'a>(public: &Url, jar: &'a CookieJar) -> Option<&'a str> {
    jar.get(Shape::under(public).name).map(axum_extra::extract::cookie::Cookie::value)
}

#[cfg(test)]
mod tests {
    use http::HeaderMap;
    use http::header::COOKIE;

    use super::*;

    fn jar(cookies: &str) -> CookieJar {
        CookieJar::from_headers(&HeaderMap::from_iter([(COOKIE, cookies.parse().unwrap())]))
    }

    #[test]
    fn under_https_only_the_cookie_that_nobody_can_plant_is_read() {
        let (https, http) = (Url::parse("https://calls.test").unwrap(), Url::parse("http://127.0.0.1:8080").unwrap());
        let both = jar("trunkline_refresh=planted; __Host-trunkline_refresh=ours");
        assert_eq!(read(&https, &both), Some("ours"));
        assert_eq!(read(&https, &jar("trunkline_refresh=planted")), None);
        assert_eq!(read(&https, &jar("__Secure-trunkline_refresh=planted; __host-trunkline_refresh=planted")), None);
        assert_eq!(read(&http, &both), Some("planted"));
    }

    #[test]
    fn its_flags_fit_its_name() {
        let set_at = |public: &str| {
            let mut answer = Response::default();
            set(&Url::parse(public).unwrap(), &mut answer, "token", 60);
            answer.headers()[SET_COOKIE].to_str().unwrap().to_owned()
        };
        assert_eq!(
            set_at("https://calls.test"),
            "__Host-trunkline_refresh=token; Path=/; Secure; Max-Age=60; HttpOnly; SameSite=Strict"
        );
        assert_eq!(
            set_at("http://127.0.0.1:8080"),
            "trunkline_refresh=token; Path=/api/v1/auth; Max-Age=60; HttpOnly; SameSite=Strict"
        );
    }
}
