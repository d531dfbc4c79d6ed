/** Every option as an environment variable. */
import { describe, expect, test } from '@jest/globals';
import { Command, type Option } from 'commander';
import { CLI_COMMANDS } from '../src/cli/commands.js';
import { variableOf, variableOptions } from '../src/cli/variables.js';
import { ran, read } from './support/command-line.js';

/** A value for each option that takes one and does not list its choices. */
const VALUES: Readonly<Record<string, string>> = {
  add: 'a.txt',
  addresses: 'a.dat',
  as: 'xstate',
  asmap: 'a.dat',
  contact: 'https://a.example/',
  contacts: '7',
  datadir: 'a',
  depth: '1',
  maxwords: '9',
  every: '7h',
  export: 'a.dat',
  from: 'a.ndjson',
  identify: '7',
  import: 'a.dat',
  nats: 'nats://127.0.0.1:7',
  'nats-creds': 'a.creds',
  optout: 'a.txt',
  output: 'a.ndjson',
  parallel: '7',
  replytimeout: '7',
  sample: '7',
  seednode: '127.0.0.7',
  transport: 'v2',
  vantage: 'a',
  addnode: 'a',
  bind: '127.0.0.1:7',
  compare: 'a.json',
  connect: 'a',
  command: 'ping',
  'dial-command': 'dial-{host}',
  'dns-server': '127.0.0.1',
  explain: 'in-seq-001',
  for: '7',
  html: 'a.html',
  inspect: '7',
  junit: 'a.xml',
  lanes: '7',
  'listen-at': '127.0.0.7',
  i2psam: '127.0.0.7',
  maxconnections: '7',
  maxpending: '7',
  maxpersource: '7',
  acceptrate: '7',
  whitelist: '192.0.2.0/24',
  reservedslots: '7',
  ban: '192.0.2.0/24',
  bantime: '7',
  blockrelay: '3',
  metrics: '7',
  metricstokenfile: 'a.txt',
  only: 'in-seq-001',
  peertimeout: '7',
  onion: '127.0.0.7',
  port: '7',
  proxy: '127.0.0.7',
  proxyuser: 'a',
  record: 'a.ndjson',
  'record-limit': '7',
  require: 'version=7',
  services: 'NETWORK',
  signetchallenge: '51',
  timeout: '7',
  uacomment: 'a',
};

const optionsOf = (verb: (typeof CLI_COMMANDS)[number]): Option[] => {
  const command = new Command(verb.name);
  for (const option of verb.options) command.addOption(option);
  return variableOptions(command);
};

const rows = CLI_COMMANDS.flatMap((verb) =>
  optionsOf(verb).map((option) => [`${verb.name} ${variableOf(option)}`, verb, option] as const),
);

/** Operands that the verb needs. */
const lineOf = ({ name, operands }: (typeof CLI_COMMANDS)[number]): string =>
  operands.some(({ required }) => required) ? `${name} operand` : name;

/** `matrix` takes NAME=COMMAND where `conform` takes a command. */
const valueOf = (option: Option): string =>
  (option.flags.includes('<name=cmd>') ? 'node=dial-{host}' : undefined) ??
  option.argChoices?.at(-1)?.replace(/=$/, '=7') ??
  VALUES[option.name()]!;

test.each(rows)('%s means the same as the option', async (_, verb, option) => {
  const line = lineOf(verb);
  const takesValue = option.required || option.optional;
  const value = takesValue ? valueOf(option) : '1';
  const byOption = await read(`${line} --${option.name()}${takesValue ? `=${value}` : ''}`);
  expect((await read(line, { [variableOf(option)]: value })).flags).toEqual(byOption.flags);
  expect(byOption.flags).not.toEqual((await read(line)).flags);
});

describe('a switch', () => {
  const switches = rows.filter(([, , option]) => option.isBoolean());

  test.each(switches)('%s=0 is off', async (_, verb, option) => {
    const off = await read(lineOf(verb), { [variableOf(option)]: '0' });
    const without = await read(`${lineOf(verb)} -no${option.name()}`).catch(() => read(lineOf(verb)));
    expect(off.flags).toEqual(without.flags);
  });

  test.each(switches.slice(0, 3))('%s=maybe is refused', async (_, verb, option) => {
    const { code, stderr } = await ran(lineOf(verb), undefined, { env: { [variableOf(option)]: 'maybe' } });
    expect([code, stderr]).toEqual([
      2,
      expect.stringContaining(`${variableOf(option)} takes 1 or 0, not "maybe"`),
    ]);
  });
});

test.each<[line: string, env: NodeJS.ProcessEnv, flags: object]>([
  ['connect a', { VERACK_REGTEST: '1' }, { chain: 'regtest' }],
  ['connect --signet a', { VERACK_REGTEST: '1' }, { chain: 'signet' }],
  ['connect --regtest a', { VERACK_CHAIN: 'main' }, { chain: 'regtest' }],
  ['connect a', { VERACK_V2TRANSPORT: '0' }, { v2transport: false }],
  ['connect --v2transport a', { VERACK_V2TRANSPORT: '0' }, { v2transport: true }],
  ['connect --no-json a', { VERACK_JSON: '1' }, { json: false }],
  ['connect --uacomment b a', { VERACK_UACOMMENT: 'c' }, { uacomment: ['b'] }],
  ['connect a', { VERACK_VERBOSE: '2' }, { verbose: 2 }],
  ['connect -v a', { VERACK_VERBOSE: '2' }, { verbose: 1 }],
  ['connect -qv a', { VERACK_QUIET: '0' }, { quiet: true }],
  ['connect a', { VERACK_INSPECT: 'yes' }, { inspect: 0 }],
  ['connect a', { VERACK_TIMEOUT: '' }, { timeout: 5_000 }],
  ['-connect=a', { VERACK_ONCE: '1' }, { once: true }],
])('%s with %j', async (line, env, flags) => {
  expect((await read(line, env)).flags).toMatchObject(flags);
});

test('a value that cannot be used is reported with its variable', async () => {
  const { code, stderr } = await ran('connect a', undefined, { env: { VERACK_TIMEOUT: 'abc' } });
  expect(code).toBe(2);
  expect(stderr).toContain('The value is from VERACK_TIMEOUT.');
});

test('two variables for the chain are refused', async () => {
  const { stderr } = await ran('connect a', undefined, { env: { VERACK_REGTEST: '1', VERACK_SIGNET: '1' } });
  expect(stderr).toContain('Only one chain can be given');
});
