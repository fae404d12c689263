//! The cases were signed with OpenSSH (`git -c gpg.format=ssh commit -S`, `tag -s`) and GnuPG 2.

use super::*;

macro_rules! case {
    ($name:literal) => {
        include_str!(concat!("cases/", $name))
    };
}

const ADA: &str = case!("ada.sshpub");
const BOB: &str = case!("bob.sshpub");

fn keys(ssh: &[&str]) -> TrustedKeys {
    TrustedKeys { ssh: ssh.iter().map(|text| (*text).to_owned()).collect() }
}

#[test]
fn signatures_of_trusted_keys_name_the_key() {
    let both = keys(&[BOB, ADA]);
    let commit = Signed::commit(case!("ssh.commit").as_bytes()).verify(&both).unwrap();
    let tag = Signed::tag(case!("ssh.tag").as_bytes()).verify(&both).unwrap();
    assert!(commit.starts_with("SHA256:") && tag.starts_with("SHA256:"));
    assert_ne!(commit, tag);
    let in_one_file = keys(&[&format!("# people\n\n{BOB}{ADA}")]);
    assert!(Signed::commit(case!("ssh.commit").as_bytes()).verify(&in_one_file).is_ok());
}

#[test]
fn those_of_others_are_refused() {
    let error =
        |raw: &str, keys: &TrustedKeys| Signed::commit(raw.as_bytes()).verify(keys).unwrap_err().to_string();
    let signed = case!("ssh.commit");
    assert_eq!(
        error(signed, &keys(&[BOB])),
        "unable to verify payload with any of the given authorized keys: no matching key"
    );
    assert_eq!(
        error(signed, &keys(&[])),
        "SSH signature detected but no SSH public keys found in secret (keys with .sshpub suffix)"
    );
    assert_eq!(error(signed, &keys(&["not a key"])), "unable to parse authorized keys");
    assert_eq!(error(case!("pgp.commit"), &keys(&[ADA])), "an OpenPGP signature, which is not supported yet");
    assert!(!Signed::commit(case!("payload").as_bytes()).is_signed());
    assert_eq!(error(case!("payload"), &keys(&[ADA])), "unsupported signature type: empty");
    assert_eq!(Signed::tag(case!("pgp.tag").as_bytes()).verify(&keys(&[ADA])), Err(SignatureError::OpenPgp));
}

#[test]
fn a_changed_object_is_refused() {
    let all = keys(&[ADA, BOB]);
    let forged = case!("ssh.commit").replace("Signed by", "Forged by");
    assert!(Signed::commit(forged.as_bytes()).verify(&all).is_err());
    // A second signature does not hide the first.
    let twice = case!("ssh.commit").replacen("gpgsig ", "gpgsig nothing\ngpgsig ", 1);
    assert!(Signed::commit(twice.as_bytes()).verify(&all).is_err());
    let forged = case!("ssh.tag").replace("tag v", "tag w");
    assert!(Signed::tag(forged.as_bytes()).verify(&all).is_err());
}

#[test]
fn garbage_is_refused() {
    for rest in ["", "\n\n====\n", "\n\nAAAA\n-----END SSH SIGNATURE-----", &"\nQUJD".repeat(100_000)] {
        let signed = Signed { content: b"x".to_vec(), signature: format!("{}{rest}", ssh::BEGIN) };
        assert!(signed.verify(&keys(&[ADA])).is_err());
    }
}
