//! A running `portcullis serve` or `portcullis demo`; killed when the test is over.

use std::{
    fs::{self, File},
    net::SocketAddr,
    path::PathBuf,
    process::{Child, Command, ExitStatus, Stdio},
    thread::sleep,
    time::Duration,
};

use super::Site;

/// A server that is up.
#[derive(Debug)]
pub(crate) struct Server {
    child: Child,
    /// Where its standard output and error go.
    pub(crate) log: PathBuf,
    pub(crate) public: SocketAddr,
    pub(crate) api: SocketAddr,
    pub(crate) private: SocketAddr,
}

impl Server {
    /// Starts `portcullis serve` in a folder and waits until it serves.
    pub(crate) fn start(site: &Site) -> Self {
        let log = site.join("serve.log");
        let mut child = spawn(&mut site.command(&["serve"]), &log);
        let line = wait_for_line(&mut child, &log, "portcullis is serving: ");
        let mut doors = line.split("http://").skip(1).map(|door| {
            door.split([',', ' ']).next().and_then(|door| door.trim().parse().ok()).unwrap()
        });
        let mut door = || doors.next().unwrap();
        Self { public: door(), api: door(), private: door(), child, log }
    }

    /// Starts `portcullis demo` and waits until its page is up. It has no other known doors.
    pub(crate) fn demo(command: &mut Command, log: PathBuf) -> Self {
        let mut child = spawn(command, &log);
        let line = wait_for_line(&mut child, &log, "open http://");
        let public = line.split("http://").nth(1).and_then(|rest| rest.split(' ').next());
        let public = public.unwrap().parse().unwrap();
        Self { child, log, public, api: public, private: public }
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn logged(&self) -> String {
        fs::read_to_string(&self.log).unwrap()
    }

    /// Sends a signal, by name.
    pub(crate) fn signal(&self, name: &str) {
        let id = self.id().to_string();
        let sent = Command::new("kill").args(["-s", name, &id]).status().unwrap();
        assert!(sent.success(), "{name} could not be sent");
    }

    /// Ends it at once, as a power cut does.
    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Waits for its end.
    pub(crate) fn wait(mut self) -> ExitStatus {
        for _ in 0..2_000 {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            sleep(STEP);
        }
        panic!("the server did not end: {}", self.logged());
    }

    /// Asks it to stop, and waits.
    pub(crate) fn stop(self) -> ExitStatus {
        self.signal("TERM");
        self.wait()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn spawn(command: &mut Command, log: &PathBuf) -> Child {
    let file = File::options().create(true).append(true).open(log).unwrap();
    let other = file.try_clone().unwrap();
    fs::write(log, "").unwrap();
    command.stdin(Stdio::null()).stdout(file).stderr(other).spawn().unwrap()
}

/// Waits for a line that starts so.
fn wait_for_line(child: &mut Child, log: &PathBuf, start: &str) -> String {
    for _ in 0..3_000 {
        let text = fs::read_to_string(log).unwrap();
        let line = text.split_inclusive('\n').find(|line| line.starts_with(start));
        if let Some(line) = line.filter(|line| line.ends_with('\n')) {
            return line.trim_end().to_owned();
        }
        let ended = child.try_wait().unwrap();
        assert_eq!(ended, None, "the server ended: {text}");
        sleep(STEP);
    }
    let _ = child.kill();
    panic!("the server did not start: {}", fs::read_to_string(log).unwrap());
}

const STEP: Duration = Duration::from_millis(10);
