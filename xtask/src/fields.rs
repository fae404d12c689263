//! `cargo xtask fields`: every field that a user can write, honoured or refused.

use anyhow::ensure;
use belay_crd::{Kind, Support, Verdict};

/// What is listed.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Numbers alone.
    #[arg(long)]
    counts: bool,
}

/// A family's kinds and marks.
struct Family {
    name: &'static str,
    kinds: &'static [&'static Kind],
    support: &'static Support,
}

/// Prints the fields of both families. A field that is in neither list is an error, as it is in the tests.
pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let families = [
        Family { name: "Argo CD", kinds: belay_argo_api::KINDS, support: belay_argo_api::support() },
        Family { name: "Flux", kinds: belay_flux_api::KINDS, support: belay_flux_api::support() },
    ];
    let mut gaps = Vec::new();
    for family in &families {
        let mut total = Counts::default();
        for kind in family.kinds {
            let fields = family.support.fields(kind);
            if !arguments.counts {
                fields.iter().for_each(|(field, verdict)| crate::print(&line(kind, field, *verdict)));
            }
            let counts = Counts::of(&fields);
            crate::print(&format!("{}: {}", kind.kind, counts.told()));
            total.add(&counts);
            gaps.extend(family.support.gaps(kind));
        }
        crate::print(&format!("{}: {}", family.name, total.told()));
    }
    ensure!(gaps.is_empty(), "fields without a mark of their own:\n{}", gaps.join("\n"));
    Ok(())
}

fn line(kind: &Kind, field: &str, verdict: Option<Verdict>) -> String {
    let word = match verdict {
        Some(Verdict::Honoured) => "honoured",
        Some(Verdict::Refused) => "refused ",
        Some(Verdict::Idle | Verdict::Named) | None => "NEITHER ",
    };
    format!("{word} {} {field}", kind.kind)
}

#[derive(Default)]
struct Counts {
    honoured: usize,
    refused: usize,
}

impl Counts {
    fn of(fields: &[(String, Option<Verdict>)]) -> Counts {
        let count = |wanted| fields.iter().filter(|(_, verdict)| *verdict == Some(wanted)).count();
        Counts { honoured: count(Verdict::Honoured), refused: count(Verdict::Refused) }
    }

    fn add(&mut self, other: &Counts) {
        self.honoured += other.honoured;
        self.refused += other.refused;
    }

    fn told(&self) -> String {
        let all = self.honoured + self.refused;
        format!("{all} fields, {} honoured, {} refused", self.honoured, self.refused)
    }
}
