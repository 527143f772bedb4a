//! Texts of comma-separated values (RFC 4180).

/// A text as a cell. What a spreadsheet would take for a formula is made text by an apostrophe: a user may choose a name, and an admin
/// opens the file.
pub(crate) fn csv_cell(text: &str) -> String {
    let formula = text.starts_with(['=', '+', '-', '@', '\t', '\r', '\n', '|', '%']);
    let guarded = if formula { format!("'{text}") } else { text.to_owned() };
    if guarded.contains(['"', ',', '\r', '\n', '\'', ' ']) {
        format!("\"{}\"", guarded.replace('"', "\"\""))
    } else {
        guarded
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_cell_is_quoted_and_no_formula() {
        for (text, cell) in [
            ("plain", "plain"),
            ("a, b", "\"a, b\""),
            ("say \"hi\"", "\"say \"\"hi\"\"\""),
            ("=1+1", "\"'=1+1\""),
            ("@SUM(A1)", "\"'@SUM(A1)\""),
            ("-2", "\"'-2\""),
            ("+15550100", "\"'+15550100\""),
            ("\t=1", "\"'\t=1\""),
            ("{\"a\":1}", "\"{\"\"a\"\":1}\""),
            ("", ""),
        ] {
            assert_eq!(csv_cell(text), cell);
        }
    }

    proptest! {
        #[test]
        fn no_text_leaves_its_cell(text in "\\PC{0,40}|[=+@,\"\r\n'-]{0,8}") {
            let cell = csv_cell(&text);
            let inner = cell.strip_prefix('"').and_then(|cell| cell.strip_suffix('"'));
            match inner {
                Some(inner) => prop_assert!(!inner.replace("\"\"", "").contains('"')),
                None => prop_assert!(!cell.contains(['"', ',', '\r', '\n'])),
            }
            // What the spreadsheet sees, once the quotes are taken off.
            let seen = inner.map_or_else(|| cell.clone(), |inner| inner.replace("\"\"", "\""));
            prop_assert!(!seen.starts_with(['=', '+', '-', '@', '\t', '\r']));
        }
    }
}
