// Plays an HLS stream with hls.js.
//
// Decides nothing: every request goes out as the plan says, and its answer is reported.
import Hls from 'hls.js';

/** Opens the plan's playlist in the video element; resolves when it has been read. */
export async function open({ video, plan, report, failed }) {
  if (!Hls.isSupported()) throw new Error('this browser has no media source');
  const observe = (xhr, kind, url, asked) => {
    // Registered before hls.js puts its own handler in place, so that a refusal is known first.
    xhr.addEventListener('readystatechange', () => {
      if (xhr.readyState !== XMLHttpRequest.DONE || xhr.status === 0) return;
      report({
        kind, url, status: xhr.status, asked, answered: xhr.response,
        requestId: xhr.getResponseHeader('x-request-id'),
      });
    });
  };
  const prepare = (xhr, door) => {
    for (const header of Object.entries(plan.headers(door))) xhr.setRequestHeader(...header);
  };
  const hls = new Hls({
    ...(plan.once ? withoutRetries() : {}),
    drmSystems: { 'org.w3.clearkey': { licenseUrl: plan.licenseUrl } },
    emeEnabled: true,
    // The worker would be a script from a blob, which the page's policy does not allow.
    enableWorker: false,
    licenseXhrSetup(xhr, url, _context, challenge) {
      xhr.open('POST', url, true);
      prepare(xhr, 'license');
      observe(xhr, 'license', url, challenge);
      return challenge;
    },
    xhrSetup(xhr, url, context) {
      xhr.open('GET', url, true);
      prepare(xhr, 'media');
      observe(xhr, context?.frag ? 'segment' : 'manifest', url);
    },
  });
  const read = new Promise((resolve) => {
    hls.once(Hls.Events.MANIFEST_PARSED, resolve);
    hls.on(Hls.Events.ERROR, (_event, data) => {
      if (!data.fatal) return;
      failed(`hls.js ${data.details}`);
      resolve();
    });
  });
  hls.attachMedia(video);
  hls.loadSource(plan.manifestUrl);
  await read;
  return {
    close: async () => hls.destroy(),
    languages: () => hls.audioTracks
      .map(({ lang }, index) => ({ active: index === hls.audioTrack, language: lang ?? '' })),
    speak: (index) => { hls.audioTrack = index; },
  };
}

function withoutRetries() {
  const once = { errorRetry: null, timeoutRetry: null };
  return Object.fromEntries(['manifest', 'playlist', 'frag', 'key'].map((kind) => {
    const policy = structuredClone(Hls.DefaultConfig[`${kind}LoadPolicy`]);
    Object.assign(policy.default, once);
    return [`${kind}LoadPolicy`, policy];
  }));
}
