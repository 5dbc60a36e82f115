// Tokens made by other people's Node libraries, as lines of a test set.
//
// Prints one JSON object per line: `name` and `case` (a line for `portcullis token verify
// --batch`). Every case is a good token at its `now`.
//
// Libraries: akamai-edgeauth (Akamai's own), @aws-sdk/cloudfront-signer (AWS), jose,
// @eyevinn/cat, and Node's own crypto along the steps PallyCon publishes for Node.

import crypto from 'node:crypto';

import { getSignedCookies, getSignedUrl } from '@aws-sdk/cloudfront-signer';
import cat from '@eyevinn/cat';
import EdgeAuth from 'akamai-edgeauth';
import * as jose from 'jose';

import { pallycon } from './pallycon.mjs';

const NOW = 1_800_000_000;
const END = NOW + 3600;
const KID = '8d0f8e5e-3d0c-4f43-9e6d-0d3b1a2f4c55';

const emit = (name, given) =>
  console.log(JSON.stringify({ name, case: { id: name, now: NOW, ...given } }));

const rsaPair = () =>
  crypto.generateKeyPairSync('rsa', {
    modulusLength: 2048,
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  });

function akamai() {
  const key = '52a152a152a152a152a152a152a152a1';
  const paths = ['/vod/movie42/master.m3u8', '/vod/%EC%95%88/x.mpd', "/vod/a(b)'c!*~/x"];
  let number = 0;
  for (const kind of ['acl', 'url'])
    for (const escapeEarly of [false, true])
      for (const salt of [undefined, 'salty'])
        for (const ip of [undefined, '203.0.113.7'])
          for (const algorithm of ['sha256', 'sha1', 'md5'])
            for (const wanted of paths) {
              // These three end a field or mean something in a pattern.
              const path = kind === 'acl' ? wanted.replaceAll(/[!*~]/g, '') : wanted;
              const maker = new EdgeAuth({
                key, escapeEarly, salt, ip, algorithm,
                sessionId: 'session-1', payload: escapeEarly ? 'a b~c=1' : 'abc',
                startTime: NOW - 60, endTime: END,
              });
              const token = kind === 'acl'
                ? maker.generateACLToken([path.replace(/[^/]*$/, '*'), '/live/?'])
                : maker.generateURLToken(path);
              const given = { format: 'akamai-access', token, key, salt, ip, path };
              if (algorithm !== 'sha256') given.danger_algorithm = algorithm;
              emit(`akamai-node-${number++}-${kind}-${algorithm}`, given);
            }
}

function cloudfront() {
  const { publicKey, privateKey } = rsaPair();
  const keyPairId = 'K2JCJMDEHXQW5F';
  const host = 'https://d111111abcdef8.cloudfront.net';
  const url = `${host}/vod/a.m3u8`;
  const dateLessThan = new Date(END * 1000).toISOString();
  const policy = JSON.stringify({
    Statement: [{
      Resource: `${host}/vod/*`,
      Condition: {
        DateLessThan: { 'AWS:EpochTime': END },
        DateGreaterThan: { 'AWS:EpochTime': NOW - 60 },
        IpAddress: { 'AWS:SourceIp': '203.0.113.0/24' },
      },
    }],
  });
  const keys = { key_pair_id: keyPairId, public_key: publicKey };
  for (const [form, wish] of Object.entries({ canned: { url, dateLessThan }, custom: { url, policy } })) {
    const signing = { keyPairId, privateKey, ...wish };
    const given = { ip: '203.0.113.7', ...keys };
    emit(`cloudfront-aws-url-${form}`,
      { format: 'cloudfront-url', url: getSignedUrl(signing), ...given });
    const cookies = getSignedCookies(signing);
    const cookie = Object.entries(cookies).map(([name, value]) => `${name}=${value}`).join('; ');
    emit(`cloudfront-aws-cookie-${form}`,
      { format: 'cloudfront-cookie', url, headers: { cookie }, ...given });
  }
}

const SITE = {
  siteId: 'TUTO',
  siteKey: 'lU5D8s3PWoLls3PWFWkClULlFWk5D8oC',
  accessKey: 'LT2FVJDp2Xr018zf4Di6lzvNOv3DKP20',
};

function licenses() {
  const policies = [
    { policy_version: 2, playback_policy: { persistent: false } },
    { policy_version: 2, playback_policy: { persistent: true, license_duration: 3600,
      rental_duration: 600, playback_duration: 60, allowed_track_types: 'SD_HD' } },
    { policy_version: 2, security_policy: [
      { track_type: 'ALL', widevine: { security_level: 1 } },
      { track_type: 'HD', widevine: { security_level: 5, required_hdcp_version: 'HDCP_V2_2' },
        playready: { security_level: 3000 }, fairplay: { hdcp_enforcement: 1 } }] },
    { policy_version: 2, external_key: { mpeg_cenc: [{ track_type: 'SD',
      key_id: '0123456789abcdef0123456789abcdef', key: 'fedcba9876543210fedcba9876543210' }] } },
  ];
  const systems = { Widevine: 'widevine', PlayReady: 'playready', FairPlay: 'fairplay' };
  policies.forEach((policy, number) => {
    for (const [drm_type, drm] of Object.entries(systems)) {
      for (const user_id of ['test-user', 'LICENSETOKEN', 'jürgen']) {
        const fields = { drm_type, user_id, cid: 'bigbuckbunny', timestamp: '2027-01-15T08:00:00Z' };
        emit(`pallycon-node-${number}-${drm}-${user_id}`, {
          format: 'pallycon', token: pallycon(SITE, fields, JSON.stringify(policy)),
          site_id: SITE.siteId, site_key: SITE.siteKey, access_key: SITE.accessKey,
          content: 'bigbuckbunny', drm,
        });
      }
    }
  });
}

async function commonAccess() {
  const key = Buffer.from(Array.from({ length: 32 }, (_, place) => place));
  const maker = new cat.CAT({ keys: { k1: key }, expectCwtTag: true });
  const common = { iss: 'issuer', aud: 'portcullis', exp: END, iat: NOW };
  const wishes = [
    {},
    { cti: '0b71' },
    { nbf: NOW - 60, aud: ['one', 'portcullis'] },
    { catu: { scheme: { 'exact-match': 'https' }, host: { 'exact-match': 'cdn.test' },
      path: { 'prefix-match': '/vod/' }, extension: { 'exact-match': '.m3u8' } } },
    { catm: ['GET', 'HEAD'] },
  ];
  for (const [number, wish] of wishes.entries()) {
    const token = await maker.generateFromJson({ ...common, ...wish },
      { type: 'mac', alg: 'HS256', kid: 'k1', generateCwtId: false });
    emit(`cat-eyevinn-${number}`, {
      format: 'cat', token, kid: 'k1', secret: key.toString('base64'), issuer: 'issuer',
      audience: 'portcullis', url: 'https://cdn.test/vod/film/a.m3u8', method: 'GET',
    });
  }
}

async function jsonWebTokens() {
  const claims = {
    iss: 'https://issuer.test', aud: 'portcullis', sub: 'viewer-1', iat: NOW, nbf: NOW - 60,
    exp: END, jti: 't-2', 'portcullis:content': 'film',
  };
  for (const algorithm of ['ES256', 'EdDSA', 'RS256']) {
    const { publicKey, privateKey } = await jose.generateKeyPair(algorithm, { extractable: true });
    const token = await new jose.SignJWT(claims)
      .setProtectedHeader({ alg: algorithm, typ: 'JWT' }).sign(privateKey);
    emit(`portcullis-jose-${algorithm}`, {
      format: 'portcullis', token, algorithm, public_key: await jose.exportSPKI(publicKey),
      issuer: 'https://issuer.test', audience: 'portcullis', content: 'film',
    });
  }
  const secret = Buffer.alloc(32, 7);
  const azure = { iss: 'https://sts.test', aud: ['urn:portcullis'], nbf: NOW, exp: END,
    'urn:microsoft:azure:mediaservices:contentkeyidentifier': KID };
  const token = await new jose.SignJWT(azure).setProtectedHeader({ alg: 'HS256' }).sign(secret);
  emit('azure-jose-HS256', { format: 'azure-jwt', token, issuer: 'https://sts.test',
    audience: 'urn:portcullis', kids: [KID], key: secret.toString('base64') });
}

akamai();
cloudfront();
licenses();
await commonAccess();
await jsonWebTokens();
