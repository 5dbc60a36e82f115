// Listens in on the browser's key sessions, so that key status is shown the same for any player.
//
// Changes nothing about them: the session is handed on as the browser made it.
import { keyIdText } from './tokens.js';

let listener = () => {};

/** Calls `listen(statuses)` with `{ keyId: status }` of every later change. */
export function onKeyStatus(listen) {
  listener = listen;
}

if (globalThis.MediaKeys) {
  const createSession = MediaKeys.prototype.createSession;
  MediaKeys.prototype.createSession = function createObservedSession(...parameters) {
    const session = createSession.apply(this, parameters);
    // A session belongs to the run during which it was made, also if it speaks later.
    const listen = listener;
    session.addEventListener('keystatuseschange', () => {
      const statuses = {};
      session.keyStatuses.forEach((status, id) => {
        statuses[keyIdText(bytes(id))] = status;
      });
      listen(statuses);
    });
    return session;
  };
}

function bytes(source) {
  return ArrayBuffer.isView(source)
    ? new Uint8Array(source.buffer, source.byteOffset, source.byteLength)
    : new Uint8Array(source);
}
