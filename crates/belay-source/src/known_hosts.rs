//! Which keys of servers are trusted, as in the file `known_hosts`.

use base64::Engine as _;
use hmac::{Hmac, KeyInit, Mac};
use russh::keys::{Algorithm, PublicKey, parse_public_key_base64};
use sha1::Sha1;

/// The keys that a list has for one server.
#[derive(Debug, Default)]
pub(crate) struct KnownKeys {
    trusted: Vec<PublicKey>,
    revoked: Vec<PublicKey>,
}

/// What a server's key is.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Trusted,
    /// Nothing is known of the server.
    Unknown,
    /// Other keys are known of it, or this one is revoked.
    Changed,
}

/// More lines than that nobody has.
const MOST_LINES: usize = 100_000;

impl KnownKeys {
    /// Finds a server's keys. Lines that are not understood trust nobody.
    pub(crate) fn of(list: &str, host: &str, port: u16) -> KnownKeys {
        let mut known = KnownKeys::default();
        for line in list.lines().take(MOST_LINES) {
            let mut words = line.split_whitespace().peekable();
            let marker = words.next_if(|word| word.starts_with('@'));
            let (Some(hosts), Some(_type), Some(key)) = (words.next(), words.next(), words.next()) else {
                continue;
            };
            if hosts.starts_with('#') || !names(hosts, host, port) {
                continue;
            }
            let Ok(key) = parse_public_key_base64(key) else { continue };
            match marker {
                None => known.trusted.push(key),
                Some("@revoked") => known.revoked.push(key),
                // Authorities that sign servers' keys are not followed; their line trusts no key.
                Some(_) => {}
            }
        }
        known
    }

    /// Judges a server's key.
    pub(crate) fn judge(&self, key: &PublicKey) -> Verdict {
        let is_it = |known: &PublicKey| known.key_data() == key.key_data();
        if self.revoked.iter().any(is_it) {
            return Verdict::Changed;
        }
        match self.trusted.iter().any(is_it) {
            true => Verdict::Trusted,
            false if self.trusted.is_empty() => Verdict::Unknown,
            false => Verdict::Changed,
        }
    }

    /// Whether a key of this kind could be a trusted one. A server with several is asked for one of these.
    pub(crate) fn may_be(&self, algorithm: &Algorithm) -> bool {
        self.trusted.is_empty()
            || self.trusted.iter().any(|known| match (known.algorithm(), algorithm) {
                (Algorithm::Rsa { .. }, Algorithm::Rsa { .. }) => true,
                (known, asked) => known == *asked,
            })
    }
}

/// Whether the first word of a line names a server: names and patterns between commas, or a digest.
fn names(hosts: &str, host: &str, port: u16) -> bool {
    let host = host.to_ascii_lowercase();
    let place = if port == 22 { host } else { format!("[{host}]:{port}") };
    let mut found = false;
    for pattern in hosts.split(',') {
        if let Some(hashed) = pattern.strip_prefix("|1|") {
            found |= is_digest_of(hashed, &place);
        } else if let Some(excluded) = pattern.strip_prefix('!') {
            if matches(&excluded.to_ascii_lowercase(), &place) {
                return false;
            }
        } else {
            found |= matches(&pattern.to_ascii_lowercase(), &place);
        }
    }
    found
}

/// `salt|digest`
fn is_digest_of(hashed: &str, place: &str) -> bool {
    let engine = base64::engine::general_purpose::STANDARD;
    let Some((salt, digest)) = hashed.split_once('|') else { return false };
    let (Ok(salt), Ok(digest)) = (engine.decode(salt), engine.decode(digest)) else { return false };
    let Ok(mut mac) = Hmac::<Sha1>::new_from_slice(&salt) else { return false };
    mac.update(place.as_bytes());
    mac.verify_slice(&digest).is_ok()
}

/// `*` is any text, `?` any letter.
fn matches(pattern: &str, text: &str) -> bool {
    let (pattern, text) = (pattern.as_bytes(), text.as_bytes());
    let (mut place, mut at, mut star) = (0, 0, None);
    while at < text.len() {
        match pattern.get(place) {
            Some(b'*') => {
                star = Some((place, at));
                place += 1;
            }
            Some(byte) if *byte == b'?' || *byte == text[at] => {
                place += 1;
                at += 1;
            }
            _ => {
                let Some((last, taken)) = star else { return false };
                star = Some((last, taken + 1));
                (place, at) = (last + 1, taken + 1);
            }
        }
    }
    pattern[place..].iter().all(|byte| *byte == b'*')
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: &str = "AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl";
    const OTHER: &str = "AAAAC3NzaC1lZDI1NTE5AAAAIAfuCHKVTjquxvt6CM6tdG4SLp1Btn/nOeHHE5UOzRdf";

    fn judge(list: &str, host: &str, port: u16) -> Verdict {
        let key = parse_public_key_base64(ONE).unwrap();
        KnownKeys::of(list, host, port).judge(&key)
    }

    #[test]
    fn servers_are_found_by_name_port_and_pattern() {
        for (hosts, host, port) in [
            ("git.example.org", "Git.example.org", 22),
            ("other,git.example.org", "git.example.org", 22),
            ("[git.example.org]:2222", "git.example.org", 2222),
            ("*.example.org", "git.example.org", 22),
            ("git?.example.org", "git1.example.org", 22),
        ] {
            assert_eq!(
                judge(&format!("{hosts} ssh-ed25519 {ONE} me"), host, port),
                Verdict::Trusted,
                "{hosts}"
            );
        }
        for (hosts, host, port) in [
            ("git.example.org", "git.example.org", 2222),
            ("[git.example.org]:2222", "git.example.org", 22),
            ("*.example.org,!git.example.org", "git.example.org", 22),
            ("example.org", "git.example.org", 22),
            ("#git.example.org", "git.example.org", 22),
        ] {
            assert_eq!(judge(&format!("{hosts} ssh-ed25519 {ONE}"), host, port), Verdict::Unknown, "{hosts}");
        }
    }

    #[test]
    fn hidden_names_are_found() {
        let salt = b"0123456789abcdefghij";
        let mut mac = Hmac::<Sha1>::new_from_slice(salt).unwrap();
        mac.update(b"git.example.org");
        let engine = base64::engine::general_purpose::STANDARD;
        let digest = engine.encode(mac.finalize().into_bytes());
        let line = format!("|1|{}|{digest} ssh-ed25519 {ONE}", engine.encode(salt));
        assert_eq!(judge(&line, "git.example.org", 22), Verdict::Trusted);
        assert_eq!(judge(&line, "git.example.com", 22), Verdict::Unknown);
    }

    #[test]
    fn bad_m5_lists_of_garbage_trust_nobody_and_hide_nobody() {
        let long = format!("g ssh-ed25519 {}", "A".repeat(1 << 20));
        let patterns = format!("{} ssh-ed25519 {ONE}", "*".repeat(100_000));
        let hashed = format!("|1|{}|{} ssh-ed25519 {ONE}", "A".repeat(100_000), "=".repeat(1000));
        let lines = [
            "\u{feff}",
            "\u{0}\u{1}",
            "@",
            "@revoked",
            "@cert-authority g",
            "|1|",
            "|1||",
            "|1|=|=",
            "|2|AAAA|AAAA",
            "[g",
            "]:22",
            "[g]:",
            "[g]:99999999999",
            "!",
            "!g,g",
            ",,,",
            "g ssh-ed25519",
            "g ssh-ed25519 AAAA",
            "g ssh-ed25519 AAAAC3NzaC1lZDI1NTE5",
            "ключ ssh-rsa ключ",
            &long,
            &hashed,
        ];
        let all = lines.map(|line| format!("{line}\r\n")).concat();
        assert_eq!(judge(&all, "g", 22), Verdict::Unknown);
        // What is sound among them still counts.
        assert_eq!(judge(&format!("{all}g ssh-ed25519 {ONE}\n{all}"), "g", 22), Verdict::Trusted);
        let start = std::time::Instant::now();
        assert_eq!(judge(&patterns, &"g".repeat(1000), 22), Verdict::Trusted);
        assert!(start.elapsed().as_secs() < 5, "a pattern of stars takes no time");
    }

    #[test]
    fn bad_s3_other_and_revoked_keys_are_not_trusted() {
        assert_eq!(judge(&format!("g ssh-ed25519 {OTHER}"), "g", 22), Verdict::Changed);
        let both = format!("g ssh-ed25519 {ONE}\n@revoked g ssh-ed25519 {ONE}");
        assert_eq!(judge(&both, "g", 22), Verdict::Changed);
        assert_eq!(judge(&format!("@cert-authority g ssh-ed25519 {ONE}"), "g", 22), Verdict::Unknown);
        for garbage in ["", "\0\0", "g", "g ssh-ed25519", "g ssh-ed25519 ????", "|1|x|y ssh-ed25519 AAAA"] {
            assert_eq!(judge(garbage, "g", 22), Verdict::Unknown, "{garbage:?}");
        }
    }
}
