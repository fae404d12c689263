//! Prints the facts of CRDs given as YAML files: `record_facts FILE…`, one section for each. The tests of the API crates
//! compare our own CRDs with what this recorded from the originals.

use std::io::Write;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut output = std::io::stdout().lock();
    for file in std::env::args().skip(1) {
        let text = std::fs::read_to_string(&file)?;
        for (_, document) in belay_goyaml::split_documents(&text) {
            let crd = belay_goyaml::to_json(document)?;
            if crd["kind"] != "CustomResourceDefinition" {
                continue;
            }
            writeln!(output, "# {}", crd["metadata"]["name"].as_str().unwrap_or_default())?;
            for fact in belay_crd::crd_facts(&crd) {
                writeln!(output, "{fact}")?;
            }
        }
    }
    Ok(())
}
