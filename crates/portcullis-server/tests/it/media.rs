//! Files as HTTP serves them: whole, in part, or "you have it".

use crate::{
    client::{Answer, Request},
    house::{House, access, segment},
};

const SEGMENT: &str = "/open/film/video/1.m4s";

fn ask(house: &House, method: &str, headers: &[(&str, &str)]) -> Answer {
    let start = Request::new(method, SEGMENT);
    let request = headers.iter().fold(start, |request, (name, value)| request.header(name, value));
    request.send(house.public())
}

#[test]
fn a_range_is_a_part_of_the_file() {
    let house = House::open();
    let check = |range: &str, status: u16, part: std::ops::Range<usize>, content_range: &str| {
        let answer = ask(&house, "GET", &[("Range", range)]);
        assert_eq!(answer.status, status, "{range}");
        assert_eq!(answer.header("content-range").unwrap_or_default(), content_range, "{range}");
        assert_eq!(answer.body, segment()[part], "{range}");
    };
    check("bytes=0-99", 206, 0..100, "bytes 0-99/1000");
    check("bytes=900-", 206, 900..1000, "bytes 900-999/1000");
    check("bytes=-1", 206, 999..1000, "bytes 999-999/1000");
    check("bytes=0-5000", 206, 0..1000, "bytes 0-999/1000");
    check("bytes=0-1,5-6", 200, 0..1000, "");
    check("bytes=1000-", 416, 0..0, "bytes */1000");
}

#[test]
fn a_file_is_described_and_not_sent_twice() {
    let house = House::open();
    let whole = ask(&house, "GET", &[]);
    assert_eq!((whole.status, &whole.body), (200, &segment()));
    assert_eq!(whole.header("content-type"), Some("video/mp4"));
    assert_eq!(whole.header("accept-ranges"), Some("bytes"));
    assert_eq!(whole.header("cache-control"), Some("private, max-age=3600"));
    let etag = whole.header("etag").unwrap();

    for (condition, status) in [(etag, 304), ("*", 304), ("\"x\", W/\"y\"", 200), ("", 200)] {
        let answer = ask(&house, "GET", &[("If-None-Match", condition)]);
        assert_eq!(answer.status, status, "{condition}");
        assert_eq!(answer.header("etag"), Some(etag));
        assert_eq!(answer.body.is_empty(), status == 304);
    }
    let part = [("Range", "bytes=0-0"), ("If-Range", etag)];
    assert_eq!(ask(&house, "GET", &part).status, 206);
    let changed = [("Range", "bytes=0-0"), ("If-Range", "\"x\"")];
    assert_eq!(ask(&house, "GET", &changed).status, 200);
}

#[test]
fn head_says_what_get_would() {
    let house = House::open();
    let answer = ask(&house, "HEAD", &[("Range", "bytes=0-0")]);
    assert_eq!((answer.status, answer.body.len()), (200, 0));
    assert_eq!(answer.header("content-length"), Some("1000"));

    for (prefix, cookies) in [("/media", 1), ("/cookieless", 0)] {
        let token = access(&format!("{prefix}/film/*"), |_| {});
        let target = format!("{prefix}/film/manifest.mpd?hdnts={token}");
        let head = Request::new("HEAD", &target).send(house.public());
        let get = house.get(&target);
        assert_eq!((head.status, head.body.len()), (200, 0));
        assert_eq!(head.header("content-length"), get.header("content-length"));
        let set = head.headers.iter().filter(|(name, _)| name == "set-cookie").count();
        assert_eq!(set, cookies);
    }
}
