// One run from the first question to the last picture, honest or not.
//
// Refuses nothing by itself: whatever is refused here was refused by the server, and a run that
// cheats differs from an honest one only in its plan (see cheats.js).
import { askForToken, fetchTrace, problemOf } from './api.js';
import { onKeyStatus } from './key-sessions.js';
import { addNote, addRefusal, beginRun, changed, setRunStatus, setStep } from './progress.js';
import {
  accessTokenIn, bytesOf, durationText, keyIdText, readEdgeToken, readJwt, rows, sessionTokenIn,
  textOf,
} from './tokens.js';

const PLAYERS = {
  dash: () => import('./players/dash.js'),
  hls: () => import('./players/hls.js'),
};

let runs = 0;
let stopPrevious = async () => {};
let speaking = null;

/** Stops whatever is playing. */
export async function stopRun() {
  const stop = stopPrevious;
  stopPrevious = async () => {};
  await stop();
}

/**
 * Runs one choice `{ content, viewer, stream }` in `screen`, with an optional cheat.
 * Resolves when the film plays or the run has ended.
 */
export async function startRun(choice, { screen, licensePath, state, cheat }) {
  await stopRun();
  const run = beginRun({ ...choice, id: ++runs, cheat: cheat?.id });
  const video = freshVideo(screen);
  const cleanup = [() => video.removeAttribute('src')];
  stopPrevious = async () => {
    for (const undo of cleanup.splice(0).reverse()) await undo();
    if (run.status === 'running' || run.status === 'playing') setRunStatus(run, 'stopped');
  };
  try {
    const plan = await makePlan(run, choice, { licensePath, state, cheat });
    if (!plan) return run;
    cleanup.push(watchVideo(run, video));
    await playPlan(run, plan, choice, video, cleanup);
  } catch (error) {
    if (run.status === 'running') setRunStatus(run, 'failed', String(error?.message ?? error));
  }
  return run;
}

/** Changes to the language at this place in `run.languages`. */
export function chooseLanguage(index) {
  speaking?.(index);
}

// Steps 1 and 2. Null when the token desk said no.
async function makePlan(run, choice, { licensePath, state, cheat }) {
  const ask = (other = {}) => askAt(run, { ...choice, ...other });
  const plan = {
    address: choice.viewer.address,
    // The cookie of an honest run must not open the gate for a cheat.
    cookies: cheat?.door === 'media' ? 'omit' : 'same-origin',
    headers(door) {
      const headers = { 'X-Forwarded-For': plan.address };
      if (door === 'license' && plan.token) headers.Authorization = `Bearer ${plan.token}`;
      return headers;
    },
    manifestUrl: null,
    once: Boolean(cheat),
    token: null,
  };
  const granted = await ask(cheat?.asks?.(choice, state));
  if (!granted) return null;
  plan.manifestUrl = granted.manifest_url;
  plan.token = granted.token;
  const license = absolute(granted.license_url ?? licensePath);
  plan.licenseUrl = `${license}?content=${encodeURIComponent(choice.content.id)}`;
  if (cheat?.change) {
    if (cheat.story) {
      addNote(run, 'token', { kind: 'text', text: `Now the cheat: ${cheat.story}` });
    }
    const possible = await cheat.change(plan, { choice, state, ask, granted });
    if (possible === false) {
      if (run.status === 'running') setRunStatus(run, 'refused');
      return null;
    }
  }
  plan.manifestUrl = absolute(plan.manifestUrl);
  showToken(run, plan.token);
  return plan;
}

async function askAt(run, choice) {
  setStep(run, 'ask', 'busy');
  const answer = await askForToken(choice);
  const asked = `${choice.viewer.name} asks for “${choice.content.title}”`;
  if (!answer.ok) {
    addNote(run, 'ask', { kind: 'text', text: `${asked}: refused.` });
    addRefusal(run, 'ask', 'token', answer.problem, answer.requestId);
    setRunStatus(run, 'refused');
    await showTrace(run, 'ask', answer.requestId ?? answer.problem.requestId);
    return null;
  }
  addNote(run, 'ask', { kind: 'text', text: `${asked}: granted${timeLeft(answer.body)}.` });
  for (const step of answer.body.steps ?? []) addNote(run, 'ask', { kind: 'server-step', step });
  setStep(run, 'ask', 'done');
  await showTrace(run, 'ask', answer.requestId);
  return answer.body;
}

function timeLeft({ expires_in: lifetime, token }) {
  const end = readJwt(token)?.claims.exp;
  const left = end ? Math.floor(end - Date.now() / 1000) : lifetime;
  return left > 0 ? `, good for ${durationText(left)}`
    : `, but that was good until ${durationText(-left)} ago`;
}

function showToken(run, token) {
  const read = token ? readJwt(token) : null;
  if (read) {
    addNote(run, 'token', { kind: 'jwt', token, ...read });
  } else {
    const text = 'There is no token to show at the license desk.';
    addNote(run, 'token', { kind: 'text', text });
  }
  setStep(run, 'token', 'done');
}

// Steps 3 to 8.
async function playPlan(run, plan, choice, video, cleanup) {
  onKeyStatus((statuses) => {
    Object.assign(run.keyStatuses, statuses);
    setStep(run, 'keys', 'done');
    changed(run, 'keys');
  });
  setStep(run, 'manifest', 'busy');
  showManifestRequest(run, plan);
  let refusals = Promise.resolve();
  const failed = async (message) => {
    // A player only sees that a request failed; the reason is what the server said to it.
    await refusals;
    if (run.status !== 'running' && run.status !== 'playing') return;
    setRunStatus(run, run.refusals.length > 0 ? 'refused' : 'failed', message);
  };
  const { open } = await PLAYERS[choice.stream.kind]();
  const report = (seen) => {
    if (seen.status < 400) observe(run, choice, seen);
    else refusals = refusals.then(() => observeRefusal(run, seen));
  };
  const player = await open({ video, plan, report, failed });
  if (run.status === 'stopped') return player.close();
  cleanup.push(() => player.close());
  speaking = player.speak;
  cleanup.push(() => { speaking = null; });
  run.languages = player.languages();
  changed(run, 'languages');
  if (run.status === 'running') await startVideo(video);
  return undefined;
}

function showManifestRequest(run, plan) {
  const url = new URL(plan.manifestUrl);
  addNote(run, 'manifest', { kind: 'request', method: 'GET', url: url.pathname });
  const access = accessTokenIn(plan.manifestUrl);
  if (access) {
    addNote(run, 'manifest', {
      kind: 'fields', title: 'Access token in the address', rows: rows(readEdgeToken(access)),
    });
  }
}

// Sees every good answer that the player gets.
function observe(run, choice, seen) {
  if (seen.kind === 'license') {
    showLicense(run, seen);
    return;
  }
  if (run.steps.manifest.status === 'busy' && seen.kind === 'manifest') {
    addNote(run, 'manifest', { kind: 'text', text: `Answered ${seen.status}: the player now knows `
      + 'every piece of the film, and that all of them are scrambled.' });
    setStep(run, 'manifest', 'done');
    setStep(run, 'session', 'busy');
    showTrace(run, choice.stream.mode === 'cookie' ? 'session' : 'manifest', seen.requestId);
  }
  showSession(run, choice, seen);
  if (seen.kind === 'segment') {
    run.segments += 1;
    changed(run, 'session');
  }
}

async function observeRefusal(run, seen) {
  const license = seen.kind === 'license';
  const media = run.segments > 0 || sessionTokenIn(seen.url) ? 'session' : 'manifest';
  const problem = problemOf(seen.status, textFrom(seen.answered));
  if (license) showLicenseRequest(run, seen);
  const requestId = seen.requestId ?? problem.requestId;
  const trace = await fetchTrace(requestId);
  if (!license) addNote(run, media, { kind: 'text', text: BARE });
  // The media gate tells a stranger nothing; only the demo lets us look behind it.
  const refused = trace?.trace?.find((rule) => rule.reason);
  if (trace?.reason) problem.code = trace.reason;
  if (refused) problem.detail ||= refused.detail ?? '';
  addRefusal(run, license ? 'license' : media, license ? 'license' : 'media', problem, requestId);
  if (trace) addNote(run, 'decision', { kind: 'trace', trace });
  setStep(run, 'decision', 'refused');
}

const BARE = 'The gate says no and nothing else, so that a thief learns nothing. The reason below '
  + 'is from the demo\'s own record.';

function showSession(run, choice, seen) {
  if (run.steps.session.status !== 'busy') return;
  const inPath = sessionTokenIn(seen.url);
  if (inPath) {
    addNote(run, 'session', {
      kind: 'fields', title: 'Session token inside every address from now on',
      rows: rows(readEdgeToken(inPath)),
    });
    setStep(run, 'session', 'done');
  } else if (seen.kind === 'segment') {
    const text = choice.stream.mode === 'cookie'
      ? 'It came as the cookie hdntl, marked HttpOnly: the browser sends it along with each '
        + 'piece, and no script, not even this page, can read it. That the pieces now arrive '
        + 'without any token in their address shows that it works.'
      : 'The pieces arrive without a token in their address.';
    addNote(run, 'session', { kind: 'text', text });
    setStep(run, 'session', 'done');
  }
}

function showLicenseRequest(run, seen) {
  const kids = kidsIn(textFrom(seen.asked));
  const { pathname } = new URL(seen.url, location.href);
  addNote(run, 'license', { kind: 'request', method: 'POST', url: pathname });
  addNote(run, 'license', { kind: 'keys', title: 'Keys asked for', keys: kids });
}

function showLicense(run, seen) {
  showLicenseRequest(run, seen);
  const keys = kidsIn(textFrom(seen.answered));
  addNote(run, 'license', {
    kind: 'keys', title: `Answered ${seen.status} with ${keys.length} keys`, keys, secret: true,
  });
  setStep(run, 'license', 'done');
  setStep(run, 'keys', 'busy');
  showTrace(run, 'decision', seen.requestId, 'done');
}

// Key ids of a Clear Key request `{kids}` or answer `{keys: [{kid}]}`; the keys are left alone.
function kidsIn(text) {
  try {
    const document = JSON.parse(text);
    const kids = document.kids ?? document.keys?.map((key) => key.kid) ?? [];
    return kids.map((kid) => keyIdText(bytesOf(kid)));
  } catch {
    return [];
  }
}

function textFrom(body) {
  if (body == null) return '';
  try {
    return typeof body === 'string' ? body : textOf(body);
  } catch {
    return '';
  }
}

async function showTrace(run, step, requestId, outcome) {
  if (outcome) setStep(run, step, 'busy');
  const trace = await fetchTrace(requestId);
  if (trace) addNote(run, step, { kind: 'trace', trace });
  if (outcome) setStep(run, step, outcome);
}

function freshVideo(screen) {
  const video = document.createElement('video');
  video.controls = true;
  video.playsInline = true;
  video.setAttribute('aria-label', 'The film');
  screen.querySelector('video')?.remove();
  screen.append(video);
  return video;
}

async function startVideo(video) {
  try {
    await video.play();
  } catch (error) {
    // Without a click on this page a browser allows only silent films.
    if (error?.name !== 'NotAllowedError') return;
    video.muted = true;
    await video.play().catch(() => {});
  }
}

function watchVideo(run, video) {
  const look = () => {
    const frames = video.getVideoPlaybackQuality().totalVideoFrames;
    run.frames = frames;
    run.position = video.currentTime;
    run.soundBytes = video.webkitAudioDecodedByteCount ?? 0;
    run.size = video.videoWidth ? `${video.videoWidth} × ${video.videoHeight}` : null;
    if (frames > 0 && run.position > 0 && run.status === 'running') setRunStatus(run, 'playing');
    if (frames > 0) setStep(run, 'frames', 'busy');
    if (run.position > 1) setStep(run, 'frames', 'done');
    if (video.ended && run.status === 'playing') setRunStatus(run, 'ended');
    changed(run, 'gauges');
  };
  const timer = setInterval(look, 200);
  return () => clearInterval(timer);
}

function absolute(url) {
  return new URL(url, location.href).href;
}
