//! `application/x-www-form-urlencoded`, read so that nothing is lost: order and duplicates are kept, and what is badly written is an error that names its field.

use crate::adapter::Malformed;
use serde_json::{Map, Value};

/// A form's fields in the order in which they stand.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Form(Vec<(String, String)>);

impl Form {
    pub fn read(body: &[u8]) -> Result<Self, Malformed> {
        let mut fields = Vec::new();
        for (name, value) in pairs(body) {
            let name = strict(name).map_err(|why| Malformed { why, at: String::from_utf8_lossy(name).into_owned() })?;
            let value = strict(value).map_err(|why| Malformed { why, at: name.clone() })?;
            fields.push((name, value));
        }
        Ok(Self(fields))
    }

    /// The first of this name that is not empty.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(key, value)| key == name && !value.is_empty()).map(|(_, value)| value.as_str())
    }

    pub fn owned(&self, name: &str) -> Option<String> {
        self.get(name).map(str::to_owned)
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// All of it; a name that comes several times has a list.
    pub fn to_json(&self) -> Value {
        let mut object = Map::new();
        for (name, value) in &self.0 {
            let value = Value::String(value.clone());
            match object.get_mut(name) {
                None => {
                    object.insert(name.clone(), value);
                }
                Some(Value::Array(several)) => several.push(value),
                Some(one) => *one = Value::Array(vec![one.take(), value]),
            }
        }
        Value::Object(object)
    }
}

fn pairs(body: &[u8]) -> impl Iterator<Item = (&[u8], &[u8])> {
    body.split(|byte| *byte == b'&').filter(|pair| !pair.is_empty()).map(|pair| {
        let mut halves = pair.splitn(2, |byte| *byte == b'=');
        (halves.next().unwrap_or_default(), halves.next().unwrap_or_default())
    })
}

/// Names and values as bytes, where a broken escape stands for itself: what a signature was made over.
pub(super) fn lenient(body: &[u8]) -> Vec<(Vec<u8>, Vec<u8>)> {
    pairs(body).map(|(name, value)| (decode(name).0, decode(value).0)).collect()
}

fn strict(encoded: &[u8]) -> Result<String, String> {
    match decode(encoded) {
        (_, Some(at)) => Err(format!("a broken escape at byte {at} of the field")),
        (bytes, None) => String::from_utf8(bytes)
            .map_err(|broken| format!("not UTF-8 at byte {} of the field", broken.utf8_error().valid_up_to())),
    }
}

/// The bytes, and where the first broken escape is.
fn decode(encoded: &[u8]) -> (Vec<u8>, Option<usize>) {
    let mut bytes = Vec::with_capacity(encoded.len());
    let mut broken = None;
    let mut rest = encoded;
    while let Some((&byte, behind)) = rest.split_first() {
        let at = encoded.len() - rest.len();
        rest = behind;
        match (byte, behind) {
            (b'+', _) => bytes.push(b' '),
            (b'%', [high, low, behind @ ..]) if high.is_ascii_hexdigit() && low.is_ascii_hexdigit() => {
                bytes.push(nibble(*high) << 4 | nibble(*low));
                rest = behind;
            }
            (b'%', _) => {
                broken.get_or_insert(at);
                bytes.push(b'%');
            }
            (other, _) => bytes.push(other),
        }
    }
    (bytes, broken)
}

fn nibble(hex: u8) -> u8 {
    match hex {
        b'0'..=b'9' => hex - b'0',
        b'a'..=b'f' => hex - b'a' + 10,
        b'A'..=b'F' => hex - b'A' + 10,
        _ => 0,
    }
}
