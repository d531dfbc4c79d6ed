/** The pages of the inspector relay: what is served, and what they may do. */
import { type IncomingHttpHeaders, request } from 'node:http';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { text } from 'node:stream/consumers';
import { createContext, Script } from 'node:vm';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { ENDED_LIMIT } from '../src/see/ledger.js';
import { LIVE_SCRIPT } from '../src/see/live.script.js';
import { type Relay, startRelay } from '../src/see/relay.js';

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

let relay: Relay;
let pictured: Relay;
let folder: string;
beforeAll(async () => {
  relay = await startRelay({ picture: new URL('file:///nowhere/peer.svg') });
  folder = await mkdtemp(join(tmpdir(), 'verack-see-'));
  const picture = pathToFileURL(join(folder, 'peer.svg'));
  await writeFile(picture, '<svg xmlns="http://www.w3.org/2000/svg"><g id="state-established"/></svg>');
  pictured = await startRelay({ picture, frame: 'http://127.0.0.1:9/stand-in?a="b"&c' });
});
afterAll(async () => {
  await relay.close();
  await pictured.close();
  await rm(folder, { recursive: true });
});

const PATHS = ['/', '/style.css', '/live.js', '/stately', '/stately.js'];

describe('every page', () => {
  test.each(PATHS)('%s is served with a policy that lets nothing else in', async (path) => {
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
    for (const path of ['/', '/style.css', '/live.js']) {
      const { body } = await ask(relay, path);
      expect(body.replaceAll('http://www.w3.org/2000/svg', '')).not.toMatch(
        /https?:|url\(|@import|src="\/\//,
      );
    }
  });

  test.each(['/live.js', '/stately.js'])('%s is a script, and never writes markup', async (path) => {
    const { body } = await ask(relay, path);
    expect(() => new Script(body)).not.toThrow();
    expect(body).not.toMatch(/innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(/);
  });

  test('every element that a script looks up is in its page', async () => {
    for (const [page, script] of [
      ['/', '/live.js'],
      ['/stately', '/stately.js'],
    ] as const) {
      const { body: markup } = await ask(relay, page);
      const { body } = await ask(relay, script);
      for (const [, id] of body.matchAll(/byId\('([a-z-]+)'\)/g)) expect(markup).toContain(`id="${id}"`);
    }
  });
});

describe('/stately', () => {
  test('says what leaves, and frames nothing by itself', async () => {
    const { body, headers } = await ask(relay, '/stately');
    expect(body).toContain('data-frame="https://stately.ai/inspect"');
    expect(body).not.toMatch(/<iframe|src="http/);
    expect(body).toMatch(/addresses/);
    expect(headers['content-security-policy']).toContain('frame-src https://stately.ai;');
  });

  test('another page can stand in', async () => {
    const { body, headers } = await ask(pictured, '/stately');
    expect(body).toContain('data-frame="http://127.0.0.1:9/stand-in?a=%22b%22&amp;c"');
    expect(headers['content-security-policy']).toContain('frame-src http://127.0.0.1:9;');
  });
});

describe('the picture', () => {
  test('is served when the package has it', async () => {
    const { status, headers, body } = await ask(pictured, '/peer.svg');
    expect(status).toBe(200);
    expect(headers['content-type']).toBe('image/svg+xml; charset=utf-8');
    expect(body).toContain('id="state-established"');
  });

  test('is missed in silence', async () => {
    expect(await ask(relay, '/peer.svg')).toMatchObject({ status: 404, body: '' });
  });
});

describe('refusals', () => {
  test('another name, another origin: 403', async () => {
    const { port } = new URL(relay.url);
    for (const path of [...PATHS, '/peer.svg', '/elsewhere']) {
      expect(await ask(relay, path, { headers: { host: `evil.example:${port}` } })).toMatchObject({
        status: 403,
      });
      expect(await ask(relay, path, { headers: { origin: 'https://evil.example' } })).toMatchObject({
        status: 403,
      });
    }
  });

  test('other paths and other methods', async () => {
    expect(await ask(relay, '/../package.json')).toMatchObject({ status: 404 });
    expect(await ask(relay, '/', { method: 'POST' })).toMatchObject({ status: 405 });
    expect(await ask(relay, '/', { method: 'HEAD' })).toMatchObject({ status: 200, body: '' });
    expect(await ask(relay, '/?anything')).toMatchObject({ status: 200 });
  });
});

describe('the script of the live page', () => {
  /** It runs where every element is one that does nothing; what it knows is read off its own variables. */
  function running(): (code: string) => unknown {
    const still: object = new Proxy(class {}, {
      get: (_, key) => (key === Symbol.toPrimitive ? () => '' : still),
      apply: () => still,
      construct: () => still,
    });
    const document = { getElementById: () => still, createElement: () => still };
    const nothing = () => 0;
    const world = { document, location: { host: '' }, WebSocket: still, XMLHttpRequest: still };
    const context = createContext({ ...world, setInterval: nothing, setTimeout: nothing });
    new Script(LIVE_SCRIPT).runInContext(context);
    return (code) => new Script(code).runInContext(context) as unknown;
  }

  const actor = (name: string, value: string, context: object, status = 'active') => ({
    ...{ type: '@xstate.actor', sessionId: name, name, addr: '', rootId: 'x:0', createdAt: '0' },
    snapshot: { status, value, context },
  });
  const peer = (id: number, state: string, status?: string) =>
    actor(`peer.${id}`, state, { connection_type: 'manual' }, status);
  const exchange = (id: number, state: string, status?: string) =>
    actor(`transport.${id}`, state, { role: 'initiator', reason: null }, status);

  test('counts peers, not their key exchanges, and logs both', () => {
    const run = running();
    const tell = (message: object) => run(`take(${JSON.stringify(message)})`);
    tell(peer(7, 'connecting'));
    tell(exchange(7, 'opening'));
    const snapshot = { status: 'active', value: { exchanging: 'keySent' }, context: { reason: null } };
    const event = { type: 'link.connected' };
    tell({ type: '@xstate.snapshot', sessionId: 'transport.7', createdAt: '1', event, snapshot });
    expect(run('[...actors.values()].filter(isPeer).map(({ name }) => name).join()')).toBe('peer.7');
    expect(run("news.map((line) => [line.name, line.from, line.to, line.event].join(' ')).join()")).toBe(
      'transport.7 opening keySent link.connected',
    );
  });

  test('keeps a peer that failed, however many exchanges end', () => {
    const run = running();
    const all = [peer(1, 'failed', 'done')];
    for (let id = 2; id < ENDED_LIMIT + 12; id += 1) all.push(exchange(id, 'v2', 'done'));
    run(`${JSON.stringify(all)}.forEach(take)`);
    expect(run('actors.size')).toBe(1 + ENDED_LIMIT);
    expect(run("actors.has('peer.1') && !actors.has('transport.11') && actors.has('transport.12')")).toBe(
      true,
    );
  });
});
