//! Checks a chain, link by link. Pure: rows come in, what is wrong comes out.
//!
//! `digest = SHA-256(salt ‖ values)`, `link = SHA-256(link before ‖ tenant, seq, time, actor, action, subject, request, digest)`; each
//! field is written as text, told apart by its length and from null. `0012_secrets_audit.sql` makes them; this is written after the
//! same words and shares no code with it.

use std::collections::BTreeMap;
use std::fmt;

use chrono::{DateTime, Utc};
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

/// A link or a digest.
pub type Hash = [u8; 32];

/// One entry as stored.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs)] // The columns of audit_entries, which are described there.
pub struct Row {
    pub seq: i64,
    pub at: DateTime<Utc>,
    pub actor_type: String,
    pub actor_id: Option<Uuid>,
    pub via_type: Option<String>,
    pub via_id: Option<Uuid>,
    pub action: String,
    pub subject_type: String,
    pub subject_id: Option<Uuid>,
    pub request_id: Option<Uuid>,
    pub actor_name: Option<String>,
    pub subject_name: Option<String>,
    pub address: Option<String>,
    pub user_agent: Option<String>,
    pub before: Option<String>,
    pub after: Option<String>,
    pub salt: Option<Vec<u8>>,
    pub digest: Vec<u8>,
    pub link: Vec<u8>,
}

impl Row {
    fn values(&self) -> [Option<&str>; 6] {
        [
            self.actor_name.as_deref(),
            self.subject_name.as_deref(),
            self.address.as_deref(),
            self.user_agent.as_deref(),
            self.before.as_deref(),
            self.after.as_deref(),
        ]
    }

    fn link_after(&self, tenant: Uuid, before: &Hash) -> Hash {
        let text = |id: Option<Uuid>| id.map(|id| id.to_string());
        hash(
            before,
            &[
                Some(&tenant.to_string()),
                Some(&self.seq.to_string()),
                Some(&self.at.timestamp_micros().to_string()),
                Some(&self.actor_type),
                text(self.actor_id).as_deref(),
                self.via_type.as_deref(),
                text(self.via_id).as_deref(),
                Some(&self.action),
                Some(&self.subject_type),
                text(self.subject_id).as_deref(),
                text(self.request_id).as_deref(),
                Some(&hex(&self.digest)),
            ],
        )
    }
}

/// Where and how a chain is broken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Break {
    /// The entry at which it shows.
    pub seq: i64,
    /// How.
    pub kind: BreakKind,
}

/// How a chain is broken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BreakKind {
    /// Entries are missing before this one.
    Missing,
    /// Its values are not those that the digest was made of.
    Values,
    /// Its salt is gone and some of its values are not, or the other way round.
    HalfErased,
    /// Its link does not follow from the entry before and from what it says: one of the two was changed.
    Link,
    /// Entries are missing at the end: the head knows a later one.
    Tail,
    /// The head is another than the last entry.
    Head,
    /// An anchor remembers another link here: the chain was written anew from here or from before.
    Anchor,
}

impl fmt::Display for Break {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seq = self.seq;
        match self.kind {
            BreakKind::Missing => write!(f, "entries are missing before entry {seq}"),
            BreakKind::Values => write!(f, "the values of entry {seq} were changed"),
            BreakKind::HalfErased => write!(f, "the values of entry {seq} were changed or half erased"),
            BreakKind::Link => {
                write!(f, "entry {seq} does not follow from the one before: one of them was changed or moved")
            }
            BreakKind::Tail => write!(f, "entries are missing from entry {seq} on"),
            BreakKind::Head => write!(f, "the chain's head is not entry {seq}, which is the last"),
            BreakKind::Anchor => {
                write!(f, "entry {seq} is not the one that an anchor remembers: the chain was written anew, or cut off")
            }
        }
    }
}

/// Walks along one chain.
#[derive(Debug)]
pub struct Walk {
    tenant: Uuid,
    seq: i64,
    link: Hash,
    erased: u64,
    anchors: BTreeMap<i64, Hash>,
}

impl Walk {
    /// At the beginning of a tenant's chain (nil: the platform's). `anchors` are links that were noted elsewhere.
    pub fn new(tenant: Uuid, anchors: BTreeMap<i64, Hash>) -> Self {
        let root = Sha256::digest(format!("trunkline audit 1 {tenant}")).into();
        Self { tenant, seq: 0, link: root, erased: 0, anchors }
    }

    /// The number of the last entry that was looked at.
    pub const fn seq(&self) -> i64 {
        self.seq
    }

    /// Entries whose values were erased.
    pub const fn erased(&self) -> u64 {
        self.erased
    }

    /// Looks at the next entry.
    pub fn step(&mut self, row: &Row) -> Result<(), Break> {
        let broken = |kind| Err(Break { seq: row.seq, kind });
        if row.seq != self.seq + 1 {
            return broken(BreakKind::Missing);
        }
        match &row.salt {
            Some(salt) if hash(salt, &row.values()).as_slice() != row.digest => return broken(BreakKind::Values),
            Some(_) => {}
            None if row.values().iter().any(Option::is_some) => return broken(BreakKind::HalfErased),
            None => self.erased += 1,
        }
        let link = row.link_after(self.tenant, &self.link);
        if link.as_slice() != row.link {
            return broken(BreakKind::Link);
        }
        if self.anchors.get(&row.seq).is_some_and(|known| *known != link) {
            return broken(BreakKind::Anchor);
        }
        (self.seq, self.link) = (row.seq, link);
        Ok(())
    }

    /// Looks at the end: what the head and the anchors know of must have been there.
    pub fn end(&self, head_seq: i64, head_link: &[u8]) -> Result<(), Break> {
        if head_seq > self.seq {
            return Err(Break { seq: self.seq + 1, kind: BreakKind::Tail });
        }
        if head_seq < self.seq || head_link != self.link {
            return Err(Break { seq: self.seq, kind: BreakKind::Head });
        }
        match self.anchors.keys().next_back() {
            Some(anchored) if *anchored > self.seq => Err(Break { seq: self.seq + 1, kind: BreakKind::Anchor }),
            _ => Ok(()),
        }
    }
}

fn hash(first: &[u8], fields: &[Option<&str>]) -> Hash {
    let mut hash = Sha256::new_with_prefix(first);
    for field in fields {
        match field {
            None => hash.update([0]),
            Some(text) => {
                hash.update([1]);
                hash.update((text.len() as u32).to_be_bytes());
                hash.update(text);
            }
        }
    }
    hash.finalize().into()
}

/// Lower-case hex.
pub(crate) fn hex(bytes: &[u8]) -> String {
    use fmt::Write as _;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const TENANT: Uuid = Uuid::from_u128(7);

    /// A chain as the database would have made it.
    fn chain(texts: &[String]) -> Vec<Row> {
        let mut link: Hash = Sha256::digest(format!("trunkline audit 1 {TENANT}")).into();
        texts
            .iter()
            .zip(1..)
            .map(|(text, seq)| {
                let mut row = Row {
                    seq,
                    at: DateTime::from_timestamp(1_800_000_000 + seq, 0).unwrap(),
                    actor_type: "user".to_owned(),
                    actor_id: Some(Uuid::from_u128(1)),
                    via_type: None,
                    via_id: None,
                    action: "device.created".to_owned(),
                    subject_type: "device".to_owned(),
                    subject_id: Some(Uuid::from_u128(2)),
                    request_id: None,
                    actor_name: Some("Ann".to_owned()),
                    subject_name: None,
                    address: Some("192.0.2.1".to_owned()),
                    user_agent: None,
                    before: None,
                    after: Some(text.clone()),
                    salt: Some(vec![5; 32]),
                    digest: Vec::new(),
                    link: Vec::new(),
                };
                row.digest = hash(&[5; 32], &row.values()).to_vec();
                link = row.link_after(TENANT, &link);
                row.link = link.to_vec();
                row
            })
            .collect()
    }

    fn check(rows: &[Row], head: &Row, anchors: BTreeMap<i64, Hash>) -> Result<u64, Break> {
        let mut walk = Walk::new(TENANT, anchors);
        for row in rows {
            walk.step(row)?;
        }
        walk.end(head.seq, &head.link)?;
        Ok(walk.erased())
    }

    fn erase(row: &mut Row) {
        (row.salt, row.actor_name, row.address, row.after) = (None, None, None, None);
    }

    proptest! {
        #[test]
        fn whatever_is_changed_in_a_chain_is_found(
            texts in prop::collection::vec("[a-z]{0,4}", 2..8), at in any::<prop::sample::Index>(), how in 0..9_u8,
        ) {
            let rows = chain(&texts);
            let head = rows.last().unwrap().clone();
            prop_assert_eq!(check(&rows, &head, BTreeMap::new()), Ok(0));
            let mut bent = rows.clone();
            let at = at.index(rows.len());
            match how {
                0 => bent[at].after = Some("something else".to_owned()),
                1 => { bent.remove(at); }
                2 => bent[at].actor_id = None,
                3 => bent[at].at += chrono::TimeDelta::microseconds(1),
                4 => { let other = (at + 1) % rows.len(); bent.swap(at, other); }
                5 => { let seq = bent[at].seq; bent[at] = rows[(at + 1) % rows.len()].clone(); bent[at].seq = seq; }
                6 => bent[at].salt = None,
                7 => bent[at].digest[3] ^= 1,
                _ => bent[at].subject_name = Some(String::new()),
            }
            prop_assert!(check(&bent, &head, BTreeMap::new()).is_err());
        }

        #[test]
        fn erased_values_leave_the_chain_whole(texts in prop::collection::vec("[a-z]{0,4}", 1..8), which in any::<u8>()) {
            let mut rows = chain(&texts);
            let head = rows.last().unwrap().clone();
            let chosen: Vec<_> = (0..rows.len()).filter(|at| which >> at & 1 == 1).collect();
            for at in &chosen {
                erase(&mut rows[*at]);
            }
            prop_assert_eq!(check(&rows, &head, BTreeMap::new()), Ok(chosen.len() as u64));
        }
    }

    #[test]
    fn a_chain_that_was_written_anew_or_cut_off_is_told_by_an_anchor() {
        let texts = ["a", "b", "c"].map(str::to_owned);
        let rows = chain(&texts);
        let anchors: BTreeMap<i64, Hash> = [(2, rows[1].link.clone().try_into().unwrap())].into();
        assert_eq!(check(&rows, &rows[2], anchors.clone()), Ok(0));
        let forged = chain(&["a", "B", "c"].map(str::to_owned));
        assert_eq!(check(&forged, &forged[2], BTreeMap::new()), Ok(0), "in itself it is whole");
        assert_eq!(check(&forged, &forged[2], anchors.clone()), Err(Break { seq: 2, kind: BreakKind::Anchor }));
        assert_eq!(check(&rows[..1], &rows[0], anchors), Err(Break { seq: 2, kind: BreakKind::Anchor }));
        assert_eq!(check(&rows[..1], &rows[2], BTreeMap::new()), Err(Break { seq: 2, kind: BreakKind::Tail }));
    }
}
