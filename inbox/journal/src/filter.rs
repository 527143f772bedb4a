//! Who looks, and at what.

use std::{collections::HashSet, str::FromStr};

use trunkline_db::UserId;

use crate::event::{Kind, Scope};

/// Whose eyes an event must be fit for.
#[derive(Debug, Clone, Default)]
pub struct Viewer {
    /// Sees all of the tenant's events (an admin).
    pub all: bool,
    /// Sees events that carry one of these; [`Scope::Tenant`] is among them for every member.
    pub scopes: HashSet<Scope>,
    /// Who it is: told by a reset when its grants change ([`Hub::permissions_changed`](crate::Hub::permissions_changed)).
    pub user: Option<UserId>,
}

impl Viewer {
    /// One who sees everything of the tenant.
    pub fn all() -> Self {
        Self { all: true, ..Self::default() }
    }

    /// A member: sees what the whole tenant may see, and these.
    pub fn member(scopes: impl IntoIterator<Item = Scope>) -> Self {
        let mut scopes: HashSet<_> = scopes.into_iter().collect();
        scopes.insert(Scope::Tenant);
        Self { all: false, scopes, user: None }
    }

    /// Says who it is.
    #[must_use]
    pub fn user(mut self, user: UserId) -> Self {
        self.user = Some(user);
        self
    }

    /// Whether an event with these scopes may be seen.
    pub fn sees(&self, scopes: &[Scope]) -> bool {
        self.all || scopes.iter().any(|scope| self.scopes.contains(scope))
    }
}

/// Which kinds of events: `call.answered`, `call.*`, or `*`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KindFilter(Pattern);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Pattern {
    All,
    Exactly(Kind),
    /// With the dot at its end.
    Under(Box<str>),
}

/// A text that is no [`KindFilter`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a filter of kinds: {0:?} (such as call.answered, call.* or *)")]
pub struct ParseKindFilterError(String);

impl KindFilter {
    /// Whether an event of this kind is asked for.
    pub fn matches(&self, kind: &str) -> bool {
        match &self.0 {
            Pattern::All => true,
            Pattern::Exactly(wanted) => wanted.as_str() == kind,
            Pattern::Under(prefix) => kind.starts_with(&**prefix),
        }
    }
}

impl FromStr for KindFilter {
    type Err = ParseKindFilterError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = || ParseKindFilterError(text.chars().take(64).collect());
        if text == "*" {
            return Ok(Self(Pattern::All));
        }
        if let Some(prefix) = text.strip_suffix('*') {
            // The prefix is a kind but for its last word.
            return match format!("{prefix}x").parse::<Kind>() {
                Ok(_) if prefix.ends_with('.') => Ok(Self(Pattern::Under(prefix.into()))),
                _ => Err(wrong()),
            };
        }
        text.parse().map(|kind| Self(Pattern::Exactly(kind))).map_err(|_| wrong())
    }
}

/// Which events a reader gets: those it may see, of the kinds it asked for.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// Whose eyes.
    pub viewer: Viewer,
    /// Which kinds; none named means all.
    pub kinds: Vec<KindFilter>,
}

impl Filter {
    /// Everything of the tenant.
    pub fn all() -> Self {
        Self::of(Viewer::all())
    }

    /// All that this viewer may see.
    pub fn of(viewer: Viewer) -> Self {
        Self { viewer, kinds: Vec::new() }
    }

    /// Only these kinds.
    #[must_use]
    pub fn kinds(mut self, kinds: impl IntoIterator<Item = KindFilter>) -> Self {
        self.kinds = kinds.into_iter().collect();
        self
    }

    /// Whether every event passes.
    pub fn shows_all(&self) -> bool {
        self.viewer.all && self.kinds.is_empty()
    }

    /// Whether an event passes.
    pub fn passes(&self, kind: &str, scopes: &[Scope]) -> bool {
        (self.kinds.is_empty() || self.kinds.iter().any(|k| k.matches(kind))) && self.viewer.sees(scopes)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use trunkline_db::{AgentId, QueueId};

    use super::*;

    #[test]
    fn a_pattern_takes_a_kind_a_family_or_all() {
        let matches = |pattern: &str, kind: &str| pattern.parse::<KindFilter>().unwrap().matches(kind);
        assert!(matches("call.answered", "call.answered"));
        assert!(!matches("call.answered", "call.answered_late"));
        assert!(matches("call.*", "call.answered"));
        assert!(!matches("call.*", "callback.requested"));
        assert!(matches("*", "telephony.gap"));
        for wrong in ["", "call", "call*", "*.call", "**", ".*", "call.**", "CALL.*"] {
            assert!(wrong.parse::<KindFilter>().is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn a_member_sees_the_tenants_and_its_own() {
        let (mine, other) = (AgentId::new(), AgentId::new());
        let queue = QueueId::new();
        let viewer = Viewer::member([Scope::Agent(mine), Scope::Queue(queue)]);
        assert!(viewer.sees(&[Scope::Tenant]));
        assert!(viewer.sees(&[Scope::Agent(other), Scope::Queue(queue)]));
        assert!(!viewer.sees(&[Scope::Agent(other)]));
        assert!(Viewer::all().sees(&[Scope::Agent(other)]));
        let calls = Filter::of(viewer).kinds(["call.*".parse().unwrap()]);
        assert!(calls.passes("call.ended", &[Scope::Agent(mine)]));
        assert!(!calls.passes("agent.state_changed", &[Scope::Agent(mine)]));
    }

    proptest! {
        #[test]
        fn parsing_a_pattern_never_panics(text in ".{0,80}") {
            let _ = text.parse::<KindFilter>();
        }
    }
}
