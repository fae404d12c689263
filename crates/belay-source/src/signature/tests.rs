//! The cases were signed with GnuPG 2 (`git commit -S`, `git tag -s`) and OpenSSH (`gpg.format=ssh`).

use super::*;

macro_rules! case {
    ($name:literal) => {
        include_str!(concat!("cases/", $name))
    };
}

/// Well after all of them were made.
const NOW: i64 = 1_900_000_000;
const ADA: &str = case!("ada.asc");
const BOB: &str = case!("bob.asc");
const ADA_SSH: &str = case!("ada.sshpub");
const BOB_SSH: &str = case!("bob.sshpub");

fn keys(openpgp: &[&str], ssh: &[&str]) -> TrustedKeys {
    let owned = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
    TrustedKeys { openpgp: owned(openpgp), ssh: owned(ssh) }
}

#[test]
fn signatures_of_trusted_keys_name_the_key() {
    let both = keys(&[BOB, ADA], &[BOB_SSH, ADA_SSH]);
    let commit = |raw: &str| Signed::commit(raw.as_bytes()).verify(&both, NOW);
    let tag = |raw: &str| Signed::tag(raw.as_bytes()).verify(&both, NOW);
    assert_eq!(commit(case!("pgp.commit")).unwrap(), "C38FE8F0679871CE");
    // A ring that is none does not hide the next one.
    let odd = keys(&["no ring", ADA], &[]);
    assert!(Signed::commit(case!("pgp.commit").as_bytes()).verify(&odd, NOW).is_ok());
    assert_eq!(tag(case!("pgp.tag")).unwrap(), "33624D8DAD99184F");
    assert!(commit(case!("ssh.commit")).unwrap().starts_with("SHA256:"));
    assert_ne!(commit(case!("ssh.commit")), tag(case!("ssh.tag")));
    let in_one_file = keys(&[], &[&format!("# people\n\n{BOB_SSH}{ADA_SSH}")]);
    assert!(Signed::commit(case!("ssh.commit").as_bytes()).verify(&in_one_file, NOW).is_ok());
}

#[test]
fn bad_x1_those_of_others_are_refused() {
    let none = "unable to verify Git commit: unable to verify payload with any of the given key rings: no matching key";
    let error =
        |signed: Signed, keys: &TrustedKeys| belay_causes::chain(&signed.verify(keys, NOW).unwrap_err());
    let commit = || Signed::commit(case!("pgp.commit").as_bytes());
    assert_eq!(error(commit(), &keys(&[BOB], &[ADA_SSH])), none);
    assert_eq!(
        error(commit(), &keys(&[], &[ADA_SSH])),
        "PGP signature detected but no PGP public keys found in secret (keys with .asc suffix)"
    );
    assert_eq!(
        error(commit(), &keys(&["no ring"], &[])),
        "unable to verify Git commit: unable to read armored key ring: openpgp: invalid argument: no armored data found"
    );
    let ssh = || Signed::commit(case!("ssh.commit").as_bytes());
    assert_eq!(
        error(ssh(), &keys(&[ADA], &[BOB_SSH])),
        "unable to verify Git commit SSH signature: unable to verify payload with any of the given authorized keys: no matching key\npublic key does not match"
    );
    assert_eq!(
        error(ssh(), &keys(&[], &["not a key"])),
        "unable to verify Git commit SSH signature: unable to parse authorized keys: unable to parse authorized key: ssh: no key found"
    );
    assert_eq!(
        error(ssh(), &keys(&[ADA], &[])),
        "SSH signature detected but no SSH public keys found in secret (keys with .sshpub suffix)"
    );
    let tag = Signed::tag(case!("pgp.tag").as_bytes());
    assert!(error(tag, &keys(&[ADA], &[])).starts_with("unable to verify Git tag: "));
    let unsigned = Signed::commit(case!("payload").as_bytes());
    assert!(!unsigned.is_signed());
    assert_eq!(error(unsigned, &keys(&[ADA], &[])), "unsupported signature type: empty");
}

#[test]
fn bad_x2_a_changed_object_is_refused() {
    let all = keys(&[ADA, BOB], &[ADA_SSH, BOB_SSH]);
    for raw in [case!("pgp.commit"), case!("ssh.commit")] {
        let forged = raw.replace("Signed by", "Forged by");
        assert!(Signed::commit(forged.as_bytes()).verify(&all, NOW).is_err());
        // A second signature does not hide the first.
        let twice = raw.replacen("gpgsig ", "gpgsig nothing\ngpgsig ", 1);
        assert!(Signed::commit(twice.as_bytes()).verify(&all, NOW).is_err());
    }
    for raw in [case!("pgp.tag"), case!("ssh.tag")] {
        let forged = raw.replace("tag v", "tag w");
        assert!(Signed::tag(forged.as_bytes()).verify(&all, NOW).is_err());
    }
}

#[test]
fn bad_x1_a_key_that_is_over_signs_no_more() {
    let signed =
        Signed { what: "commit", content: case!("payload").into(), signature: case!("old.sig").to_owned() };
    let old = keys(&[case!("old.asc")], &[]);
    // Made on the first of January 2020, for a day.
    assert_eq!(signed.verify(&old, 1_577_841_000).unwrap(), "17A9168E27D0FFEF");
    assert!(signed.verify(&old, NOW).is_err());
    assert!(signed.verify(&old, 1_577_000_000).is_err());
}

#[test]
fn bad_x1_garbage_is_refused() {
    let all = keys(&[ADA], &[ADA_SSH]);
    for begin in [openpgp::BEGIN, ssh::BEGIN] {
        for rest in ["", "\n\n====\n", "\n\nAAAA\n-----END PGP SIGNATURE-----", &"\nQUJD".repeat(100_000)] {
            let signed = Signed { what: "tag", content: b"x".to_vec(), signature: format!("{begin}{rest}") };
            assert!(signed.verify(&all, NOW).is_err());
        }
    }
}
