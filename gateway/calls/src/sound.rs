//! Sounds of a tenant's own, and which of their files a caller hears.

use std::collections::BTreeMap;

use trunkline_db::TenantId;
use uuid::Uuid;

/// A sound of a tenant's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sound {
    /// Whose it is.
    pub tenant: TenantId,
    /// Its files in the store, by their language (BCP 47).
    pub files: BTreeMap<String, Uuid>,
}

impl Sound {
    /// The file for a caller of this language: in just this one, in one of its kind (`pt` for `pt-BR`, and the other way round), or else in
    /// any, for that is better than silence. None if it has no file at all.
    pub fn file(&self, language: &str) -> Option<Uuid> {
        let primary = |tag: &str| tag.split('-').next().unwrap_or_default().to_ascii_lowercase();
        let same = self.files.iter().find(|(tag, _)| tag.eq_ignore_ascii_case(language));
        let akin = || self.files.iter().find(|(tag, _)| primary(tag) == primary(language));
        same.or_else(akin).or_else(|| self.files.iter().next()).map(|(_, file)| *file)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_caller_hears_the_nearest_language() {
        let (de, en, pt) = (Uuid::from_u128(1), Uuid::from_u128(2), Uuid::from_u128(3));
        let files = [("pt-BR", pt), ("de", de), ("en-GB", en)].map(|(tag, file)| (tag.to_owned(), file));
        let sound = Sound { tenant: TenantId(Uuid::nil()), files: files.into() };
        for (wanted, heard) in
            [("de", de), ("de-AT", de), ("PT-br", pt), ("pt", pt), ("en-US", en), ("it", de), ("", de)]
        {
            assert_eq!(sound.file(wanted), Some(heard), "{wanted}");
        }
        assert_eq!(Sound { files: BTreeMap::new(), ..sound }.file("de"), None);
    }
}
