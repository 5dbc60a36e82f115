"""Decrypts what a running demo serves, with other people's tools, and compares every frame.

Asks the demo for a token, a manifest, segments and licenses as a player would; no key leaves by
any other way. Then ffmpeg and Shaka Packager decrypt each track, and the samples, the decoded
frames and the time at which picture and sound start must be those of the source.

It knows nothing of how Portcullis encrypts. Only the standard library is used; `ffmpeg` and
`packager` are taken from the path.

Usage: decrypt.py --url http://127.0.0.1:PORT/ --source FILM.mp4 --work FOLDER
"""

import argparse
import base64
import http.cookiejar
import json
import pathlib
import re
import shutil
import subprocess
import sys
import urllib.parse
import urllib.request
import xml.etree.ElementTree as xml

MPD = "{urn:mpeg:dash:schema:mpd:2011}"
# How far the start of a track may move: less than one sample of sound at 48 kHz would be 21 µs,
# and the movie header of a source often counts in milliseconds.
START_TOLERANCE_S = 0.001


class Player:
    """One viewer with one token and one cookie jar."""

    def __init__(self, base, viewer, content, stream):
        self.base = base
        self.headers = {"X-Forwarded-For": viewer["address"]}
        # As a browser does on loopback: cookies marked `Secure` go over plain HTTP too.
        policy = http.cookiejar.DefaultCookiePolicy(secure_protocols=("http", "https"))
        cookies = urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar(policy))
        self.opener = urllib.request.build_opener(cookies)
        asked = {"viewer": viewer["id"], "content": content["id"], "stream": stream["kind"]}
        self.play = json.loads(self.post("demo/api/play", asked, {}))
        self.manifest_url = urllib.parse.urljoin(base, self.play["manifest_url"])

    def get(self, url):
        request = urllib.request.Request(url, headers=self.headers)
        with self.opener.open(request, timeout=30) as answer:
            return answer.read()

    def post(self, url, value, headers):
        url = urllib.parse.urljoin(self.base, url)
        headers = {"Content-Type": "application/json", **self.headers, **headers}
        request = urllib.request.Request(url, json.dumps(value).encode(), headers)
        with self.opener.open(request, timeout=30) as answer:
            return answer.read()

    def key(self, kid, content):
        """The key for `kid`, by the license request of W3C Clear Key."""
        url = self.play["license_url"]
        if "content=" not in url:
            url += ("&" if "?" in url else "?") + "content=" + urllib.parse.quote(content["id"])
        asked = {"kids": [to_base64url(kid)], "type": "temporary"}
        bearer = {"Authorization": "Bearer " + self.play["token"]}
        for key in json.loads(self.post(url, asked, bearer))["keys"]:
            if from_base64url(key["kid"]) == kid:
                return from_base64url(key["k"])
        raise LookupError("the license does not hold the key that was asked for")


def to_base64url(value):
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode()


def from_base64url(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def hls_tracks(player):
    """Yields a name and the URLs of initialization and segments for each playlist."""
    master_url = player.manifest_url
    master = player.get(master_url).decode()
    uris = re.findall(r'#EXT-X-MEDIA:.*?URI="([^"]+)"', master)
    uris += re.findall(r"#EXT-X-STREAM-INF:.*\n([^#\n]+)", master)
    for uri in dict.fromkeys(uris):
        url = urllib.parse.urljoin(master_url, uri)
        playlist = player.get(url).decode()
        parts = re.findall(r'#EXT-X-MAP:.*?URI="([^"]+)"', playlist)[:1]
        parts += [line.strip() for line in playlist.splitlines() if line and line[0] != "#"]
        # A component with `=` is the session token of the cookie-less form; it is not for logs.
        name = "/".join(part for part in uri.split("?")[0].split("/") if "=" not in part)
        yield name, [urllib.parse.urljoin(url, part) for part in parts]


def dash_tracks(player):
    """The same for each Representation of an MPD with SegmentTemplate and SegmentTimeline."""
    url = player.manifest_url
    root = xml.fromstring(player.get(url))
    period = root.find(MPD + "Period")
    for adaptation in period.findall(MPD + "AdaptationSet"):
        for representation in adaptation.findall(MPD + "Representation"):
            template = representation.find(MPD + "SegmentTemplate")
            if template is None:
                template = adaptation.find(MPD + "SegmentTemplate")
            base = url
            for element in (root, period, adaptation, representation):
                for inner in element.findall(MPD + "BaseURL"):
                    base = urllib.parse.urljoin(base, inner.text)
            name = representation.get("id")
            parts = [template.get("initialization")]
            parts += segment_names(template)
            parts = [part.replace("$RepresentationID$", name) for part in parts]
            yield name, [urllib.parse.urljoin(base, part) for part in parts]


def segment_names(template):
    number = int(template.get("startNumber", "1"))
    time = 0
    for entry in template.find(MPD + "SegmentTimeline").findall(MPD + "S"):
        time = int(entry.get("t", time))
        for _ in range(int(entry.get("r", "0")) + 1):
            name = re.sub(r"\$Number(%0\d+d)?\$", lambda m: (m[1] or "%d") % number,
                          template.get("media"))
            yield name.replace("$Time$", str(time))
            number += 1
            time += int(entry.get("d"))


def default_kid(init):
    """The key id in the first `tenc` box."""
    place = init.index(b"tenc") + 4
    return init[place + 8:place + 24]


def run(*command):
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        raise RuntimeError(f"{command[0]} failed: {done.stderr.strip()[-2000:]}")
    return done.stdout


def frames(film, kind, *, options=(), decode):
    """The hash of every sample or decoded frame, and when each starts, in seconds."""
    # Without `ignore_editlist` ffmpeg would leave out what an edit list cuts away.
    command = ["ffmpeg", "-hide_banner", "-loglevel", "error", "-nostdin", "-copyts",
               "-ignore_editlist", "1", *options, "-i", str(film), "-map", f"0:{kind}:0"]
    command += ["-fps_mode", "passthrough"] if decode and kind == "v" else []
    command += [] if decode else ["-c", "copy"]
    rows = run(*command, "-f", "framemd5", "-").splitlines()
    return [row.split(",")[-1].strip() for row in rows if row and row[0] != "#"]


def start(film, kind, options=()):
    """When the first decoded frame is shown or heard, edit lists obeyed, in seconds."""
    command = ["ffmpeg", "-hide_banner", "-loglevel", "error", "-nostdin", "-copyts",
               *options, "-i", str(film), "-map", f"0:{kind}:0", "-frames:" + kind, "1"]
    rows = run(*command, "-f", "framemd5", "-").splitlines()
    base = next(row for row in rows if row.startswith("#tb 0:")).split()[-1]
    over, under = (int(part) for part in base.split("/"))
    first = next(row for row in rows if row and row[0] != "#")
    return int(first.split(",")[2]) * over / under


class Report:
    """Counts, and says each comparison in a line."""

    def __init__(self):
        self.passed = 0
        self.failed = 0

    def check(self, name, holds):
        """`holds` returns a remark, or raises."""
        try:
            remark = holds()
            print(f"ok    {name}: {remark}", flush=True)
            self.passed += 1
        except Exception as error:  # any error is a failed comparison, and is told
            print(f"FAIL  {name}: {error}", flush=True)
            self.failed += 1


def same(actual, expected, what):
    if not expected:
        raise AssertionError(f"the source has no {what}")
    if actual != expected:
        pairs = zip(actual, expected)
        differs = next((n for n, (a, b) in enumerate(pairs) if a != b), None)
        where = f"the first that differs is {differs}" if differs is not None else "the rest agree"
        raise AssertionError(f"{len(actual)} {what} instead of {len(expected)}; {where}")
    return f"{len(actual)} {what} are those of the source"


def near(actual, expected):
    if abs(actual - expected) > START_TOLERANCE_S:
        raise AssertionError(f"starts at {actual:.4f} s, the source at {expected:.4f} s")
    return f"starts at {actual:.4f} s, as the source does"


def check_track(report, name, encrypted, kid, key, source, work):
    is_video = b"vide" in encrypted.read_bytes()[:4096]
    kind, shaka_kind = ("v", "video") if is_video else ("a", "audio")
    opened = ("-decryption_key", key.hex())
    what = "pictures" if is_video else "sound frames"
    report.check(f"{name}, samples by ffmpeg", lambda: same(
        frames(encrypted, kind, options=opened, decode=False),
        frames(source, kind, decode=False), "samples"))
    report.check(f"{name}, {what} by ffmpeg", lambda: same(
        frames(encrypted, kind, options=opened, decode=True),
        frames(source, kind, decode=True), what))

    def by_shaka():
        decrypted = work / "decrypted.mp4"
        run("packager", f"in={encrypted},stream={shaka_kind},output={decrypted}",
            "--enable_raw_key_decryption", "--keys", f"key_id={kid.hex()}:key={key.hex()}",
            "--quiet")
        return same(frames(decrypted, kind, decode=True), frames(source, kind, decode=True), what)

    report.check(f"{name}, {what} by Shaka Packager", by_shaka)
    # Read by ffmpeg: where there is no edit list, Shaka Packager assumes that one was lost and
    # moves the pictures to 0.
    report.check(f"{name}, start", lambda: near(
        start(encrypted, kind, opened), start(source, kind)))

    def without_key():
        try:
            got = frames(encrypted, kind, decode=True)
        except RuntimeError:
            return "does not decode"
        if got == frames(source, kind, decode=True):
            raise AssertionError("it plays without a key")
        return "is not the source"

    report.check(f"{name}, without a key", without_key)
    return kind


def main():
    arguments = argparse.ArgumentParser()
    for name in ("--url", "--source", "--work"):
        arguments.add_argument(name, required=True)
    arguments = arguments.parse_args()
    work = pathlib.Path(arguments.work)
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    base = urllib.parse.urljoin(arguments.url, "/")
    with urllib.request.urlopen(urllib.parse.urljoin(base, "demo/api/state")) as answer:
        state = json.load(answer)
    content = state["contents"][0]
    # The first viewer in the list is the one who may watch.
    viewer = state["viewers"][0]
    report = Report()
    for stream in content["streams"]:
        player = Player(base, viewer, content, stream)
        tracks = hls_tracks if stream["kind"] == "hls" else dash_tracks
        kinds = set()
        for name, urls in tracks(player):
            parts = [player.get(url) for url in urls]
            name = f"{stream['name']}, {name}"
            encrypted = work / (re.sub(r"[^a-z0-9]+", "-", name.lower()) + ".mp4")
            encrypted.write_bytes(b"".join(parts))
            kid = default_kid(parts[0])
            key = player.key(kid, content)
            kinds.add(check_track(report, name, encrypted, kid, key, arguments.source, work))
        report.check(f"{stream['name']}, tracks",
                     lambda kinds=kinds: same(sorted(kinds), ["a", "v"], "kinds of track"))
    print(f"interop: {report.passed} passed, {report.failed} failed, 0 skipped")
    return 1 if report.failed or not report.passed else 0


if __name__ == "__main__":
    sys.exit(main())
