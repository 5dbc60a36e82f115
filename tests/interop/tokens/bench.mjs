// The same work as our benches, in other people's Node libraries.
//
// Prints a line per measurement: the name of our bench, the library, nanoseconds per operation
// (the best of several rounds, one core), separated by tabs.

import crypto from 'node:crypto';

import { getSignedUrl } from '@aws-sdk/cloudfront-signer';
import cat from '@eyevinn/cat';
import EdgeAuth from 'akamai-edgeauth';
import * as jose from 'jose';

const NOW = Math.floor(Date.now() / 1000);

async function measure(name, library, work) {
  const run = async (count) => {
    const start = process.hrtime.bigint();
    for (let turn = 0; turn < count; turn++) {
      const made = work();
      if (made instanceof Promise) await made;
    }
    return Number(process.hrtime.bigint() - start);
  };
  let count = 1;
  while (await run(count) < 50e6) count *= 2;
  let best = Infinity;
  for (let round = 0; round < 5; round++) best = Math.min(best, await run(count) / count);
  console.log(`${name}\t${library}\t${best.toFixed(0)}`);
}

async function akamai() {
  const key = '52a1'.repeat(16);
  const maker = new EdgeAuth({ key, startTime: NOW, endTime: NOW + 3600 });
  await measure('access_issue', 'akamai-edgeauth (Node)',
    () => maker.generateACLToken('/vod/movie42/*'));
  const session = new EdgeAuth(
    { key, endTime: NOW + 3600, sessionId: 'viewer-1', payload: 'hdntl' });
  const token = Buffer.from(session.generateACLToken('%2fmedia%2ffilm%2f*'));
  await measure('session_verify', 'akamai-edgeauth (Node)', () =>
    crypto.timingSafeEqual(Buffer.from(session.generateACLToken('%2fmedia%2ffilm%2f*')), token));
}

async function jsonWebTokens() {
  const claims = { iss: 'https://issuer.test', aud: 'portcullis', sub: 'viewer-1', iat: NOW,
    nbf: NOW, exp: NOW + 36000, jti: 't-1', 'portcullis:content': 'film' };
  const expected = { issuer: 'https://issuer.test', audience: 'portcullis' };
  const secret = crypto.createSecretKey(crypto.randomBytes(32));
  for (const alg of ['HS256', 'RS256', 'ES256', 'EdDSA']) {
    const { publicKey, privateKey } = alg === 'HS256'
      ? { publicKey: secret, privateKey: secret } : await jose.generateKeyPair(alg);
    const sign = () => new jose.SignJWT(claims).setProtectedHeader({ alg }).sign(privateKey);
    const token = await sign();
    await measure(`jwt_issue/${alg}`, 'jose (Node)', sign);
    await measure(`jwt_verify/${alg}`, 'jose (Node)',
      () => jose.jwtVerify(token, publicKey, { algorithms: [alg], ...expected }));
  }
}

async function pallycon() {
  const site = { siteId: 'TUTO', siteKey: 'lU5D8s3PWoLls3PWFWkClULlFWk5D8oC',
    accessKey: 'LT2FVJDp2Xr018zf4Di6lzvNOv3DKP20' };
  const iv = '0123456789abcdef';
  // The policy of the vendor's tutorial.
  const policy = JSON.stringify({ policy_version: 2, playback_policy: { persistent: false } });
  const hashOf = (t) => crypto.createHash('sha256').update(
    site.accessKey + t.drm_type + t.site_id + t.user_id + t.cid + t.policy + t.timestamp, 'utf8')
    .digest('base64');
  const issue = () => {
    const cipher = crypto.createCipheriv('aes-256-cbc', site.siteKey, iv);
    const token = { drm_type: 'Widevine', site_id: site.siteId, user_id: 'test-user',
      cid: 'bigbuckbunny', timestamp: '2027-01-15T08:00:00Z',
      policy: cipher.update(policy, 'utf8', 'base64') + cipher.final('base64') };
    token.hash = hashOf(token);
    return Buffer.from(JSON.stringify(token)).toString('base64');
  };
  const text = issue();
  const verify = () => {
    const token = JSON.parse(Buffer.from(text, 'base64').toString('utf8'));
    const same = crypto.timingSafeEqual(Buffer.from(hashOf(token)), Buffer.from(token.hash));
    const decipher = crypto.createDecipheriv('aes-256-cbc', site.siteKey, iv);
    const plain = decipher.update(token.policy, 'base64', 'utf8') + decipher.final('utf8');
    return same && JSON.parse(plain).policy_version === 2 && Date.parse(token.timestamp) > 0;
  };
  await measure('pallycon_issue/tutorial', "PallyCon's steps (Node)", issue);
  await measure('pallycon_verify/tutorial', "PallyCon's steps (Node)", verify);
}

async function cloudfront() {
  const { privateKey } = crypto.generateKeyPairSync('rsa', { modulusLength: 2048,
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' } });
  const wish = { url: 'https://d111111abcdef8.cloudfront.net/vod/movie42/master.m3u8',
    keyPairId: 'K1', privateKey, dateLessThan: new Date((NOW + 3600) * 1000).toISOString() };
  await measure('cloudfront_url_issue/RSA', '@aws-sdk/cloudfront-signer', () => getSignedUrl(wish));
}

async function commonAccess() {
  const key = crypto.randomBytes(32);
  const maker = new cat.CAT({ keys: { k1: key }, expectCwtTag: true });
  const claims = { iss: 'issuer', exp: NOW + 36000, iat: NOW,
    catu: { host: { 'exact-match': 'cdn.test' }, path: { 'prefix-match': '/vod/' } } };
  const issue = () => maker.generateFromJson(claims,
    { type: 'mac', alg: 'HS256', kid: 'k1', generateCwtId: false });
  const token = await issue();
  await measure('cat_issue/HS256', '@eyevinn/cat', issue);
  const url = new URL('https://cdn.test/vod/film/a.m3u8');
  await measure('cat_verify/HS256', '@eyevinn/cat',
    () => maker.validate(token, 'mac', { issuer: 'issuer', kid: 'k1', url }));
}

for (const family of [akamai, jsonWebTokens, pallycon, cloudfront, commonAccess]) await family();
