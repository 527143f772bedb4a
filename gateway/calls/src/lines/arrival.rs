//! How a call came in.

use std::net::IpAddr;

/// What the dialplan tells of a call from outside.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Arrival {
    /// The endpoint that it came by.
    pub trunk: String,
    /// What was called, as received: the user part of the request's address.
    pub called: String,
    /// The user part of `To`: there some carriers put the number, and the account's name into the request.
    pub to: String,
    /// Where it came from.
    pub address: Option<IpAddr>,
    /// The caller does not want their number shown (RFC 3325 §9.3), though the carrier told it.
    pub withheld: bool,
}

impl Arrival {
    /// From the arguments behind `inbound` (`extensions.conf.in`): trunk, number, To, address and port, presentation. What is absent is empty.
    pub fn of(args: &[String]) -> Self {
        let arg = |index: usize| args.get(index).map_or("", String::as_str);
        let address = arg(3);
        let host = match address.strip_prefix('[') {
            Some(six) => six.split(']').next(),
            None if address.matches(':').count() == 1 => address.split(':').next(),
            None => Some(address),
        };
        Self {
            trunk: arg(0).to_owned(),
            called: arg(1).to_owned(),
            to: arg(2).to_owned(),
            address: host.and_then(|host| host.parse().ok()),
            withheld: arg(4).starts_with("prohib"),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn of(text: &str) -> Arrival {
        Arrival::of(&text.split(',').map(str::to_owned).collect::<Vec<_>>())
    }

    #[test]
    fn what_the_dialplan_tells_is_read() {
        let whole = of("trunk-1,+15550100,15550100,192.0.2.7:5060,prohib_passed_screen");
        assert_eq!(
            (whole.trunk.as_str(), whole.called.as_str(), whole.to.as_str()),
            ("trunk-1", "+15550100", "15550100")
        );
        assert_eq!((whole.address, whole.withheld), (Some("192.0.2.7".parse().unwrap()), true));
        assert_eq!(of("t,1,,[2001:db8::7]:5060,allowed").address, Some("2001:db8::7".parse().unwrap()));
        assert_eq!(of("t,1,,2001:db8::7,allowed").address, Some("2001:db8::7".parse().unwrap()));
        let short = of("demo-trunk,+15550100");
        assert_eq!((short.to.as_str(), short.address, short.withheld), ("", None, false));
    }

    proptest! {
        #[test]
        fn anything_may_be_told(text in "\\PC{0,80}|[0-9a-f:.\\[\\],]{0,60}") {
            of(&text);
        }
    }
}
