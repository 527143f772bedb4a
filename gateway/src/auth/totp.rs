//! One-time codes: TOTP (RFC 6238) with SHA-1, six digits and steps of 30 seconds, which is what every authenticator takes. Pure.

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha1::Sha1;
use subtle::ConstantTimeEq as _;

/// Bytes of a secret (RFC 4226 §4: 160 bits are recommended).
pub(super) const SECRET_BYTES: usize = 20;
/// Seconds of a step.
const STEP_SECONDS: i64 = 30;
/// Steps before and after the present one whose codes are taken: clocks differ, and people type slowly (RFC 6238 §5.2).
const WINDOW: i64 = 1;

const BASE32: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/// The step of a moment, in seconds since 1970.
pub(super) const fn step_at(seconds: i64) -> i64 {
    seconds.div_euclid(STEP_SECONDS)
}

/// The code of a step.
pub(super) fn code(secret: &[u8], step: i64) -> String {
    let mut mac = Hmac::<Sha1>::new_from_slice(secret).expect("HMAC takes keys of any length");
    mac.update(&step.to_be_bytes());
    let digest: [u8; 20] = mac.finalize().into_bytes().into();
    // RFC 4226 §5.3.
    let at = usize::from(digest[19] & 0xf);
    let word = u32::from_be_bytes([digest[at] & 0x7f, digest[at + 1], digest[at + 2], digest[at + 3]]);
    format!("{:06}", word % 1_000_000)
}

/// The step whose code this is, if it is one of those that are taken now and none that was used up.
pub(super) fn accept(secret: &[u8], given: &str, now_seconds: i64, last_step: i64) -> Option<i64> {
    let given: String = given.chars().filter(|c| !c.is_whitespace()).collect();
    let now = step_at(now_seconds);
    // All are looked at, whichever fits.
    (now - WINDOW..=now + WINDOW)
        .filter(|step| bool::from(code(secret, *step).as_bytes().ct_eq(given.as_bytes())))
        .find(|step| *step > last_step)
}

/// RFC 4648 §6, without padding.
pub(super) fn base32(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len().div_ceil(5) * 8);
    let (mut buffer, mut bits) = (0_u32, 0);
    for byte in bytes {
        buffer = buffer << 8 | u32::from(*byte);
        bits += 8;
        while bits >= 5 {
            bits -= 5;
            text.push(char::from(BASE32[(buffer >> bits & 31) as usize]));
        }
    }
    if bits > 0 {
        text.push(char::from(BASE32[(buffer << (5 - bits) & 31) as usize]));
    }
    text
}

/// What an authenticator reads from the picture.
pub(super) fn uri(secret: &[u8], email: &str) -> String {
    let mut uri = url::Url::parse("otpauth://totp/").expect("a constant address");
    uri.set_path(&format!("Trunkline:{email}"));
    uri.query_pairs_mut()
        .append_pair("secret", &base32(secret))
        .append_pair("issuer", "Trunkline")
        .append_pair("algorithm", "SHA1")
        .append_pair("digits", "6")
        .append_pair("period", "30");
    uri.into()
}

/// The picture of a text: a QR code as SVG, which scales and needs no script.
pub(super) fn picture(text: &str) -> Option<String> {
    use std::fmt::Write as _;
    // Quiet zone of four modules (ISO 18004 §6.3.8).
    const MARGIN: i32 = 4;
    let code = qrcodegen::QrCode::encode_text(text, qrcodegen::QrCodeEcc::Medium).ok()?;
    let size = code.size() + 2 * MARGIN;
    let mut path = String::new();
    for y in 0..code.size() {
        for x in 0..code.size() {
            if code.get_module(x, y) {
                let _ = write!(path, "M{},{}h1v1h-1z", x + MARGIN, y + MARGIN);
            }
        }
    }
    Some(format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {size} {size}\" shape-rendering=\"crispEdges\">\
         <rect width=\"{size}\" height=\"{size}\" fill=\"#fff\"/><path d=\"{path}\" fill=\"#000\"/></svg>"
    ))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SECRET: &[u8] = b"12345678901234567890";

    /// RFC 6238, appendix B, the last six of its eight digits.
    #[test]
    fn codes_are_those_of_the_rfc() {
        for (seconds, expected) in [
            (59, "287082"),
            (1_111_111_109, "081804"),
            (1_111_111_111, "050471"),
            (1_234_567_890, "005924"),
            (2_000_000_000, "279037"),
            (20_000_000_000, "353130"),
        ] {
            assert_eq!(code(SECRET, step_at(seconds)), expected);
        }
    }

    #[test]
    fn a_code_works_once_and_so_long() {
        let now = 1_111_111_111;
        let step = accept(SECRET, "050 471", now, 0).unwrap();
        assert_eq!(accept(SECRET, "050471", now, step), None, "used up");
        assert_eq!(accept(SECRET, "050471", now + 30, 0), Some(step), "typed slowly");
        assert_eq!(accept(SECRET, "050471", now + 90, 0), None, "too late");
        assert_eq!(accept(SECRET, "081804", now, step), None, "an older one, after a newer one");
    }

    /// RFC 4648 §10.
    #[test]
    fn base32_is_that_of_the_rfc() {
        for (plain, expected) in [("", ""), ("f", "MY"), ("fo", "MZXQ"), ("foo", "MZXW6"), ("foobar", "MZXW6YTBOI")] {
            assert_eq!(base32(plain.as_bytes()), expected);
        }
    }

    #[test]
    fn authenticators_read_the_address() {
        assert_eq!(
            uri(b"foobar", "ada&x=1@example.org"),
            "otpauth://totp/Trunkline:ada&x=1@example.org?secret=MZXW6YTBOI&issuer=Trunkline&algorithm=SHA1&digits=6&period=30"
        );
        assert!(picture(&uri(SECRET, "ada@example.org")).unwrap().starts_with("<svg "));
    }

    proptest! {
        #[test]
        fn no_text_is_taken_by_accident(given in "\\PC{0,20}", now in 0_i64..4_000_000_000) {
            let codes: Vec<String> = (-1..=1).map(|step| code(SECRET, step_at(now) + step)).collect();
            let plain: String = given.chars().filter(|c| !c.is_whitespace()).collect();
            prop_assert_eq!(accept(SECRET, &given, now, 0).is_some(), codes.contains(&plain));
        }
    }
}
