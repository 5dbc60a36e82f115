//! Requests per second over HTTP: the program itself, beside nginx with the same bytes.
//!
//! `cargo bench -p portcullis` starts the release binary in a folder of its own, made by its
//! own subcommands, and asks it over loopback on connections that stay open. nginx serves a
//! file of the size of the license, the same segment, and the same segment behind its own
//! signed links. Figures are printed, never judged.
//!
//! Per second of the server's processor time is the figure to compare: it is what one core
//! serves, and other work on the machine changes it little.

#![expect(clippy::print_stdout, reason = "a bench prints what it found")]
#![expect(clippy::disallowed_methods, reason = "a bench looks at the clock")]

mod load;
mod scene;
mod servers;

use std::{io, time::Duration};

use load::Load;
use scene::Scene;
use servers::Server;

fn main() -> io::Result<()> {
    let words: Vec<String> = std::env::args().skip(1).filter(|word| word != "--bench").collect();
    let scene = Scene::set()?;
    println!(
        "start to serving, new store: portcullis {} ms, nginx {} ms; memory at rest {:.1} MB",
        scene.server.start_up.as_millis(),
        scene.peer.as_ref().map_or(0, |(peer, _)| peer.start_up.as_millis()),
        scene.server.memory() as f64 / 1e6,
    );
    println!(
        "{:34} {:>10} {:>14} {:>9} {:>9} {:>9}",
        "", "requests/s", "per core and s", "p50 µs", "p99 µs", "MB/s"
    );
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    for (name, ask) in scene.asks()? {
        if words.is_empty() || words.iter().any(|word| name.contains(word.as_str())) {
            runtime.block_on(measure(&name, &ask.load, ask.server))?;
        }
    }
    println!("memory after the load: {:.1} MB", scene.server.memory() as f64 / 1e6);
    Ok(())
}

/// A load, and the process that answers it.
pub(crate) struct Ask<'a> {
    pub(crate) load: Load,
    pub(crate) server: &'a Server,
}

async fn measure(name: &str, load: &Load, server: &Server) -> io::Result<()> {
    load.run(WARM_UP).await?;
    let before = server.processor_time();
    let answered = load.run(MEASURED).await?;
    let busy = server.processor_time().saturating_sub(before);
    println!(
        "{name:34} {:>10.0} {:>14.0} {:>9} {:>9} {:>9.0}",
        answered.per_second(),
        answered.micros.len() as f64 / busy.as_secs_f64(),
        answered.percentile(0.5),
        answered.percentile(0.99),
        answered.bytes as f64 / answered.elapsed.as_secs_f64() / 1e6,
    );
    Ok(())
}

const WARM_UP: Duration = Duration::from_millis(500);
const MEASURED: Duration = Duration::from_secs(4);
