//! Bytes that two readers could take for different requests, and clients that take their time.
//!
//! SPEC: SEC-71, SEC-73.

use std::{
    io::{Read as _, Write as _},
    net::SocketAddr,
    time::Duration,
};

use portcullis_base::Clock as _;
use portcullis_server::SystemClock;

use crate::{
    client::{Answer, Request, begun, connect, exchange},
    house::House,
    log::{records, records_of, text_of},
};

/// How many answers came back over one connection.
fn answers(received: &[u8]) -> usize {
    let text = String::from_utf8_lossy(received);
    text.matches("HTTP/1.1 ").count() + text.matches("HTTP/1.0 ").count()
}

/// Sends a request and, behind it, one that must never be answered.
#[track_caller]
fn check(to: SocketAddr, request: &str, status: u16) {
    let behind = "GET /healthz?smuggled HTTP/1.1\r\nHost: h\r\n\r\n";
    let received = exchange(to, format!("{request}{behind}").as_bytes());
    let first = Answer::read(&received).map_or(0, |answer| answer.status);
    assert_eq!((first, answers(&received)), (status, 1), "{request:?}");
}

#[test]
fn a_request_with_two_readings_is_the_last_of_its_connection() {
    let house = House::open();
    let to = house.public();
    let post = "POST /license/clearkey?content=film HTTP/1.1\r\n";
    // By the length the first would end later, by the coding at the empty chunk.
    for both in [
        "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
        "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n",
        "Transfer-Encoding: chunked\r\n",
    ] {
        check(to, &format!("{post}Host: h\r\n{both}\r\n0\r\n\r\n"), 400);
    }
    for bad in [
        "Host: h\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}",
        "Host: h\r\nContent-Length: 2, 3\r\n\r\n{}",
        "Host: h\r\nContent-Length: +2\r\n\r\n{}",
        "Host: h\r\nContent-Length: -2\r\n\r\n{}",
        "Host: h\r\nContent-Length: 0x2\r\n\r\n{}",
        "Host: h\r\nContent-Length: 18446744073709551616\r\n\r\n{}",
        "Host: h\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
        "Host: h\r\nTransfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n",
        "Host: h\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "Host: h\r\nTransfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
        "Host: h\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
        "Host: h\r\nTransfer-Encoding : chunked\r\n\r\n0\r\n\r\n",
        "Host: h\r\nContent-Length : 2\r\n\r\n{}",
        "Host: h\r\nX: a\r\n b\r\n\r\n",
        "Host: h\r\n X: a\r\n\r\n",
        "Host: h\r\nX: a\rb\r\n\r\n",
        "Host: h\r\nX: a\0b\r\n\r\n",
        "Host: h\r\nX\0: a\r\n\r\n",
        "Host: h\r\nX: a\r\r\n\r\n",
        "Host: h\r\nno colon\r\n\r\n",
        "\r\n",
        "Host: h\r\nHost: h\r\n\r\n",
        "Host: h\r\nhost: other\r\n\r\n",
    ] {
        check(to, &format!("{post}{bad}"), 400);
    }
    check(to, "GET /healthz HTTP/1.0\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n", 400);
    check(to, "GET /healthz\r\n", 400);
    check(to, "GET /healthz HTTP/2.0\r\nHost: h\r\n\r\n", 400);
    check(to, "GET /a b HTTP/1.1\r\nHost: h\r\n\r\n", 400);
    check(to, "GET /a\0b HTTP/1.1\r\nHost: h\r\n\r\n", 400);
    check(to, "G\u{0}T / HTTP/1.1\r\nHost: h\r\n\r\n", 400);
    let smuggled = records().iter().filter(|r| text_of(r, "url").contains("smuggled")).count();
    assert_eq!(smuggled, 0);
}

#[test]
fn http_2_is_spoken_from_the_first_byte() {
    let house = House::open();
    let mut stream = connect(house.public());
    // In two parts, so that the preface has to be waited for; then SETTINGS without any.
    stream.write_all(b"PRI * HTTP/2.0\r\n").unwrap();
    std::thread::sleep(Duration::from_millis(50));
    stream.write_all(b"\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0").unwrap();
    let mut frame = [0; 9];
    stream.read_exact(&mut frame).unwrap();
    assert_eq!(frame[3], 4, "SETTINGS");
}

#[test]
fn what_is_too_long_is_said_to_be() {
    let house = House::open();
    let check = |request: Request, status: u16, code: &str| {
        let answer = request.send(house.public());
        assert_eq!((answer.status, answer.code().as_str()), (status, code));
    };
    let path = |length: usize| format!("/{}", "a".repeat(length - 1));
    check(Request::get(&path(8192)), 404, "");
    check(Request::get(&path(8193)), 414, "request.uri_too_long");
    let query = |count: usize| format!("/healthz?{}", vec!["a"; count].join("&"));
    check(Request::get(&query(64)), 200, "");
    check(Request::get(&query(65)), 400, "request.parameters");
    let long = |length: usize| Request::get("/healthz").header("X", &"a".repeat(length));
    check(long(16 << 10), 200, "");
    check(long((16 << 10) + 1), 431, "request.header_too_long");
    let many = |count: usize| {
        (0..count).fold(Request::get("/healthz"), |request, _| request.header("X", "a"))
    };
    check(many(90), 200, "");
    assert_eq!(many(101).send(house.public()).status, 431);
    let compressed = Request::post("/license/clearkey?content=film", "{}");
    check(compressed.header("Content-Encoding", "gzip"), 415, "request.encoding");
}

#[test]
fn who_is_slow_with_the_header_is_cut_off() {
    let house = House::with("[limits]\nheader_timeout_ms = 300\n");
    for said in ["", "P", "PRI * HTTP/2.0\r\n", "GET /healthz HTTP/1.1\r\nHost: h\r\nX: "] {
        let began = SystemClock.now_ms();
        let mut stream = connect(house.public());
        stream.write_all(said.as_bytes()).unwrap();
        let mut received = Vec::new();
        let _ = stream.read_to_end(&mut received);
        assert_eq!(answers(&received), 0, "{said:?}");
        let took_ms = SystemClock.now_ms() - began;
        assert!((250..5000).contains(&took_ms), "{said:?} was cut after {took_ms} ms");
    }
}

#[test]
fn who_is_slow_with_the_body_is_told_so() {
    let house = House::with("[limits]\nrequest_timeout_ms = 300\n");
    for (to, path) in
        [(house.public(), "/license/clearkey?content=film"), (house.bound.api, "/api/token")]
    {
        let request = Request::new("POST", path).header("Content-Length", "10");
        let answer = request.bearer(&house.issuer).send(to);
        assert_eq!((answer.status, answer.code().as_str()), (504, "request.timeout"));
        let records = records_of(answer.request_id());
        assert_eq!(records.len(), 1);
        assert_eq!(text_of(&records[0], "reason"), "request.timeout");
    }
}

#[test]
fn one_address_cannot_take_all_connections() {
    let house = House::with("[limits]\nconnections_per_address_max = 2\n");
    let held = [connect(house.public()), connect(house.public())];
    // Connections are taken in order, so these two count before a third.
    let request = b"GET /healthz HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n";
    assert_eq!(exchange(house.public(), request), b"");
    drop(held);
    let served = (0..100).any(|_| {
        std::thread::sleep(Duration::from_millis(20));
        !exchange(house.public(), request).is_empty()
    });
    assert!(served, "a place that was given back is free");
}

#[test]
fn an_open_request_is_finished_before_the_server_stops() {
    let mut house = House::open();
    let mut idle = connect(house.public());
    let mut open = begun(house.public(), "/license/clearkey?content=trailer", 2);
    let began = SystemClock.now_ms();
    std::thread::scope(|scope| {
        scope.spawn(|| house.close());
        std::thread::sleep(Duration::from_millis(100));
        open.write_all(b"{}").unwrap();
        let mut received = Vec::new();
        open.read_to_end(&mut received).unwrap();
        assert_eq!(Answer::read(&received).unwrap().status, 400);
        assert_eq!(idle.read(&mut [0]).unwrap_or(0), 0);
    });
    let took_ms = SystemClock.now_ms() - began;
    assert!(took_ms < 4000, "{took_ms} ms: something was waited for in vain");
}
