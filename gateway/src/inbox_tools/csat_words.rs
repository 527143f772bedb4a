//! What a survey says, in the languages that the panel speaks.

/// The words of one language.
#[derive(Debug)]
pub(super) struct Words {
    /// BCP 47.
    pub(super) language: &'static str,
    /// The message; `{link}` is the page.
    pub(super) asks: &'static str,
    pub(super) title: &'static str,
    pub(super) question: &'static str,
    /// From 1 to 5.
    pub(super) scores: [&'static str; 5],
    pub(super) comment: &'static str,
    pub(super) send: &'static str,
    pub(super) thanks: &'static str,
    pub(super) gone: &'static str,
}

const ENGLISH: Words = Words {
    language: "en",
    asks: "How did we do? It takes one click: {link}",
    title: "How did we do?",
    question: "How content are you with our help?",
    scores: ["very bad", "bad", "fair", "good", "very good"],
    comment: "What should we know? (as you like)",
    send: "Send",
    thanks: "Thank you. Your answer has arrived.",
    gone: "This survey is over.",
};

const RUSSIAN: Words = Words {
    language: "ru",
    asks: "Как мы справились? Достаточно одного нажатия: {link}",
    title: "Как мы справились?",
    question: "Насколько вы довольны нашей помощью?",
    scores: ["очень плохо", "плохо", "средне", "хорошо", "очень хорошо"],
    comment: "Что нам стоит знать? (по желанию)",
    send: "Отправить",
    thanks: "Спасибо. Ваш ответ получен.",
    gone: "Этот опрос завершён.",
};

const ITALIAN: Words = Words {
    language: "it",
    asks: "Come siamo andati? Basta un clic: {link}",
    title: "Come siamo andati?",
    question: "Quanto sei contento del nostro aiuto?",
    scores: ["molto male", "male", "così così", "bene", "molto bene"],
    comment: "Che cosa dovremmo sapere? (se vuoi)",
    send: "Invia",
    thanks: "Grazie. La tua risposta è arrivata.",
    gone: "Questo sondaggio è chiuso.",
};

/// The words for the first language of a list (`Accept-Language`, or one language) that we speak; else English.
pub(super) fn words(wanted: Option<&str>) -> &'static Words {
    let languages = wanted.unwrap_or_default().split(',');
    let mut spoken = languages.filter_map(|one| match one.trim().get(..2).map(str::to_ascii_lowercase).as_deref() {
        Some("en") => Some(&ENGLISH),
        Some("ru") => Some(&RUSSIAN),
        Some("it") => Some(&ITALIAN),
        _ => None,
    });
    spoken.next().unwrap_or(&ENGLISH)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_language_that_we_speak_is_spoken() {
        assert_eq!(words(Some("de-DE, it;q=0.8, en;q=0.5")).language, "it");
        assert_eq!(words(Some("ru_RU")).language, "ru");
        assert_eq!(words(Some("ж")).language, "en");
        assert_eq!(words(None).language, "en");
        for words in [&ENGLISH, &RUSSIAN, &ITALIAN] {
            assert!(words.asks.contains("{link}"));
        }
    }
}
