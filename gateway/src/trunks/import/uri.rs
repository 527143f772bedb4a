//! SIP addresses, as far as a configuration file has them (RFC 3261 §19.1).

/// An address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct SipUri {
    pub(super) user: Option<String>,
    pub(super) host: String,
    pub(super) port: Option<u16>,
    pub(super) transport: Option<String>,
    /// `sips:`
    pub(super) is_secure: bool,
}

impl SipUri {
    /// Reads `sip:user@host:port;transport=tcp`, in angle brackets or not.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let text = text.strip_prefix('<').and_then(|rest| rest.split('>').next()).unwrap_or(text);
        let (scheme, rest) = text.split_once(':')?;
        let is_secure = match scheme.to_ascii_lowercase().as_str() {
            "sip" => false,
            "sips" => true,
            _ => return None,
        };
        let rest = rest.split('?').next().unwrap_or_default();
        let (address, parameters) = rest.split_once(';').unwrap_or((rest, ""));
        let (user, place) = match address.rsplit_once('@') {
            Some((user, place)) => (user.split(':').next(), place),
            None => (None, address),
        };
        let (host, port) = match place.rfind(':') {
            // The colon may be one of an IPv6 address.
            Some(at) if !place[at..].contains(']') => (&place[..at], Some(place[at + 1..].parse().ok()?)),
            _ => (place, None),
        };
        let mut parameters = parameters.split(';').filter_map(|parameter| parameter.split_once('='));
        let transport = parameters.find(|(name, _)| name.trim().eq_ignore_ascii_case("transport"));
        let user = user.filter(|user| !user.is_empty()).map(str::to_owned);
        let transport = transport.map(|(_, value)| value.trim().to_ascii_lowercase());
        (!host.is_empty()).then(|| Self { user, host: host.to_ascii_lowercase(), port, transport, is_secure })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn addresses_of_files_are_read() {
        let whole = SipUri::parse("<sip:0612345:secret@Sip.Example.net:5080;lr;transport=TCP?x=y>").unwrap();
        assert_eq!(
            (whole.user.as_deref(), whole.host.as_str(), whole.port),
            (Some("0612345"), "sip.example.net", Some(5080))
        );
        assert_eq!((whole.transport.as_deref(), whole.is_secure), (Some("tcp"), false));
        let six = SipUri::parse("sips:[2001:db8::1]").unwrap();
        assert_eq!((six.host.as_str(), six.port, six.is_secure), ("[2001:db8::1]", None, true));
        assert_eq!(SipUri::parse("sip:[2001:db8::1]:5061").unwrap().port, Some(5061));
        for wrong in ["", "sip:", "tel:+39", "host", "sip:host:x", "sip:@"] {
            assert_eq!(SipUri::parse(wrong), None, "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn anything_is_an_address_or_none(text in "\\PC{0,60}|sip:[a-z0-9@:;=\\[\\]<>?.]{0,40}") {
            if let Some(uri) = SipUri::parse(&text) {
                prop_assert!(!uri.host.is_empty());
            }
        }
    }
}
