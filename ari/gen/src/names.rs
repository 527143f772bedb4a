//! From Asterisk's names to Rust's.

/// `originateWithId`, `sendDTMF`, `transfer_progress` → `originate_with_id`, `send_dtmf`, `transfer_progress`.
pub(crate) fn snake_case(name: &str) -> String {
    let characters: Vec<char> = name.chars().collect();
    let mut out = String::with_capacity(name.len() + 4);
    for (index, &character) in characters.iter().enumerate() {
        if !character.is_alphanumeric() {
            if !out.is_empty() && !out.ends_with('_') {
                out.push('_');
            }
            continue;
        }
        if character.is_uppercase() && index > 0 {
            let after_lower = characters[index - 1].is_lowercase() || characters[index - 1].is_numeric();
            let before_lower = characters.get(index + 1).is_some_and(|next| next.is_lowercase());
            let inside_acronym = characters[index - 1].is_uppercase();
            if (after_lower || (inside_acronym && before_lower)) && !out.ends_with('_') {
                out.push('_');
            }
        }
        out.extend(character.to_lowercase());
    }
    out.trim_end_matches('_').to_owned()
}

/// `originateWithId`, `NOT_INUSE`, `Dialing Offhook` → `OriginateWithId`, `NotInuse`, `DialingOffhook`.
pub(crate) fn pascal_case(name: &str) -> String {
    snake_case(name)
        .split('_')
        .map(|word| {
            let mut characters = word.chars();
            characters.next().map_or_else(String::new, |first| first.to_uppercase().chain(characters).collect())
        })
        .collect()
}

/// A name that may stand as a Rust field or argument. `type` becomes `kind`, the word that the rest of the crate uses.
pub(crate) fn field_name(name: &str) -> String {
    match name {
        "type" => "kind".to_owned(),
        other => snake_case(other),
    }
}

/// A name that may stand as a Rust function; `move` is a keyword.
pub(crate) fn function_name(nickname: &str) -> String {
    match nickname {
        "move" => "r#move".to_owned(),
        other => snake_case(other),
    }
}

/// The variant for one allowed value.
pub(crate) fn variant_name(value: &str) -> String {
    match value {
        "*" => "Star".to_owned(),
        "#" => "Pound".to_owned(),
        other => pascal_case(other),
    }
}

/// The enum for a model's field that lists its values: `Channel.state` → `ChannelState`,
/// `Bridge.bridge_type` → `BridgeType`, `DeviceState.state` → `DeviceStateValue`.
pub(crate) fn field_enum(model: &str, field: &str) -> String {
    let field = pascal_case(field);
    let first_word: String = {
        let snake = snake_case(model);
        pascal_case(snake.split('_').next().unwrap_or_default())
    };
    if model.ends_with(&field) {
        format!("{model}Value")
    } else if field.starts_with(&first_word) {
        field
    } else {
        format!("{model}{field}")
    }
}

/// The enum for a parameter that lists its values. Several operations share one where name and values agree; what is
/// not listed here is named after its operation.
pub(crate) fn parameter_enum(nickname: &str, parameter: &str) -> String {
    let shared = match (nickname, parameter) {
        ("hangup", "reason") => "HangupReason",
        ("mute" | "unmute", "direction") => "MuteDirection",
        ("externalMedia", "direction") => "MediaDirection",
        ("externalMedia", "transport") => "MediaTransport",
        ("externalMedia", "connection_type") => "MediaConnection",
        ("externalMedia", "encapsulation") => "MediaEncapsulation",
        ("snoopChannel" | "snoopChannelWithId", "spy" | "whisper") => "SnoopDirection",
        ("record", "ifExists") => "IfExists",
        ("record", "terminateOn") => "TerminateOn",
        ("getInfo", "only") => "InfoSection",
        ("update", "deviceState") => "NewDeviceState",
        ("control", "operation") => "PlaybackOperation",
        _ => return format!("{}{}", pascal_case(nickname), pascal_case(parameter)),
    };
    shared.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nicknames_become_snake_case() {
        for (from, to) in [
            ("list", "list"),
            ("originateWithId", "originate_with_id"),
            ("sendDTMF", "send_dtmf"),
            ("absorbDTMF", "absorb_dtmf"),
            ("transfer_progress", "transfer_progress"),
            ("rtpstatistics", "rtpstatistics"),
            ("continueInDialplan", "continue_in_dialplan"),
            ("RESTResponse", "rest_response"),
            ("CallerID", "caller_id"),
            ("Dialing Offhook", "dialing_offhook"),
            ("Pre-ring", "pre_ring"),
            ("NOT_INUSE", "not_inuse"),
        ] {
            assert_eq!(snake_case(from), to);
        }
    }

    #[test]
    fn enums_are_named_after_what_they_describe() {
        assert_eq!(field_enum("Channel", "state"), "ChannelState");
        assert_eq!(field_enum("Bridge", "bridge_type"), "BridgeType");
        assert_eq!(field_enum("DeviceState", "state"), "DeviceStateValue");
        assert_eq!(field_enum("ContactInfo", "contact_status"), "ContactStatus");
        assert_eq!(parameter_enum("hangup", "reason"), "HangupReason");
        assert_eq!(parameter_enum("newThing", "howMuch"), "NewThingHowMuch");
    }

    #[test]
    fn values_become_variants() {
        assert_eq!(variant_name("no_answer"), "NoAnswer");
        assert_eq!(variant_name("Dialing Offhook"), "DialingOffhook");
        assert_eq!(variant_name("NOT_INUSE"), "NotInuse");
        assert_eq!(variant_name("*"), "Star");
        assert_eq!(variant_name("OffHook"), "OffHook");
    }
}
