/** The pages of the inspector relay: what is served, and what they may do. */
import { type IncomingHttpHeaders, request } from 'node:http';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { text } from 'node:stream/consumers';
import { Script } from 'node:vm';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
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
