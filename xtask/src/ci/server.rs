//! A running `portcullis demo` for a step of the gate.
//!
//! Listens on a free port, writes its log under `target/xtask/logs`, is stopped as Ctrl-C
//! would stop it, and is ended in any case when the step is over.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::thread::sleep;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};

use crate::process::{command, interrupt, now};
use crate::repo;

/// A demo that is ready to be asked.
#[derive(Debug)]
pub(super) struct Demo {
    child: Child,
    log: PathBuf,
    /// Where its page is, for instance `http://127.0.0.1:41234/`.
    pub(super) url: String,
}

impl Demo {
    /// Starts `portcullis demo` with `arguments` on a free port and waits for its address.
    ///
    /// # Errors
    ///
    /// When it ends or stays silent; with the end of its log.
    pub(super) fn start(program: &Path, name: &str, arguments: &[&str]) -> Result<Self> {
        let logs = repo::tools().join("logs");
        fs::create_dir_all(&logs)?;
        let log = logs.join(format!("demo-{name}.log"));
        let file = fs::File::create(&log)?;
        let child = command(&program.to_string_lossy())
            .args(["demo", "--listen", "127.0.0.1:0"])
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(file.try_clone()?)
            .stderr(file)
            .spawn()
            .context("cannot start `portcullis demo`")?;
        let mut demo = Self { child, log, url: String::new() };
        let start = now();
        while start.elapsed() < READY_WITHIN {
            if let Some(url) = url_in(&demo.written()) {
                demo.url = url;
                return Ok(demo);
            }
            if let Some(status) = demo.child.try_wait()? {
                bail!(
                    "`portcullis demo` ended ({status}) before it was ready:\n{}",
                    demo.written()
                );
            }
            sleep(Duration::from_millis(50));
        }
        bail!("`portcullis demo` printed no address in time:\n{}", demo.written())
    }

    /// Stops it as Ctrl-C would.
    ///
    /// # Errors
    ///
    /// When it does not stop in time, or does not end with 0.
    pub(super) fn stop(mut self) -> Result<()> {
        let status = interrupt(&mut self.child, STOPS_WITHIN, "portcullis demo")?;
        ensure!(
            status.success(),
            "`portcullis demo` ended with {status} on Ctrl-C:\n{}",
            self.written()
        );
        Ok(())
    }

    /// All it printed so far.
    pub(super) fn written(&self) -> String {
        String::from_utf8_lossy(&fs::read(&self.log).unwrap_or_default()).into_owned()
    }
}

impl Drop for Demo {
    fn drop(&mut self) {
        if matches!(self.child.try_wait(), Ok(None)) {
            drop(self.child.kill());
            drop(self.child.wait());
        }
    }
}

/// The first loopback address with a port in a text, without escape sequences around it.
fn url_in(text: &str) -> Option<String> {
    let whole_lines = text.rsplit_once('\n')?.0;
    let place = whole_lines.find("http://127.0.0.1:")?;
    let url: String = whole_lines
        .get(place..)?
        .chars()
        .take_while(|letter| letter.is_ascii_alphanumeric() || ":/.?=&-_%".contains(*letter))
        .collect();
    Some(url.trim_end_matches('.').to_owned())
}

const READY_WITHIN: Duration = Duration::from_secs(180);
const STOPS_WITHIN: Duration = Duration::from_secs(15);

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: Option<&str>) {
        assert_eq!(url_in(text).as_deref(), expected);
    }

    #[test]
    fn the_address_is_read_from_whole_lines() {
        check("open http://127.0.0.1:80", None);
        check("open http://127.0.0.1:8080/\n", Some("http://127.0.0.1:8080/"));
        check("x\nOpen http://127.0.0.1:8080.\ny\n", Some("http://127.0.0.1:8080"));
        check("\u{1b}[1mhttp://127.0.0.1:1/\u{1b}[0m\n", Some("http://127.0.0.1:1/"));
        check("nothing\n", None);
    }
}
