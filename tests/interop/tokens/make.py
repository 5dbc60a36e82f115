"""Tokens made by other people's Python libraries, as lines of a test set.

Prints one JSON object per line: `name`, `case` (a line for `portcullis token verify --batch`)
and nothing else. Every case is a good token at its `now`. Deterministic except for keys.

Libraries: akamai-edgeauth (Akamai's own), botocore (AWS), PyJWT.
"""

import base64
import datetime
import itertools
import json
import sys

import jwt
from akamai.edgeauth import EdgeAuth
from botocore.signers import CloudFrontSigner
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa

NOW = 1_800_000_000
END = NOW + 3600
KID = "8d0f8e5e-3d0c-4f43-9e6d-0d3b1a2f4c55"
SECRET = bytes(range(64))


def emit(name, **case):
    print(json.dumps({"name": name, "case": {"id": name, "now": NOW, **case}}))


def pem(public):
    return public.public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    ).decode()


def akamai():
    """Every combination of the options that change the text of a token."""
    key = "52a152a152a152a152a152a152a152a1"
    paths = ["/vod/movie42/master.m3u8", "/vod/a-b_c.d/%EC%95%88/x.mpd", "/vod/a(b)'c!*~/x"]
    options = itertools.product(
        ["acl", "url"], [False, True], [None, "salty"], [None, "203.0.113.7", "2001:db8::7"],
        [None, "session-1"], [None, "some data,x=1"], ["sha256", "sha1", "md5"], paths,
    )
    for number, (kind, escape, salt, ip, session, data, algorithm, path) in enumerate(options):
        if data and not escape:
            data = "some-data"
        if kind == "acl":
            # These three end a field or mean something in a pattern.
            path = path.replace("!", "").replace("*", "").replace("~", "")
        maker = EdgeAuth(
            key=key, escape_early=escape, salt=salt, ip=ip, session_id=session, payload=data,
            algorithm=algorithm, start_time=NOW - 60, end_time=END,
        )
        if kind == "acl":
            token = maker.generate_acl_token(["/live/?", path.rsplit("/", 1)[0] + "/*"])
        else:
            token = maker.generate_url_token(path)
        case = {"format": "akamai-access", "token": token, "key": key, "path": path}
        case |= {"salt": salt} if salt else {}
        case |= {"ip": ip} if ip else {}
        case |= {"danger_algorithm": algorithm} if algorithm != "sha256" else {}
        emit(f"akamai-python-{number}-{kind}-{algorithm}", **case)


def cloudfront():
    private = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    signer = CloudFrontSigner(
        "K2JCJMDEHXQW5F", lambda text: private.sign(text, padding.PKCS1v15(), hashes.SHA1())
    )
    keys = {"key_pair_id": "K2JCJMDEHXQW5F", "public_key": pem(private.public_key())}
    end = datetime.datetime.fromtimestamp(END, datetime.timezone.utc)
    start = datetime.datetime.fromtimestamp(NOW - 60, datetime.timezone.utc)
    host = "https://d111111abcdef8.cloudfront.net"
    for number, path in enumerate(["/vod/a.m3u8", "/vod/a.m3u8?size=large&x=%2F", "/v/a%20b"]):
        url = signer.generate_presigned_url(host + path, date_less_than=end)
        emit(f"cloudfront-botocore-canned-{number}", format="cloudfront-url", url=url, **keys)
        for form, policy in enumerate([
            signer.build_policy(host + "/v*", end),
            signer.build_policy(host + "/v*", end, date_greater_than=start),
            signer.build_policy(host + "/v*", end, start, ip_address="203.0.113.0/24"),
        ]):
            url = signer.generate_presigned_url(host + path, policy=policy)
            emit(
                f"cloudfront-botocore-custom-{number}-{form}",
                format="cloudfront-url", url=url, ip="203.0.113.7", **keys,
            )


def signed(claims, key, algorithm, **headers):
    return jwt.encode(claims, key, algorithm=algorithm, headers=headers or None)


def json_web_tokens():
    rsa_key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    keys = [
        ("HS256", SECRET, {"key": base64.b64encode(SECRET).decode()}),
        ("RS256", rsa_key, {"public_key": pem(rsa_key.public_key())}),
    ]
    for algorithm, make in [("ES256", lambda: ec.generate_private_key(ec.SECP256R1())),
                            ("EdDSA", ed25519.Ed25519PrivateKey.generate)]:
        key = make()
        keys.append((algorithm, key, {"public_key": pem(key.public_key())}))
    for algorithm, key, given in keys:
        claims = {
            "iss": "https://issuer.test", "aud": "portcullis", "sub": "viewer-1", "iat": NOW,
            "nbf": NOW - 60, "exp": END, "jti": "t-1", "portcullis:content": "film",
        }
        token = signed(claims, key, algorithm)
        given = {"secret": given["key"]} if "key" in given else given
        emit(
            f"portcullis-pyjwt-{algorithm}", format="portcullis", token=token, content="film",
            algorithm=algorithm, issuer="https://issuer.test", audience="portcullis", **given,
        )
    azure = {
        "iss": "https://sts.test", "aud": "urn:portcullis", "nbf": NOW - 300, "exp": END,
        "urn:microsoft:azure:mediaservices:contentkeyidentifier": KID,
    }
    restriction = {"issuer": "https://sts.test", "audience": "urn:portcullis", "kids": [KID]}
    for algorithm, key, given in keys[:2]:
        token = signed(azure, key, algorithm)
        emit(f"azure-pyjwt-{algorithm}", format="azure-jwt", token=token, **restriction, **given)
    once = azure | {"urn:microsoft:azure:mediaservices:maxuses": "5"}
    emit(
        "azure-pyjwt-maxuses", format="azure-jwt", token=signed(once, SECRET, "HS256"),
        **restriction, **keys[0][2],
    )


def license_tokens():
    message = {
        "version": 1, "com_key_id": KID,
        "message": {
            "type": "entitlement_message", "version": 2,
            "license": {"duration": 3600, "allow_persistence": True},
            "content_keys_source": {"inline": [{"id": KID, "usage_policy": "P"}]},
            "content_key_usage_policies": [
                {"name": "P", "widevine": {"device_security_level": "HW_SECURE_ALL"}}
            ],
        },
        "expiration_date": "2027-01-15T09:00:00+00:00",
    }
    emit(
        "axinom-pyjwt", format="axinom", token=signed(message, SECRET[:32], "HS256"),
        com_key_id=KID, com_key=base64.b64encode(SECRET[:32]).decode(), kids=[KID],
    )
    upfront = {
        "jti": "89d42398-e156-4bd6-887f-b79993e50e2c", "iat": NOW, "exp": NOW + 60,
        "optData": json.dumps({"merchant": "acme", "userId": "u-1"}),
        "crt": json.dumps({
            "assetId": "film", "storeLicense": False,
            "profile": {"rental": {"relativeExpiration": "P7D", "playDuration": "PT48H"}},
        }),
    }
    for algorithm in ["HS256", "HS384", "HS512"]:
        emit(
            f"drmtoday-pyjwt-{algorithm}", format="drmtoday",
            token=signed(upfront, SECRET, algorithm, kid=KID), kid=KID,
            secret=SECRET.hex(), merchant="acme", content="film", algorithm=algorithm,
        )
    user = {"exp": END, "kid": [KID], "duration": 86400}
    emit(
        "insys-pyjwt", format="insys", token=signed(user, SECRET[:32], "HS256"), kids=[KID],
        secret=base64.b64encode(SECRET[:32]).decode(),
    )


def uri_signing():
    key = ec.generate_private_key(ec.SECP256R1())
    claims = {"iss": "cdn", "exp": END, "cdniuc": r"regex:https://cdn\.test/vod/[a-z0-9]+/.*"}
    for algorithm, secret, given in [
        ("ES256", key, {"public_key": pem(key.public_key())}),
        ("HS256", SECRET[:32], {"secret": base64.b64encode(SECRET[:32]).decode()}),
    ]:
        emit(
            f"uri-signing-pyjwt-{algorithm}", format="uri-signing", issuer="cdn",
            alg=algorithm, token=signed(claims, secret, algorithm, kid="k1"), kid="k1",
            url="https://cdn.test/vod/film1/a.mpd", **given,
        )


def main():
    for family in [akamai, cloudfront, json_web_tokens, license_tokens, uri_signing]:
        family()
    return 0


if __name__ == "__main__":
    sys.exit(main())
