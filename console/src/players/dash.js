// Plays a DASH stream with Shaka Player.
//
// Decides nothing: every request goes out as the plan says, and its answer is reported.
import * as shakaModule from 'shaka-player/dist/shaka-player.dash-es2021.js';

const shaka = shakaModule.default ?? shakaModule;
const { RequestType } = shaka.net.NetworkingEngine;
const { Category, Code, Severity } = shaka.util.Error;

const KINDS = { [RequestType.LICENSE]: 'license', [RequestType.MANIFEST]: 'manifest' };

// Shaka's schemes are global, so the run in progress is too.
let current = null;

/** Opens the plan's manifest in the video element; resolves when it can play. */
export async function open({ video, plan, report, failed }) {
  if (!shaka.Player.isBrowserSupported()) throw new Error('this browser has no media source');
  current = { plan, report };
  const player = new shaka.Player();
  player.addEventListener('error', (event) => failed(describe(event.detail)));
  await player.attach(video);
  const retryParameters = plan.once ? { maxAttempts: 1 } : { maxAttempts: 2 };
  player.configure({
    drm: { servers: { 'org.w3.clearkey': plan.licenseUrl }, retryParameters },
    manifest: { retryParameters },
    streaming: { retryParameters },
  });
  player.getNetworkingEngine().registerRequestFilter((type, request) => {
    const door = type === RequestType.LICENSE ? 'license' : 'media';
    // An address in the manifest would win over the configured one.
    if (door === 'license') request.uris = [plan.licenseUrl];
    Object.assign(request.headers, plan.headers(door));
  });
  try {
    await player.load(plan.manifestUrl);
  } catch (error) {
    failed(describe(error));
  }
  return {
    close: () => player.destroy(),
    languages: () => player.getAudioTracks().map(({ active, language }) => ({ active, language })),
    speak: (index) => player.selectAudioTrack(player.getAudioTracks()[index]),
  };
}

function describe(error) {
  if (!(error?.code > 0)) return String(error?.message ?? error);
  const name = Object.keys(Code).find((key) => Code[key] === error.code);
  return `Shaka Player ${error.code}${name ? ` ${name}` : ''}`;
}

// Shaka's own plugin cannot leave cookies at home, which an uninvited guest must.
function send(uri, request, type) {
  const { plan, report } = current;
  const stop = new AbortController();
  const answer = async () => {
    const response = await fetch(uri, {
      body: request.body ?? undefined,
      cache: 'no-store',
      credentials: plan.cookies,
      headers: request.headers,
      method: request.method,
      signal: stop.signal,
    }).catch((error) => {
      throw stop.signal.aborted
        ? networkError(Severity.RECOVERABLE, Code.OPERATION_ABORTED)
        : networkError(Severity.CRITICAL, Code.HTTP_ERROR, uri, error, type);
    });
    const data = await response.arrayBuffer();
    report({
      kind: KINDS[type] ?? 'segment',
      url: uri,
      status: response.status,
      requestId: response.headers.get('x-request-id'),
      asked: request.body,
      answered: data,
    });
    const headers = Object.fromEntries(response.headers);
    if (!response.ok) {
      throw networkError(Severity.CRITICAL, Code.BAD_HTTP_STATUS,
        uri, response.status, '', headers, type, uri);
    }
    return { uri: response.url || uri, originalUri: uri, data, status: response.status, headers };
  };
  return new shaka.util.AbortableOperation(answer(), async () => stop.abort());
}

function networkError(severity, code, ...data) {
  return new shaka.util.Error(severity, Category.NETWORK, code, ...data);
}

for (const scheme of ['http', 'https']) {
  shaka.net.NetworkingEngine.registerScheme(scheme, send);
}
shaka.polyfill.installAll();
