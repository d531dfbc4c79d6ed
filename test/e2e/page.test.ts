/** The page in a real browser: against the demo with fifty peers and bitcoind, the lab, a recorded session, a local page in place of Stately. */
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals';
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core';
import { type BitcoinNode, createNode } from '../../src/index.js';
import type { Transcript } from '../../src/inspect/page/feed-messages.js';
import { type Relay, type RelayOptions, startRelay } from '../../src/inspect/inspector-server.js';
import { type Demo, startDemo } from '../../src/demo/demo.js';
import { Program } from '../support/cli-process.js';
import { FeedReader } from '../support/page-feed-client.js';
import { program } from './nodes/installed.js';
import { bitcoind, describeNode, type RealNode } from './nodes/nodes.js';

const PEERS = 50;
/** The place of its column. */
const ID = 11;
const STATES = [
  'connecting',
  'awaitingVersion',
  'versionSent',
  'versionReceived',
  'established',
  'closed',
  'failed',
];

const cleanups: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

let browser: Browser;

/** A page that fails the test when it sends a request to another host, or reports an error. */
async function visit(url: string, context: BrowserContextOptions = {}): Promise<Page> {
  const within = await browser.newContext({ viewport: { width: 1_600, height: 1_000 }, ...context });
  const page = await within.newPage();
  const problems: string[] = [];
  page.on('console', (message) => message.type() === 'error' && problems.push(message.text()));
  page.on('pageerror', ({ message }) => problems.push(message));
  page.on('request', (request) => {
    if (new URL(request.url()).host !== new URL(url).host && !request.url().startsWith('data:'))
      problems.push(request.url());
  });
  await page.goto(url);
  cleanups.push(() => within.close());
  cleanups.push(() => Promise.resolve(expect(problems).toEqual([])));
  return page;
}

async function relayOf(options: RelayOptions = {}): Promise<Relay> {
  const relay = await startRelay(options);
  cleanups.push(() => relay.close());
  return relay;
}

/** The count of each state on its button and on the chart. */
const countsOn = (page: Page): Promise<Record<string, number[]>> =>
  page.evaluate(`Object.fromEntries(${JSON.stringify(STATES)}.map((state) => [
    state,
    ['.chip.' + state + ' b', '#state-' + state + ' .badge'].map((place) =>
      Number(document.querySelector(place)?.textContent ?? '')),
  ]))`);

function countsOf({ peers }: BitcoinNode): Record<string, number[]> {
  const all = [...peers.list(), ...peers.recent()].map(({ state }) => state as string);
  return Object.fromEntries(
    STATES.map((name) => {
      const count = all.filter((state) => state === name).length;
      return [name, [count, count]];
    }),
  );
}

/** Resolves once the page has drawn what the last input changed, which it does in the next frame. */
const drawn = (page: Page): Promise<unknown> =>
  page.evaluate('new Promise((resolve) => requestAnimationFrame(() => resolve()))');

async function eventually(holds: () => Promise<boolean>): Promise<void> {
  for (let tries = 0; tries < 300 && !(await holds()); tries += 1)
    await new Promise((resolve) => setTimeout(resolve, 100));
}

describeNode(['chromium', 'bitcoind'], 'the page beside the demo', () => {
  let relay: Relay;
  let demo: Demo;
  let real: RealNode;
  const others: BitcoinNode[] = [];

  beforeAll(async () => {
    browser = await chromium.launch({
      executablePath: program('chromium')!,
      args: ['--no-sandbox', '--disable-background-networking'],
    });
    relay = await startRelay({ lab: true });
    demo = await startDemo({
      ...{ handshakeTimeout: 10_000, maxWait: 60_000, inspect: relay.inspect },
      watch: (node) => relay.observe(node),
    });
    real = await bitcoind();
    const outcomes = await demo.outcomes;
    expect(outcomes.every(({ asExpected }) => asExpected)).toBe(true);
    demo.node.dial({ host: real.host, port: real.port });
    while (demo.node.peers.size + demo.node.peers.recent().length < PEERS) {
      const other = createNode({ chain: 'regtest', subver: '<img src=x onerror="document.title=1">' });
      others.push(other);
      await other.dial(demo.local).established();
    }
  });

  afterAll(async () => {
    await Promise.all(others.map((other) => other.stop()));
    await demo.stop();
    await relay.close();
    await real.stop();
    await browser.close();
  });

  test('shows the counts of the tracker, on the buttons and on the chart', async () => {
    const page = await visit(relay.url);
    await eventually(
      async () => JSON.stringify(await countsOn(page)) === JSON.stringify(countsOf(demo.node)),
    );
    expect(await countsOn(page)).toEqual(countsOf(demo.node));
    const rows = await page.locator('#peers-rows tr:not(.space)').count();
    expect(await page.locator('#peers-count').textContent()).toBe(
      String(demo.node.peers.size + demo.node.peers.recent().length),
    );
    expect(rows).toBeLessThan(PEERS);
  });

  test('filters, sorts, scrolls, and is used by keyboard alone', async () => {
    const page = await visit(relay.url);
    await page.locator('#peers-rows tr:not(.space)').first().waitFor();
    await page.keyboard.press('/');
    await page.keyboard.type('err_time');
    await page.getByText('3 of').waitFor();
    expect(await page.locator('#peers-rows tr.failed').count()).toBe(3);
    await page.locator('#filter').fill('');
    await page.locator('#peers-heads button').nth(ID).click();
    const first = page.locator('#peers-rows tr:not(.space) td:nth-child(12)').first();
    await first.getByText('1', { exact: true }).waitFor();
    await page.locator('#peers-heads button').nth(ID).click();
    await drawn(page);
    await page.locator('#peers-scroll').focus();
    await page.keyboard.press('End');
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'peer 1 ·' }).waitFor();
    expect(await page.evaluate('document.activeElement.id')).toBe('peer-title');
    await page.keyboard.press('Home');
    await page.getByText(/^1 of /).waitFor();
    await page.keyboard.press('Escape');
    await page.locator('#peers').waitFor();
  });

  test('at 1280 pixels shows state and last reason without scrolling, and chart text of at least 10 pixels', async () => {
    const page = await visit(relay.url, { viewport: { width: 1_280, height: 800 } });
    await page.locator('#filter').fill('err_');
    await drawn(page);
    await page.locator('#peers-rows tr.failed').first().waitFor();
    const [wide, inner] = await page.evaluate<number[]>(
      "(({ scrollWidth, clientWidth }) => [scrollWidth, clientWidth])(document.getElementById('peers-scroll'))",
    );
    expect(wide).toBeLessThanOrEqual(inner ?? 0);
    await page.locator('#chart-scroll text').first().waitFor();
    const { height } = (await page.locator('#chart-scroll text').nth(2).boundingBox())!;
    expect(height).toBeGreaterThanOrEqual(10);
  });

  test('shows the targets and the chart of their machine', async () => {
    const page = await visit(`${relay.url}#/targets`);
    await page.locator('#targets tr', { hasText: 'supervisor' }).waitFor();
    await page.locator('#targets tr', { hasText: `${real.host}:${real.port}` }).waitFor();
    expect(await page.locator('#chart-machine').inputValue()).toBe('outbound');
  });

  test('draws the handshake of bitcoind, and steps back through it', async () => {
    const page = await visit(relay.url);
    await page.locator('#filter').fill(String(real.port));
    await drawn(page);
    await page.locator('#peers-rows tr.established').click();
    const [known] = demo.node.peers.list().filter(({ addr }) => addr.endsWith(`:${real.port}`));
    await page.getByRole('heading', { name: `peer ${known!.id} · established` }).waitFor();
    expect(await page.locator('#peer-transcript .peer-facts').textContent()).toContain(known!.subver);
    const received = page.locator('.sequence li.received .what');
    expect(await received.allTextContents()).toEqual(
      expect.arrayContaining([expect.stringMatching(/^version 1\d\d bytes$/), 'verack 0 bytes']),
    );
    await received.first().click();
    await page.locator('.detail', { hasText: known!.subver }).waitFor();
    await page.getByRole('heading', { name: `peer ${known!.id} · versionSent` }).waitFor();
    expect(await page.locator('#chart-scroll .current').count()).toBe(1);
    expect(await page.locator('#chart-scroll .current').getAttribute('id')).toBe('state-versionSent');
    await page.keyboard.press('ArrowRight');
    await page.getByRole('heading', { name: `peer ${known!.id} · versionReceived` }).waitFor();
    expect(await page.locator('#chart-scroll .taken').getAttribute('id')).toBe(
      'edge-versionSent-versionReceived',
    );
    expect(await page.locator('.detail').textContent()).toContain('versionSent × wire.version');
    await page.keyboard.press('End');
    await page.getByRole('heading', { name: `peer ${known!.id} · established` }).waitFor();
  });

  test('a replay of a handshake with bitcoind opens, and steps through it', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'verack-page-'));
    cleanups.push(() => rm(folder, { recursive: true }));
    const file = join(folder, 'one.ndjson');
    const at = `${real.host}:${real.port}`;
    const recording = new Program(['connect', '--regtest', '--once', '--record', file, at]);
    expect(await recording.exit).toBe(0);
    const replay = new Program(['replay', file, '--inspect', '0']);
    const [, url = ''] = await replay.until('stdout', /(http:\/\/127\.0\.0\.1:\d+\/)/);
    await replay.until('stdout', /the same effects byte for byte/);
    const page = await visit(url);
    await page.locator('#peers-rows tr.closed').click();
    await page.getByRole('heading', { name: 'peer 1 · closed' }).waitFor();
    await page.getByRole('button', { name: '|◀' }).click();
    await drawn(page);
    for (const state of ['versionSent', 'versionReceived', 'established', 'closed']) {
      const heading = page.getByRole('heading', { name: `peer 1 · ${state}` });
      for (let steps = 0; steps < 40 && !(await heading.isVisible()); steps += 1) {
        await page.getByRole('button', { name: '▶', exact: true }).click();
        await drawn(page);
      }
      expect(await heading.isVisible()).toBe(true);
    }
    replay.kill('SIGINT');
    expect(await replay.exit).toBe(0);
  });

  test("shows a peer's markup as text", async () => {
    const page = await visit(relay.url);
    await page.locator('#filter').fill('<img');
    await drawn(page);
    expect(await page.locator('#peers-rows tr td.foreign').nth(1).textContent()).toContain(
      '<img src=x onerror=',
    );
    await page.locator('#peers-rows tr.established').first().click();
    await page.locator('.sequence li').first().waitFor();
    expect(await page.locator('img').count()).toBe(0);
    expect(await page.title()).toBe('verack');
  });

  test('shows outcomes and transitions', async () => {
    const page = await visit(`${relay.url}#/outcomes`);
    const refused = page.locator('.bars li', { hasText: 'ERR_DIAL_REFUSED' });
    await refused.waitFor();
    expect(await refused.locator('b').textContent()).toBe('1');
    const done = await page.locator('.bars li.established b').textContent();
    const bars = await page.locator('.histogram b').allTextContents();
    expect(bars.reduce((sum, text) => sum + Number(text), 0)).toBe(Number(done));
    await page.goto(`${relay.url}#/transitions`);
    await page.locator('#transitions li', { hasText: 'ERR_TIME_HANDSHAKE' }).first().waitFor();
  });

  test('a fault of the lab shows its reason, a message at the wrong time its transition and BIP', async () => {
    const page = await visit(`${relay.url}#/lab`);
    await page.getByLabel('How the peer behaves').selectOption('magic');
    await page.getByRole('button', { name: 'start', exact: true }).click();
    await page.locator('#lab-transcript .detail .reason', { hasText: 'ERR_FRAME_MAGIC' }).waitFor();
    expect(await page.locator('#lab-transcript').textContent()).not.toContain('--chain');
    const broken = page.locator('#lab-transcript .sequence li.received', { hasText: 'ERR_FRAME_MAGIC' });
    expect(await broken.textContent()).toContain('header 24 bytes');
    await page.getByLabel('How the peer behaves').selectOption('healthy');
    await page.getByRole('button', { name: 'start', exact: true }).click();
    await page.locator('.lab-peers li.established').waitFor();
    await page.getByRole('button', { name: 'wtxidrelay', exact: true }).click();
    await page.locator('#lab-transcript .detail .reason', { hasText: 'ERR_PROTO_LATE_FEATURE' }).waitFor();
    const why = await page.locator('#lab-transcript .detail').textContent();
    expect(why).toContain('established × wire.wtxidrelay');
    expect(why).toContain('BIP339');
    expect(await page.locator('#chart-scroll .taken').getAttribute('id')).toBe('edge-established-failed');
  });

  test.each(['#/peers', '#/peer/1', '#/targets', '#/outcomes', '#/transitions', '#/lab', '#/glossary'])(
    '%s fits a narrow screen, dark as well',
    async (view) => {
      const page = await visit(relay.url + view, {
        viewport: { width: 390, height: 844 },
        colorScheme: 'dark',
      });
      await page.locator('#link.live').waitFor();
      const [wide, inner] = await page.evaluate<number[]>(
        '[document.documentElement.scrollWidth, innerWidth]',
      );
      expect(wide).toBeLessThanOrEqual(inner ?? 0);
      const ground = await page.evaluate('getComputedStyle(document.body).backgroundColor');
      expect(ground).toBe('rgb(15, 18, 22)');
    },
  );
});

describeNode('chromium', 'the page by itself', () => {
  beforeAll(async () => {
    browser = await chromium.launch({
      executablePath: program('chromium')!,
      args: ['--no-sandbox', '--disable-background-networking'],
    });
  });
  afterAll(() => browser.close());

  /** A node with one peer, whose relay serves what was recorded of another. */
  async function pair(options: RelayOptions = {}) {
    const relay = await relayOf(options);
    const [us, them] = [
      createNode({ chain: 'regtest', inspect: relay.inspect }),
      createNode({ chain: 'regtest', uacomment: ['recorded'] }),
    ];
    relay.observe(us);
    cleanups.push(
      () => us.stop(),
      () => them.stop(),
    );
    const { local } = await them.listen({ host: '127.0.0.1', port: 0 });
    await us.dial(local).established();
    return { relay, us, local };
  }

  test('a recorded session opens like a live one, and steps', async () => {
    const { relay } = await pair();
    const reader = await FeedReader.open(relay);
    reader.request({ select: '1' });
    await reader.until(({ transcript }) => (transcript?.pings.length ?? 0) > 0);
    const sessions = new Map<string, Transcript>([['Monday', reader.state.transcript!]]);
    const second = await relayOf({ sessions });
    const page = await visit(second.url);
    await page.getByRole('button', { name: 'Monday' }).click();
    await page.getByRole('heading', { name: 'recorded: 1 · established' }).waitFor();
    expect(await page.locator('#peer-transcript .peer-facts').textContent()).toContain('(recorded)');
    await page.getByRole('button', { name: '|◀' }).click();
    await page.getByRole('heading', { name: 'recorded: 1 · versionSent' }).waitFor();
    for (let n = 0; n < 3; n += 1) await page.getByRole('button', { name: '▶', exact: true }).click();
    await page.getByRole('heading', { name: 'recorded: 1 · versionReceived' }).waitFor();
  });

  test('reports that the node has stopped', async () => {
    const { relay } = await pair();
    const page = await visit(relay.url);
    await page.locator('#peers-rows tr.established').waitFor();
    await relay.close();
    await page.locator('#link.lost').waitFor();
    expect(await page.locator('#peers-rows tr.established').count()).toBe(1);
    cleanups.pop();
  });

  test('sends the machines to the framed inspector after a click, without addresses', async () => {
    const received = `<script>
      var received = [];
      addEventListener('message', ({ data }) => received.push(data));
      parent.postMessage({ type: '@statelyai.connected' }, '*');
    </script>`;
    const localPage = createServer(
      (_, response) => void response.setHeader('content-type', 'text/html').end(received),
    );
    await once(localPage.listen(0, '127.0.0.1'), 'listening');
    cleanups.push(() => Promise.resolve(localPage.close()));
    const frame = `http://127.0.0.1:${(localPage.address() as AddressInfo).port}/inspect`;
    const { relay, us } = await pair({ frame });
    await us.dial({ host: '127.0.0.1', port: 1 }).ended();
    const within = await browser.newContext();
    cleanups.push(() => within.close());
    const page = await within.newPage();
    await page.goto(`${relay.url}stately`);
    expect(page.frames()).toHaveLength(1);
    const loaded = page.waitForEvent('framenavigated', (one) => one.url() === frame);
    await page.getByRole('button', { name: /Load it/ }).click();
    await page.locator('#link.live').waitFor();
    const framed = await loaded;
    await framed.waitForFunction('received.length >= 8');
    const messages =
      await framed.evaluate<{ type: string; name?: string; definition?: string }[]>('received');
    const peer = messages.find(({ type, name }) => type === '@xstate.actor' && name === 'peer.1');
    expect(JSON.parse(peer?.definition ?? '{}')).toMatchObject({ id: 'peer' });
    expect(JSON.stringify(messages)).not.toMatch(/127\.0\.0\.1/);
  });
});
