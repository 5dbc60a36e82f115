// Node libraries judge a token of ours: one question as JSON on standard input, exit code 0 if
// the token is good, and the reason on standard error if it is not.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';

import cat from '@eyevinn/cat';
import * as jose from 'jose';

import { pallycon } from './pallycon.mjs';

const question = JSON.parse(readFileSync(0, 'utf8'));

const judges = {
  async jose({ token, key, algorithm, issuer, audience }) {
    const publicKey = await jose.importSPKI(key, algorithm);
    const expected = { algorithms: [algorithm], issuer, audience };
    const { payload } = await jose.jwtVerify(token, publicKey, expected);
    assert.equal(payload['portcullis:content'], 'film');
  },

  async cat({ token, kid, key, issuer, url, foreign }) {
    const judge = new cat.CAT({ keys: { [kid]: Buffer.from(key, 'hex') }, expectCwtTag: true });
    const verdict = (asked) => judge.validate(token, 'mac', { issuer, kid, url: new URL(asked) });
    const { error } = await verdict(url);
    assert.equal(error, undefined);
    assert.notEqual((await verdict(foreign)).error, undefined, 'another path is refused');
  },

  pallycon({ token, site, fields, policy }) {
    assert.equal(token, pallycon(site, fields, policy));
  },
};

try {
  await judges[question.what](question);
} catch (error) {
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 1;
}
