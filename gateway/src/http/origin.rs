//! Whose page a request comes from. A browser sends cookies along with whatever a page asks for, and names the page's origin truthfully:
//! that is what guards against other sites.

use http::HeaderMap;
use http::header::{HOST, ORIGIN};
use url::{Host, Url};

/// Whether the request comes from a page of ours: one that was loaded from the host that it now speaks to, or from the public address.
/// What is no browser names no origin, and proves itself by the socket's key alone.
pub(crate) fn is_ours(headers: &HeaderMap, public: &Url) -> bool {
    let Some(origin) = headers.get(ORIGIN) else { return true };
    let Some(origin) = origin.to_str().ok().and_then(|text| Url::parse(text).ok()) else { return false };
    origin.origin() == public.origin() || names_host(&origin, headers)
}

/// Whether a page's address is at the host that the request names.
pub(crate) fn names_host(page: &Url, headers: &HeaderMap) -> bool {
    let Some(host) = headers.get(HOST).and_then(|host| host.to_str().ok()) else { return false };
    // Read with the page's scheme, whose port need not be named.
    let Ok(there) = Url::parse(&format!("{}://{host}", page.scheme())) else { return false };
    matches!(page.scheme(), "http" | "https")
        && there.host().map(|host| host.to_owned()) == page.host().map(|host: Host<&str>| host.to_owned())
        && there.port_or_known_default() == page.port_or_known_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ours(host: &str, origin: Option<&str>) -> bool {
        let mut headers = HeaderMap::new();
        headers.insert(HOST, host.parse().unwrap());
        if let Some(origin) = origin {
            headers.insert(ORIGIN, origin.parse().unwrap());
        }
        is_ours(&headers, &Url::parse("https://calls.test").unwrap())
    }

    #[test]
    fn pages_of_the_same_host_and_of_the_public_address_are_ours() {
        assert!(ours("127.0.0.1:8080", Some("http://127.0.0.1:8080")));
        assert!(ours("localhost:8080", Some("http://localhost:8080")));
        assert!(ours("Phones.test", Some("https://phones.test")), "the default port need not be named");
        assert!(ours("10.0.0.7:8080", Some("https://calls.test")), "behind a proxy that names another host");
        assert!(ours("127.0.0.1:8080", None), "no browser");
    }

    #[test]
    fn pages_from_elsewhere_are_not() {
        for origin in [
            "http://evil.test",
            "http://127.0.0.1:9090",
            "https://127.0.0.1:8080.evil.test",
            "null",
            "",
            "file://",
            "http://calls.test",
        ] {
            assert!(!ours("127.0.0.1:8080", Some(origin)), "{origin}");
        }
    }
}
