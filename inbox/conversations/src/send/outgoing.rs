//! What a stored message says, as its adapter wants it.

use serde_json::Value;
use trunkline_channels::model::{Address, MediaSort, Outgoing, ProviderId, Say, TemplateHeader, Upload};
use trunkline_db::{DbError, MessageId, TenantId, TenantTx};
use uuid::Uuid;

use super::store::{self, File, Said};
use crate::words::Word as _;

/// What an attempt is to say; `None`: it cannot be said by anybody.
pub(super) async fn of(tx: &mut TenantTx<'_>, message: MessageId, attempt: Uuid) -> Result<Option<Outgoing>, DbError> {
    let Some(said) = store::said(tx, message).await? else { return Ok(None) };
    let file = store::file(tx, message).await?;
    let tenant = tx.tenant();
    Ok(say(&said, file.as_ref(), tenant).map(|say| Outgoing {
        to: Address(said.address),
        say,
        reply_to: said.reply_to.map(ProviderId),
        reference: attempt.to_string(),
    }))
}

fn say(said: &Said, file: Option<&File>, tenant: TenantId) -> Option<Say> {
    match said.kind.as_str() {
        "text" => Some(Say::Text { text: said.text.clone() }),
        "media" => {
            let file = file?;
            let caption = Some(said.text.clone()).filter(|text| !text.is_empty());
            Some(Say::File { sort: MediaSort::parse(&file.sort)?, file: upload_of(tenant, file), caption })
        }
        "template" => {
            let mut content = said.content.clone();
            let header = file.and_then(|file| {
                Some(TemplateHeader::File { sort: MediaSort::parse(&file.sort)?, file: upload_of(tenant, file) })
            });
            let fields = content.as_object_mut()?;
            if header.is_some() {
                fields.remove("header");
            }
            let mut say = read(&content)?;
            if let (Say::Template { header: place, .. }, Some(header)) = (&mut say, header) {
                *place = Some(header);
            }
            Some(say)
        }
        _ => read(&said.content),
    }
}

fn read(content: &Value) -> Option<Say> {
    let say = serde_json::from_value(content.clone()).ok()?;
    // Only what makes a message: the rest of an adapter's words are no messages.
    matches!(say, Say::Location { .. } | Say::Contacts { .. } | Say::Choices { .. } | Say::Template { .. })
        .then_some(say)
}

/// A stored file as an adapter sends it.
pub fn upload_of(tenant: TenantId, file: &File) -> Upload {
    let mime = file.mime.clone().unwrap_or_else(|| "application/octet-stream".to_owned());
    Upload {
        key: format!("{tenant}/{}", file.blob),
        mime,
        file_name: file.name.clone().filter(|name| !name.is_empty()).unwrap_or_else(|| "file".to_owned()),
        size: file.bytes.and_then(|bytes| u64::try_from(bytes).ok()).unwrap_or(0),
        url: None,
        provider_id: None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn said(kind: &str, text: &str, content: Value) -> Said {
        Said { kind: kind.to_owned(), text: text.to_owned(), content, address: "+4912".to_owned(), reply_to: None }
    }

    #[test]
    fn a_templates_file_is_the_messages_attachment() {
        let content = json!({"type": "template", "name": "hello", "language": "en", "body": ["Ada"], "buttons": []});
        let file = File {
            sort: "image".into(),
            blob: Uuid::nil(),
            mime: Some("image/png".into()),
            name: None,
            bytes: Some(3),
        };
        let say = say(&said("template", "", content), Some(&file), TenantId(Uuid::nil()));
        let Some(Say::Template { header: Some(TemplateHeader::File { file, .. }), body, .. }) = say else {
            panic!("{say:?}")
        };
        assert_eq!((file.size, file.mime.as_str(), body), (3, "image/png", vec!["Ada".to_owned()]));
    }

    #[test]
    fn a_file_that_is_not_there_is_not_sent_as_nothing() {
        assert_eq!(say(&said("media", "look", json!({})), None, TenantId(Uuid::nil())), None);
        let edit = json!({"type": "edit", "message": "1", "text": "x"});
        assert_eq!(say(&said("choices", "", edit), None, TenantId(Uuid::nil())), None);
    }

    proptest! {
        #[test]
        fn no_content_panics(kind in "[a-z]{1,9}|template|choices", text in ".{0,20}", key in "[a-z]{0,9}", value in ".{0,20}") {
            let _ = say(&said(&kind, &text, json!({"type": kind, key: value})), None, TenantId(Uuid::nil()));
        }
    }
}
