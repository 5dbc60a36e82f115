// The reader of the frame row, against pictures drawn here. Run: node --test test/*.test.mjs
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { contrast, readFrameNumber } from './frame-row.mjs';

function picture(width, frame, spoil = () => {}) {
  const height = Math.round(width * 9 / 16);
  const image = { width, height, data: new Uint8Array(width * height * 4).fill(96) };
  const gray = frame ^ (frame >> 1);
  const bits = [1, 0];
  for (let bit = 9; bit >= 0; bit -= 1) bits.push((gray >> bit) & 1);
  for (let bit = 3; bit >= 0; bit -= 1) bits.push(1 - ((gray >> bit) & 1));
  spoil(bits);
  const scale = width / 640;
  bits.forEach((bit, at) => {
    for (let y = Math.round(8 * scale); y < Math.round(32 * scale); y += 1) {
      const from = Math.round((8 + 26 * at) * scale);
      const start = y * width + from;
      image.data.fill(bit * 235, 4 * start, 4 * (start + Math.round(24 * scale)));
    }
  });
  return image;
}

test('every frame number is read back, at any size', () => {
  for (const width of [480, 640, 733, 1280]) {
    for (const frame of [0, 1, 2, 249, 250, 499, 512, 1023]) {
      assert.deepEqual(readFrameNumber(picture(width, frame)), { frame }, `${frame} at ${width}`);
    }
  }
});

test('a picture that is not the film is refused', () => {
  const flat = { width: 640, height: 360, data: new Uint8Array(640 * 360 * 4).fill(40) };
  assert.match(readFrameNumber(flat).fault, /no white and black/);
  assert.ok(contrast(flat) < 0.01);
  for (let at = 12; at < 16; at += 1) {
    const spoilt = picture(640, 123, (bits) => { bits[at] = 1 - bits[at]; });
    assert.match(readFrameNumber(spoilt).fault, /check is wrong/);
  }
  assert.match(readFrameNumber(picture(640, 5, (bits) => { bits[5] = 0.5; })).fault, /square 5/);
});
