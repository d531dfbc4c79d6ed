/** The hosts of `connect`: when the command is over, its exit code, and what is reported about hosts without a connection. */
import { expect, test } from '@jest/globals';
import { HostTargets } from '../src/cli/host-targets.js';
import type { BitcoinNode } from '../src/index.js';
import { A, memoryNetwork } from './support/memory-nodes.js';
import { GOOD, play, type Script } from './support/scripted-node.js';

/** It completes the handshake, and breaks the protocol after it. */
const LATE: Script = {
  message: (connection, command, payload) => {
    GOOD.message?.(connection, command, payload);
    if (command === 'verack') connection.send('sendaddrv2');
  },
};

/** A node that dials `hosts` as `connect` does, beside a scripted one at {@link A}. */
async function connecting(hosts: readonly string[], once: boolean, script: Script = GOOD) {
  const { net, node: nodeOn, pass } = memoryNetwork();
  await net.listen(A, (link) => play(link, script));
  const reports: string[] = [];
  const node: BitcoinNode = nodeOn({
    lookup: (_, handler) => {
      queueMicrotask(() => handler.failed({ code: 'ERR_DIAL_DNS', facts: {} }));
      return () => undefined;
    },
  });
  const targets = new HostTargets(hosts, node, {
    once,
    failed: (host, { code }) => reports.push(`${host} ${code}`),
    unreachable: () => reports.push('unreachable'),
  });
  node.on('established', (peer) => targets.reported(peer));
  void targets.settled.then(() => reports.push(`settled ${targets.exitCode}`));
  targets.start();
  const wait = async (seconds: number): Promise<void> => {
    for (let second = 0; second < seconds; second += 1) await pass();
  };
  return { node, targets, reports, wait };
}

const [GOOD_HOST, ABSENT] = ['10.0.0.1:18444', '10.0.0.2:18444'];

test('with --once it is over when each host has its outcome', async () => {
  const { node, reports, wait } = await connecting([GOOD_HOST, ABSENT], true);
  await wait(2);
  expect(reports).toEqual(['settled 3']);
  await node.stop();
});

test('without it, hosts that can be reached later are dialled for ever; that none is reached is reported once', async () => {
  const { node, targets, reports, wait } = await connecting([ABSENT, 'node.example'], false);
  await wait(30);
  expect(reports).toEqual(['node.example ERR_DIAL_DNS', 'unreachable']);
  expect(targets.exitCode).toBe(4);
  await node.stop();
});

test('a host that is given up after its handshake ends the command', async () => {
  const { node, reports, wait } = await connecting([GOOD_HOST], false, LATE);
  await wait(2);
  expect(reports).toEqual(['settled 6']);
  await node.stop();
});

test('a host that is named twice is reported once, and the other target is not over', async () => {
  const { node, reports, wait } = await connecting([GOOD_HOST, GOOD_HOST], false);
  await wait(2);
  expect(reports).toEqual([`${GOOD_HOST} ERR_POLICY_DUPLICATE`]);
  await node.stop();
});

test('without a host there is nothing to wait for with --once, and no end otherwise', async () => {
  const one = await connecting([], true);
  const other = await connecting([], false);
  await Promise.all([one.wait(1), other.wait(1)]);
  expect([one.reports, other.reports]).toEqual([['settled 0'], []]);
  await Promise.all([one.node.stop(), other.node.stop()]);
});
