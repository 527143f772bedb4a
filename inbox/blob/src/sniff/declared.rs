//! Media types as people and programs write them, and which of them are the same.

/// The one name by which a type goes here.
pub(super) fn common_name(mime: &str) -> &str {
    match mime {
        "image/jpg" | "image/pjpeg" | "image/x-jpeg" => "image/jpeg",
        "image/x-png" => "image/png",
        "image/x-ms-bmp" | "image/x-bmp" => "image/bmp",
        "audio/mp3" | "audio/x-mp3" | "audio/mpeg3" | "audio/x-mpeg" => "audio/mpeg",
        "audio/x-wav" | "audio/wave" | "audio/vnd.wave" => "audio/wav",
        "audio/m4a" | "audio/x-m4a" | "audio/mp4a-latm" => "audio/mp4",
        "audio/x-aac" | "audio/aacp" => "audio/aac",
        "audio/opus" | "application/ogg" | "audio/vorbis" | "audio/x-opus+ogg" => "audio/ogg",
        "audio/x-flac" => "audio/flac",
        "video/x-m4v" => "video/mp4",
        "video/avi" | "video/msvideo" => "video/x-msvideo",
        "application/x-pdf" => "application/pdf",
        "text/rtf" | "application/x-rtf" => "application/rtf",
        "application/x-zip-compressed" | "application/x-zip" => "application/zip",
        "application/x-gzip" => "application/gzip",
        "application/x-rar-compressed" | "application/x-rar" => "application/vnd.rar",
        "text/xml" => "application/xml",
        "text/x-vcard" | "text/directory" => "text/vcard",
        "text/javascript" | "application/x-javascript" => "application/javascript",
        other => other,
    }
}

/// Whether a file that was found to be `found` is what was told, as far as one can tell.
pub(super) fn agree(found: &str, declared: &str) -> bool {
    let essence = declared.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let told = common_name(&essence);
    if told == found || matches!(told, "" | "application/octet-stream" | "binary/octet-stream" | "*/*") {
        return true;
    }
    match found {
        // One container for sound and film: the first bytes do not tell which of them is in it.
        "video/mp4" => matches!(told, "audio/mp4" | "video/quicktime" | "video/3gpp" | "audio/3gpp" | "audio/aac"),
        "video/3gpp" => matches!(told, "audio/3gpp" | "video/mp4" | "audio/amr" | "video/3gpp2"),
        "audio/mp4" => matches!(told, "video/mp4" | "audio/aac"),
        "video/webm" | "video/x-matroska" => matches!(told, "audio/webm" | "video/webm" | "video/x-matroska"),
        "video/ogg" | "audio/ogg" => matches!(told, "audio/ogg" | "video/ogg"),
        "image/heic" | "image/heif" => matches!(told, "image/heic" | "image/heif"),
        // What is made of letters and cannot run: the first letters do not tell a table from a letter.
        "text/plain" => {
            told.starts_with("text/")
                || told.ends_with("+json")
                || matches!(
                    told,
                    "application/json" | "application/xml" | "application/javascript" | "application/x-sh"
                )
        }
        "application/xml" => told.ends_with("+xml") && told != "image/svg+xml" && told != "application/xhtml+xml",
        // The old formats of Office are one format outside.
        "application/x-ole-storage" => {
            told == "application/msword" || told.starts_with("application/vnd.ms-") || told == "application/vnd.visio"
        }
        "application/zip" => told == "application/x-compressed",
        // Said to be a ZIP, which it is; that it is more than that is no lie.
        _ if told == "application/zip" => {
            found.starts_with("application/vnd.openxmlformats-")
                || found.starts_with("application/vnd.oasis.")
                || found.ends_with(".macroenabled.12")
                || matches!(
                    found,
                    "application/epub+zip" | "application/java-archive" | "application/vnd.android.package-archive"
                )
        }
        _ => false,
    }
}
