// The list of steps and the line above it that sums up the run.
import { GLOSSARY, plainReason, STEPS, DOORS } from '../words.js';
import { byId, element } from './dom.js';
import { showNote, table } from './notes.js';

const STATUS_WORDS = { busy: 'now', done: 'done', idle: 'to come', refused: 'refused' };
const VERDICTS = {
  ended: 'The film has ended. Every door said yes.',
  playing: 'Every door said yes, and the film plays.',
  running: 'Working through the steps…',
  stopped: 'Stopped.',
};

/** Puts the empty steps on the page. */
export function buildSteps() {
  byId('steps').replaceChildren(...STEPS.map((step) => {
    const [term, meaning] = GLOSSARY[step.term];
    return element('li', { id: `step-${step.id}`, 'data-status': 'idle' },
      element('div', { class: 'head' },
        element('h3', {}, step.title),
        element('span', { class: 'badge' }, STATUS_WORDS.idle)),
      element('p', { class: 'caption' }, step.caption),
      element('details', { class: 'what' }, element('summary', {}, 'What is this?'),
        element('p', {}, element('b', {}, `${term}. `), meaning)),
      element('div', { class: 'notes' }));
  }));
}

/** Shows what changed in a run. */
export function showProgress(run, what) {
  if (what === 'run') return showRun(run);
  if (what === 'gauges') return showGauges(run);
  if (what === 'languages') return showLanguages(run);
  return showStep(run, what);
}

function showRun(run) {
  for (const { id } of STEPS) showStep(run, id);
  showGauges(run);
  showLanguages(run);
  const verdict = byId('verdict');
  verdict.dataset.status = run.status;
  verdict.replaceChildren(verdictText(run));
  byId('curtain').hidden = run.status === 'playing' || run.status === 'ended';
  byId('curtain').replaceChildren(curtainText(run));
  byId('stop').disabled = run.status !== 'playing' && run.status !== 'running';
}

function verdictText(run) {
  const [refusal] = run.refusals;
  if (run.status === 'refused' && refusal) {
    return `Refused at the ${DOORS[refusal.door]}: ${plainReason(refusal.code, refusal.detail)} `
      + `(${refusal.code}). Nothing was decoded.`;
  }
  if (run.status === 'failed') return `Something broke: ${run.failure}.`;
  return VERDICTS[run.status] ?? run.status;
}

function curtainText(run) {
  const reason = run.refusals[0]?.code ?? 'refused';
  if (run.status === 'refused') return `The gate stays closed: ${reason}`;
  if (run.status === 'running') return 'The gate is opening…';
  return 'The gate is closed.';
}

function showStep(run, id) {
  const item = byId(`step-${id}`);
  const { status, notes } = run.steps[id];
  item.dataset.status = status;
  const over = !['running', 'playing', 'ended'].includes(run.status);
  item.querySelector('.badge').textContent =
    status === 'idle' && over ? 'not reached' : STATUS_WORDS[status];
  const box = item.querySelector('.notes');
  if (id === 'keys') {
    box.replaceChildren(...keyTable(run));
    return;
  }
  // Notes are only ever added, so what is on the page stays, with what a reader has opened.
  if (Number(box.dataset.run) !== run.id) box.replaceChildren();
  const shown = Number(box.dataset.run) === run.id ? Number(box.dataset.shown) : 0;
  for (const note of notes.slice(shown)) box.append(...showNote(note));
  box.dataset.run = run.id;
  box.dataset.shown = notes.length;
}

const KEY_WORDS = {
  expired: 'no longer good', 'internal-error': 'broken',
  'output-restricted': 'not for this screen', 'status-pending': 'on its way', usable: 'ready',
};

function keyTable(run) {
  const lines = Object.entries(run.keyStatuses)
    .map(([key, status]) => [key, status, KEY_WORDS[status] ?? '']);
  return lines.length > 0 ? [table(lines)] : [];
}

function showGauges(run) {
  byId('gauge-frames').textContent = String(run.frames);
  // A player moves to its starting point before it has a single picture; that is not progress.
  const position = `${(run.frames > 0 ? run.position : 0).toFixed(1)} s`;
  byId('gauge-position').textContent = position;
  byId('gauge-sound').textContent = `${Math.round(run.soundBytes / 1024)} KiB`;
  byId('gauge-size').textContent = (run.frames > 0 && run.size) || 'none';
  const box = byId('step-frames').querySelector('.notes');
  const text = run.frames > 0
    ? `${run.frames} pictures decoded, ${run.segments} pieces fetched, now at ${position}.`
    : run.status === 'refused' ? 'Not one picture was decoded.' : '';
  if (box.textContent !== text) box.textContent = text;
}

function showLanguages(run) {
  byId('spoken').hidden = run.languages.length < 2;
  const names = new Intl.DisplayNames(['en'], { type: 'language' });
  byId('language').replaceChildren(...run.languages.map(({ active, language }) =>
    element('option', { selected: active }, language ? names.of(language) : 'unknown')));
}
