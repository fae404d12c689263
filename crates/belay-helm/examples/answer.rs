//! Answers the same questions as `tests/oracle/helm/cmd/answer`, so that Helm and we can be compared:
//! a line `{"dir": …, "args": ["template", …]}` gets a line `{"output": …, "error": …}`.

#[path = "../tests/command_line/mod.rs"]
mod command_line;

use std::io::{self, BufRead, Write};
use std::panic;
use std::path::Path;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use belay_gotemplate::{Clock, Moment, ParseCache, RandomSource};
use serde_json::{Value, json};

/// As in the binary.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Templates include each other a thousand deep in charts that Helm still renders.
const STACK: usize = 256 << 20;

fn main() -> io::Result<()> {
    let work = std::thread::Builder::new().stack_size(STACK).spawn(answer_all)?;
    work.join().unwrap_or_else(|_| Err(io::Error::other("the worker panicked")))
}

fn answer_all() -> io::Result<()> {
    let mut out = io::BufWriter::new(io::stdout().lock());
    // Each render as if it were the first, unless it is asked to remember.
    let keeps = std::env::args().any(|argument| argument == "--keep-parsed");
    let parsed = Arc::new(ParseCache::default());
    for line in io::stdin().lock().lines() {
        let question: Value = serde_json::from_str(&line?)?;
        let answer = panic::catch_unwind(|| answer(&question, keeps.then_some(&parsed)))
            .unwrap_or_else(|_| Err("panic".to_owned()));
        let answer = match answer {
            Ok(output) => json!({ "output": output }),
            Err(error) => json!({ "output": "", "error": error }),
        };
        writeln!(out, "{answer}")?;
        out.flush()?;
    }
    Ok(())
}

fn answer(question: &Value, parsed: Option<&Arc<ParseCache>>) -> Result<String, String> {
    let arguments: Vec<String> =
        serde_json::from_value(question["args"].clone()).map_err(|error| error.to_string())?;
    let folder = Path::new(question["dir"].as_str().unwrap_or("."));
    match arguments.split_first() {
        Some((command, rest)) if command == "template" => {
            let shown = |error: Box<dyn std::error::Error>| belay_causes::chain(error.as_ref());
            let mut request = command_line::parse(rest).map_err(shown)?;
            request.options.parsed = parsed.cloned();
            request.options.clock = Some(Arc::new(SystemClock));
            request.options.random = Some(Arc::new(Pseudorandom(SystemTime::now())));
            let output = command_line::carry_out(folder, request).map_err(shown)?;
            Ok(String::from_utf8_lossy(&output).into_owned())
        }
        _ => Err("only `template` is answered".to_owned()),
    }
}

struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Moment {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Moment { seconds: since.as_secs() as i64, nanoseconds: since.subsec_nanos(), offset: 0 }
    }
}

/// Good enough where every random byte is masked.
struct Pseudorandom(SystemTime);

impl RandomSource for Pseudorandom {
    fn fill(&self, bytes: &mut [u8]) {
        let mut state = self.0.elapsed().unwrap_or_default().as_nanos() as u64 | 1;
        for byte in bytes {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            *byte = (state >> 33) as u8;
        }
    }
}
