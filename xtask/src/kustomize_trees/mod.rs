//! Random trees of kustomizations: bases, overlays, components, every transformer and generator,
//! oddities of YAML, and mistakes.
//!
//! What a tree refers to is mostly there, so that most trees build and the rest fail for one reason.

mod charts;
mod configured;
mod mistakes;
mod objects;
mod patches;
mod settings;

use std::collections::BTreeMap;

pub(crate) use charts::{chart_features, chart_tree};
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{Rng, SeedableRng};

/// Files by path, and the folder that is built.
pub(crate) struct Tree {
    pub(crate) files: BTreeMap<String, String>,
    pub(crate) folder: String,
    /// What the tree makes use of; a name may come more than once.
    pub(crate) features: Vec<&'static str>,
}

/// Makes the tree of a seed.
pub(crate) fn tree(seed: u64) -> Tree {
    let mut maker = maker(seed);
    maker.places = maker.chance(30);
    maker.make();
    maker.tree
}

fn maker(seed: u64) -> Maker {
    Maker {
        random: StdRng::seed_from_u64(seed),
        tree: Tree { files: BTreeMap::new(), folder: String::new(), features: Vec::new() },
        taken: Vec::new(),
        known: Vec::new(),
        places: false,
        renames: true,
    }
}

/// The names of everything a tree may make use of.
pub(crate) fn features() -> Vec<&'static str> {
    let tables = [settings::names(), objects::names(), patches::names(), configured::names()];
    let mut all = tables.concat();
    all.extend([TWO_BASES, COMPONENT, DEEP, MISTAKE]);
    all
}

/// What a tree with a mistake makes use of.
pub(crate) const MISTAKE: &str = "mistake";

const TWO_BASES: &str = "two bases";
const COMPONENT: &str = "component";
const DEEP: &str = "overlay of an overlay";

/// An object that a kustomization can refer to.
#[derive(Clone, Copy)]
struct Known {
    kind: &'static str,
    name: &'static str,
}

struct Maker {
    random: StdRng,
    tree: Tree,
    /// Kinds and names in use anywhere.
    taken: Vec<Known>,
    /// What the folder at hand holds or is built on.
    known: Vec<Known>,
    /// Whether objects get namespaces of their own.
    places: bool,
    /// Whether a patch may still give an object another name.
    renames: bool,
}

impl Maker {
    fn chance(&mut self, percent: u32) -> bool {
        self.random.random_range(0..100) < percent
    }

    fn pick<'t>(&mut self, list: &[&'t str]) -> &'t str {
        list.choose(&mut self.random).copied().unwrap_or_default()
    }

    fn pick_from<T: Copy>(&mut self, list: &[T]) -> Option<T> {
        list.choose(&mut self.random).copied()
    }

    fn uses(&mut self, feature: &'static str) {
        self.tree.features.push(feature);
    }

    fn put(&mut self, path: String, text: String) {
        self.tree.files.insert(path, text);
    }

    /// The name of an object of these kinds, if there is one.
    fn known(&mut self, kinds: &[&str]) -> Option<&'static str> {
        let fitting: Vec<&'static str> =
            self.known.iter().filter(|known| kinds.contains(&known.kind)).map(|known| known.name).collect();
        self.pick_from(&fitting)
    }

    /// A text written with such a name; nothing where there is none.
    fn with(&mut self, kinds: &[&str], text: impl Fn(&str) -> String) -> String {
        self.known(kinds).map_or_else(String::new, text)
    }

    fn make(&mut self) {
        self.base("base");
        let mut bases = vec!["../base".to_owned()];
        if self.chance(30) {
            self.uses(TWO_BASES);
            let first = std::mem::take(&mut self.known);
            self.base("other");
            self.known.extend(first);
            bases.push("../other".to_owned());
        }
        let depth = self.random.random_range(1..4);
        if depth > 1 {
            self.uses(DEEP);
        }
        for level in 0..depth {
            let folder = format!("overlay{level}");
            self.overlay(&folder, &bases);
            bases = vec![format!("../{folder}")];
            self.tree.folder = folder;
        }
        if self.chance(mistakes::PERCENT) {
            self.spoil();
        }
    }

    fn base(&mut self, folder: &str) {
        let mut text = String::from("resources:\n");
        for at in 0..self.random.random_range(1..4) {
            let file = self.file();
            text.push_str(&format!("- r{at}.yaml\n"));
            self.put(format!("{folder}/r{at}.yaml"), file);
        }
        if self.chance(60) {
            text.push_str(&self.settings(folder));
        }
        self.put(format!("{folder}/kustomization.yaml"), text);
    }

    fn overlay(&mut self, folder: &str, bases: &[String]) {
        let mut text = String::from("resources:\n");
        for base in bases {
            text.push_str(&format!("- {base}\n"));
        }
        if self.chance(25) {
            self.uses(COMPONENT);
            let component = format!("component-of-{folder}");
            // A component is built on what was gathered before it.
            let body = format!("kind: Component\n{}", self.settings(&component));
            self.put(format!("{component}/kustomization.yaml"), body);
            text.push_str(&format!("components:\n- ../{component}\n"));
        }
        text.push_str(&self.settings(folder));
        self.put(format!("{folder}/kustomization.yaml"), text);
    }
}
