/** The contents of a peer's `reject` (BIP61) become a fact of the reason for which the connection ends. */
import { expect, test } from '@jest/globals';

import { failureLine } from '../src/cli/peer-lines.js';
import type { PeerInfo } from '../src/index.js';
import { encodeMessage } from '../src/wire/index.js';
import { memoryNetwork } from './support/memory-nodes.js';
import { play } from './support/scripted-node.js';

const AT = { host: '10.0.0.1', port: 18_444 };
const text = (value: string): Uint8Array => new TextEncoder().encode(value);

/** How a connection ends whose peer answers our version with these `reject` messages and closes. */
async function endAfter(...rejects: (readonly [number, string])[]): Promise<PeerInfo> {
  const { net, node: make, pass } = memoryNetwork(0);
  await net.listen(AT, (link) =>
    play(link, {
      message: (connection, command) => {
        if (command !== 'version') return;
        for (const [ccode, reason] of rejects)
          connection.send(
            'reject',
            encodeMessage({ command: 'reject', message: text('version'), ccode, reason: text(reason) }),
          );
        connection.close();
      },
    }),
  );
  const node = make({}, '10.0.0.2');
  const ended = new Promise<PeerInfo>((resolve) => node.once('ended', resolve));
  node.dial(AT);
  await pass();
  await node.stop();
  return ended;
}

test('its code and its text are in the facts, and in the printed line', async () => {
  const { lastreason } = await endAfter([0x11, 'Version must be 70015 or greater']);
  const reject = 'version obsolete: Version must be 70015 or greater';
  expect(lastreason).toMatchObject({ code: 'ERR_LINK_EOF', facts: { reject } });
  const line = failureLine('10.0.0.1:18444', lastreason!, (_, shown) => shown);
  expect(line).toContain(` It sent reject: ${reject}.`);
  expect(line).not.toContain('reject=');
});

test('the last one is kept; text that is not printable is replaced, and its length is limited', async () => {
  const { lastreason } = await endAfter([0x12, 'first'], [0x99, `\u001b[31m${'x'.repeat(100)}`]);
  const reject = String(lastreason?.facts.reject);
  expect(reject).toMatch(/^version code 153: /);
  expect(reject).not.toContain('\u001b');
  expect(reject.length).toBeLessThanOrEqual(160);
});

test('without a reject there is no such fact', async () => {
  const { lastreason } = await endAfter();
  expect(lastreason?.facts).not.toHaveProperty('reject');
});
