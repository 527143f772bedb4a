//! Templates: their list, their variables, their preview.

use super::samples::adapter;
use proptest::prelude::*;
use serde_json::json;
use std::collections::BTreeMap;
use trunkline_channels::whatsapp::templates::{Template, fill, list, parse, variables};

fn page() -> Vec<u8> {
    json!({
        "data": [
            {
                "id": "1", "name": "order", "language": "en_US", "status": "APPROVED", "category": "UTILITY",
                "quality_score": { "score": "GREEN", "date": 1_700_000_000 }, "rejected_reason": "NONE", "parameter_format": "POSITIONAL",
                "components": [
                    { "type": "HEADER", "format": "IMAGE", "example": { "header_handle": ["https://example.com/x.png"] } },
                    { "type": "BODY", "text": "Hello {{1}}, order {{2}} of {{1}} is ready.", "example": { "body_text": [["Ada", "42"]] } },
                    { "type": "FOOTER", "text": "Lamps & Co" },
                    { "type": "BUTTONS", "buttons": [
                        { "type": "QUICK_REPLY", "text": "Stop" },
                        { "type": "URL", "text": "See", "url": "https://example.com/{{1}}", "example": ["https://example.com/42"] },
                        { "type": "COPY_CODE", "text": "Copy", "example": "HALF" },
                    ] },
                ],
            },
            {
                "id": 2, "name": "greeting", "language": "de", "status": "paused", "category": "MARKETING",
                "components": [{ "type": "BODY", "text": "Hallo {{first_name}}",
                    "example": { "body_text_named_params": [{ "param_name": "first_name", "example": "Ada" }] } }],
            },
            { "broken": true },
        ],
        "paging": { "cursors": { "before": "b", "after": "a" }, "next": "https://graph.example/next" },
    })
    .to_string()
    .into_bytes()
}

fn order() -> Template {
    parse(&page()).unwrap().templates.remove(0)
}

#[test]
fn a_page_is_read_with_its_next() {
    let page = parse(&page()).unwrap();
    assert_eq!(page.next.as_deref(), Some("a"));
    assert_eq!(page.templates.len(), 2);
    let [order, greeting] = page.templates.as_slice() else { panic!() };
    assert_eq!((order.quality.as_deref(), &order.rejected, order.named), (Some("GREEN"), &None, false));
    assert_eq!(order.components[1].variables, ["1", "2"]);
    assert_eq!(order.components[1].examples, ["Ada", "42"]);
    assert_eq!(order.components[3].buttons[1].variables, ["1"]);
    assert_eq!((greeting.status.as_str(), greeting.named), ("PAUSED", true));
    assert_eq!(greeting.components[0].examples, ["Ada"]);
    assert!(parse(b"{}").is_err() && parse(b"").is_err());
    // `after` stands on the last page too.
    assert_eq!(parse(br#"{"data":[],"paging":{"cursors":{"after":"a"}}}"#).unwrap().next, None);
}

#[test]
fn a_page_is_asked_for_with_its_cursor() {
    let first = list(&adapter().account, None);
    assert!(first.url.starts_with("https://graph.facebook.com/v26.0/900800700/message_templates?fields="));
    assert!(first.repeatable && !first.url.contains("after"));
    assert!(list(&adapter().account, Some("a&b")).url.ends_with("&after=a%26b"));
}

#[test]
fn a_preview_says_what_is_missing() {
    let mut values = BTreeMap::from([("body.1".to_owned(), "Ada".to_owned()), ("body.2".to_owned(), " ".to_owned())]);
    let preview = fill(&order(), &values);
    assert_eq!(preview.text, "Hello Ada, order {{2}} of Ada is ready.\nLamps & Co");
    assert_eq!(preview.missing, ["header.file", "body.2", "button.1.1", "button.2.1"]);
    for name in &preview.missing {
        values.insert(name.clone(), "{{1}}".to_owned());
    }
    let preview = fill(&order(), &values);
    assert_eq!(preview.text, "Hello Ada, order {{1}} of Ada is ready.\nLamps & Co");
    assert!(preview.missing.is_empty());
}

#[test]
fn only_plain_names_in_double_braces_are_variables() {
    assert_eq!(variables("{{1}} {{ two }} {1} {{}} {{a b}} {{{3}}} {{4} {{five"), ["1", "two", "3"]);
    let many = "{{".repeat(500_000);
    assert!(variables(&many).is_empty());
}

proptest! {
    #[test]
    fn any_text_goes_through(text in ".{0,200}", bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let _ = variables(&text);
        let mut template = order();
        template.components[1].text = Some(text.clone());
        let filled = fill(&template, &BTreeMap::new());
        // Nothing is filled in: nothing is lost. Spaces inside of braces may go.
        if !text.contains("{{") && !text.is_empty() {
            prop_assert!(filled.text.starts_with(&text));
        }
        let _ = parse(&bytes);
    }

    #[test]
    fn a_page_cut_anywhere_is_an_error(end in 0_usize..700) {
        let page = page();
        let end = end.min(page.len() - 1);
        prop_assert!(parse(&page[..end]).is_err());
    }
}
