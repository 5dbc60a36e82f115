// Reads tokens for display: JWT, and edge tokens of the form `name=value~name=value`.
//
// Verifies nothing. A page cannot check a signature whose key it must not have; the server does.

const TIMES = new Set(['exp', 'iat', 'nbf', 'st']);
const CLAIM_WORDS = {
  acl: 'what it opens', alg: 'how it is signed', aud: 'for which service', data: 'carried along',
  exp: 'good until', hmac: 'signature', iat: 'made at', id: 'its number', ip: 'for which address',
  iss: 'made by', jti: 'its number', kid: 'with which key', nbf: 'good from', st: 'good from',
  sub: 'for whom', typ: 'what it is', url: 'what it opens',
};

/** A JWT as `{ header, claims, signature }`, or `null` if it does not have that form. */
export function readJwt(compact) {
  const parts = String(compact).split('.');
  if (parts.length !== 3) return null;
  try {
    const [header, claims] = parts.slice(0, 2).map((part) => JSON.parse(textOf(bytesOf(part))));
    return { header, claims, signature: parts[2] };
  } catch {
    return null;
  }
}

/** An edge token as a list of `[name, value]`, in its own order. */
export function readEdgeToken(raw) {
  return String(raw).split('~').map((field) => {
    const at = field.indexOf('=');
    return at < 0 ? [field, ''] : [field.slice(0, at), field.slice(at + 1)];
  });
}

/** The session token in an address, where it is a path component of its own, or `null`. */
export function sessionTokenIn(url) {
  const component = new URL(url, location.href).pathname.split('/')
    .find((part) => part.startsWith('hdntl='));
  return component ? component.slice('hdntl='.length) : null;
}

/** The access token in the query of an address, or `null`. */
export function accessTokenIn(url) {
  const found = /[?&]hdnts=([^&]*)/.exec(url);
  return found ? decodeURIComponent(found[1]) : null;
}

/** Rows `[name, value, meaning]` for a table of claims or fields. */
export function rows(entries, now = Date.now()) {
  return entries
    .map(([name, value]) => [name, valueText(name, value, now), CLAIM_WORDS[name] ?? '']);
}

function valueText(name, value, now) {
  if (TIMES.has(name) && Number.isFinite(Number(value))) return timeText(Number(value), now);
  if (name === 'hmac') return shorten(String(value), 16);
  return typeof value === 'string' ? value : JSON.stringify(value);
}

/** Seconds since 1970 as a clock time and the distance from now. */
export function timeText(seconds, now = Date.now()) {
  const distance = Math.round(seconds - now / 1000);
  const clock = new Date(seconds * 1000).toLocaleTimeString();
  if (distance === 0) return `${clock} (now)`;
  const span = durationText(Math.abs(distance));
  return distance > 0 ? `${clock} (in ${span})` : `${clock} (${span} ago)`;
}

/** A number of seconds in its two largest units. */
export function durationText(seconds) {
  const units = [['d', 86400], ['h', 3600], ['min', 60], ['s', 1]];
  const parts = [];
  let left = seconds;
  for (const [name, size] of units) {
    const count = Math.floor(left / size);
    if (count > 0) parts.push(`${count} ${name}`);
    left -= count * size;
  }
  return parts.slice(0, 2).join(' ') || '0 s';
}

/** The head of a text, for values nobody needs in full. */
export function shorten(text, length) {
  return text.length <= length ? text : `${text.slice(0, length)}…`;
}

/** Bytes of unpadded base64url. */
export function bytesOf(base64url) {
  const binary = atob(base64url.replaceAll('-', '+').replaceAll('_', '/'));
  return Uint8Array.from(binary, (character) => character.charCodeAt(0));
}

/** Text as unpadded base64url. */
export function base64urlOf(text) {
  const binary = String.fromCharCode(...new TextEncoder().encode(text));
  return btoa(binary).replaceAll('+', '-').replaceAll('/', '_').replace(/=+$/, '');
}

/** The text of UTF-8 bytes. */
export function textOf(bytes) {
  return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
}

/** Sixteen bytes as a lower-case UUID; other lengths as hex. */
export function keyIdText(bytes) {
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
  if (hex.length !== 32) return hex;
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}
