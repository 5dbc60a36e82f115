"""Other people's libraries judge the tokens we issue.

A wish names a family, the options of `portcullis token issue`, and a judge: a function that
takes the token and returns None, or what is wrong with it. Judges in Node are asked through
judge.mjs. Where a library only makes tokens, ours must be equal to its own, byte for byte.
"""

import base64
import dataclasses
import datetime
import json
import pathlib
import subprocess
from typing import Callable

import jwt
from akamai.edgeauth import EdgeAuth
from botocore.signers import CloudFrontSigner
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa

FOLDER = pathlib.Path(__file__).parent
# What the libraries compare with is their own clock.
NOW = int(datetime.datetime.now().timestamp())
END = NOW + 3000
KID = "8d0f8e5e-3d0c-4f43-9e6d-0d3b1a2f4c55"
SECRET = bytes(range(32))
BASE64 = base64.b64encode(SECRET).decode()
TIMES = ["--at", str(NOW), "--exp", str(END)]


@dataclasses.dataclass
class Wish:
    name: str
    family: str
    options: list[str]
    judge: Callable[[str], str | None]


def wishes(folder):
    """Every wish; private keys are written into `folder`."""
    yield from akamai()
    yield from cloudfront(folder)
    yield from json_web_tokens(folder)
    yield from pallycon()
    yield from common_access()


def equal(wanted):
    return lambda token: None if token == wanted else f"{token} is not {wanted}"


def pem(folder, name, private):
    path = folder / f"{name}.pem"
    path.write_bytes(private.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption()))
    return f"@{path}"


def node(what, **given):
    """Asks judge.mjs about a token."""

    def judge(token):
        text = json.dumps({"what": what, "token": token, **given})
        run = subprocess.run(
            ["node", FOLDER / "judge.mjs"], input=text, capture_output=True, text=True)
        return None if run.returncode == 0 else (run.stderr or run.stdout).strip()

    return judge


def akamai():
    key = "52a152a152a152a152a152a152a152a1"
    for escape in [False, True]:
        for salt in [None, "salty"]:
            maker = EdgeAuth(
                key=key, salt=salt, ip="203.0.113.7", start_time=NOW, end_time=END,
                session_id="session-1", payload="some-data", escape_early=escape)
            options = ["--key", key, "--ip", "203.0.113.7", "--st", str(NOW), *TIMES,
                       "--id", "session-1", "--data", "some-data"]
            options += ["--salt", salt] if salt else []
            options += ["--dialect", "python", "--escape-early"] if escape else []
            yield Wish(f"akamai-acl-{escape}-{salt}", "akamai-access",
                       [*options, "--acl", "/vod/movie42/*"],
                       equal(maker.generate_acl_token("/vod/movie42/*")))
            path = "/vod/a(b)/%EC%95%88.mpd"
            yield Wish(f"akamai-url-{escape}-{salt}", "akamai-access",
                       [*options, "--url", path], equal(maker.generate_url_token(path)))


def cloudfront(folder):
    private = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    key = pem(folder, "cloudfront", private)
    url = "https://d111111abcdef8.cloudfront.net/vod/a.m3u8?size=large"
    end = datetime.datetime.fromtimestamp(END, datetime.timezone.utc)
    signer = CloudFrontSigner(
        "K1", lambda text: private.sign(text, padding.PKCS1v15(), hashes.SHA256()))

    def judge(signed):
        wanted = signer.generate_presigned_url(url, date_less_than=end)
        wanted = set(wanted.split("?")[1].split("&"))
        # botocore knows no `Hash-Algorithm`; the other parts must be its own.
        given = set(signed.split("&")) - {"Hash-Algorithm=SHA256"} | {"size=large"}
        return None if given == wanted else f"{sorted(given)} is not {sorted(wanted)}"

    yield Wish("cloudfront", "cloudfront-url", [
        "--private-key", key, "--key-pair-id", "K1", "--url", url, "--at", str(NOW),
        "--date-less-than", str(END), "--hash-algorithm", "SHA256"], judge)


def decoded(key, algorithm, check, **expected):
    """PyJWT verifies the token, and `check` looks at its claims."""

    def judge(token):
        try:
            claims = jwt.decode(token, key, algorithms=[algorithm], **expected)
        except jwt.InvalidTokenError as error:
            return f"PyJWT: {error}"
        return None if check(claims) else f"PyJWT reads {claims}"

    return judge


def json_web_tokens(folder):
    private = {
        "RS256": rsa.generate_private_key(public_exponent=65537, key_size=2048),
        "ES256": ec.generate_private_key(ec.SECP256R1()),
        "EdDSA": ed25519.Ed25519PrivateKey.generate(),
    }
    files = {name: pem(folder, name, key) for name, key in private.items()}
    names = ["--issuer", "https://issuer.test", "--audience", "portcullis"]
    expected = {"issuer": "https://issuer.test", "audience": "portcullis"}
    native = [*names, *TIMES, "--sub", "viewer-1", "--content", "film"]
    is_film = lambda claims: claims["portcullis:content"] == "film" and claims["jti"]
    yield Wish("portcullis-HS256", "portcullis", [*native, "--secret", BASE64],
               decoded(SECRET, "HS256", is_film, **expected))
    for algorithm, key in private.items():
        options = [*native, "--private-key", files[algorithm], "--algorithm", algorithm]
        public = key.public_key()
        yield Wish(f"portcullis-{algorithm}", "portcullis", options,
                   decoded(public, algorithm, is_film, **expected))
        text = public.public_bytes(serialization.Encoding.PEM,
                                   serialization.PublicFormat.SubjectPublicKeyInfo).decode()
        yield Wish(f"portcullis-{algorithm}-jose", "portcullis", options,
                   node("jose", key=text, algorithm=algorithm, **expected))

    claim = "urn:microsoft:azure:mediaservices:contentkeyidentifier"
    yield Wish("azure", "azure-jwt",
               [*names, *TIMES, "--key", BASE64, "--contentkeyidentifier", KID],
               decoded(SECRET, "HS256", lambda claims: claims[claim] == KID, **expected))
    yield Wish("axinom", "axinom", [
        "--com-key-id", KID, "--com-key", BASE64, "--key-id", KID, "--at", str(NOW),
        "--expiration-date", str(END),
    ], decoded(SECRET, "HS256", lambda claims: claims["com_key_id"] == KID
               and claims["message"]["type"] == "entitlement_message"))
    yield Wish("drmtoday", "drmtoday", [
        "--merchant", "acme", "--kid", "k1", "--secret", SECRET.hex(), *TIMES,
        "--userId", "u-1", "--assetId", "film", "--profile", '{"purchase":{}}',
    ], decoded(SECRET, "HS256", lambda claims: json.loads(claims["crt"])["assetId"] == "film"
               and json.loads(claims["optData"])["merchant"] == "acme"))
    yield Wish("insys", "insys",
               ["--secret", BASE64, "--kid", KID, "--duration", "2h", *TIMES],
               decoded(SECRET, "HS256", lambda claims: claims["kid"] == [KID]
                       and claims["duration"] == 7200))
    yield Wish("uri-signing", "uri-signing", [
        "--private-key", files["ES256"], "--iss", "cdn", *TIMES,
        "--signed-url", "https://cdn.test/film/a.mpd",
    ], decoded(private["ES256"].public_key(), "ES256",
               lambda claims: claims["cdniuc"].startswith("hash:sha-256;"), issuer="cdn"))


def pallycon():
    site = {"siteId": "TUTO", "siteKey": "lU5D8s3PWoLls3PWFWkClULlFWk5D8oC",
            "accessKey": "LT2FVJDp2Xr018zf4Di6lzvNOv3DKP20"}
    for drm in ["Widevine", "PlayReady", "FairPlay"]:
        policy = '{"policy_version":2,"playback_policy":{"persistent":false}}'
        yield Wish(f"pallycon-{drm}", "pallycon", [
            "--site-id", "TUTO", "--site-key", site["siteKey"], "--access-key",
            site["accessKey"], "--drm-type", drm, "--user-id", "test-user", "--cid",
            "bigbuckbunny", "--timestamp", "2027-01-15T08:00:00Z", "--policy", policy,
            "--at", "2027-01-15T08:00:00Z",
        ], node("pallycon", site=site, policy=policy, fields={
            "drm_type": drm, "user_id": "test-user", "cid": "bigbuckbunny",
            "timestamp": "2027-01-15T08:00:00Z"}))


def common_access():
    yield Wish("cat", "cat", [
        "--secret", BASE64, "--kid", "k1", "--iss", "issuer", *TIMES,
        "--catu", '{"host":{"exact-match":"cdn.test"},"path":{"prefix-match":"/vod/"}}',
    ], node("cat", kid="k1", key=SECRET.hex(), issuer="issuer",
            url="https://cdn.test/vod/a.m3u8", foreign="https://cdn.test/live/a.m3u8"))
