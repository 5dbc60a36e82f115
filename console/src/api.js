// Talks to the demo's own interface: what there is, a token for a viewer, the trace of a request.
//
// Never retries, and never hides a refusal: an answer is returned as it came.

/** What one HTTP exchange amounted to. `problem` is the server's reason when it said no. */
export async function exchange(url, init = {}) {
  const response = await fetch(url, { cache: 'no-store', ...init });
  const text = await response.text();
  return {
    ok: response.ok,
    status: response.status,
    requestId: response.headers.get('x-request-id'),
    body: response.ok ? parse(text) : null,
    problem: response.ok ? null : problemOf(response.status, text),
  };
}

/** The contents, their streams, the viewers, and the license address. */
export async function fetchState() {
  const answer = await exchange('/demo/api/state');
  if (!answer.ok || !answer.body) throw new Error(`the server answered ${answer.status}`);
  return answer.body;
}

/** Asks, as the shop would, for a token with which this viewer may watch this stream. */
export function askForToken({ viewer, content, stream }) {
  return exchange('/demo/api/play', {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ viewer: viewer.id, content: content.id, stream: stream.kind }),
  });
}

/** How the request with this id was decided, or `null` where nothing is known of it. */
export async function fetchTrace(requestId) {
  if (!requestId) return null;
  try {
    const answer = await exchange(`/demo/api/trace/${encodeURIComponent(requestId)}`);
    return answer.ok ? answer.body : null;
  } catch {
    return null;
  }
}

/** The problem document in a refusal; without one, what the status alone says. */
export function problemOf(status, text) {
  const document = parse(text);
  const known = document && typeof document === 'object' ? document : {};
  return {
    status,
    code: known.code ?? `http.${status}`,
    title: known.title ?? `HTTP ${status}`,
    detail: known.detail ?? '',
    requestId: known.request_id ?? null,
  };
}

function parse(text) {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
