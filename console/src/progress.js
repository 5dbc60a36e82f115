// What is known about the run in progress: one plain object, and those who watch it.
//
// Knows neither players nor pages. Tests read the same object as `window.__portcullis.state`.
import { STEPS } from './words.js';

/** The published state. `run` is null until something was tried. */
export const state = { ready: false, run: null };

const watchers = new Set();

/** Calls `watch(run, what)` after every change; `what` is a step's id, or 'run' or 'gauges'. */
export function watchProgress(watch) {
  watchers.add(watch);
}

/** Starts a new record; the one before it goes quiet, whoever still holds it. */
export function beginRun({ id, cheat, content, viewer, stream }) {
  const run = {
    id,
    cheat: cheat ?? null,
    content: content.id,
    viewer: viewer.id,
    stream: stream.name,
    kind: stream.kind,
    // running -> playing -> ended, or -> refused, failed, stopped
    status: 'running',
    failure: null,
    refusals: [],
    frames: 0,
    position: 0,
    soundBytes: 0,
    size: null,
    keyStatuses: {},
    // What can be heard: `{ language, active }`, in the player's order.
    languages: [],
    segments: 0,
    steps: Object.fromEntries(STEPS.map(({ id: step }) => [step, { status: 'idle', notes: [] }])),
  };
  state.run = run;
  changed(run, 'run');
  return run;
}

/** Moves a step on: 'busy', 'done' or 'refused'. A refused step stays refused. */
export function setStep(run, step, status) {
  const record = run.steps[step];
  if (record.status === status || record.status === 'refused') return;
  record.status = status;
  changed(run, step);
}

/** Adds something to show under a step: `{ kind, ... }`, see view/notes.js. */
export function addNote(run, step, note) {
  run.steps[step].notes.push(note);
  changed(run, step);
}

/** Records that a door said no. */
export function addRefusal(run, step, door, problem, requestId) {
  const refusal = { ...problem, door, requestId: requestId ?? problem.requestId };
  run.refusals.push(refusal);
  setStep(run, step, 'refused');
  addNote(run, step, { kind: 'refusal', refusal });
  changed(run, 'run');
}

/** Ends or advances the run as a whole. */
export function setRunStatus(run, status, failure = null) {
  run.status = status;
  run.failure = failure;
  changed(run, 'run');
}

/** Tells the watchers, unless another run has begun meanwhile. */
export function changed(run, what) {
  if (state.run !== run) return;
  for (const watch of watchers) watch(run, what);
}
