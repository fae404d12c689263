//! Certificates and keys: equal to those sprig makes from the same key, serial number and time.
//! In `tests/oracle/gotemplate`, `go run . -certificates` records them anew.

#![expect(clippy::unwrap_used, reason = "a broken case file should fail the test")]

use std::path::Path;
use std::sync::Arc;

use belay_gotemplate::{Clock, Map, Moment, Options, RandomSource, TemplateSet, Value, sprig};

struct Fixed {
    seconds: i64,
    serial: Vec<u8>,
}

impl Clock for Fixed {
    fn now(&self) -> Moment {
        Moment { seconds: self.seconds, nanoseconds: 0, offset: 7200 }
    }
}

impl RandomSource for Fixed {
    fn fill(&self, buffer: &mut [u8]) {
        buffer.copy_from_slice(&self.serial);
    }
}

/// Numbers that look random and are the same each time.
struct Numbers(std::sync::Mutex<u64>);

impl RandomSource for Numbers {
    fn fill(&self, buffer: &mut [u8]) {
        let mut state = self.0.lock().unwrap();
        for chunk in buffer.chunks_mut(8) {
            *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mut mixed = *state;
            mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            chunk.copy_from_slice(&(mixed ^ (mixed >> 31)).to_le_bytes()[..chunk.len()]);
        }
    }
}

fn execute(template: &str, data: Value, options: &Options) -> String {
    let mut set = TemplateSet::new("root", Arc::new(sprig()));
    set.parse("t", template).unwrap();
    set.execute("t", data, options).unwrap_or_else(|error| error.to_string())
}

#[test]
fn certificates_are_those_of_go() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases/certificates.jsonl");
    let text = std::fs::read_to_string(path).unwrap();
    let mut count = 0;
    for line in text.lines() {
        let case: serde_json::Value = serde_json::from_str(line).unwrap();
        let text = |key: &str| case[key].as_str().unwrap();
        let data: Map = [("key", text("key")), ("ca", text("ca"))].into_iter().collect();
        let seconds = case["seconds"].as_i64().unwrap();
        let fixed = Arc::new(Fixed { seconds, serial: hex::decode(text("serial")).unwrap() });
        let options = Options { clock: Some(fixed.clone()), random: Some(fixed), ..Options::default() };
        let output = execute(text("template"), data.into(), &options);
        if case["random"].as_bool().unwrap() {
            // Go signs with a random number; what is signed and the key must be the same.
            let (ours, theirs) = (parts(&output), parts(text("output")));
            assert_eq!(ours.0, theirs.0, "{}", text("name"));
            assert_eq!(ours.1, theirs.1, "{}", text("name"));
        } else {
            assert_eq!(output, text("output"), "{}", text("name"));
        }
        count += 1;
    }
    assert_eq!(count, 24);
}

/// The bytes of the certificate that are signed, and the key.
fn parts(output: &str) -> (String, &str) {
    let (certificate, key) = output.split_at(output.find("-----BEGIN EC").unwrap());
    let digits: String = certificate.lines().filter(|line| !line.starts_with('-')).collect();
    let der = execute(
        "{{ b64dec .d | printf \"%x\" }}",
        Map::from_iter([("d", &*digits)]).into(),
        &Options::default(),
    );
    let (start, _) = content(&der, 0);
    let (body, length) = content(&der, start);
    (der[start..body + length].to_owned(), key)
}

/// Where the content of the DER value at a place begins and how long it is, in digits.
fn content(der: &str, at: usize) -> (usize, usize) {
    let number = |from: usize, to: usize| usize::from_str_radix(&der[from..to], 16).unwrap();
    match number(at + 2, at + 4) {
        0x81 => (at + 6, 2 * number(at + 4, at + 6)),
        0x82 => (at + 8, 2 * number(at + 4, at + 8)),
        short => (at + 4, 2 * short),
    }
}

/// What `genCA` and the like make from one source of numbers.
fn made(template: &str) -> String {
    let clock = Arc::new(Fixed { seconds: 1_700_000_000, serial: Vec::new() });
    let numbers = Arc::new(Numbers(5.into()));
    let options = Options { clock: Some(clock), random: Some(numbers), ..Options::default() };
    execute(template, Value::Nil, &options)
}

#[test]
fn the_same_source_gives_the_same_keys() {
    let template = "{{$ca := genCA \"ca\" 365}}{{$c := genSignedCert \"web\" nil (list \"web.x\") 10 $ca}}\
                    {{$c.Cert}}{{$c.Key}}{{printf \"%T\" $ca}}";
    let first = made(template);
    assert_eq!(first, made(template));
    assert!(first.starts_with("-----BEGIN CERTIFICATE-----\nMII"), "{first}");
    assert!(first.contains("-----BEGIN RSA PRIVATE KEY-----\nMII"), "{first}");
    assert!(first.ends_with("-----END RSA PRIVATE KEY-----\nsprig.certificate"), "{first}");
}

#[test]
fn keys_of_every_type_have_the_form_of_go() {
    for (kind, title) in [("ecdsa", "EC PRIVATE KEY"), ("ed25519", "PRIVATE KEY")] {
        let key = made(&format!("{{{{genPrivateKey {kind:?}}}}}"));
        assert!(key.starts_with(&format!("-----BEGIN {title}-----\n")), "{key}");
        let template = format!("{{{{(genCAWithKey \"x\" 1 (genPrivateKey {kind:?})).Key}}}}");
        assert_eq!(made(&template), key, "a key is written as it was read");
    }
    assert_eq!(made("{{genPrivateKey \"x\"}}"), "Unknown type x");
}
