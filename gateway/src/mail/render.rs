//! Lays a letter out, as text and as simple HTML. Pure.
//!
//! Names are chosen by users: whatever they hold, they add no header, no markup and no link.

use std::fmt::Write as _;

use url::Url;

use super::model::{Letter, Template};
use super::words::{Words, words};

/// Most characters of a name in a letter.
const NAME_MAX: usize = 80;

/// A letter laid out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rendered {
    /// One line.
    pub subject: String,
    /// For those who read text.
    pub text: String,
    /// For those who do not.
    pub html: String,
}

/// A letter whose link would lead elsewhere: a mistake in the code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the letter's link does not lead to public_url")]
pub struct LeadsElsewhere;

/// Lays a letter out.
pub fn render(letter: &Letter, public_url: &Url) -> Result<Rendered, LeadsElsewhere> {
    let mut template = letter.template.clone();
    let path = match &mut template {
        Template::PasswordReset { name, path, .. }
        | Template::VerifyEmail { name, path, .. }
        | Template::SecurityNotice { name, path, address: None, .. } => {
            *name = harmless(name);
            path.clone()
        }
        Template::SecurityNotice { name, path, address: Some(address), .. } => {
            *name = harmless(name);
            *address = harmless(address);
            path.clone()
        }
        Template::Invitation { tenant, inviter, path, .. } => {
            *tenant = harmless(tenant);
            *inviter = harmless(inviter);
            path.clone()
        }
    };
    let url = link(public_url, &path)?;
    let words = words(letter.language, &template);
    Ok(Rendered {
        text: text(&words, url.as_str()),
        html: html(letter.language.as_str(), &words, url.as_str()),
        subject: words.subject,
    })
}

/// A place on `public_url`, beneath its path where it has one.
fn link(public_url: &Url, path: &str) -> Result<Url, LeadsElsewhere> {
    let odd = |c: char| c.is_whitespace() || c.is_control() || c == '\\';
    let Some(below) = path.strip_prefix('/').filter(|below| !below.starts_with('/') && !below.contains(odd)) else {
        return Err(LeadsElsewhere);
    };
    let mut base = public_url.clone();
    base.set_query(None);
    base.set_fragment(None);
    if !base.path().ends_with('/') {
        base.set_path(&format!("{}/", base.path()));
    }
    // `./`: what looks like a scheme is a name of a place.
    let url = base.join(&format!("./{below}")).map_err(|_| LeadsElsewhere)?;
    let stays = url.origin() == base.origin() && url.path().starts_with(base.path());
    if stays { Ok(url) } else { Err(LeadsElsewhere) }
}

/// A name that a user chose, as one line that no mail program takes for an address to go to.
fn harmless(name: &str) -> String {
    // Invisible characters turn text round, or hide what stands there.
    let invisible = |c: char| matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}' | '\u{ad}');
    let plain: String = name
        .chars()
        .map(|c| if c.is_control() || matches!(c, '/' | '\\' | '@' | '<' | '>') { ' ' } else { c })
        .collect();
    let mut line = String::new();
    for word in plain.split_whitespace() {
        if !line.is_empty() {
            line.push(' ');
        }
        let mut rest = word.chars().filter(|c| !invisible(*c)).peekable();
        while let Some(c) = rest.next() {
            line.push(c);
            // `evil.example` and `http:` lead somewhere, `S.r.l.` does not.
            if c == ':' || (c == '.' && rest.clone().take(2).filter(|next| next.is_alphanumeric()).count() == 2) {
                line.push(' ');
            }
        }
    }
    match line.char_indices().nth(NAME_MAX) {
        Some((end, _)) => format!("{}…", line[..end].trim_end()),
        None => line.trim_end().to_owned(),
    }
}

fn text(words: &Words, url: &str) -> String {
    let mut text = format!("{}\n\n", words.greeting);
    for paragraph in &words.before {
        let _ = write!(text, "{paragraph}\n\n");
    }
    let _ = write!(text, "{}:\n{url}\n\n", words.link);
    for paragraph in &words.after {
        let _ = write!(text, "{paragraph}\n\n");
    }
    let _ = writeln!(text, "-- \n{}", words.footer);
    text
}

fn html(language: &str, words: &Words, url: &str) -> String {
    let paragraphs = |paragraphs: &[String]| {
        paragraphs.iter().fold(String::new(), |mut all, paragraph| {
            let _ = writeln!(all, "<p>{}</p>", escape(paragraph));
            all
        })
    };
    let (before, after) = (paragraphs(&words.before), paragraphs(&words.after));
    let (subject, greeting, link, footer, url) =
        (escape(&words.subject), escape(&words.greeting), escape(words.link), escape(words.footer), escape(url));
    format!(
        "<!doctype html>\n<html lang=\"{language}\">\n<head><meta charset=\"utf-8\"><title>{subject}</title></head>\n\
         <body style=\"margin:0;padding:24px;font:16px/1.5 system-ui,sans-serif;color:#1c2024;background:#ffffff\">\n\
         <div style=\"max-width:560px\">\n<p>{greeting}</p>\n{before}\
         <p><a href=\"{url}\" style=\"display:inline-block;padding:10px 16px;border-radius:6px;background:#1f5fd0;color:#ffffff;text-decoration:none\">{link}</a></p>\n\
         <p style=\"color:#60646c;font-size:13px;word-break:break-all\">{url}</p>\n{after}\
         <p style=\"color:#60646c;font-size:13px\">{footer}</p>\n</div>\n</body>\n</html>\n"
    )
}

fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            other => escaped.push(other),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::model::{Language, Notice};
    use super::*;

    fn public() -> Url {
        "https://calls.example.org/".parse().unwrap()
    }

    fn letter(language: Language, template: Template) -> Letter {
        Letter { to: "ada@example.org".parse().unwrap(), language, template }
    }

    fn invitation(tenant: &str, inviter: &str, path: &str) -> Template {
        Template::Invitation { tenant: tenant.to_owned(), inviter: inviter.to_owned(), path: path.to_owned(), days: 7 }
    }

    fn notice(what: Notice) -> Template {
        Template::SecurityNotice {
            name: "Ada".to_owned(),
            what,
            at: "2026-11-20T15:04:05Z".parse().unwrap(),
            address: Some("192.0.2.7".to_owned()),
            path: "/settings".to_owned(),
        }
    }

    #[test]
    fn a_letter_in_three_languages() {
        let reset = Template::PasswordReset {
            name: "Ада".to_owned(),
            path: "/reset-password?token=abc".to_owned(),
            minutes: 30,
        };
        let texts = Language::ALL.map(|language| {
            let letter = render(&letter(language, reset.clone()), &public()).unwrap();
            format!("{}\n\n{}", letter.subject, letter.text)
        });
        insta::assert_snapshot!(texts.join("\n=====\n"));
    }

    #[test]
    fn html_says_what_the_text_says() {
        insta::assert_snapshot!(render(&letter(Language::It, notice(Notice::NewSignIn)), &public()).unwrap().html);
    }

    #[test]
    fn every_template_has_words_in_every_language_and_no_two_are_the_same() {
        let mut seen = std::collections::BTreeSet::new();
        for language in Language::ALL {
            let others = [
                Template::PasswordReset { name: "Ada".to_owned(), path: "/a?t=1".to_owned(), minutes: 30 },
                Template::VerifyEmail { name: "Ada".to_owned(), path: "/a?t=1".to_owned(), hours: 24 },
                invitation("Example Ltd", "Grace", "/a?t=1"),
            ];
            for template in others.into_iter().chain(Notice::ALL.map(notice)) {
                let rendered = render(&letter(language, template), &public()).unwrap();
                assert!(rendered.text.contains("https://calls.example.org/"), "{}", rendered.text);
                assert!(seen.insert(rendered.text), "said twice");
            }
        }
    }

    #[test]
    fn names_are_only_names() {
        let bad = invitation(
            "<img src=x onerror=alert(1)>\r\nBcc: all@example.org",
            "Prize at http://evil.example/win?\u{202e}gro",
            "/accept?token=1",
        );
        let rendered = render(&letter(Language::En, bad), &public()).unwrap();
        assert!(!rendered.subject.contains(['\r', '\n', '<', '@']), "{}", rendered.subject);
        for part in [&rendered.text, &rendered.html] {
            assert!(!part.contains("<img") && !part.contains("evil.example") && !part.contains("http://"), "{part}");
            assert!(!part.contains("all@") && !part.contains('\u{202e}'), "{part}");
        }
        let usual = render(&letter(Language::En, invitation("Rossi S.r.l.", "O'Neil", "/a")), &public()).unwrap();
        assert!(usual.text.contains("O'Neil invites you to work with Rossi S.r.l. in"), "{}", usual.text);
    }

    #[test]
    fn links_lead_to_public_url_and_beneath_it() {
        let at = |public_url: &str, path: &str| link(&public_url.parse().unwrap(), path).map(|url| url.to_string());
        assert_eq!(at("https://a.example", "/reset?token=x"), Ok("https://a.example/reset?token=x".to_owned()));
        assert_eq!(at("https://a.example/calls", "/reset"), Ok("https://a.example/calls/reset".to_owned()));
        assert_eq!(at("https://a.example/?x#y", "/javascript:x"), Ok("https://a.example/javascript:x".to_owned()));
        for elsewhere in ["", "reset", "//evil.example", "/\\evil.example", "https://evil.example", "/a\nb", "/a b"] {
            assert_eq!(at("https://a.example/calls", elsewhere), Err(LeadsElsewhere), "{elsewhere}");
        }
        assert_eq!(at("https://a.example/calls", "/../admin"), Err(LeadsElsewhere));
    }

    proptest! {
        #[test]
        fn whatever_a_name_holds_it_stays_one_line_without_markup(name in ".{0,200}", path in ".{0,40}") {
            let line = harmless(&name);
            prop_assert!(line.chars().count() <= NAME_MAX + 1);
            prop_assert!(!line.contains(|c: char| c.is_control() || matches!(c, '<' | '>' | '@' | '/')));
            if let Ok(url) = link(&public(), &path) {
                prop_assert_eq!(url.host_str(), Some("calls.example.org"));
                prop_assert_eq!(url.scheme(), "https");
            }
        }
    }
}
