/** The page of a running crawl in a real browser: the counts, the curve and the chart follow the crawl. */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { type Browser, chromium } from 'playwright-core';
import { systemClock, tcpNet } from '../../src/index.js';
import { build, endAll, Program } from '../support/cli-process.js';
import { planNetwork, SimulatedNetwork } from '../support/simulated-network.js';
import { describeNode } from './nodes/nodes.js';
import { program } from './nodes/installed.js';

const plan = planNetwork({ seed: 1, size: 600, reachable: 450, octet: 41 });

describeNode('chromium', 'the page of a crawl', () => {
  let browser: Browser;
  let network: SimulatedNetwork;
  beforeAll(async () => {
    build();
    network = await new SimulatedNetwork(plan, { net: tcpNet(), clock: systemClock, seed: 1 }).start();
    browser = await chromium.launch({ executablePath: program('chromium')!, args: ['--no-sandbox'] });
  });
  afterAll(async () => {
    endAll();
    await browser.close();
    await network.stop();
  });

  test('counts by outcome, network, transport and version, and a curve', async () => {
    const first = plan[0]!.addr;
    // The crawl goes on as long as this test looks at it.
    network.hold([plan[449]!.addr]);
    const begin = ['--seednode', first, '--allow-unroutable', '--parallel', '2', '--inspect'];
    const crawl = new Program(['crawl', '--regtest', '--peertimeout', '300', ...begin]);
    const [, url] = await crawl.until('stdout', /page: (http:\S+)\n/);
    const page = await browser.newPage();
    await page.goto(`${url!}#/crawl`);
    await page.getByText(/crawling, round 1: \d+ reachable/).waitFor();
    const labels = page.locator('#crawl-counts .label');
    for (const label of ['reachable', 'not_publicly_routable', 'v1', 'v2', '/Satoshi:29.0.0/'])
      await labels.getByText(label, { exact: true }).waitFor();
    expect(await page.locator('#crawl-curve path').getAttribute('d')).toMatch(/^M6,154(H[\d.]+V[\d.]+)+$/);
    crawl.kill('SIGTERM');
    await crawl.exit;
  });
});
