//! Films play, and are refused, in headless Chromium.
//!
//! Starts the program as a newcomer would, three times: with the film it carries, with a film
//! made by ffmpeg (B-frames, edit lists), and with one fragmented by Shaka Packager. What is
//! clicked and looked at is in `console/test`; this file only brings the two together.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};

use super::Tally;
use super::server::Demo;
use crate::process::{command, must, say, succeeds, tee};
use crate::{console, demo, repo};

/// The page plays our film, and films that are not ours.
pub(super) fn step() -> Result<Tally> {
    ensure!(succeeds(command("chromium").arg("--version")), "no chromium: run `cargo xtask test`");
    console::build()?;
    let program = demo::binary()?;
    let mut tally = Tally::default();
    say("our film");
    tally += watch(&program, "ours", &[])?;
    let films = foreign_films(&repo::tools().join("films"))?;
    say("a film with B-frames and edit lists, made by ffmpeg");
    tally += watch(&program, "ffmpeg", &[&films.ffmpeg])?;
    say("the same film fragmented by Shaka Packager, picture and sound apart");
    tally += watch(&program, "shaka", &[&films.shaka_picture, &films.shaka_sound])?;
    Ok(tally)
}

fn watch(program: &Path, name: &str, inputs: &[&Path]) -> Result<Tally> {
    let inputs: Vec<String> = inputs.iter().map(|path| path.display().to_string()).collect();
    let arguments: Vec<&str> = inputs.iter().flat_map(|path| ["--input", path.as_str()]).collect();
    let demo = Demo::start(program, name, &arguments)?;
    let mut tally = None;
    let pictures = repo::tools().join("screenshots");
    fs::create_dir_all(&pictures)?;
    let mut node = command("node");
    node.args(["console/test/run.mjs", "--url", &demo.url, "--screenshot"]);
    node.arg(pictures.join(format!("{name}.png")));
    if !inputs.is_empty() {
        node.arg("--foreign");
    }
    let status = tee(&mut node, |line| tally = count(line).or(tally))?;
    let tally = tally.context("console/test/run.mjs printed no totals")?;
    ensure!(tally.passed > 0, "console/test/run.mjs ran no test");
    // With failed tests the counts already say so; without, the runner itself broke.
    ensure!(status.success() || tally.failed > 0, "console/test/run.mjs failed ({status})");
    demo.stop()?;
    Ok(tally)
}

/// Reads the last line of a runner: `name: 12 passed, 0 failed`, with `, 0 skipped` or without.
pub(super) fn count(line: &str) -> Option<Tally> {
    let (_, counts) = line.trim().split_once(": ")?;
    let mut parts = counts.split(", ");
    let mut next = |name: &str| parts.next()?.strip_suffix(name)?.parse().ok();
    let (passed, failed) = (next(" passed")?, next(" failed")?);
    let skipped = match parts.next() {
        None => 0,
        Some(part) => part.strip_suffix(" skipped")?.parse().ok()?,
    };
    parts.next().is_none().then_some(Tally { passed, failed, skipped })
}

/// Films for which somebody else wrote the boxes.
pub(super) struct Films {
    /// Progressive, with B-frames and edit lists.
    pub(super) ffmpeg: PathBuf,
    /// The pictures of the same film, fragmented.
    pub(super) shaka_picture: PathBuf,
    /// Its sound, fragmented.
    pub(super) shaka_sound: PathBuf,
}

/// Makes them, in a moment, anew each time.
pub(super) fn foreign_films(folder: &Path) -> Result<Films> {
    fs::create_dir_all(folder)?;
    let films = Films {
        ffmpeg: folder.join("ffmpeg.mp4"),
        shaka_picture: folder.join("shaka-picture.mp4"),
        shaka_sound: folder.join("shaka-sound.mp4"),
    };
    must(ffmpeg().args(RECIPE.split_whitespace()).arg(&films.ffmpeg))?;
    let stream = |kind: &str, output: &Path| {
        format!("in={},stream={kind},output={}", films.ffmpeg.display(), output.display())
    };
    must(
        command("packager")
            .arg(stream("video", &films.shaka_picture))
            .arg(stream("audio", &films.shaka_sound))
            .args(["--segment_duration", "2", "--quiet"]),
    )?;
    Ok(films)
}

fn ffmpeg() -> Command {
    let mut ffmpeg = command("ffmpeg");
    ffmpeg.args(["-hide_banner", "-loglevel", "error", "-nostdin", "-y"]);
    ffmpeg
}

const RECIPE: &str = "-f lavfi -i testsrc2=size=640x360:rate=25 \
    -f lavfi -i sine=frequency=440:sample_rate=48000 -t 8 \
    -c:v libx264 -preset veryfast -pix_fmt yuv420p -bf 3 \
    -g 50 -keyint_min 50 -sc_threshold 0 -c:a aac -b:a 96k -ac 2";

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(line: &str, expected: Option<(u64, u64, u64)>) {
        let expected = expected.map(|(passed, failed, skipped)| Tally { passed, failed, skipped });
        assert_eq!(count(line), expected);
    }

    #[test]
    fn the_totals_of_a_runner_are_read() {
        check("browser: 12 passed, 1 failed\n", Some((12, 1, 0)));
        check("interop: 12 passed, 1 failed, 2 skipped", Some((12, 1, 2)));
        check("browser: 12 passed", None);
        check("browser: 12 passed, 1 failed, 2 skipped, 3 more", None);
        check("12 passed, 1 failed", None);
    }
}
