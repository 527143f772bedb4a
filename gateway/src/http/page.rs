//! Lists: `?limit=&cursor=` → `{"items":[…],"next_cursor":…,"as_of_seq":N}`.
//!
//! A cursor is opaque to clients: base64url of the position behind the last row that was shown. It carries no right; rows are
//! filtered by tenant and scope again on every page.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::AppError;

/// Rows of a page when none are asked for.
pub const DEFAULT_LIMIT: u32 = 50;
/// Most rows of a page.
pub const MAX_LIMIT: u32 = 200;
/// Longest cursor that is looked at, in bytes.
const MAX_CURSOR_BYTES: usize = 512;

/// The query parameters of every list.
#[derive(Debug, Clone, Default, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct PageQuery {
    /// Rows on the page.
    #[param(minimum = 1, maximum = 200, default = 50)]
    pub limit: Option<u32>,
    /// `next_cursor` of the page before.
    pub cursor: Option<String>,
}

impl PageQuery {
    /// The limit, checked.
    pub fn limit(&self) -> Result<u32, AppError> {
        match self.limit {
            None => Ok(DEFAULT_LIMIT),
            Some(limit) if (1..=MAX_LIMIT).contains(&limit) => Ok(limit),
            Some(_) => Err(AppError::bad_parameter("limit", format!("must be from 1 to {MAX_LIMIT}"))),
        }
    }

    /// The position behind which the page begins; `None` is the first page.
    pub fn position<P: DeserializeOwned>(&self) -> Result<Option<P>, AppError> {
        match self.cursor.as_deref() {
            None | Some("") => Ok(None),
            Some(cursor) => decode(cursor)
                .map(Some)
                .ok_or_else(|| AppError::bad_parameter("cursor", "is not a next_cursor of this list")),
        }
    }
}

/// One page of a list.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct Page<T> {
    /// The rows.
    pub items: Vec<T>,
    /// Cursor of the next page; null on the last one.
    pub next_cursor: Option<String>,
    /// The page holds everything up to this `seq` of the journal (read in the same snapshot).
    pub as_of_seq: i64,
}

impl<T> Page<T> {
    /// Makes a page of rows that were read with `limit + 1`: the surplus row only tells that there is more.
    pub fn new<P: Serialize>(mut rows: Vec<T>, limit: u32, as_of_seq: i64, position_of: impl Fn(&T) -> P) -> Self {
        let more = rows.len() > limit as usize;
        rows.truncate(limit as usize);
        let next_cursor = if more { rows.last().map(|row| encode(&position_of(row))) } else { None };
        Self { items: rows, next_cursor, as_of_seq }
    }
}

fn encode(position: &impl Serialize) -> String {
    URL_SAFE_NO_PAD.encode(serde_json::to_vec(position).expect("positions are plain values"))
}

fn decode<P: DeserializeOwned>(cursor: &str) -> Option<P> {
    if cursor.len() > MAX_CURSOR_BYTES {
        return None;
    }
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(cursor).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_surplus_row_makes_the_cursor() {
        let page = Page::new(vec![1, 2, 3], 2, 7, |row| *row);
        assert_eq!(page.items, [1, 2]);
        let query = PageQuery { limit: None, cursor: page.next_cursor };
        assert_eq!(query.position::<i32>().unwrap(), Some(2));
        assert!(Page::new(vec![1, 2], 2, 7, |row| *row).next_cursor.is_none());
    }

    #[test]
    fn limits_beyond_the_bounds_are_refused() {
        for limit in [0, 201, u32::MAX] {
            assert!(PageQuery { limit: Some(limit), cursor: None }.limit().is_err());
        }
        assert_eq!(PageQuery::default().limit().unwrap(), 50);
    }

    proptest! {
        #[test]
        fn no_cursor_panics(cursor in "\\PC{0,600}") {
            let _ = PageQuery { limit: None, cursor: Some(cursor) }.position::<(String, uuid::Uuid)>();
        }

        #[test]
        fn a_position_survives_the_way_through_a_client(name in "\\PC{0,60}", id in any::<u128>()) {
            let position = (name, uuid::Uuid::from_u128(id));
            prop_assert_eq!(decode::<(String, uuid::Uuid)>(&encode(&position)), Some(position));
        }
    }
}
