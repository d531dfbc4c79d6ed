/** Failures of the network that end a command before it has dialled anything: one sentence and an exit code, not a bug report. */
import { expect, test } from '@jest/globals';
import { CLI_COMMANDS } from '../src/cli/commands.js';
import type { CliCommand } from '../src/cli/command.js';
import { EXIT } from '../src/cli/exit-codes.js';
import { VerackError } from '../src/index.js';
import { ran } from './support/command-line.js';

const acting = (act: CliCommand['run'], isOneShot: boolean): CliCommand[] => [
  { name: 'act', about: '', examples: [], operands: [], options: [], isOneShot: () => isOneShot, run: act },
];

test.each([
  ['ENOTDNS', 'is not looked up'],
  ['ESERVFAIL', 'No DNS server answered'],
  ['ENOTFOUND', 'Check the spelling'],
])('a name without an address is not a bug: %s', async (syscode, hint) => {
  const error = new VerackError('ERR_DIAL_DNS', { host: 'a.internal', syscode });
  const { code, stderr } = await ran(
    'act',
    acting(() => Promise.reject(error), true),
  );
  expect(code).toBe(EXIT.unreachable);
  expect(stderr).toMatch(
    new RegExp(
      `^verack act: ERR_DIAL_DNS: the name has no address \\(host: a.internal.*\\. .*${hint}.*\\.\n$`,
    ),
  );
});

test.each([
  ['connect --regtest --once 127.0.0.1', '--proxy', 'a.internal:9050'],
  ['probe --regtest 127.0.0.1', '--onion', 'a.onion:9050'],
  ['listen --regtest --port 0', '--i2psam', 'a.internal:7656'],
])('%s %s: the name of a proxy has no address', async (line, option, proxy) => {
  const { code, stderr } = await ran(`${line} ${option} ${proxy}`, CLI_COMMANDS);
  expect(code).toBe(EXIT.unreachable);
  expect(stderr).toMatch(
    /^verack \w+: ERR_DIAL_DNS: the name has no address \(host: a\.\w+, .*IP address\.\n$/,
  );
});

test.each(['nats://abc.onion:4222', 'abc.ONION.', 'tls://abc.b32.i2p'])(
  'the name of a NATS server is not looked up: %s',
  async (url) => {
    const { code, stderr } = await ran(`crawl --regtest --seednode 8.8.8.8 --nats ${url}`, CLI_COMMANDS);
    expect(code).toBe(EXIT.unreachable);
    expect(stderr).toMatch(/^verack crawl: ERR_DIAL_DNS: .* is not looked up: give an IP address\.\n$/);
  },
);

test('a URL of a NATS server that is none is a usage error', async () => {
  const { code, stderr } = await ran('crawl --regtest --seednode 8.8.8.8 --nats nats://[', CLI_COMMANDS);
  expect([code, stderr]).toEqual([EXIT.usage, expect.stringContaining('it takes nats://HOST[:PORT]')]);
});
