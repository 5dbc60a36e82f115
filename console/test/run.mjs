// Drives a running demo with a real browser and says in plain words what worked.
//
// Usage: node test/run.mjs --url http://127.0.0.1:PORT [--screenshot FILE] [--foreign]
//        [--only WORD]
//   --screenshot FILE   keep a picture of the page while the film plays
//   --foreign           the content is not the demo film: check that it plays and is not flat
//   --only WORD         run the cases whose name holds the word
// Exit code: 0 all cases passed, 1 some failed, 2 could not start.
import { parseArgs } from 'node:util';
import { casesFor } from './cases.mjs';
import { startBrowser } from './page.mjs';

const { values: options } = parseArgs({
  options: {
    foreign: { default: false, type: 'boolean' },
    only: { type: 'string' },
    screenshot: { type: 'string' },
    url: { type: 'string' },
  },
});

async function main() {
  if (!options.url) throw new Error('--url is missing');
  const url = new URL('/', options.url).href;
  const state = await (await fetch(new URL('/demo/api/state', url))).json();
  const { browser, close } = await startBrowser();
  let failed = 0;
  let passed = 0;
  try {
    const { foreign, only, screenshot } = options;
    const cases = casesFor({ browser, foreign, screenshot, state, url })
      .filter(({ name }) => !only || name.includes(only));
    if (cases.length === 0) throw new Error(`no case is named \`${only}\``);
    for (const { name, run } of cases) {
      const began = performance.now();
      try {
        const remark = await run();
        const seconds = ((performance.now() - began) / 1000).toFixed(1);
        console.log(`ok    ${name}${remark ? `: ${remark}` : ''} (${seconds} s)`);
        passed += 1;
      } catch (error) {
        console.log(`FAIL  ${name}: ${error.message}`);
        failed += 1;
      }
    }
  } finally {
    await close();
  }
  console.log(`browser: ${passed} passed, ${failed} failed`);
  return failed === 0 ? 0 : 1;
}

main().then((code) => { process.exitCode = code; }, (error) => {
  console.error(`browser tests could not start: ${error.message}`);
  process.exitCode = 2;
});
