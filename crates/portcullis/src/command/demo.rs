//! `portcullis demo`: packages a film, serves it, and shows every step in a page.

use std::{
    fs,
    path::{Path, PathBuf},
    process::ExitCode,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use portcullis_server::{
    demo::{self, Film, PrepareError, Prepared, Progress},
    packaging::PackagingError,
    serve, telemetry,
};
use tempfile::TempDir;

use super::{open, progress::Bar, serve::stop_signal};
use crate::{
    arguments::DemoArguments,
    report::{self, Done, Stop},
};

pub(super) fn run(arguments: DemoArguments) -> Done {
    serve::forbid_core_dumps();
    let folder = Folder::new(arguments.data.as_deref())?;
    open::block_on(show(&folder, arguments))?
}

async fn show(folder: &Folder, arguments: DemoArguments) -> Done {
    // Packaging keeps its thread busy, so the signal is waited for on another one. That takes
    // the floor, so that packaging stops making files, and does not give it back.
    let floor = Arc::new(Mutex::new(()));
    let interrupted = tokio::spawn(end_when_stopped(folder.temporary(), Arc::clone(&floor)));
    let prepared = prepare(folder, &arguments, &floor).await;
    let having_the_floor = floor.lock().unwrap_or_else(PoisonError::into_inner);
    interrupted.abort();
    drop(having_the_floor);
    let prepared = prepared?;
    let Prepared { config, demo, .. } = prepared;
    telemetry::start(&config.log);
    let started = |bound: &serve::Bound| {
        report::data(format_args!("open http://{} in a browser", bound.public));
        report::talk("Ctrl-C ends the demo");
    };
    serve(config, Some(demo), started, stop_signal())
        .await
        .map_err(|error| super::serve::stop_of(&error))?;
    Ok(ExitCode::SUCCESS)
}

async fn end_when_stopped(temporary: Option<PathBuf>, floor: Arc<Mutex<()>>) {
    stop_signal().await;
    let _having_the_floor = floor.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(path) = temporary {
        // The other thread may write its segment to the end, which makes removing fail.
        for _ in 0..REMOVING_TRIES {
            let _ = fs::remove_dir_all(&path);
            std::thread::sleep(REMOVING_PAUSE);
            if !path.exists() {
                break;
            }
        }
    }
    std::process::exit(0);
}

async fn prepare(
    folder: &Folder,
    arguments: &DemoArguments,
    floor: &Mutex<()>,
) -> Result<Prepared, Stop> {
    let film = film(folder, &arguments.input)?;
    report::talk("packaging the film, twice: for DASH with cenc, for HLS with cbcs");
    let bar = Bar::new("");
    let mut tell = |progress: Progress<'_>| {
        drop(floor.lock());
        let Progress::Packaging { content, scheme, at } = progress;
        bar.name(&format!("{content} {scheme}"));
        bar.show(at);
    };
    let prepared = demo::prepare(folder.path(), &film, arguments.listen, &mut tell).await;
    bar.end();
    prepared.map_err(|error| match &error {
        PrepareError::Config(_) => Stop::usage(&error),
        PrepareError::Packaging(PackagingError::Package(cause)) => {
            Stop::with_code(cause.code.exit_code(), cause)
        }
        PrepareError::Store(cause) => open::stop_of(cause),
        _ => Stop::with_code(1, &error),
    })
}

/// The film to show: the operator's own, or ours, written into the folder.
fn film(folder: &Folder, inputs: &[PathBuf]) -> Result<Film, Stop> {
    if let Some(first) = inputs.first() {
        let title = first.file_stem().map(|stem| stem.to_string_lossy().into_owned());
        return Ok(Film { title: title.unwrap_or_default(), inputs: inputs.to_vec() });
    }
    let sources = folder.path().join("film");
    fs::create_dir_all(&sources).map_err(Stop::failure)?;
    let mut inputs = Vec::new();
    for (name, bytes) in CLIP {
        let path = sources.join(name);
        fs::write(&path, bytes).map_err(Stop::failure)?;
        inputs.push(path);
    }
    Ok(Film { title: "The Gate".to_owned(), inputs })
}

/// The demo's folder; removed at the end unless the operator named it.
enum Folder {
    Kept(PathBuf),
    Temporary(TempDir),
}

impl Folder {
    fn new(data: Option<&Path>) -> Result<Self, Stop> {
        let Some(path) = data else {
            let made = tempfile::Builder::new().prefix("portcullis-demo-").tempdir();
            return made.map(Self::Temporary).map_err(|error| {
                Stop::usage(format_args!("cannot make a temporary folder: {error}"))
            });
        };
        fs::create_dir_all(path).map_err(|error| {
            Stop::usage(format_args!("cannot make `{}`: {error}", path.display()))
        })?;
        Ok(Self::Kept(path.to_owned()))
    }

    fn path(&self) -> &Path {
        match self {
            Self::Kept(path) => path,
            Self::Temporary(folder) => folder.path(),
        }
    }

    fn temporary(&self) -> Option<PathBuf> {
        match self {
            Self::Kept(_) => None,
            Self::Temporary(folder) => Some(folder.path().to_owned()),
        }
    }
}

const REMOVING_TRIES: usize = 100;
const REMOVING_PAUSE: Duration = Duration::from_millis(20);
const CLIP: [(&str, &[u8]); 4] = [
    ("film-360p.mp4", include_bytes!("../../../../demo/film-360p.mp4")),
    ("film-720p.mp4", include_bytes!("../../../../demo/film-720p.mp4")),
    ("film-eng.mp4", include_bytes!("../../../../demo/film-eng.mp4")),
    ("film-deu.mp4", include_bytes!("../../../../demo/film-deu.mp4")),
];
