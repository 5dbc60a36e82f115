"""The same work as our benches, in other people's Python libraries.

Prints a line per measurement: the name of our bench, the library, nanoseconds per operation
(the best of several rounds, one core), separated by tabs. Where a library can only make a
token, verifying means what a server would do with it: make it again and compare.
"""

import base64
import datetime
import hmac
import json
import sys
import time

import jwt
from akamai.edgeauth import EdgeAuth
from botocore.signers import CloudFrontSigner
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa

NOW = int(time.time())
KEY = "52a1" * 16
ROUNDS = 5


def measure(name, library, work):
    count, best = 1, float("inf")
    while True:
        start = time.perf_counter_ns()
        for _ in range(count):
            work()
        took = time.perf_counter_ns() - start
        if took > 50_000_000:
            break
        count *= 2
    for _ in range(ROUNDS):
        start = time.perf_counter_ns()
        for _ in range(count):
            work()
        best = min(best, (time.perf_counter_ns() - start) / count)
    print(f"{name}\t{library}\t{best:.0f}", flush=True)


def akamai():
    maker = EdgeAuth(key=KEY, start_time=NOW, end_time=NOW + 3600)
    acl = maker.generate_acl_token("/vod/movie42/*")
    measure("access_issue", "akamai-edgeauth (Python)",
            lambda: maker.generate_acl_token("/vod/movie42/*"))
    measure("access_verify", "akamai-edgeauth (Python)",
            lambda: hmac.compare_digest(maker.generate_acl_token("/vod/movie42/*"), acl))
    session = EdgeAuth(key=KEY, end_time=NOW + 3600, session_id="viewer-1", payload="hdntl")
    token = session.generate_acl_token("%2fmedia%2ffilm%2f*")
    measure("session_verify", "akamai-edgeauth (Python)",
            lambda: hmac.compare_digest(session.generate_acl_token("%2fmedia%2ffilm%2f*"), token))


def json_web_tokens():
    secret = bytes(range(32))
    rsa_key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    ec_key = ec.generate_private_key(ec.SECP256R1())
    ed_key = ed25519.Ed25519PrivateKey.generate()
    claims = {"iss": "https://issuer.test", "aud": "portcullis", "sub": "viewer-1", "iat": NOW,
              "nbf": NOW, "exp": NOW + 36000, "jti": "t-1", "portcullis:content": "film"}
    for algorithm, private, public in [
        ("HS256", secret, secret), ("RS256", rsa_key, rsa_key.public_key()),
        ("ES256", ec_key, ec_key.public_key()), ("EdDSA", ed_key, ed_key.public_key()),
    ]:
        token = jwt.encode(claims, private, algorithm=algorithm)
        measure(f"jwt_issue/{algorithm}", "PyJWT", lambda: jwt.encode(claims, private, algorithm=algorithm))
        measure(f"jwt_verify/{algorithm}", "PyJWT", lambda: jwt.decode(
            token, public, algorithms=[algorithm], audience="portcullis",
            issuer="https://issuer.test"))


def cloudfront():
    private = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    signer = CloudFrontSigner(
        "K1", lambda text: private.sign(text, padding.PKCS1v15(), hashes.SHA1()))
    end = datetime.datetime.fromtimestamp(NOW + 3600, datetime.timezone.utc)
    url = "https://d111111abcdef8.cloudfront.net/vod/movie42/master.m3u8"
    measure("cloudfront_url_issue/RSA", "botocore",
            lambda: signer.generate_presigned_url(url, date_less_than=end))
    policy = signer.build_policy(url, end).encode()
    signature = private.sign(policy, padding.PKCS1v15(), hashes.SHA1())
    sent = base64.b64encode(signature)
    public = private.public_key()

    def verify():
        public.verify(base64.b64decode(sent), policy, padding.PKCS1v15(), hashes.SHA1())
        assert json.loads(policy)["Statement"][0]["Resource"] == url

    measure("cloudfront_url_verify/RSA", "cryptography (Python)", verify)


def main():
    for family in [akamai, json_web_tokens, cloudfront]:
        family()
    return 0


if __name__ == "__main__":
    sys.exit(main())
