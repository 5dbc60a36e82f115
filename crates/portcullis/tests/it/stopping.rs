//! The end: requests that are open finish, and what was temporary is gone.

use std::{fs, io::Write as _, thread::sleep, time::Duration};

use crate::{
    secrets::{ask_for_token, license_request},
    support::{CONTENT, Server, Site, USER, connect, read_answer},
};

/// A license request whose last byte is still to come.
fn half_a_request(site: &Site, server: &Server, api_key: &str) -> (std::net::TcpStream, String) {
    let token = ask_for_token(server, USER, api_key).json()["token"].clone();
    let body = license_request(&site.kids("cenc"));
    let (head, last) = body.split_at(body.len() - 1);
    let mut stream = connect(server.public).unwrap();
    let length = body.len();
    write!(
        stream,
        "POST /license/clearkey?content={CONTENT} HTTP/1.1\r\nhost: x\r\n\
         authorization: Bearer {}\r\ncontent-length: {length}\r\n\r\n{head}",
        token.as_str().unwrap(),
    )
    .unwrap();
    // Long enough for the server to have read the head.
    sleep(Duration::from_millis(200));
    (stream, last.to_owned())
}

#[test]
fn an_open_request_is_finished_after_the_signal_to_stop() {
    let site = Site::with_film();
    let api_key = site.api_key();
    let server = Server::start(&site);
    let (mut stream, last) = half_a_request(&site, &server, &api_key);
    server.signal("TERM");
    sleep(Duration::from_millis(300));
    assert!(connect(server.public).is_err(), "nobody else is let in");
    stream.write_all(last.as_bytes()).unwrap();
    let answer = read_answer(&mut stream).unwrap();
    assert_eq!(answer.status, 200, "{answer:?}");
    assert!(answer.is_whole());
    let log = server.log.clone();
    assert_eq!(server.wait().code(), Some(0));
    assert!(fs::read_to_string(log).unwrap().contains("portcullis has stopped"));
    site.run(&["audit", "verify"]).expect_code(0);
}

#[test]
fn a_second_signal_ends_the_server_at_once() {
    let site = Site::with_film();
    let api_key = site.api_key();
    let server = Server::start(&site);
    let (stream, _) = half_a_request(&site, &server, &api_key);
    server.signal("INT");
    sleep(Duration::from_millis(200));
    server.signal("INT");
    assert_eq!(server.wait().code(), Some(1));
    drop(stream);
    site.run(&["audit", "verify"]).expect_code(0);
}

#[test]
fn the_demo_removes_its_folder_when_it_is_stopped() {
    let site = Site::new();
    fs::create_dir(site.join("tmp")).unwrap();
    let left = || fs::read_dir(site.join("tmp")).unwrap().count();
    let demo = || {
        let mut command = site.command(&["demo", "--listen", "127.0.0.1:0"]);
        command.env("TMPDIR", site.join("tmp"));
        command
    };
    let server = Server::demo(&mut demo(), site.join("demo.log"));
    assert_eq!(left(), 1);
    server.signal("INT");
    assert_eq!(server.wait().code(), Some(0));
    assert_eq!(left(), 0, "while it served");

    for wait_ms in [40, 100, 180, 260, 340, 420] {
        let mut child = demo().stderr(std::process::Stdio::null()).spawn().unwrap();
        sleep(Duration::from_millis(wait_ms));
        let id = child.id().to_string();
        std::process::Command::new("kill").args(["-s", "INT", &id]).status().unwrap();
        assert_eq!(child.wait().unwrap().code(), Some(0));
        assert_eq!(left(), 0, "while it packaged, after {wait_ms} ms");
    }
}
