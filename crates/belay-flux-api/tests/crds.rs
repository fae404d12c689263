//! Our CRDs say what the originals say, field by field (recorded by `facts/record.sh`).

use std::collections::{BTreeMap, BTreeSet};

use belay_crd::crd_facts;

const RECORDED: &str = include_str!("facts/flux.txt");

fn recorded() -> BTreeMap<&'static str, BTreeSet<&'static str>> {
    let mut sections: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    let mut current = "";
    for line in RECORDED.lines() {
        match line.strip_prefix("# ") {
            Some(name) => {
                current = name;
                sections.entry(current).or_default();
            }
            None => {
                sections.entry(current).or_default().insert(line);
            }
        }
    }
    sections
}

#[test]
fn every_crd_says_what_the_original_says() {
    let recorded = recorded();
    let mut differences = Vec::new();
    let mut compared = BTreeSet::new();
    for crd in belay_flux_api::crds() {
        let name = crd["metadata"]["name"].as_str().expect("a CRD has a name").to_owned();
        let ours = crd_facts(&crd);
        let ours: BTreeSet<&str> = ours.iter().map(String::as_str).collect();
        let originals = recorded.get(name.as_str()).expect("the original was recorded");
        for fact in originals.difference(&ours) {
            differences.push(format!("{name} lacks: {fact}"));
        }
        for fact in ours.difference(originals) {
            differences.push(format!("{name} adds: {fact}"));
        }
        compared.insert(name);
    }
    assert!(differences.is_empty(), "{}", differences.join("\n"));
    assert!(recorded.keys().all(|name| compared.contains(*name)), "compared only {compared:?}");
}
