// Starts the page: reads what the demo offers, and connects choices and buttons to runs.
//
// Publishes its state as `window.__portcullis.state`, so that tests need not read the page.
import { fetchState } from './api.js';
import { CHEATS } from './cheats.js';
import { state as progress, watchProgress } from './progress.js';
import { chooseLanguage, startRun, stopRun } from './run.js';
import { buildCheats, buildChoices, buildGlossary, choice } from './view/choices.js';
import { byId } from './view/dom.js';
import { buildSteps, showProgress } from './view/steps.js';

window.__portcullis = { state: progress };

async function start() {
  buildSteps();
  buildGlossary();
  prepareTheme();
  watchProgress(showProgress);
  if (!navigator.requestMediaKeySystemAccess) {
    notice('This browser offers no protected playback on this address. Open the page on '
      + 'localhost or 127.0.0.1, or by https.');
  }
  const state = await fetchState();
  buildChoices(state);
  buildCheats(state, CHEATS, (cheat) => run(state, choice(state), cheat));
  byId('choices').addEventListener('submit', (event) => {
    event.preventDefault();
    run(state, choice(state));
  });
  byId('stop').addEventListener('click', () => stopRun());
  byId('language').addEventListener('change', ({ target }) => {
    chooseLanguage(target.selectedIndex);
  });
  byId('play').disabled = false;
  progress.ready = true;
}

function run(state, chosen, cheat) {
  const options = { cheat, licensePath: state.license_url, screen: byId('screen'), state };
  const calm = matchMedia('(prefers-reduced-motion: reduce)').matches;
  const where = cheat ? byId('verdict') : byId('screen');
  where.scrollIntoView({ behavior: calm ? 'auto' : 'smooth', block: 'nearest' });
  return startRun(chosen, options);
}

function prepareTheme() {
  const root = document.documentElement;
  const remembered = localStorage.getItem('theme');
  if (remembered) root.dataset.theme = remembered;
  byId('theme').addEventListener('click', () => {
    const dark = matchMedia('(prefers-color-scheme: dark)').matches;
    const now = root.dataset.theme ?? (dark ? 'dark' : 'light');
    root.dataset.theme = now === 'dark' ? 'light' : 'dark';
    localStorage.setItem('theme', root.dataset.theme);
  });
}

function notice(text) {
  byId('notice').textContent = text;
  byId('notice').hidden = false;
}

start().catch((error) => notice(`The demo server does not answer: ${error.message}.`));
