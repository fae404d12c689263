//! Bytes that are not UTF-8 give what Go's reader gives.

use belay_goyaml::{text_from_bytes, to_json};

#[test]
fn utf_16_is_read_by_its_mark() {
    let little: Vec<u8> = "\u{FEFF}a: é😀\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
    let big: Vec<u8> = "\u{FEFF}a: é😀\n".encode_utf16().flat_map(u16::to_be_bytes).collect();
    for bytes in [little, big] {
        let text = text_from_bytes(&bytes).expect("UTF-16");
        assert_eq!(to_json(&text).expect("valid")["a"], "é😀");
    }
}

#[test]
fn bad_m1_broken_bytes_are_errors_in_go_s_words() {
    let cases: [(&[u8], &str); 9] = [
        (b"a: \x80", "yaml: invalid leading UTF-8 octet"),
        (b"a: \xff", "yaml: invalid leading UTF-8 octet"),
        (b"a: \xe2\x82", "yaml: incomplete UTF-8 octet sequence"),
        (b"a: \xc3\x28 b", "yaml: invalid trailing UTF-8 octet"),
        (b"a: \xc0\xaf b", "yaml: invalid length of a UTF-8 sequence"),
        (b"a: \xed\xa0\x80 b", "yaml: invalid Unicode character"),
        (b"\xff\xfea", "yaml: incomplete UTF-16 character"),
        (b"\xff\xfe\x00\xdca\x00", "yaml: unexpected low surrogate area"),
        (b"\xff\xfe\x00\xd8a\x00", "yaml: expected low surrogate area"),
    ];
    for (bytes, expected) in cases {
        let error = text_from_bytes(bytes).expect_err("broken");
        assert_eq!(error.to_string(), expected, "{bytes:x?}");
    }
}
