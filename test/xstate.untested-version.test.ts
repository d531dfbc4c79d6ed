/** Beside a version of XState that was not tested: `compile` refuses with a clear error, and a node interprets its machines. */
import { createRequire } from 'node:module';
import { expect, jest, test } from '@jest/globals';

// What an installation of that version would show; loaded before the library reads it.
const require = createRequire(import.meta.url);
(require('xstate/package.json') as { version: string }).version = '5.99.0';

const { peerMachine } = await import('../machines/index.js');
const { createNode, memoryNet } = await import('../src/index.js');
const { compile, TESTED_XSTATE, xstateVersion } = await import('../src/xstate/index.js');

test('compile refuses it, and names it and the tested ones', () => {
  expect(xstateVersion()).toBe('5.99.0');
  expect(() => compile(peerMachine)).toThrow(
    `compile() was tested with XState ${TESTED_XSTATE.join(', ')}, but 5.99.0 is loaded`,
  );
});

test('two nodes shake hands with machines that XState interprets; the process is warned once', async () => {
  const warn = jest.spyOn(process, 'emitWarning').mockImplementation(() => undefined);
  const net = memoryNet();
  const [server, client] = [createNode({ chain: 'regtest', net }), createNode({ chain: 'regtest', net })];
  const at = { host: '127.0.0.1', port: 18444 };
  await server.listen(at);
  expect(await client.dial(at).established()).toMatchObject({ version: 70017 });
  await Promise.all([client.stop(), server.stop()]);
  expect(warn.mock.calls).toEqual([[expect.stringContaining('5.99.0'), { code: 'VERACK_XSTATE_UNTESTED' }]]);
});
