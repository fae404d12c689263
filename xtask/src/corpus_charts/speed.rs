//! `cargo xtask bench helm`: the same charts rendered by Helm and by us, as processes and within one.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};

use super::collect;
use super::worker::Worker;
use crate::helm::Helm;
use crate::print;

/// What is measured, with what.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// A folder with charts, at any depth.
    #[arg(long)]
    charts: PathBuf,
    /// Our binary.
    #[arg(long, default_value = "target/release/belay")]
    belay: PathBuf,
    /// We in one process: the example `answer` of belay-helm, built with optimization.
    #[arg(long, default_value = "target/release/examples/answer")]
    belay_answer: PathBuf,
    /// How many charts.
    #[arg(long, default_value_t = 100)]
    count: usize,
    /// How often each is rendered; the median counts.
    #[arg(long, default_value_t = 3)]
    rounds: usize,
}

/// Measures and prints the table.
pub(crate) fn run(root: &Path, arguments: &Arguments) -> Result<()> {
    let helm = Helm::build(root)?;
    let answer = helm.answer()?;
    let charts = renderable(arguments, &answer)?;
    print(&format!("{} charts, {} pairs each", charts.len(), arguments.rounds));
    let as_processes = |chart: &Path, is_helm: bool| {
        if is_helm {
            process(&helm.command, &["template"], chart)
        } else {
            process(&arguments.belay, &["helm", "template"], chart)
        }
    };
    line("as processes", &compare(&charts, arguments.rounds, as_processes)?, 20.0);
    for (name, flags) in
        [("within one process, first", &[][..]), ("within one process, again", &["--keep-parsed"])]
    {
        let mut theirs = Worker::new(&answer);
        let mut ours = Worker::new(&arguments.belay_answer).with(flags);
        let inside = compare(&charts, arguments.rounds, |chart, is_helm| {
            let worker = if is_helm { &mut theirs } else { &mut ours };
            let start = Instant::now();
            worker.ask(chart, &arguments_in(chart))?;
            Ok(start.elapsed())
        })?;
        line(name, &inside, 5.0);
    }
    let folder = std::env::temp_dir().join(format!("belay-umbrella-{}", std::process::id()));
    let umbrella = umbrella(&folder)?;
    let result = compare(&[umbrella], arguments.rounds, as_processes);
    fs::remove_dir_all(&folder)?;
    line("umbrella of 120 subcharts", &result?, 50.0);
    Ok(())
}

/// The first charts that Helm renders, spread over the whole list.
fn renderable(arguments: &Arguments, answer: &Path) -> Result<Vec<PathBuf>> {
    let all = collect::collect(&arguments.charts.canonicalize()?)?;
    let step = (all.len() / arguments.count.max(1)).max(1);
    let spread = (0..step).flat_map(|start| all.iter().skip(start).step_by(step));
    let mut helm = Worker::new(answer);
    let mut charts = Vec::new();
    for chart in spread {
        if charts.len() == arguments.count {
            break;
        }
        if helm.ask(&chart.folder, &arguments_in(&chart.folder))?.error.is_none() {
            charts.push(chart.folder.clone());
        }
    }
    if charts.is_empty() {
        bail!("no chart below {} renders", arguments.charts.display());
    }
    Ok(charts)
}

fn arguments_in(_: &Path) -> Vec<String> {
    ["template", "rel", ".", "--namespace", "default"].map(str::to_owned).to_vec()
}

/// Every chart's median, Helm's and ours.
fn compare(
    charts: &[PathBuf],
    rounds: usize,
    mut render: impl FnMut(&Path, bool) -> Result<Duration>,
) -> Result<Vec<(Duration, Duration)>> {
    let mut medians = Vec::new();
    for chart in charts {
        let (mut helm, mut belay) = (Vec::new(), Vec::new());
        for _ in 0..rounds.max(1) {
            helm.push(render(chart, true)?);
            belay.push(render(chart, false)?);
        }
        medians.push((median(helm), median(belay)));
    }
    Ok(medians)
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times[times.len() / 2]
}

fn process(program: &Path, command: &[&str], chart: &Path) -> Result<Duration> {
    let start = Instant::now();
    let status = Command::new(program)
        .args(command)
        .args(["rel", "--namespace", "default"])
        .arg(chart)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .env_remove("KUBECONFIG")
        .status()
        .with_context(|| format!("starting {}", program.display()))?;
    if !status.success() {
        bail!("{} does not render {}", program.display(), chart.display());
    }
    Ok(start.elapsed())
}

/// The chart in the middle, and all of them together: a few that make RSA keys take most of the latter.
fn line(name: &str, medians: &[(Duration, Duration)], target: f64) {
    let ratio =
        |(helm, belay): (Duration, Duration)| helm.as_secs_f64() / belay.as_secs_f64().max(f64::EPSILON);
    let middle = (
        median(medians.iter().map(|pair| pair.0).collect()),
        median(medians.iter().map(|pair| pair.1).collect()),
    );
    let total = (medians.iter().map(|pair| pair.0).sum(), medians.iter().map(|pair| pair.1).sum());
    let shown = |time: Duration| format!("{:.1} ms", time.as_secs_f64() * 1e3);
    print(&format!(
        "{name:<27} medians {:>9} / {:>8} = {:>5.1} × (target {target} ×)   sums {:>10} / {:>10} = {:>5.1} ×",
        shown(middle.0),
        shown(middle.1),
        ratio(middle),
        shown(total.0),
        shown(total.1),
        ratio(total)
    ));
}

/// A chart of 120 subcharts with `tpl` in every template.
fn umbrella(folder: &Path) -> Result<PathBuf> {
    let chart = folder.join("umbrella");
    let put = |name: &str, text: &str| -> Result<()> {
        let file = chart.join(name);
        fs::create_dir_all(file.parent().context("a file lies in a folder")?)?;
        Ok(fs::write(file, text)?)
    };
    put("Chart.yaml", "apiVersion: v2\nname: umbrella\nversion: 1.0.0\n")?;
    put("values.yaml", "global: {domain: example.com}\n")?;
    for number in 0..120 {
        let below = format!("charts/part{number}");
        put(
            &format!("{below}/Chart.yaml"),
            &format!("apiVersion: v2\nname: part{number}\nversion: 1.0.0\n"),
        )?;
        put(
            &format!("{below}/values.yaml"),
            "host: '{{ .Chart.Name }}.{{ .Values.global.domain }}'\nlabels: {a: b}\n",
        )?;
        put(
            &format!("{below}/templates/_helpers.tpl"),
            &format!("{{{{ define \"part{number}.labels\" }}}}app: {{{{ .Chart.Name }}}}{{{{ end }}}}\n"),
        )?;
        for kind in ["ConfigMap", "Service", "Deployment"] {
            put(
                &format!("{below}/templates/{kind}.yaml"),
                &format!(
                    "apiVersion: v1\nkind: {kind}\nmetadata:\n  name: {{{{ .Release.Name }}}}-{{{{ .Chart.Name }}}}\n  labels:\n    \
                     {{{{- include \"part{number}.labels\" . | nindent 4 }}}}\n    {{{{- toYaml .Values.labels | nindent 4 \
                     }}}}\ndata:\n  host: {{{{ tpl .Values.host . | quote }}}}\n"
                ),
            )?;
        }
    }
    Ok(chart)
}
