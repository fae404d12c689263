//! What the runner says when it cannot begin.

use std::fs;
use std::path::Path;
use std::process::Command;

/// `scripts/test` reads the list of requirements from the output, and would swallow a complaint there.
#[test]
fn a_scenario_that_cannot_be_read_is_named_beside_the_output() {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("complaints");
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join("broken.yaml"), "scenario: [\n").unwrap();
    let runner = Command::new(env!("CARGO_BIN_EXE_belay-scenarios"))
        .args(["--kubeconfig", "none", "--list-requirements"])
        .arg(&folder)
        .output()
        .unwrap();
    assert!(!runner.status.success());
    assert_eq!(String::from_utf8_lossy(&runner.stdout), "");
    let complaint = String::from_utf8_lossy(&runner.stderr);
    assert!(complaint.starts_with("error: ") && complaint.contains("broken.yaml"), "{complaint}");
}
