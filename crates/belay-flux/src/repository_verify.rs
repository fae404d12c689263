//! `spec.verify` of a GitRepository: who signed the commit, or the tag.

use belay_causes::chain;
use belay_flux_api::GitRepository;
use belay_source::{Checkout, Signed, TrustedKeys};

use crate::context::Context;
use crate::repository::Fault;
use crate::secret_data::{self, Data};

/// The sentence that tells what was verified; nothing when nothing is to be. What is not signed by a key of the Secret
/// is a fault.
pub(crate) async fn verify(
    context: &Context,
    repository: &GitRepository,
    checkout: &Checkout,
) -> Result<Option<String>, Fault> {
    let Some(verification) = &repository.spec.verify else { return Ok(None) };
    let namespace = &repository.metadata.namespace;
    let data = secret_data::read(&context.live, namespace, &verification.secret_ref.name)
        .await
        .map_err(|error| fault("VerificationError", format!("public keys secret error: {error}")))?;
    verified(&verification.mode, checkout, &trusted(&data), belay_cluster::now().as_second()).map(Some)
}

fn fault(reason: &'static str, message: String) -> Fault {
    Fault { reason, message, is_final: false }
}

/// Keys of other names are OpenPGP's, too.
fn trusted(data: &Data) -> TrustedKeys {
    let mut keys = TrustedKeys::default();
    for (name, value) in data {
        let of_its_kind = if name.ends_with(".sshpub") { &mut keys.ssh } else { &mut keys.openpgp };
        of_its_kind.push(String::from_utf8_lossy(&value.0).into_owned());
    }
    keys
}

fn verified(mode: &str, checkout: &Checkout, keys: &TrustedKeys, now: i64) -> Result<String, Fault> {
    let mut lines = Vec::new();
    if matches!(mode, "Tag" | "TagAndHEAD") {
        let (tag, signed) = tag(checkout)?;
        let key = signed.verify(keys, now).map_err(|error| {
            let message = format!("signature verification of tag '{tag}' failed: {}", chain(&error));
            fault("InvalidTagSignature", message)
        })?;
        lines.push(format!("\n\t- tag '{tag}' with key '{key}'"));
    }
    if mode != "Tag" {
        let commit = &checkout.commit;
        let key = Signed::commit(&checkout.signed.commit).verify(keys, now).map_err(|error| {
            let message = format!("signature verification of commit '{commit}' failed: {}", chain(&error));
            fault("InvalidCommitSignature", message)
        })?;
        lines.push(format!("\n\t- commit '{commit}' with key '{key}'"));
    }
    Ok(format!("verified signature of{}", lines.concat()))
}

/// The tag that was asked for, as it is shown, and what is signed of it.
fn tag(checkout: &Checkout) -> Result<(String, Signed), Fault> {
    let Some(name) = checkout.reference.strip_prefix("refs/tags/") else {
        let message = "cannot verify tag object's signature if a tag reference is not specified".to_owned();
        return Err(Fault { is_final: true, ..fault("InvalidVerificationMode", message) });
    };
    let (shown, signed) = match &checkout.signed.tag {
        None => (name.to_owned(), Signed::tag(&[])),
        Some((id, object)) => (format!("{name}@{id}"), Signed::tag(object)),
    };
    if !signed.is_signed() {
        let message = format!("cannot verify signature of tag '{shown}' since it is not signed");
        return Err(fault("InvalidGitObject", message));
    }
    Ok((shown, signed))
}

#[cfg(test)]
mod tests {
    use super::*;
    use belay_filetree::MemoryTree;
    use belay_source::SignedObjects;
    use std::sync::Arc;

    fn ask(mode: &str, reference: &str) -> Fault {
        let checkout = Checkout {
            commit: "abc".into(),
            reference: reference.into(),
            tree: Arc::new(MemoryTree::default()),
            subject: String::new(),
            author: String::new(),
            date: 0,
            signed: SignedObjects { commit: "tree a\n\nx\n".into(), tag: None },
        };
        verified(mode, &checkout, &TrustedKeys::default(), 0).unwrap_err()
    }

    #[test]
    fn what_is_not_signed_is_refused_in_the_originals_words() {
        let commit = ask("HEAD", "refs/heads/main");
        assert_eq!(
            (commit.reason, commit.message.as_str()),
            (
                "InvalidCommitSignature",
                "signature verification of commit 'abc' failed: unsupported signature type: empty"
            )
        );
        let branch = ask("Tag", "refs/heads/main");
        assert_eq!((branch.reason, branch.is_final), ("InvalidVerificationMode", true));
        let tag = ask("TagAndHEAD", "refs/tags/v1");
        assert_eq!(
            (tag.reason, tag.message.as_str()),
            ("InvalidGitObject", "cannot verify signature of tag 'v1' since it is not signed")
        );
    }
}
