//! `--verify`: whether an archive is what somebody signed.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use belay_source::KeyRing;
use sha2::{Digest, Sha256};

use crate::failure::Original;

/// Whose signatures are good.
#[derive(clap::Args, Clone, Default)]
pub(super) struct Verification {
    /// Use the chart only if its provenance file says that a key of the ring signed it.
    #[arg(long)]
    pub(super) verify: bool,
    /// The ring of public keys, as `gpg --export` writes it; without it, the user's own.
    #[arg(long, value_name = "FILE")]
    pub(super) keyring: Option<PathBuf>,
}

impl Verification {
    /// Whether the archive on the disk is what was signed, as the file beside it says.
    pub(super) fn check_file(&self, archive: &Path) -> Result<(), Original> {
        let failed = |action: &str, file: &Path, error| Original::failed(action, file, &error);
        let metadata = fs::metadata(archive).map_err(|error| failed("stat", archive, error))?;
        if metadata.is_dir() {
            return Err(Original::new("unpacked charts cannot be verified"));
        }
        if !archive.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("tgz")) {
            return Err(Original::new("chart must be a tgz file"));
        }
        let beside = PathBuf::from(format!("{}.prov", archive.display()));
        let provenance = fs::read(&beside).map_err(|error| {
            let cause = failed("stat", &beside, error);
            Original::new(format!("could not load provenance file {}: {cause}", beside.display()))
        })?;
        let content = fs::read(archive).map_err(|error| {
            Original::new(format!("failed to read chart archive: {}", failed("open", archive, error)))
        })?;
        let name = archive.file_name().unwrap_or_default().to_string_lossy();
        self.check(&name, &content, &provenance)
    }

    /// Whether the archive of that name is what was signed.
    pub(super) fn check(&self, name: &str, archive: &[u8], provenance: &[u8]) -> Result<(), Original> {
        let ring = self.ring()?;
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let now = i64::try_from(since.as_secs()).unwrap_or(i64::MAX);
        let signed =
            ring.open(&String::from_utf8_lossy(provenance), now).map_err(|error| Original::of(&error))?;
        let sums = signed
            .split("\n...\n")
            .nth(1)
            .ok_or_else(|| Original::new("message block must have at least two parts"))?;
        let sums = belay_goyaml::to_json(sums).map_err(|error| {
            Original::new(format!("error converting YAML to JSON: {}", Original::of(&error)))
        })?;
        let stated = sums["files"][name].as_str().ok_or_else(|| {
            Original::new(format!("provenance does not contain a SHA for a file named {name:?}"))
        })?;
        let digits: String = Sha256::digest(archive).iter().map(|byte| format!("{byte:02x}")).collect();
        let sum = format!("sha256:{digits}");
        if stated != sum {
            let different = format!("sha256 sum does not match for {name}: {stated:?} != {sum:?}");
            return Err(Original::new(different));
        }
        Ok(())
    }

    fn ring(&self) -> Result<KeyRing, Original> {
        let file = self.keyring.clone().unwrap_or_else(own_ring);
        let failed = |cause: Original| Original::new(format!("failed to load keyring: {cause}"));
        let bytes = fs::read(&file).map_err(|error| failed(Original::failed("open", &file, &error)))?;
        KeyRing::read(&bytes).map_err(|error| failed(Original::of(&error)))
    }
}

/// The ring of GnuPG: the old one, if there is one.
fn own_ring() -> PathBuf {
    let home = || PathBuf::from(env::var_os("HOME").unwrap_or_default()).join(".gnupg");
    let folder = env::var_os("GNUPGHOME").map_or_else(home, PathBuf::from);
    let (old, new) = (folder.join("pubring.gpg"), folder.join("pubring.kbx"));
    if !old.exists() && new.exists() { new } else { old }
}
