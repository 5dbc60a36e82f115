// How the page reads tokens, and who plays which part in a cheat. Run: node --test test/*.test.mjs
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CHEATS, cast } from '../src/cheats.js';
import {
  accessTokenIn, base64urlOf, durationText, keyIdText, readEdgeToken, readJwt, rows, timeText,
} from '../src/tokens.js';
import { plainReason } from '../src/words.js';

test('a JWT is taken apart, and anything else is not taken for one', () => {
  const token = `${base64urlOf('{"alg":"HS256"}')}.${base64urlOf('{"sub":"zoë"}')}.c2ln`;
  assert.deepEqual(readJwt(token), {
    claims: { sub: 'zoë' }, header: { alg: 'HS256' }, signature: 'c2ln',
  });
  for (const other of ['', 'a.b', 'a.b.c', `${token}.d`, `${token.slice(3)}`]) {
    assert.equal(readJwt(other), null, other);
  }
});

test('an edge token keeps the order of its fields and hides its signature', () => {
  const fields = readEdgeToken('exp=1~acl=/a/*=b~odd~hmac=0123456789abcdef0123');
  assert.deepEqual(fields.map(([name]) => name), ['exp', 'acl', 'odd', 'hmac']);
  assert.equal(fields[1][1], '/a/*=b');
  const shown = rows(fields, 0);
  assert.equal(shown[3][1], '0123456789abcdef…');
  assert.match(shown[0][1], /in 1 s/);
});

test('the access token of an address is found by its whole name only', () => {
  assert.equal(accessTokenIn('/m/a.mpd?hdnts=exp=1~acl=%2f*'), 'exp=1~acl=/*');
  assert.equal(accessTokenIn('/m/a.mpd?x=1&hdnts=e'), 'e');
  assert.equal(accessTokenIn('/m/a.mpd?xhdnts=e'), null);
});

test('times are told from both sides', () => {
  assert.match(timeText(100, 100000), /\(now\)/);
  assert.match(timeText(160, 100000), /\(in 1 min\)/);
  assert.match(timeText(100, 3761000), /\(1 h 1 min ago\)/);
  assert.equal(durationText(0), '0 s');
  assert.equal(durationText(90061), '1 d 1 h');
});

test('a key id is shown as a UUID', () => {
  assert.equal(keyIdText(Uint8Array.from({ length: 16 }, (_none, at) => at)),
    '00010203-0405-0607-0809-0a0b0c0d0e0f');
  assert.equal(keyIdText(new Uint8Array(2)), '0000');
});

test('every part of a cheat is played by a viewer of its own', () => {
  const viewers = [
    { id: 'ada', name: 'Ada', story: 'Bought the film. Everything should work for her.' },
    { id: 'ben', name: 'Ben', story: 'Has an account, but did not buy the film.' },
    { id: 'eve', name: 'Eve', story: 'Bought the film, but comes with the tokens of yesterday.' },
    { id: 'dan', name: 'Dan', story: 'Bought the film, but sits in a network that is not served.' },
  ];
  const parts = Object.entries(cast({ viewers })).map(([part, { id }]) => [part, id]);
  assert.deepEqual(Object.fromEntries(parts),
    { denied: 'dan', expired: 'eve', honest: 'ada', stranger: 'ben' });
});

test('every try of a cheat has a name of its own', () => {
  const names = CHEATS.flatMap(({ id, tries }) => tries.map(({ door }) => `${id}/${door}`));
  assert.equal(new Set(names).size, names.length);
});

test('a reason is told in plain words, an unknown one in the words of the server', () => {
  assert.match(plainReason('token.path'), /for something else/);
  assert.match(plainReason('path.dot_segment'), /climb/);
  assert.equal(plainReason('new.reason', 'as the server says'), 'as the server says');
});
