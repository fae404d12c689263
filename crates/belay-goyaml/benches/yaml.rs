//! Reading and writing a stream of manifests of 2 MB, beside what saphyr-parser takes for the events
//! of the same text alone: `cargo bench -p belay-goyaml`.

#![expect(clippy::print_stdout, reason = "a bench prints its table")]

use std::fmt::Write as _;
use std::hint::black_box;
use std::time::{Duration, Instant};

use belay_goyaml::{ParseOptions, node_to_json, parse, to_json, to_yaml, to_yaml_v3};
use saphyr_parser::{Event, Parser, Span, SpannedEventReceiver};

/// What the binary allocates with.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const ROUNDS: usize = 21;

fn main() {
    let text = manifests(2_000_000);
    let documents = parse(&text, &ParseOptions::default()).expect("the text is YAML");
    let values: Vec<_> = documents
        .iter()
        .map(|document| node_to_json(&document.root, false).expect("it has a value"))
        .collect();
    let pieces: Vec<&str> = text.split("\n---\n").collect();
    let options = ParseOptions::default();
    let nodes = || parse(&text, &options).map_or(0, |all| all.len());
    let json = || pieces.iter().filter(|piece| to_json(piece).is_ok()).count();
    let written = || values.iter().map(|value| to_yaml(value).len()).sum();
    let written_v3 = || values.iter().map(|value| to_yaml_v3(value, 2).len()).sum();
    let mut rows: Vec<Row<'_>> = vec![
        ("saphyr-parser: events alone", Box::new(|| events(&text))),
        ("text to nodes", Box::new(nodes)),
        ("text to JSON values", Box::new(json)),
        ("values to text, sigs.k8s.io/yaml", Box::new(written)),
        ("values to text, yaml.v3", Box::new(written_v3)),
    ];
    // A word of the row's name picks what to measure, for a profiler.
    let wanted = std::env::args().nth(1).filter(|word| !word.starts_with('-'));
    rows.retain(|(name, _)| wanted.as_ref().is_none_or(|word| name.contains(word.as_str())));
    let times = measure(&mut rows);
    println!(
        "{:<36} {:>10} {:>10} {:>8}",
        format!("{} bytes, median of {ROUNDS}", text.len()),
        "ms",
        "MB/s",
        "ratio"
    );
    for ((name, _), time) in rows.iter().zip(&times) {
        let rate = text.len() as f64 / 1e6 / time.as_secs_f64();
        let ratio = times[0].as_secs_f64() / time.as_secs_f64();
        println!("{name:<36} {:>10.2} {rate:>10.1} {ratio:>8.2}", time.as_secs_f64() * 1e3);
    }
}

type Row<'a> = (&'static str, Box<dyn FnMut() -> usize + 'a>);

/// The medians of the rows, which take turns so that a busy machine slows all of them.
fn measure(rows: &mut [Row<'_>]) -> Vec<Duration> {
    let mut times = vec![Vec::with_capacity(ROUNDS); rows.len()];
    for _ in 0..ROUNDS {
        for ((_, run), times) in rows.iter_mut().zip(&mut times) {
            let start = Instant::now();
            black_box(run());
            times.push(start.elapsed());
        }
    }
    let median = |mut times: Vec<Duration>| {
        times.sort_unstable();
        times[ROUNDS / 2]
    };
    times.into_iter().map(median).collect()
}

struct Count(usize);

impl SpannedEventReceiver<'_> for Count {
    fn on_event(&mut self, event: Event<'_>, _: Span) {
        self.0 += 1;
        black_box(event);
    }
}

fn events(text: &str) -> usize {
    let mut count = Count(0);
    Parser::new_from_str(text).load(&mut count, true).expect("the text is YAML");
    count.0
}

/// Deployments, Services and ConfigMaps as charts make them.
fn manifests(bytes: usize) -> String {
    let mut out = String::new();
    let mut number = 0;
    while out.len() < bytes {
        number += 1;
        let _ = write!(
            out,
            r#"apiVersion: apps/v1
kind: Deployment
metadata:
  name: web-{number}
  namespace: team-{team}
  labels:
    app.kubernetes.io/name: web
    app.kubernetes.io/instance: "release-{number}"
    helm.sh/chart: web-1.{number}.0
  annotations:
    checksum/config: 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a{team:02}
    description: 'It''s the web server number {number}: it answers requests of everyone.'
spec:
  replicas: {team}
  selector:
    matchLabels: {{app.kubernetes.io/name: web, app.kubernetes.io/instance: release-{number}}}
  template:
    spec:
      serviceAccountName: web
      securityContext:
        runAsNonRoot: true
        runAsUser: 1000
      containers:
        - name: web
          image: "registry.example.com/team/web:1.{number}.0@sha256:9f86d081884c7d659a2feaa0c55ad015"
          imagePullPolicy: IfNotPresent
          args: ["--listen", ":8080", "--log-level=info"]
          ports:
            - name: http
              containerPort: 8080
              protocol: TCP
          env:
            - name: NUMBER
              value: "{number}"
            - name: POD_IP
              valueFrom:
                fieldRef:
                  fieldPath: status.podIP
          resources:
            limits:
              cpu: 500m
              memory: 256Mi
            requests:
              cpu: 0.1
              memory: 64Mi
          volumeMounts:
            - name: config
              mountPath: /etc/web
      volumes:
        - name: config
          configMap:
            name: web-{number}
---
# Source: web/templates/config.yaml
apiVersion: v1
kind: ConfigMap
metadata:
  name: web-{number}
data:
  enabled: "true"
  server.conf: |
    # The server's own settings
    listen 8080
    root /srv/www

    location / {{
      try_files $uri $uri/ =404;
    }}
  motd: >-
    This text is folded over
    two lines of the file.
---
"#,
            team = number % 17,
        );
    }
    out
}
