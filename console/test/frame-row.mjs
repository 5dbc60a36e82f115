// Reads the number of the film's frame from a screenshot of the player.
//
// The row of squares is described in demo/make-clip.sh, which draws it. Reading is tolerant of
// scaling and of lossy pictures, not of another film: two squares are fixed and four are a check.
import { PNG } from 'pngjs';

const SQUARES = 16;
const BITS = 10;
// In units of a picture 640 wide: the first square, the way to the next, its size.
const FIRST = 8;
const STEP = 26;
const SIZE = 24;

/** Decodes a PNG file into `{ width, height, data }` with four bytes per pixel. */
export function readPng(bytes) {
  return PNG.sync.read(bytes);
}

/**
 * The frame number on a 16:9 picture of the film.
 * Returns `{ frame }`, or `{ fault }` in words when this is not a frame of it.
 */
export function readFrameNumber(image) {
  const scale = image.width / 640;
  const levels = Array.from({ length: SQUARES }, (_none, at) =>
    brightness(image, (FIRST + at * STEP + SIZE / 2) * scale, (FIRST + SIZE / 2) * scale,
      SIZE * scale * 0.25));
  const [white, black] = levels;
  if (white - black < 100) return { fault: `no white and black square: ${levels.join(' ')}` };
  const middle = (white + black) / 2;
  const doubtful = levels.findIndex((level) => Math.abs(level - middle) < (white - black) / 5);
  if (doubtful >= 0) return { fault: `square ${doubtful} is neither black nor white` };
  const bits = levels.map((level) => Number(level > middle));
  const gray = bits.slice(2, 2 + BITS);
  const check = bits.slice(2 + BITS);
  if (check.some((bit, at) => bit === gray[BITS - 4 + at])) return { fault: 'the check is wrong' };
  let bit = 0;
  return { frame: gray.reduce((number, next) => number * 2 + (bit ^= next), 0) };
}

/** How much the picture varies: the standard deviation of its brightness. A flat one has 0. */
export function contrast(image) {
  let sum = 0;
  let squares = 0;
  let count = 0;
  for (let at = 0; at + 2 < image.data.length; at += 4 * 7) {
    const level = luma(image.data, at);
    sum += level;
    squares += level * level;
    count += 1;
  }
  return Math.sqrt(Math.max(0, squares / count - (sum / count) ** 2));
}

function brightness(image, x, y, radius) {
  let sum = 0;
  let count = 0;
  for (let row = Math.round(y - radius); row <= Math.round(y + radius); row += 1) {
    for (let column = Math.round(x - radius); column <= Math.round(x + radius); column += 1) {
      sum += luma(image.data, 4 * (row * image.width + column));
      count += 1;
    }
  }
  return Math.round(sum / count);
}

function luma(data, at) {
  return 0.2126 * data[at] + 0.7152 * data[at + 1] + 0.0722 * data[at + 2];
}
