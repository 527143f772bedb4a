//! What letters say, in each language.

use super::model::{Language, Notice, Template};

/// A letter in words: plain text, to be laid out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Words {
    pub(super) subject: String,
    pub(super) greeting: String,
    /// Before the link.
    pub(super) before: Vec<String>,
    /// What the link says.
    pub(super) link: &'static str,
    /// After the link.
    pub(super) after: Vec<String>,
    /// Under the line at the end.
    pub(super) footer: &'static str,
}

/// Puts a template into words. The names in it are made harmless by the caller.
pub(super) fn words(language: Language, template: &Template) -> Words {
    match language {
        Language::En => english(template),
        Language::Ru => russian(template),
        Language::It => italian(template),
    }
}

fn english(template: &Template) -> Words {
    const FOOTER: &str = "Sent by Trunkline. Nobody reads answers to this address.";
    match template {
        Template::PasswordReset { name, minutes, .. } => Words {
            subject: "Choose a new password".to_owned(),
            greeting: format!("Hello {name},"),
            before: vec!["somebody, we hope you, asked for a new password for your account.".to_owned()],
            link: "Choose a new password",
            after: vec![
                format!("The link works once, for {minutes} minutes."),
                "If it was not you, there is nothing to do: your password stays as it is.".to_owned(),
            ],
            footer: FOOTER,
        },
        Template::VerifyEmail { name, hours, .. } => Words {
            subject: "Confirm your e-mail address".to_owned(),
            greeting: format!("Hello {name},"),
            before: vec!["please confirm that this address is yours.".to_owned()],
            link: "Confirm the address",
            after: vec![
                format!("The link works for {hours} hours."),
                "If you know nothing of this, delete this letter: without the link nothing happens.".to_owned(),
            ],
            footer: FOOTER,
        },
        Template::Invitation { tenant, inviter, days, .. } => Words {
            subject: format!("Invitation to {tenant}"),
            greeting: "Hello,".to_owned(),
            before: vec![format!("{inviter} invites you to work with {tenant} in Trunkline.")],
            link: "Accept the invitation",
            after: vec![
                format!("The link works once, for {days} days."),
                "If you do not expect this, delete this letter: without the link nothing happens.".to_owned(),
            ],
            footer: FOOTER,
        },
        Template::SecurityNotice { name, what, at, address, .. } => Words {
            subject: "A change to your account".to_owned(),
            greeting: format!("Hello {name},"),
            before: vec![
                match what {
                    Notice::PasswordChanged => "the password of your account was changed.",
                    Notice::EmailChanged => "the e-mail address of your account was changed to another one.",
                    Notice::TotpEnabled => "one-time codes were switched on for your account.",
                    Notice::TotpDisabled => "one-time codes were switched off for your account.",
                    Notice::RecoveryCodeUsed => "a recovery code was used to sign in to your account.",
                    Notice::NewSignIn => {
                        "somebody signed in to your account from a place from which you had not before."
                    }
                    Notice::SignInStolen => {
                        "a sign-in of your account was used from two places. All sign-ins were ended; sign in anew."
                    }
                    Notice::ManyFailures => "somebody tried many wrong passwords for your account.",
                }
                .to_owned(),
                when("When", &at.format("%Y-%m-%d %H:%M UTC").to_string(), "from", address.as_deref()),
            ],
            link: "Look at your account",
            after: vec!["If it was not you, change your password now and tell your administrator.".to_owned()],
            footer: FOOTER,
        },
    }
}

fn russian(template: &Template) -> Words {
    const FOOTER: &str = "Отправлено Trunkline. Ответы на этот адрес никто не читает.";
    match template {
        Template::PasswordReset { name, minutes, .. } => Words {
            subject: "Новый пароль".to_owned(),
            greeting: format!("Здравствуйте, {name}!"),
            before: vec!["Кто-то — надеемся, вы — запросил новый пароль для вашей учётной записи.".to_owned()],
            link: "Задать новый пароль",
            after: vec![
                format!("Ссылка сработает один раз. Срок её действия в минутах: {minutes}."),
                "Если это были не вы, ничего делать не нужно: пароль останется прежним.".to_owned(),
            ],
            footer: FOOTER,
        },
        Template::VerifyEmail { name, hours, .. } => Words {
            subject: "Подтвердите адрес электронной почты".to_owned(),
            greeting: format!("Здравствуйте, {name}!"),
            before: vec!["Подтвердите, пожалуйста, что этот адрес принадлежит вам.".to_owned()],
            link: "Подтвердить адрес",
            after: vec![
                format!("Срок действия ссылки в часах: {hours}."),
                "Если вы об этом ничего не знаете, удалите письмо: без перехода по ссылке ничего не произойдёт."
                    .to_owned(),
            ],
            footer: FOOTER,
        },
        Template::Invitation { tenant, inviter, days, .. } => Words {
            subject: format!("Приглашение в {tenant}"),
            greeting: "Здравствуйте!".to_owned(),
            before: vec![format!("{inviter} приглашает вас работать с {tenant} в Trunkline.")],
            link: "Принять приглашение",
            after: vec![
                format!("Ссылка сработает один раз. Срок её действия в днях: {days}."),
                "Если вы не ждёте приглашения, удалите письмо: без перехода по ссылке ничего не произойдёт.".to_owned(),
            ],
            footer: FOOTER,
        },
        Template::SecurityNotice { name, what, at, address, .. } => Words {
            subject: "Изменение в вашей учётной записи".to_owned(),
            greeting: format!("Здравствуйте, {name}!"),
            before: vec![
                match what {
                    Notice::PasswordChanged => "Пароль вашей учётной записи изменён.",
                    Notice::EmailChanged => "Адрес электронной почты вашей учётной записи заменён другим.",
                    Notice::TotpEnabled => "Для вашей учётной записи включены одноразовые коды.",
                    Notice::TotpDisabled => "Для вашей учётной записи отключены одноразовые коды.",
                    Notice::RecoveryCodeUsed => {
                        "Для входа в вашу учётную запись использован код восстановления."
                    }
                    Notice::NewSignIn => "В вашу учётную запись вошли из места, откуда вы раньше не входили.",
                    Notice::SignInStolen => {
                        "Одним входом в вашу учётную запись воспользовались из двух мест. Все входы завершены; войдите заново."
                    }
                    Notice::ManyFailures => "Кто-то много раз ввёл неверный пароль от вашей учётной записи.",
                }
                .to_owned(),
                when("Когда", &at.format("%d.%m.%Y %H:%M UTC").to_string(), "с адреса", address.as_deref()),
            ],
            link: "Открыть учётную запись",
            after: vec!["Если это были не вы, сейчас же смените пароль и сообщите администратору.".to_owned()],
            footer: FOOTER,
        },
    }
}

fn italian(template: &Template) -> Words {
    const FOOTER: &str = "Inviato da Trunkline. Nessuno legge le risposte a questo indirizzo.";
    match template {
        Template::PasswordReset { name, minutes, .. } => Words {
            subject: "Scegli una nuova password".to_owned(),
            greeting: format!("Ciao {name},"),
            before: vec!["qualcuno, speriamo tu, ha chiesto una nuova password per il tuo account.".to_owned()],
            link: "Scegli una nuova password",
            after: vec![
                format!("Il link funziona una volta sola, per {minutes} minuti."),
                "Se non sei stato tu, non devi fare nulla: la tua password resta quella di prima.".to_owned(),
            ],
            footer: FOOTER,
        },
        Template::VerifyEmail { name, hours, .. } => Words {
            subject: "Conferma il tuo indirizzo e-mail".to_owned(),
            greeting: format!("Ciao {name},"),
            before: vec!["conferma, per favore, che questo indirizzo è tuo.".to_owned()],
            link: "Conferma l’indirizzo",
            after: vec![
                format!("Il link funziona per {hours} ore."),
                "Se non ne sai nulla, elimina questo messaggio: senza il link non succede niente.".to_owned(),
            ],
            footer: FOOTER,
        },
        Template::Invitation { tenant, inviter, days, .. } => Words {
            subject: format!("Invito a {tenant}"),
            greeting: "Ciao,".to_owned(),
            before: vec![format!("{inviter} ti invita a lavorare con {tenant} in Trunkline.")],
            link: "Accetta l’invito",
            after: vec![
                format!("Il link funziona una volta sola, per {days} giorni."),
                "Se non aspetti questo invito, elimina il messaggio: senza il link non succede niente.".to_owned(),
            ],
            footer: FOOTER,
        },
        Template::SecurityNotice { name, what, at, address, .. } => Words {
            subject: "Una modifica al tuo account".to_owned(),
            greeting: format!("Ciao {name},"),
            before: vec![
                match what {
                    Notice::PasswordChanged => "la password del tuo account è stata cambiata.",
                    Notice::EmailChanged => "l’indirizzo e-mail del tuo account è stato sostituito con un altro.",
                    Notice::TotpEnabled => "i codici monouso sono stati attivati per il tuo account.",
                    Notice::TotpDisabled => "i codici monouso sono stati disattivati per il tuo account.",
                    Notice::RecoveryCodeUsed => "un codice di recupero è stato usato per accedere al tuo account.",
                    Notice::NewSignIn => {
                        "qualcuno ha effettuato l’accesso al tuo account da un luogo da cui non l’avevi mai fatto."
                    }
                    Notice::SignInStolen => {
                        "una sessione del tuo account è stata usata da due luoghi. Tutte le sessioni sono state chiuse: accedi di nuovo."
                    }
                    Notice::ManyFailures => "qualcuno ha provato molte password sbagliate per il tuo account.",
                }
                .to_owned(),
                when("Quando", &at.format("%d/%m/%Y %H:%M UTC").to_string(), "da", address.as_deref()),
            ],
            link: "Guarda il tuo account",
            after: vec!["Se non sei stato tu, cambia subito la password e avvisa l’amministratore.".to_owned()],
            footer: FOOTER,
        },
    }
}

fn when(label: &str, time: &str, from: &str, address: Option<&str>) -> String {
    match address {
        Some(address) => format!("{label}: {time}, {from} {address}."),
        None => format!("{label}: {time}."),
    }
}
