// The choices: viewers, films, forms, and the buttons that cheat.
import { DOORS, GLOSSARY } from '../words.js';
import { byId, element } from './dom.js';

/** Fills the form; `changed()` is called when another film brings other streams. */
export function buildChoices(state) {
  byId('viewers').replaceChildren(...state.viewers.map((viewer, at) =>
    card('viewer', viewer.id, viewer.name, `${viewer.story}`, viewer.address, at === 0)));
  byId('contents').replaceChildren(...state.contents.map((content, at) =>
    card('content', content.id, content.title, '', content.id, at === 0)));
  byId('contents').addEventListener('change', () => buildStreams(state));
  buildStreams(state);
}

function buildStreams(state) {
  const before = picked('stream');
  const { streams } = find(state.contents, picked('content'));
  const chosen = streams.some(({ name }) => name === before) ? before : streams[0].name;
  byId('streams').replaceChildren(...streams.map(({ kind, mode, name }) => {
    const player = kind === 'dash' ? 'DASH, played by Shaka Player' : 'HLS, played by hls.js';
    const place = mode === 'cookie' ? 'as a cookie' : 'in the address';
    return card('stream', name, name, player, `session token ${place}`, name === chosen);
  }));
}

/** What is chosen now: `{ viewer, content, stream }`. */
export function choice(state) {
  const content = find(state.contents, picked('content'));
  const stream = content.streams.find(({ name }) => name === picked('stream'));
  return { content, stream, viewer: find(state.viewers, picked('viewer')) };
}

/** Puts the cheats on the page; `run(cheat)` gets the try that was clicked. */
export function buildCheats(state, cheats, run) {
  const possible = cheats.filter(({ films = 1 }) => films <= state.contents.length);
  byId('cheats').replaceChildren(...possible.map((cheat) => element('article', { class: 'cheat' },
    element('h3', {}, cheat.title),
    element('p', {}, cheat.about),
    element('div', { class: 'buttons' }, cheat.tries.map((attempt) => element('button', {
      type: 'button', class: 'quiet', id: `cheat-${cheat.id}-${attempt.door}`,
      onclick: () => run({ ...attempt, id: `${cheat.id}/${attempt.door}` }),
    }, attempt.label ?? `at the ${DOORS[attempt.door]}`))))));
}

/** Puts the glossary on the page. */
export function buildGlossary() {
  byId('glossary').replaceChildren(...Object.values(GLOSSARY).map(([term, meaning]) =>
    element('div', {}, element('dt', {}, term), element('dd', {}, meaning))));
}

function card(group, value, title, text, small, checked) {
  return element('label', { class: 'card' },
    element('input', { type: 'radio', name: group, value, checked }),
    element('span', { class: 'card-title' }, title),
    text ? element('span', {}, text) : null,
    small ? element('small', {}, small) : null);
}

function picked(group) {
  return byId('choices').querySelector(`input[name="${group}"]:checked`)?.value;
}

function find(list, id) {
  return list.find((item) => item.id === id) ?? list[0];
}
