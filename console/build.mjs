// Builds console/dist: index.html and, under assets/, files whose names carry their hash.
//
// Writes no inline script or style and no address of another host, so that the server can send
// a content security policy that allows neither. Usage: node build.mjs [OUTPUT-FOLDER]
import { build } from 'esbuild';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const root = path.dirname(fileURLToPath(import.meta.url));
const out = path.resolve(process.argv[2] ?? path.join(root, 'dist'));
const source = (name) => path.join(root, 'src', name);

await rm(out, { recursive: true, force: true });
await mkdir(out, { recursive: true });
const result = await build({
  absWorkingDir: root,
  assetNames: 'assets/[name]-[hash]',
  bundle: true,
  chunkNames: 'assets/[name]-[hash]',
  entryNames: 'assets/[name]-[hash]',
  entryPoints: { app: source('main.js'), style: source('style.css'), icon: source('icon.svg') },
  format: 'esm',
  legalComments: 'eof',
  loader: { '.svg': 'copy' },
  logLevel: 'warning',
  metafile: true,
  minify: true,
  outdir: out,
  splitting: true,
  target: 'es2022',
});

// Where an entry point ended up, as the page will ask for it.
function address(entry) {
  const wanted = path.relative(root, entry);
  const found = Object.entries(result.metafile.outputs)
    .find(([, made]) => made.entryPoint === wanted || wanted in made.inputs);
  if (!found) throw new Error(`nothing was built from ${wanted}`);
  return `/${path.relative(out, path.resolve(root, found[0]))}`;
}

let page = await readFile(source('index.html'), 'utf8');
for (const name of ['main.js', 'style.css', 'icon.svg']) {
  page = page.replaceAll(`{{${name}}}`, address(source(name)));
}
await writeFile(path.join(out, 'index.html'), page);

const bytes = Object.values(result.metafile.outputs).reduce((sum, made) => sum + made.bytes, 0);
console.log(`${path.relative(process.cwd(), out) || out}: ${Math.ceil(bytes / 1024)} KiB`);
