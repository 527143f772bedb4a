//! Webhooks as WhatsApp sends them: signed, each with a message of its own.

use std::fmt::Write as _;

use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::json;
use sha2::Sha256;

/// Digits of a webhook's number, in its message's id.
pub(super) const DIGITS: usize = 12;
/// Customers who write.
const CUSTOMERS: u64 = 20_000;
/// What stands in the template for the message's id and for who wrote it: as long as what takes its place.
const NUMBER: &str = "NNNNNNNNNNNN";
const FROM: &str = "FFFFFFFFFFFF";

/// Makes requests, one after another, to each account in turn.
#[derive(Debug)]
pub(super) struct Requests {
    heads: Vec<String>,
    /// What stands between the places of the template, and which they are.
    pieces: Vec<(String, Place)>,
    key: Hmac<Sha256>,
    next: u64,
    length: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Number,
    From,
    End,
}

impl Requests {
    /// To these accounts (all of them with this secret), each of them of this line of the provider's.
    pub(super) fn new(accounts: &[String], line: &str, secret: &str) -> Self {
        let text =
            "Good morning, has my order been sent yet? I am away from Thursday on, the door is around the corner.";
        let template = json!({ "object": "whatsapp_business_account", "entry": [{ "id": "102290129340398", "changes": [{
            "field": "messages", "value": {
                "messaging_product": "whatsapp",
                "metadata": { "display_phone_number": "15550783881", "phone_number_id": line },
                "contacts": [{ "profile": { "name": format!("Customer {FROM}") }, "wa_id": FROM }],
                "messages": [{ "from": FROM, "id": format!("wamid.HBgLMTY1MDU1NTEyMzQVAgASGBQ{NUMBER}"), "timestamp": "1764489600",
                               "type": "text", "text": { "body": text } }]
            } }] }] })
        .to_string();
        let heads = accounts
            .iter()
            .map(|account| {
                format!(
                    "POST /webhooks/whatsapp/{account} HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: */*\r\nUser-Agent: facebookexternalua\r\n\
                     Content-Type: application/json\r\nContent-Length: {}\r\nX-Hub-Signature-256: sha256=",
                    template.len()
                )
            })
            .collect();
        let key = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).expect("HMAC takes keys of any length");
        Self { heads, length: template.len(), pieces: cut(&template), key, next: 0 }
    }

    /// Bytes of a body.
    pub(super) fn length(&self) -> usize {
        self.length
    }

    /// The place of the number in a body.
    pub(super) fn place(&self) -> usize {
        let mut place = 0;
        for (text, what) in &self.pieces {
            place += text.len();
            match what {
                Place::Number => return place,
                Place::From => place += FROM.len(),
                Place::End => {}
            }
        }
        place
    }

    /// The next one, and its number.
    pub(super) fn next(&mut self, request: &mut Vec<u8>) -> u64 {
        let number = self.next;
        self.next += 1;
        let mut body = String::with_capacity(self.length);
        for (text, place) in &self.pieces {
            body.push_str(text);
            let _ = match place {
                Place::Number => write!(body, "{number:012}"),
                // Not the same one in a row: what comes later of somebody waits for what came before.
                Place::From => write!(body, "3933{:08}", number * 7_919 % CUSTOMERS),
                Place::End => Ok(()),
            };
        }
        let mut mac = self.key.clone();
        mac.update(body.as_bytes());
        request.clear();
        request.extend_from_slice(self.heads[(number % self.heads.len() as u64) as usize].as_bytes());
        for byte in mac.finalize().into_bytes() {
            request.extend([byte >> 4, byte & 15].map(|digit| b"0123456789abcdef"[usize::from(digit)]));
        }
        request.extend_from_slice(b"\r\n\r\n");
        request.extend_from_slice(body.as_bytes());
        number
    }
}

fn cut(template: &str) -> Vec<(String, Place)> {
    let mut pieces = Vec::new();
    let mut rest = template;
    loop {
        let next = [(NUMBER, Place::Number), (FROM, Place::From)]
            .into_iter()
            .filter_map(|(word, place)| Some((rest.find(word)?, word, place)))
            .min_by_key(|(at, ..)| *at);
        let Some((at, word, place)) = next else {
            pieces.push((rest.to_owned(), Place::End));
            return pieces;
        };
        pieces.push((rest[..at].to_owned(), place));
        rest = &rest[at + word.len()..];
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_request_is_signed_and_has_a_message_of_its_own() {
        let mut requests = Requests::new(&["one".to_owned(), "two".to_owned()], "106540352242922", "secret");
        let mut request = Vec::new();
        for number in 0..5_u64 {
            assert_eq!(requests.next(&mut request), number);
            let text = String::from_utf8(request.clone()).unwrap();
            let (head, body) = text.split_once("\r\n\r\n").unwrap();
            assert!(
                head.starts_with(["POST /webhooks/whatsapp/one ", "POST /webhooks/whatsapp/two "][number as usize % 2])
            );
            assert!(head.contains(&format!("Content-Length: {}\r\n", body.len())));
            assert_eq!(&body[requests.place()..][..DIGITS], format!("{number:012}"));
            let mut mac = Hmac::<Sha256>::new_from_slice(b"secret").unwrap();
            mac.update(body.as_bytes());
            let signature = mac.finalize().into_bytes().iter().fold(String::new(), |mut text, byte| {
                let _ = write!(text, "{byte:02x}");
                text
            });
            assert_eq!(head.rsplit_once("sha256=").unwrap().1, signature);
            let value: serde_json::Value = serde_json::from_str(body).unwrap();
            let value = &value["entry"][0]["changes"][0]["value"];
            assert_eq!(value["messages"][0]["from"], value["contacts"][0]["wa_id"]);
        }
    }
}
