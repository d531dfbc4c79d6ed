/** The pages of the inspector relay: what is served, and what they may do. */
import { readdirSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { type IncomingHttpHeaders, request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import ts from 'typescript';
import { type Relay, startRelay } from '../src/inspect/inspector-server.js';

interface Answer {
  readonly status: number | undefined;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

const ask = (relay: Relay, path: string, { method = 'GET', headers = {} } = {}): Promise<Answer> =>
  new Promise((resolve, reject) => {
    request(new URL(path, relay.url), { method, headers, agent: false }, (response) => {
      const { statusCode: status, headers } = response;
      text(response).then((body) => resolve({ status, headers, body }), reject);
    })
      .on('error', reject)
      .end();
  });

const SOURCES = new URL('../src/inspect/page/', import.meta.url);
const MODULES = readdirSync(SOURCES)
  .filter((file) => file.endsWith('.ts'))
  .map((file) => file.replace('.ts', '.js'));

/** What the compiler makes of the page's modules. */
async function compile(folder: string): Promise<void> {
  const compilerOptions = { target: ts.ScriptTarget.ES2023, module: ts.ModuleKind.ES2022 };
  for (const name of MODULES) {
    const source = await readFile(new URL(name.replace('.js', '.ts'), SOURCES), 'utf8');
    await writeFile(join(folder, name), ts.transpileModule(source, { compilerOptions }).outputText);
  }
}

const TRANSCRIPT = { key: '7', inbound: false, startedat: 0, facts: {}, pings: [], entries: [] };

let relay: Relay;
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'verack-page-'));
  await compile(folder);
  const scripts = pathToFileURL(`${folder}/`);
  relay = await startRelay({ scripts, sessions: new Map([['a b', TRANSCRIPT]]) });
});
afterAll(async () => {
  await relay.close();
  await rm(folder, { recursive: true });
});

const PATHS = ['/', '/style.css', '/stately', ...MODULES.map((name) => `/page/${name}`)];

describe('every page', () => {
  test.each(PATHS)('%s is served with a policy that allows nothing else', async (path) => {
    const { status, headers } = await ask(relay, path);
    expect(status).toBe(200);
    const policy = String(headers['content-security-policy']);
    expect(policy).toMatch(/^default-src 'none'; script-src 'self'; style-src 'self';/);
    expect(policy).toContain(`connect-src 'self' ws://${new URL(relay.url).host};`);
    expect(policy).toContain("frame-ancestors 'none'");
    expect(policy).not.toMatch(/unsafe|\*/);
    expect(policy.includes('https:')).toBe(path === '/stately');
    expect(headers).toMatchObject({ 'x-content-type-options': 'nosniff', 'cache-control': 'no-store' });
  });

  test('the live page names no other host', async () => {
    for (const path of PATHS.filter((path) => !path.includes('stately'))) {
      const { body } = await ask(relay, path);
      expect(body.replaceAll('http://www.w3.org/2000/svg', '')).not.toMatch(
        /https?:|url\(|@import|src="\/\//,
      );
    }
  });

  test('the scripts never write markup, and import one another alone', async () => {
    for (const name of MODULES) {
      const { body } = await ask(relay, `/page/${name}`);
      expect(body).not.toMatch(/innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(|DOMParser/);
      for (const [, target] of body.matchAll(/(?:from|import) '([^']+)'/g)) {
        expect(MODULES.map((module) => `./${module}`)).toContain(target);
      }
    }
  });

  test('every element that a script looks up is in its page', async () => {
    const [live, stately] = await Promise.all(['/', '/stately'].map((path) => ask(relay, path)));
    for (const name of MODULES) {
      const { body } = await ask(relay, `/page/${name}`);
      const page = name === 'stately.js' ? stately : live;
      for (const [, id] of body.matchAll(/byId\('([a-z-]+)'\)/g)) expect(page?.body).toContain(`id="${id}"`);
    }
  });
});

describe('/stately', () => {
  test('shows what is sent, and loads no frame before the click', async () => {
    const { body, headers } = await ask(relay, '/stately');
    expect(body).toContain('data-frame="https://stately.ai/inspect"');
    expect(body).not.toMatch(/<iframe|src="http/);
    expect(body).toMatch(/addresses/);
    expect(headers['content-security-policy']).toContain('frame-src https://stately.ai;');
  });

  test('another address can be framed', async () => {
    const other = await startRelay({ frame: 'http://127.0.0.1:9/other?a="b"&c' });
    const { body, headers } = await ask(other, '/stately');
    await other.close();
    expect(body).toContain('data-frame="http://127.0.0.1:9/other?a=%22b%22&amp;c"');
    expect(headers['content-security-policy']).toContain('frame-src http://127.0.0.1:9;');
  });
});

describe('/compare', () => {
  test('shows our chart beside a learned node, with the differing transitions in red', async () => {
    const { status, body, headers } = await ask(relay, '/compare');
    expect(status).toBe(200);
    expect(body.match(/<svg/g)).toHaveLength(2);
    expect(body).toMatch(/class="edge differs"/);
    const policy = String(headers['content-security-policy']);
    expect(policy).toMatch(/style-src 'sha256-[\w+/]{43}='; .*form-action 'self'/);
    expect(policy).not.toMatch(/unsafe|\*/);
  });

  test('compares the chosen models, and ignores an unknown name', async () => {
    const same = await ask(relay, '/compare?one=bcoin%201.0&other=bcoin%201.0');
    expect(same.body).toContain('<option selected>bcoin 1.0</option>');
    expect(same.body).not.toMatch(/class="edge differs"/);
    expect((await ask(relay, '/compare?one=%3Cscript%3E')).body).not.toContain('script');
  });
});

describe('other files', () => {
  test('the pictures of the machines, as committed', async () => {
    const { status, headers, body } = await ask(relay, '/charts/peer.svg');
    expect(status).toBe(200);
    expect(headers['content-type']).toBe('image/svg+xml; charset=utf-8');
    expect(body).toBe(await readFile(new URL('../diagrams/peer.svg', import.meta.url), 'utf8'));
  });

  test('recorded connections, by name', async () => {
    const { status, body } = await ask(relay, '/sessions/a%20b');
    expect(status).toBe(200);
    expect(JSON.parse(body)).toEqual(TRANSCRIPT);
    for (const name of ['other', '%', '..%2F..%2Fpackage.json', '__proto__']) {
      expect(await ask(relay, `/sessions/${name}`)).toMatchObject({
        status: 404,
        body: expect.stringContaining('no such page'),
      });
    }
  });

  test('before the first build the scripts are missing', async () => {
    const bare = await startRelay({ scripts: new URL('file:///nowhere/') });
    expect(await ask(bare, '/page/main.js')).toMatchObject({
      status: 404,
      body: expect.stringContaining('no such page'),
    });
    await bare.close();
  });
});

describe('refusals', () => {
  test('another name, another origin: 403 with the reason', async () => {
    const { port } = new URL(relay.url);
    expect((await ask(relay, '/', { headers: { host: 'evil.example' } })).body).toContain('Host header');
    expect(await ask(relay, '/', { headers: { host: 'localhost:8080' } })).toMatchObject({ status: 200 });
    for (const path of [...PATHS, '/charts/peer.svg', '/elsewhere']) {
      expect(await ask(relay, path, { headers: { host: `evil.example:${port}` } })).toMatchObject({
        status: 403,
      });
      expect(await ask(relay, path, { headers: { origin: 'https://evil.example' } })).toMatchObject({
        status: 403,
      });
    }
  });

  test('other paths and other methods', async () => {
    for (const path of [
      '/../package.json',
      '/page/../pages.js',
      '/page/%2e%2e/pages.js',
      '/page/feed.d.ts',
    ]) {
      expect(await ask(relay, path)).toMatchObject({ status: 404 });
    }
    expect(await ask(relay, '/', { method: 'POST' })).toMatchObject({ status: 405 });
    expect(await ask(relay, '/', { method: 'HEAD' })).toMatchObject({ status: 200, body: '' });
    expect(await ask(relay, '/?anything')).toMatchObject({ status: 200 });
  });
});
