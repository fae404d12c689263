//! `belay demo`

use std::io::IsTerminal;
use std::path::PathBuf;
use std::pin::pin;

use anyhow::Context as _;

use crate::demo::{Demo, DemoOptions, Paint, tour};
use crate::logs::{self, LogFormat};

use super::run::stopped;
use crate::written::private_folder;

/// Start an embedded cluster, a Git server and Belay, and walk a tour of what Belay does.
///
/// Every step is asserted; the first that does not hold ends the command with 1.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Where everything goes, with `kubeconfig` and `demo.json`; a folder of its own without it.
    #[arg(long)]
    dir: Option<PathBuf>,
    /// Stay up without a terminal too, until a signal, and leave the folder in place.
    #[arg(long)]
    keep: bool,
    /// Only start everything.
    #[arg(long)]
    no_tour: bool,
    /// The port of the web UI; a free one when 0.
    #[arg(long, default_value = "0")]
    port: u16,
    /// No colours, nothing redrawn in place.
    #[arg(long)]
    plain: bool,
}

/// A folder that nobody else has or can make: it holds the login of the demo's cluster.
fn new_folder() -> anyhow::Result<PathBuf> {
    let folder = private_folder("belay-demo-");
    Ok(folder.context("no folder can be made for the demo")?.keep())
}

/// Starts, walks, and with a terminal stays up until a signal.
pub(crate) fn run(arguments: Arguments, format: LogFormat) -> anyhow::Result<()> {
    logs::start(format, "error");
    let own_folder = arguments.dir.is_none();
    let folder = match arguments.dir {
        Some(folder) => folder,
        None => new_folder()?,
    };
    let terminal = std::io::stdout().is_terminal();
    let paint = Paint::new(terminal && !arguments.plain && std::env::var_os("NO_COLOR").is_none());
    let stays =
        arguments.no_tour || arguments.keep || (terminal && std::env::var("CI").as_deref() != Ok("true"));
    let redrawn = terminal && !arguments.plain;
    let result = super::runtime()?.block_on(async {
        let mut stop = pin!(stopped());
        let options = DemoOptions { folder: folder.clone(), port: arguments.port, paint };
        let demo = tokio::select! {
            demo = Demo::start(options) => demo?,
            () = &mut stop => return Ok(()),
        };
        let walk = async {
            if !arguments.no_tour {
                tour::walk(&demo).await?;
            }
            demo.say_where_to_go()?;
            if stays {
                super::print("  Ctrl-C ends the demo.\n\n")?;
                if redrawn {
                    demo.show_live().await?;
                }
                std::future::pending::<()>().await;
            }
            Ok(())
        };
        let result = tokio::select! {
            result = walk => result,
            result = demo.work() => result,
            () = &mut stop => Ok(()),
        };
        demo.shutdown().await;
        result
    });
    if own_folder && !arguments.keep {
        // Nothing stays behind; a folder that is already gone is no fault.
        let _ = std::fs::remove_dir_all(&folder);
    }
    result
}
