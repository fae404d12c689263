//! What somebody knows when asked.

/// A gauge's samples, made anew each time.
#[derive(Debug, Clone, PartialEq)]
pub struct Gauge {
    /// The family's name, which has to be one of [`FAMILIES`](crate::FAMILIES).
    pub name: &'static str,
    /// The values of its labels, in their order, and the number.
    pub samples: Vec<(Vec<String>, f64)>,
}

impl Gauge {
    /// A family without samples.
    pub fn new(name: &'static str) -> Gauge {
        Gauge { name, samples: Vec::new() }
    }

    /// Adds a sample.
    pub fn add(&mut self, labels: &[&str], value: f64) {
        self.samples.push((labels.iter().map(|label| (*label).to_owned()).collect(), value));
    }
}
