// The cases: what must play and prove its picture, and what must be refused and for which reason.
//
// A refused case must also show that not one frame was decoded.
import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { contrast, readFrameNumber, readPng } from './frame-row.mjs';
import { choose, openPage, runState, waitForRun } from './page.mjs';

const FRAMES_PER_SECOND = 25;
// A screenshot takes a moment; the frame on it may be this far from the reported position.
const FRAMES_TOLERATED = 15;

/** What each cheat must be answered with. Doors differ, so several codes may be right. */
const REFUSALS = [
  ['no-token', 'media', /^token\.missing$/],
  ['no-token', 'license', /^token\.missing$/],
  ['expired', 'media', /^token\.expired$/],
  ['expired', 'license', /^token\.expired$/],
  ['other-content', 'media', /^token\.path$/],
  ['other-content', 'license', /^token\.content$/],
  ['tampered-path', 'media', /^path\.character$/],
  ['wrong-kind', 'media', /^token\.(wrong_)?kind$/],
  ['not-entitled', 'viewer', /^entitlement\.missing$/],
  ['denied-address', 'viewer', /^place\.address$/],
  ['denied-address', 'media', /^place\.address$/],
  ['denied-address', 'license', /^place\.address$/],
  ['forged', 'license', /^token\.signature$/],
];

/** All cases as `{ name, run }`; `run` throws when the case fails and may return a remark. */
export function casesFor({ browser, foreign, screenshot, state, url }) {
  const plays = state.contents.slice(0, 1).flatMap((content) => content.streams.map((stream) => ({
    name: `${stream.name} of \`${content.id}\` plays`,
    run: () => playCase({ browser, content, foreign, screenshot, stream, url }),
  })));
  if (foreign) return plays;
  return [
    ...plays,
    {
      name: 'a viewer can change to another form and play again',
      run: () => again({ browser, state, url }),
    },
    ...state.contents[0].streams.map((stream) => ({
      name: `${stream.name} changes to another language`,
      run: () => languageCase({ browser, stream, url }),
    })),
    ...REFUSALS.map(([cheat, door, code]) => ({
      name: `refused: ${cheat}, ${door}`,
      run: () => refusalCase({ browser, cheat, code, door, url }),
    })),
    ...state.contents[0].streams.slice(1).map((stream) => ({
      name: `refused: no-token, media, ${stream.name}`,
      run: () => refusalCase({
        browser, cheat: 'no-token', code: /^token\.missing$/, door: 'media', stream, url,
      }),
    })),
    { name: 'the page is usable on a small screen', run: () => smallScreen({ browser, url }) },
  ];
}

async function playCase({ browser, content, foreign, screenshot, stream, url }) {
  const { close, complaints, page } = await openPage(browser, url);
  try {
    await choose(page, 'content', content.id);
    await choose(page, 'stream', stream.name);
    await page.click('#play');
    const first = await waitForRun(page, (run) => run.frames > 0 && run.position > 1, 'it plays');
    const before = await lookAt(page);
    const later = await waitForRun(page, (run) => run.position > 3.2, 'the position grows');
    const after = await lookAt(page);
    assert.ok(later.frames > first.frames, `frames grow: ${first.frames}, ${later.frames}`);
    assert.ok(later.soundBytes > 0, 'sound was decoded');
    assert.ok(Object.values(later.keyStatuses).includes('usable'), 'the browser has usable keys');
    for (const [name, step] of Object.entries(later.steps)) {
      assert.equal(step.status, 'done', `step \`${name}\` is done`);
    }
    assert.deepEqual(later.refusals, [], 'nothing was refused');
    for (const look of [before, after]) {
      assert.ok(look.contrast > 8, `the picture is not flat: ${look.contrast.toFixed(1)}`);
      if (!foreign) checkFrame(look);
    }
    if (!foreign) assert.ok(after.read.frame > before.read.frame, 'the frame number grows');
    if (screenshot && stream.kind === 'dash') await keepPicture(page, screenshot);
    assert.deepEqual(complaints, [], 'the browser has no complaint');
    const shown = foreign ? '' : `, squares say ${before.read.frame} and ${after.read.frame}`;
    return `${later.frames} frames at ${later.position.toFixed(1)} s, `
      + `${Object.keys(later.keyStatuses).length} keys${shown}`;
  } finally {
    await close();
  }
}

async function keepPicture(page, file) {
  // The gate is up and the sun too; a shorter film simply shows what it has then.
  await waitForRun(page, (run) => run.position > 9 || run.status === 'ended', 'the gate is up');
  await page.evaluate(() => window.scrollTo({ behavior: 'instant', top: 0 }));
  await writeFile(file, await page.screenshot());
}

// The picture, and the positions right before and after it was taken.
async function lookAt(page) {
  const position = () => page.evaluate(() => document.querySelector('video').currentTime);
  // Hide the controls, which would cover a part of the picture.
  await page.evaluate(() => { document.querySelector('video').controls = false; });
  const from = await position();
  const image = readPng(await page.locator('video').screenshot());
  const to = await position();
  return { contrast: contrast(image), from, read: readFrameNumber(image), to };
}

function checkFrame({ from, read, to }) {
  assert.ok(!read.fault, `the picture is one of the film's: ${read.fault}`);
  const low = from * FRAMES_PER_SECOND - FRAMES_TOLERATED;
  const high = to * FRAMES_PER_SECOND + FRAMES_TOLERATED;
  assert.ok(read.frame >= low && read.frame <= high,
    `frame ${read.frame} fits the position ${from.toFixed(2)} to ${to.toFixed(2)} s`);
}

async function again({ browser, state, url }) {
  const { close, page } = await openPage(browser, url);
  try {
    for (const stream of state.contents[0].streams) {
      await choose(page, 'stream', stream.name);
      await page.click('#play');
      const plays = (run) => run.stream === stream.name && run.position > 0.5;
      await waitForRun(page, plays, `${stream.name} plays`);
    }
    await page.click('#stop');
    await waitForRun(page, (run) => run.status === 'stopped', 'it stops');
    return `${state.contents[0].streams.length} forms in one page`;
  } finally {
    await close();
  }
}

async function languageCase({ browser, stream, url }) {
  const { close, page } = await openPage(browser, url);
  try {
    await choose(page, 'stream', stream.name);
    await page.click('#play');
    const before = await waitForRun(page, (run) => run.position > 0.5, 'it plays');
    const names = before.languages.map(({ language }) => language.slice(0, 2)).sort();
    assert.deepEqual(names, ['de', 'en'], 'both languages are offered');
    await page.selectOption('#language', {
      index: before.languages.findIndex(({ active }) => !active),
    });
    const goes = (run) => run.position > before.position + 2;
    const after = await waitForRun(page, goes, 'it goes on');
    assert.ok(after.soundBytes > before.soundBytes, 'sound goes on');
    assert.deepEqual(after.refusals, [], 'nothing was refused');
    return names.join(' and ');
  } finally {
    await close();
  }
}

async function refusalCase({ browser, cheat, code, door, stream, url }) {
  const { close, complaints, page } = await openPage(browser, url);
  try {
    if (stream) await choose(page, 'stream', stream.name);
    await page.click(`#cheat-${cheat}-${door}`);
    const over = ({ status }) => status !== 'running' && status !== 'playing';
    await waitForRun(page, over, 'it is refused');
    await page.waitForTimeout(300);
    const run = await runState(page);
    assert.equal(run.status, 'refused', `refused, not ${run.status} ${run.failure ?? ''}`);
    const [refusal] = run.refusals;
    // The token desk may already refuse what another door would: that is refused all the same.
    const doors = door === 'viewer' ? ['token', 'media'] : [door, 'token'];
    assert.ok(doors.includes(refusal.door), `refused at the ${refusal.door} door`);
    assert.match(refusal.code, code);
    assert.ok(refusal.requestId, 'the refusal names its request');
    const decoded = await page.evaluate(() =>
      document.querySelector('video')?.getVideoPlaybackQuality().totalVideoFrames ?? 0);
    assert.equal(Math.max(decoded, run.frames), 0, 'nothing was decoded');
    const shown = await page.locator('#steps').innerText();
    assert.ok(shown.includes(refusal.code), 'the page shows the reason');
    assert.ok(shown.includes(refusal.requestId), 'the page shows the request');
    assert.deepEqual(complaints, [], 'the browser has no complaint');
    return `${refusal.code} (${refusal.status})`;
  } finally {
    await close();
  }
}

async function smallScreen({ browser, url }) {
  const { close, page } = await openPage(browser, url, { viewport: { height: 700, width: 360 } });
  try {
    const wide = await page.evaluate(() => document.documentElement.scrollWidth);
    assert.ok(wide <= 360, `nothing is wider than the screen: ${wide}`);
    return `${wide} px wide`;
  } finally {
    await close();
  }
}
