/** What the page shows without scrolling, in the windows that it is designed for: 1280 × 800, 1920 × 1080 and 390 × 844. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { type Browser, chromium, type Locator, type Page } from 'playwright-core';
import { createNode, memoryNet } from '../../src/index.js';
import { MACHINES } from '../../machines/index.js';
import { type Demo, startDemo } from '../../src/demo/demo.js';
import { type Relay, startRelay } from '../../src/inspect/inspector-server.js';
import { listenWithAddrRecv, PUBLIC } from '../support/addr-recv-peer.js';
import { program } from './nodes/installed.js';
import { describeNode } from './nodes/nodes.js';

const WINDOWS = [
  [1_280, 800],
  [1_920, 1_080],
  [390, 844],
] as const;
/** A state that only this machine has. */
const STATES: Readonly<Record<string, string>> = {
  peer: 'versionSent',
  transport: 'keySent',
  outbound: 'backingOff',
  supervisor: 'draining',
  crawl: 'idle',
  contact: 'receiving',
};
/** The deadline of the demo, seconds. */
const DEADLINE = 10;
const VIEWS = ['peers', 'targets', 'outcomes', 'transitions', 'lab', 'glossary'];

describeNode('chromium', 'the layout of the page', () => {
  let browser: Browser;
  let relay: Relay;
  let demo: Demo;
  const pages: Page[] = [];

  beforeAll(async () => {
    browser = await chromium.launch({ executablePath: program('chromium')!, args: ['--no-sandbox'] });
    relay = await startRelay({ lab: true });
    demo = await startDemo({
      ...{ handshakeTimeout: 1_000 * DEADLINE, maxWait: 60_000, inspect: relay.inspect },
      watch: (node) => relay.observe(node),
    });
    await demo.outcomes;
  });
  afterEach(async () => {
    for (const page of pages.splice(0)) await page.context().close();
  });
  afterAll(async () => {
    await demo.stop();
    await relay.close();
    await browser.close();
  });

  async function visit(route: string, [width, height]: readonly [number, number], at = relay): Promise<Page> {
    const page = await (await browser.newContext({ viewport: { width, height } })).newPage();
    pages.push(page);
    await page.goto(`${at.url}#/${route}`);
    await page.locator('#link.live').waitFor();
    return page;
  }

  /** Shows the peers that match, and resolves once they are drawn, which is in the next frame. */
  async function filter(page: Page, text: string): Promise<void> {
    await page.locator('#filter').fill(text);
    await page.evaluate('new Promise((resolve) => requestAnimationFrame(() => resolve()))');
  }

  /** The failed peer of the demo that negotiates after verack. */
  async function openFailed(page: Page): Promise<void> {
    await filter(page, 'late_feature');
    await page.locator('#peers-rows tr.failed', { hasText: 'LATE_FEATURE' }).click();
    await page.locator('.sequence li.now').waitFor();
  }

  /** The parts of an element that another one does not cover are inside the window. */
  async function expectInside(page: Page, part: Locator): Promise<void> {
    const [box, { width, height }] = [(await part.boundingBox())!, page.viewportSize()!];
    expect(box.x).toBeGreaterThanOrEqual(0);
    expect(box.y).toBeGreaterThanOrEqual(0);
    expect(box.x + box.width).toBeLessThanOrEqual(width);
    expect(box.y + box.height).toBeLessThanOrEqual(height);
  }

  describe.each(WINDOWS)('%i × %i', (...size) => {
    test('the text of every chart is at least 10 pixels high', async () => {
      const page = await visit('glossary', size);
      for (const { name } of MACHINES) {
        await page.locator('#chart-machine').selectOption(name);
        await page.locator(`#chart-scroll #state-${STATES[name]}`).waitFor();
        const heights = await page.evaluate<number[]>(
          "[...document.querySelectorAll('#chart-scroll text')].map((text) => text.getBoundingClientRect().height).filter(Boolean)",
        );
        const [median] = heights.sort((a, b) => a - b).slice(heights.length / 2);
        expect([name, median! >= 10]).toEqual([name, true]);
      }
    });

    test('state and last reason of a peer are in the window', async () => {
      const page = await visit('peers', size);
      await filter(page, 'err_');
      const row = page.locator('#peers-rows tr.failed').first();
      await row.waitFor();
      for (const place of [15, 18]) await expectInside(page, row.locator(`td:nth-child(${place})`));
    });

    test('field, value and meaning of bytes are in the window together', async () => {
      const page = await visit('peers', size);
      await openFailed(page);
      await page.locator('.sequence li.received', { hasText: 'version' }).first().click();
      const row = page.locator('.fields tr', { hasText: 'services that the sender offers' });
      await row.scrollIntoViewIfNeeded();
      for (const cell of ['.hex', '.name', '.foreign', '.muted']) await expectInside(page, row.locator(cell));
    });
  });

  test.each(WINDOWS.slice(0, 2))(
    '%i × %i: the event that failed, its cell and its reason are in the window',
    async (...size) => {
      const page = await visit('peers', size);
      await openFailed(page);
      await expectInside(page, page.locator('.sequence li.now'));
      await expectInside(page, page.locator('.detail', { hasText: 'established × wire.wtxidrelay' }));
      await expectInside(page, page.locator('.detail .reason'));
    },
  );

  test('the names of the tabs are the routes, and each view begins with a sentence', async () => {
    const page = await visit('peers', WINDOWS[0]);
    const tabs = page.locator('nav a:visible');
    // Shown once the server has said that there is a lab.
    await tabs.getByText('lab', { exact: true }).waitFor();
    expect(await tabs.allTextContents()).toEqual([...VIEWS, 'compare nodes']);
    for (const name of [...VIEWS.slice(1), 'peers']) {
      await tabs.getByText(name, { exact: true }).click();
      await page.locator(`#${name}-title:focus`).waitFor();
      expect(new URL(page.url()).hash).toBe(`#/${name}`);
      expect(await page.locator(`#view-${name} p.muted`).first().textContent()).toMatch(/\w{3,}.*\./s);
    }
  });

  test('the deadline on the chart is the one in force', async () => {
    const page = await visit('peers', WINDOWS[0]);
    await page.locator('#chart-scroll text', { hasText: `${DEADLINE} s in all` }).waitFor();
    await page.locator('#chart-machine').selectOption('transport');
    await page.locator('#chart-scroll text', { hasText: `after ${DEADLINE} s [no reply]` }).waitFor();
    await page.locator('#chart-machine').selectOption('peer');
    await page.getByRole('button', { name: 'detail' }).click();
    await page.locator('#chart-scroll .codes text', { hasText: `after ${DEADLINE} s` }).waitFor();
    await page.getByRole('link', { name: 'lab' }).click();
    await page.getByRole('button', { name: 'start', exact: true }).click();
    await page.locator('#chart-scroll text', { hasText: '60 s in all' }).waitFor();
  });

  test('the page is live once the first update has arrived, which permits the commands of the lab', async () => {
    const page = await (await browser.newContext()).newPage();
    pages.push(page);
    const held: (string | Buffer)[] = [];
    let release = (): void => undefined;
    let hasHeld = (): void => undefined;
    const isHolding = new Promise<void>((resolve) => (hasHeld = resolve));
    await page.routeWebSocket(/\/feed$/, (toPage) => {
      const toNode = toPage.connectToServer();
      toNode.onMessage((message) => {
        held.push(message);
        hasHeld();
      });
      release = () => {
        toNode.onMessage((message) => toPage.send(message));
        for (const message of held) toPage.send(message);
      };
    });
    await page.goto(`${relay.url}#/lab`);
    await isHolding;
    expect(await page.locator('#link').textContent()).not.toBe('live');
    release();
    await page.locator('#link.live').waitFor();
  });

  test('a message with a wrong checksum has its arrow, and a held clock waits for the first step', async () => {
    const page = await visit('lab', WINDOWS[0]);
    await page.getByRole('button', { name: 'hold', exact: true }).click();
    await page.getByText(/^held at/).waitFor();
    await page.getByText('step runs the next timer or delivery of the clock').waitFor();
    await page.getByLabel('How the peer behaves').selectOption('by hand');
    await page.getByText('depends on what you send; without messages ERR_TIME_HANDSHAKE').waitFor();
    await page.getByRole('button', { name: 'start', exact: true }).click();
    await page.locator('.lab-peers li.connecting', { hasText: 'by hand' }).waitFor();
    const version = page.getByRole('button', { name: 'version', exact: true });
    expect(await version.isDisabled()).toBe(true);
    expect(await version.getAttribute('title')).toMatch(/^press step first/);
    await page.getByRole('button', { name: 'step', exact: true }).click();
    await page.locator('.lab-peers li.awaitingVersion', { hasText: 'by hand' }).waitFor();
    expect(await version.isEnabled()).toBe(true);
    await page.getByRole('button', { name: 'wrong checksum', exact: true }).click();
    await page.getByRole('button', { name: 'step', exact: true }).click();
    const arrow = page.locator('#lab-transcript .sequence li.received', { hasText: 'ERR_FRAME_CHECKSUM' });
    await arrow.waitFor();
    await expectInside(page, arrow);
    await page.getByRole('button', { name: 'run', exact: true }).click();
    // Else the page could be closed before the command is sent, and the next test would find a held clock.
    await page.getByText(/^held at/).waitFor({ state: 'hidden' });
  });

  test('a peer that is not connected yet shows nothing of the peer before', async () => {
    const page = await visit('lab', WINDOWS[0]);
    await page.getByLabel('How the peer behaves').selectOption('magic');
    await page.getByRole('button', { name: 'start', exact: true }).click();
    await page.locator('#lab-transcript .detail .reason', { hasText: 'ERR_FRAME_MAGIC' }).waitFor();
    await page.getByLabel('How the peer behaves').selectOption('by hand');
    await page.getByLabel('hold the clock first').check();
    await page.getByRole('button', { name: 'start', exact: true }).click();
    await page.locator('.lab-peers li.connecting [aria-pressed=true]').waitFor();
    await page.getByText('The selected peer is not connected yet').waitFor();
    expect(await page.locator('#lab-transcript .transcript-view').isVisible()).toBe(false);
    expect(await page.locator('#chart-about').textContent()).toContain('Numbers count');
    await page.getByRole('button', { name: 'run', exact: true }).click();
    await page.locator('#lab-transcript .sequence li.now').waitFor();
    expect(await page.locator('#lab-transcript').getByText('ERR_FRAME_MAGIC').count()).toBe(0);
  });

  test('the view of all peers shows how they see this node, the view of one peer how that peer does', async () => {
    const net = memoryNet();
    const second = await startRelay();
    const node = createNode({ chain: 'regtest', net, inspect: second.inspect });
    second.observe(node);
    await listenWithAddrRecv(net, { host: '10.0.0.1', port: 18_444 }, { ip: PUBLIC, port: 51_234 });
    await node.dial({ host: '10.0.0.1', port: 18_444 }).established();
    const page = await visit('peers', WINDOWS[0], second);
    await page.getByText('Peers see this node as 8.8.4.4 (1 of 1).').waitFor();
    await page.locator('#peers-rows tr.established').click();
    await page.locator('.peer-facts', { hasText: 'addrlocal8.8.4.4:51234' }).waitFor();
    await node.stop();
    await second.close();
  });
});
