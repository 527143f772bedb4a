use proptest::prelude::*;

use super::*;

/// A ZIP of empty files of these names.
fn zip(names: &[&str]) -> Vec<u8> {
    zip_of(&names.iter().map(|name| (*name, b"".as_slice())).collect::<Vec<_>>(), b"")
}

fn zip_of(entries: &[(&str, &[u8])], comment: &[u8]) -> Vec<u8> {
    let mut file = Vec::new();
    let mut list = Vec::new();
    for (name, content) in entries {
        let begin = file.len() as u32;
        let sizes = [(content.len() as u32).to_le_bytes(); 2].concat();
        let lengths = [(name.len() as u16).to_le_bytes(), [0; 2]].concat();
        file.extend([b"PK\x03\x04".as_slice(), &[0; 14], &sizes, &lengths, name.as_bytes(), content].concat());
        list.extend([b"PK\x01\x02".as_slice(), &[0; 16], &sizes, &lengths, &[0; 10], &begin.to_le_bytes()].concat());
        list.extend(name.as_bytes());
    }
    let (offset, count) = (file.len() as u32, entries.len() as u16);
    file.extend(&list);
    file.extend([b"PK\x05\x06".as_slice(), &[0; 4], &[count.to_le_bytes(); 2].concat()].concat());
    file.extend([(list.len() as u32).to_le_bytes(), offset.to_le_bytes()].concat());
    file.extend((comment.len() as u16).to_le_bytes());
    file.extend(comment);
    file
}

fn picture(format: image::ImageFormat) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    image::DynamicImage::new_rgb8(3, 2).write_to(&mut bytes, format).unwrap();
    bytes.into_inner()
}

fn found(bytes: &[u8]) -> (&'static str, Kind, bool) {
    let judged = judge_bytes(bytes);
    (judged.mime, judged.kind, judged.inline_safe)
}

#[test]
fn pictures_are_shown() {
    for (format, mime) in [
        (image::ImageFormat::Png, "image/png"),
        (image::ImageFormat::Jpeg, "image/jpeg"),
        (image::ImageFormat::Gif, "image/gif"),
        (image::ImageFormat::WebP, "image/webp"),
    ] {
        assert_eq!(found(&picture(format)), (mime, Kind::Image, true));
    }
}

#[test]
fn sound_and_film_are_told_apart_where_their_first_bytes_do() {
    let iso = |brand: &[u8]| [b"\0\0\0\x18ftyp".as_slice(), brand, b"\0\0\0\0isom"].concat();
    assert_eq!(found(&iso(b"isom")), ("video/mp4", Kind::Video, true));
    let sound = [iso(b"iso5"), b"\0\0\0\x20hdlr\0\0\0\0\0\0\0\0soun".to_vec()].concat();
    assert_eq!(found(&sound), ("audio/mp4", Kind::Audio, true), "what browsers record");
    assert_eq!(found(&[sound, b"vide".to_vec()].concat()), ("video/mp4", Kind::Video, true));
    assert_eq!(found(&iso(b"M4A ")), ("audio/mp4", Kind::Audio, true));
    assert_eq!(found(&iso(b"qt  ")), ("video/quicktime", Kind::Video, false));
    assert_eq!(found(&iso(b"heic")), ("image/heic", Kind::Image, false));
    assert_eq!(found(&iso(b"3gp4")), ("video/3gpp", Kind::Video, false));
    assert_eq!(found(b"OggS\0\x02\0\0\0\0\0\0\0\0OpusHead"), ("audio/ogg", Kind::Audio, true));
    assert_eq!(found(b"OggS\0\x02\0\0\0\0\0\0\0\0\x80theora"), ("video/ogg", Kind::Video, false));
    let ebml = |kind: &str| [b"\x1A\x45\xDF\xA3\x9F\x42\x82\x84".as_slice(), kind.as_bytes(), &[0; 9]].concat();
    assert_eq!(found(&ebml("webm")), ("video/webm", Kind::Video, true));
    assert_eq!(found(&ebml("matroska")), ("video/x-matroska", Kind::Video, false));
    assert!(judge_bytes(&ebml("webm")).agrees_with("audio/webm;codecs=opus"));
    assert_eq!(found(b"\xFF\xFB\x90\x64\0\0\0\0"), ("audio/mpeg", Kind::Audio, true));
    assert_eq!(found(b"ID3\x04\0\0\0\0\0\0"), ("audio/mpeg", Kind::Audio, true));
    assert_eq!(found(b"\xFF\xF1\x50\x80\0\0\0\0"), ("audio/aac", Kind::Audio, true));
    assert_eq!(found(b"RIFF\x24\0\0\0WAVEfmt \x10\0\0\0"), ("audio/wav", Kind::Audio, true));
    assert_eq!(found(b"#!AMR\n\x3C\x01\x02\x03\0\0\0"), ("audio/amr", Kind::Audio, false));
}

#[test]
fn documents_are_saved_and_never_shown() {
    for (bytes, mime) in [
        (b"%PDF-1.7\n%\xE2\xE3\xCF\xD3\n1 0 obj".to_vec(), "application/pdf"),
        (b"%PDF-1.7\n1 0 obj".to_vec(), "application/pdf"),
        (b"{\\rtf1\\ansi hello}".to_vec(), "application/rtf"),
        (
            zip(&["[Content_Types].xml", "_rels/.rels", "word/document.xml"]),
            "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
        ),
        (
            zip(&["docProps/app.xml", "xl/workbook.xml", "[Content_Types].xml"]),
            "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        ),
        (
            zip(&["[Content_Types].xml", "xl/workbook.xml", "xl/vbaProject.bin"]),
            "application/vnd.ms-excel.sheet.macroenabled.12",
        ),
        (
            zip_of(&[("mimetype", b"application/vnd.oasis.opendocument.text"), ("content.xml", b"")], b""),
            "application/vnd.oasis.opendocument.text",
        ),
        (zip_of(&[("mimetype", b"application/epub+zip")], b""), "application/epub+zip"),
    ] {
        assert_eq!(found(&bytes), (mime, Kind::Document, false));
    }
    let ole = [b"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1".as_slice(), &[0; 600]].concat();
    let old = judge_bytes(&ole);
    assert!(old.kind == Kind::Document && !old.inline_safe && old.agrees_with("application/msword"), "{old:?}");
}

#[test]
fn archives_and_programs_are_what_they_are_whatever_they_are_called() {
    assert_eq!(found(&zip(&["holiday.jpg"])), ("application/zip", Kind::Archive, false));
    assert_eq!(found(&zip(&["META-INF/MANIFEST.MF", "a.class"])).0, "application/java-archive");
    assert_eq!(found(&zip(&["AndroidManifest.xml"])).0, "application/vnd.android.package-archive");
    assert_eq!(found(b"PK\x05\x06\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0").0, "application/zip");
    // A comment that looks like the end of another list.
    let comment = [b"PK\x05\x06".as_slice(), &[0; 18]].concat();
    assert_eq!(found(&zip_of(&[("AndroidManifest.xml", b"")], &comment)).0, "application/zip");
    assert_eq!(found(b"\x1F\x8B\x08\0\0\0\0\0\0\x03"), ("application/gzip", Kind::Archive, false));
    assert_eq!(found(b"MZ\x90\0\x03\0\0\0\x04\0\0\0\xFF\xFF").1, Kind::Other);
    assert_eq!(found(&[b"\x7FELF\x02\x01\x01".as_slice(), &[0; 60]].concat()).1, Kind::Other);
    assert_eq!(found(&[0; 100]), ("application/octet-stream", Kind::Other, false));
}

#[test]
fn letters_are_shown_unless_a_browser_could_take_them_for_a_page() {
    for text in ["hello", "", "Смета\t1\r\n", "a < b && b > c", "{\"a\": [1]}", "BMW, MZ and PK", "\u{FEFF}hello"]
    {
        assert_eq!(found(text.as_bytes()), ("text/plain", Kind::Text, true), "{text:?}");
    }
    let windows_1251 = b"\xCF\xF0\xE8\xE2\xE5\xF2, hello";
    assert_eq!(found(windows_1251), ("text/plain", Kind::Text, true));
    let long = "я".repeat(HEAD);
    assert_eq!(found(long.as_bytes()).0, "text/plain");
    assert_eq!(found(format!("x{long}").as_bytes()).0, "text/plain");

    let wide = |text: &str| [b"\xFF\xFE".to_vec(), text.encode_utf16().flat_map(u16::to_le_bytes).collect()].concat();
    for (page, mime) in [
        (b"<html><script>alert(1)</script>".to_vec(), "text/html"),
        (b"\n\n  <ScRiPt src=//x>".to_vec(), "text/html"),
        (b"Dear all,\n\nplease <IMG src=x onerror=alert(1)>".to_vec(), "text/html"),
        (b"\xEF\xBB\xBF<!DOCTYPE HTML>".to_vec(), "text/html"),
        (wide("<script>alert(1)</script>"), "text/html"),
        (b"<svg xmlns=\"http://www.w3.org/2000/svg\" onload=\"alert(1)\"/>".to_vec(), "image/svg+xml"),
        (b"<?xml version=\"1.0\"?><!-- x --><svg><script/></svg>".to_vec(), "image/svg+xml"),
        (b"<?xml version=\"1.0\"?><a/>".to_vec(), "application/xml"),
        (b"\xE0\xE1 <script>".to_vec(), "text/html"),
    ] {
        assert_eq!(found(&page), (mime, Kind::Document, false), "{}", String::from_utf8_lossy(&page));
    }
    for (text, mime) in [
        ("#!/bin/sh\nrm -rf /\n", "text/x-shellscript"),
        ("BEGIN:VCARD\r\nVERSION:3.0\r\n", "text/vcard"),
        ("BEGIN:VCALENDAR\r\n", "text/calendar"),
    ] {
        assert_eq!(found(text.as_bytes()), (mime, Kind::Text, false));
    }
}

#[test]
fn a_lie_about_the_type_is_found_and_another_name_of_it_is_none() {
    let jpeg = judge_bytes(&picture(image::ImageFormat::Jpeg));
    for told in ["image/jpeg", "image/jpg", "IMAGE/JPEG; x=1", "", "application/octet-stream"] {
        assert!(jpeg.agrees_with(told), "{told}");
    }
    let page = judge_bytes(b"<script>alert(1)</script>");
    let program = judge_bytes(b"MZ\x90\0\x03\0\0\0\x04\0\0\0\xFF\xFF");
    for lie in ["image/jpeg", "image/png", "text/plain", "application/pdf", "audio/ogg"] {
        assert!(!page.agrees_with(lie), "{lie}");
        assert!(!program.agrees_with(lie), "{lie}");
    }
    assert!(!jpeg.agrees_with("image/png"));
    let voice = judge_bytes(b"OggS\0\x02\0\0\0\0\0\0\0\0OpusHead");
    assert!(voice.agrees_with("audio/ogg; codecs=opus") && voice.agrees_with("audio/opus"));
    let table = judge_bytes(b"a,b\n1,2\n");
    assert!(table.agrees_with("text/csv") && table.agrees_with("application/json") && !table.agrees_with("image/gif"));
    let document = judge_bytes(&zip(&["[Content_Types].xml", "word/document.xml"]));
    assert!(document.agrees_with("application/zip") && !document.agrees_with("application/pdf"));
    assert!(!judge_bytes(&zip(&["x"])).agrees_with(document.mime), "a bare ZIP is no document");
}

/// 42 KB that say to be 4 GB: what it would unpack to is nothing that is looked at.
#[test]
fn a_bomb_is_judged_by_its_names_alone() {
    let mut bomb = zip(&["bomb.txt"]);
    let size_at = bomb.windows(4).position(|window| window == b"PK\x01\x02").unwrap() + 24;
    bomb[size_at..size_at + 4].copy_from_slice(&u32::MAX.to_le_bytes());
    assert_eq!(found(&bomb), ("application/zip", Kind::Archive, false));
}

#[test]
fn each_kind_has_its_limit() {
    let limits = Limits { image: 10, ..Limits::default() };
    let png = judge_bytes(&picture(image::ImageFormat::Png));
    assert!(limits.check(&png, 10).is_ok());
    assert!(matches!(limits.check(&png, 11), Err(BlobError::TooLarge { limit: 10 })));
    assert!(limits.check(&judge_bytes(b"hello"), 11).is_ok());
    assert_eq!(limits.largest(), limits.video);
    let limits: Limits = serde_json::from_str("{\"video\": 1}").unwrap();
    assert_eq!(limits, Limits { video: 1, ..Limits::default() });
}

const BEGINNINGS: &[&[u8]] = &[
    b"",
    b"PK\x03\x04",
    b"PK\x05\x06",
    b"\xFF\xFE",
    b"\xEF\xBB\xBF",
    b"\0\0\0\x18ftyp",
    b"OggS",
    b"\x89PNG\r\n\x1A\n",
    b"\xFF\xD8\xFF",
    b"GIF89a",
    b"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1",
    b"RIFF\0\0\0\0",
    b"\x1A\x45\xDF\xA3",
    b"%PDF-",
    b"<svg",
];

proptest! {
    #[test]
    fn any_bytes_are_judged(begin in prop::sample::select(BEGINNINGS), rest in prop::collection::vec(any::<u8>(), 0..600)) {
        let judged = judge_bytes(&[begin, &rest].concat());
        prop_assert_eq!(judged.inline_safe, serve::may_be_shown(judged.mime));
        prop_assert!(judged.agrees_with(judged.mime));
    }

    #[test]
    fn a_script_makes_every_text_a_page(before in "[^\\x00-\\x1f\\x7f]{0,100}", after in "[^\\x00-\\x1f\\x7f]{0,100}") {
        let judged = judge_bytes(format!("{before}<script>{after}").as_bytes());
        prop_assert!(!judged.inline_safe, "{:?}", judged);
    }

    #[test]
    fn a_broken_zip_is_judged(names in prop::collection::vec("[a-zA-Z/.\\[\\]_]{0,20}", 0..6), cut in 0_usize..900, at in 0_usize..900, byte: u8) {
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let mut file = zip(&names);
        let at = at % file.len();
        file[at] = byte;
        file.truncate(file.len() - cut % file.len());
        let _ = judge_bytes(&file);
    }

    #[test]
    fn any_declared_type_is_compared(told in "\\PC{0,60}") {
        let _ = judge_bytes(b"hello").agrees_with(&told);
    }
}
