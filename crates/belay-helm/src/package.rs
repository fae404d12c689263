//! A chart as an archive.

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;
use tar::{Builder, Header};

use crate::chart::Chart;

impl Chart {
    /// What `Chart.yaml` asks for and `charts/` lacks.
    pub fn missing_dependencies(&self) -> Vec<&str> {
        crate::dependencies::missing(self)
    }

    /// The name of the chart's archive.
    pub fn archive_name(&self) -> String {
        format!("{}-{}.tgz", self.metadata.name, self.metadata.version)
    }

    /// The chart as an archive that Helm loads as it loads the folder. Times of files are those of the epoch: the
    /// same chart gives the same bytes.
    pub fn to_archive(&self) -> std::io::Result<Vec<u8>> {
        let mut archive = Builder::new(GzEncoder::new(Vec::new(), Compression::default()));
        // `Chart.yaml` comes first, so that readers of a stream know the chart early.
        let (first, rest): (Vec<_>, Vec<_>) = self.raw.iter().partition(|file| file.name == "Chart.yaml");
        for file in first.into_iter().chain(rest) {
            let mut header = Header::new_gnu();
            header.set_size(file.data.len() as u64);
            header.set_mode(0o644);
            archive.append_data(&mut header, format!("{}/{}", self.name(), file.name), &*file.data)?;
        }
        let mut compressed = archive.into_inner()?.finish()?;
        compressed.flush()?;
        Ok(compressed)
    }
}

#[cfg(test)]
mod tests {
    use belay_filetree::{MemoryTree, TreePath};

    use super::*;
    use crate::load::LoadLimits;

    #[test]
    fn a_chart_survives_being_packed() {
        let long = format!("web/templates/{}.yaml", "x".repeat(140));
        let tree = MemoryTree::of([
            ("web/templates/a.yaml", "a: 1"),
            ("web/Chart.yaml", "apiVersion: v2\nname: web\nversion: 1.0.0\n"),
            ("web/values.yaml", "b: 2"),
            (long.as_str(), "c: 3"),
        ]);
        let chart = Chart::load(&tree, &TreePath::parse("web").expect("a path")).expect("a chart");
        assert_eq!(chart.archive_name(), "web-1.0.0.tgz");
        let archive = chart.to_archive().expect("memory can be written");
        let again = Chart::from_archive(&archive, LoadLimits::default()).expect("a chart");
        assert_eq!((again.metadata, again.values), (chart.metadata.clone(), chart.values.clone()));
        assert_eq!(again.templates, chart.templates);
        assert_eq!(archive, chart.to_archive().expect("memory can be written"));
    }
}
