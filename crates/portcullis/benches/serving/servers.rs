//! The processes that are measured: the program itself, and nginx as floor and peer.
//!
//! Both write their access log into a file, as they would in production. What they cost is
//! read from the kernel: processor time, which other work on the machine does not change
//! much, and resident memory.

use std::{
    fs,
    io::{self, BufRead as _, BufReader},
    net::{SocketAddr, TcpListener, TcpStream},
    path::Path,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

/// A running server. It ends with its value.
#[derive(Debug)]
pub(crate) struct Server {
    child: Child,
    /// From its start until it answered.
    pub(crate) start_up: Duration,
}

impl Server {
    /// Processor time used so far, in user and kernel.
    pub(crate) fn processor_time(&self) -> Duration {
        let stat = self.proc("stat");
        // The fields after the name, which is in brackets and may hold anything.
        let fields = stat.rsplit_once(')').map_or("", |(_, fields)| fields);
        let ticks: u64 = fields
            .split_whitespace()
            .skip(11)
            .take(2)
            .filter_map(|ticks| ticks.parse::<u64>().ok())
            .sum();
        Duration::from_millis(ticks * MILLIS_PER_TICK)
    }

    /// Resident memory in bytes.
    pub(crate) fn memory(&self) -> u64 {
        let status = self.proc("status");
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kib = line.and_then(|line| line.trim().split(' ').next()?.parse::<u64>().ok());
        kib.unwrap_or(0) * 1024
    }

    fn proc(&self, name: &str) -> String {
        fs::read_to_string(format!("/proc/{}/{name}", self.child.id())).unwrap_or_default()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Where the program listens.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Doors {
    pub(crate) public: SocketAddr,
    pub(crate) api: SocketAddr,
}

/// Starts the program in a folder that `portcullis init` has made.
pub(crate) fn portcullis(folder: &Path) -> io::Result<(Server, Doors)> {
    let log = fs::File::create(folder.join("portcullis.log"))?;
    let start = Instant::now();
    let child = Command::new(PORTCULLIS)
        .arg("serve")
        .current_dir(folder)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(log)
        .spawn()?;
    let mut server = Server { child, start_up: Duration::ZERO };
    while start.elapsed() < PATIENCE {
        let log = BufReader::new(fs::File::open(folder.join("portcullis.log"))?);
        let line = log.lines().map_while(Result::ok).find(|line| line.contains(SERVING));
        if let Some(doors) = line.as_deref().and_then(doors) {
            server.start_up = start.elapsed();
            return Ok((server, doors));
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    Err(io::Error::other("the program did not start"))
}

/// Reads `… players http://A, api http://B, …`.
fn doors(line: &str) -> Option<Doors> {
    let mut addresses = line.split("http://").skip(1).filter_map(|rest| {
        let end = rest.find([',', ' ']).unwrap_or(rest.len());
        rest.get(..end)?.parse().ok()
    });
    Some(Doors { public: addresses.next()?, api: addresses.next()? })
}

/// Runs the program once and returns what it printed.
pub(crate) fn command(folder: &Path, arguments: &[&str]) -> io::Result<String> {
    let output = Command::new(PORTCULLIS).args(arguments).current_dir(folder).output()?;
    if output.status.success() {
        return String::from_utf8(output.stdout).map_err(io::Error::other);
    }
    Err(io::Error::other(String::from_utf8_lossy(&output.stderr).into_owned()))
}

/// Starts nginx as one process, so that its cost is that of one process id. `None` when it is
/// not installed.
pub(crate) fn nginx(folder: &Path, locations: &str) -> io::Result<Option<(Server, SocketAddr)>> {
    let address = TcpListener::bind(("127.0.0.1", 0))?.local_addr()?;
    let shown = folder.display();
    let text = format!(
        "daemon off;\nmaster_process off;\npid {shown}/nginx.pid;\n\
         error_log {shown}/nginx-error.log;\nevents {{ worker_connections 1024; }}\n\
         http {{\n  sendfile on;\n  tcp_nopush on;\n  keepalive_requests 100000000;\n  \
         access_log {shown}/nginx-access.log;\n  open_file_cache max=1000;\n  \
         default_type application/octet-stream;\n  \
         client_body_temp_path {shown}/b;\n  proxy_temp_path {shown}/p;\n  \
         fastcgi_temp_path {shown}/f;\n  uwsgi_temp_path {shown}/u;\n  \
         scgi_temp_path {shown}/s;\n  server {{\n    listen {address};\n    \
         root {shown}/media;\n{locations}  }}\n}}\n"
    );
    let configuration = folder.join("nginx.conf");
    fs::write(&configuration, text)?;
    let start = Instant::now();
    let child = Command::new("nginx")
        .arg("-c")
        .arg(&configuration)
        .arg("-e")
        .arg(folder.join("nginx-error.log"))
        .stdin(Stdio::null())
        .spawn();
    let child = match child {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        child => child?,
    };
    let mut server = Server { child, start_up: Duration::ZERO };
    while start.elapsed() < PATIENCE {
        if TcpStream::connect(address).is_ok() {
            server.start_up = start.elapsed();
            return Ok(Some((server, address)));
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    Err(io::Error::other("nginx did not start"))
}

/// The program under measurement, built by the same profile as this bench.
const PORTCULLIS: &str = env!("CARGO_BIN_EXE_portcullis");
const SERVING: &str = "portcullis is serving";
const PATIENCE: Duration = Duration::from_secs(20);
/// Linux counts processor time for programs in hundredths of a second.
const MILLIS_PER_TICK: u64 = 10;
