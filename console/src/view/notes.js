// Turns the notes under a step into elements: requests, tables, tokens, refusals, traces.
//
// Shows key ids but never keys, and no signature in full.
import { rows, shorten } from '../tokens.js';
import { DOORS, plainReason } from '../words.js';
import { element } from './dom.js';

const SHOW = {
  fields: ({ title, rows: lines }) => [caption(title), table(lines)],
  jwt: showJwt,
  keys: ({ title, keys, secret }) => [
    caption(title),
    element('ul', { class: 'keys' }, keys.map((key) => element('li', {},
      element('code', {}, key), secret ? element('span', { class: 'sealed' }, '16 secret bytes')
        : null))),
  ],
  refusal: showRefusal,
  request: ({ method, url }) => [element('p', { class: 'request' },
    element('b', {}, method), ' ', element('code', {}, shorten(url, 160)))],
  'server-step': ({ step }) => [showServerStep(step)],
  text: ({ text }) => [element('p', {}, text)],
  trace: showTrace,
};

/** The elements for one note. */
export function showNote(note) {
  return SHOW[note.kind](note);
}

/** A table of `[name, value, meaning]`. */
export function table(lines) {
  return element('div', { class: 'scroll' }, element('table', {}, element('tbody', {},
    lines.map(([name, value, meaning]) => element('tr', {},
      element('th', { scope: 'row' }, element('code', {}, name)),
      element('td', {}, value),
      element('td', { class: 'meaning' }, meaning))))));
}

function caption(text) {
  return element('h4', {}, text);
}

function showJwt({ token, header, claims, signature }) {
  const [first, second] = token.split('.');
  const part = (name, text) => element('span', { class: `jwt-${name}` }, text);
  return [
    element('p', { class: 'jwt' }, part('header', shorten(first, 36)), '.',
      part('claims', shorten(second, 72)), '.', part('signature', shorten(signature, 10))),
    caption('Header'), table(rows(Object.entries(header))),
    caption('Claims'), table(rows(Object.entries(claims))),
    element('p', { class: 'small' }, 'Signature: only Portcullis can make it, and only for '
      + 'exactly this header and these claims.'),
  ];
}

function showRefusal({ refusal }) {
  return [element('div', { class: 'refusal' },
    element('p', {}, element('b', {}, `Refused at the ${DOORS[refusal.door]}. `),
      plainReason(refusal.code, refusal.detail || refusal.title)),
    table([
      ['reason', refusal.code, ''],
      ['status', `${refusal.status} ${refusal.title}`, ''],
      ['detail', refusal.detail || 'none given', ''],
      ['request', refusal.requestId ?? 'unknown', ''],
    ]))];
}

function showServerStep(step) {
  if (typeof step === 'string') return element('p', { class: 'small' }, step);
  const { title, name, detail, ...others } = step;
  const head = [title ?? name, detail].filter(Boolean).map(String).join(': ');
  return element('div', { class: 'small' }, head ? element('p', {}, head) : null,
    Object.keys(others).length > 0 ? table(rows(Object.entries(others))) : null);
}

const GOOD = /^(allow|allowed|fits|granted|ok|pass|passed|yes)/i;
const BAD = /^(deny|denied|fail|failed|no\b|not|refuse|refused)/i;

function showTrace({ trace }) {
  const outcome = [trace.outcome, trace.reason].filter(Boolean).join(': ');
  const label = `Why: ${trace.trace?.length ?? 0} rules looked at${outcome ? `, ${outcome}` : ''}`;
  return [element('details', { class: 'trace', open: true },
    element('summary', {}, label),
    element('ol', {}, (trace.trace ?? []).map(({ rule, verdict, detail }) => element('li',
      { 'data-verdict': GOOD.test(verdict) ? 'good' : BAD.test(verdict) ? 'bad' : 'neutral' },
      element('code', {}, rule), ' ', element('b', {}, verdict), ' ',
      element('span', {}, detail ?? '')))),
    element('p', { class: 'small' },
      `Decided by ${trace.front_door ?? 'the server'}, request ${trace.request_id}`))];
}
