/**
 * The options that verbs share, as commander takes them. Names are Bitcoin Core's wherever it has the option; each can
 * also be given as an environment variable: `VERACK_` and the name in capitals, `-` as `_`. Flags win over variables.
 */
import { Option } from 'commander';
import { type Fault, FAULT_NAMES, FAULTS } from '../net/faults/faults.js';
import { MAX_PENDING } from '../node/pending-handshakes.js';
import { V2_FAULT_NAMES, type V2FaultName } from '../connection/v2-faults.js';
import type { Endpoint } from '../net/link.js';
import type { LogForm } from './log-formats.js';
import { SERVICE_BITS, type ServiceName } from '../wire/index.js';
import {
  bindAddress,
  chainName,
  type Demands,
  dnsServer,
  fault,
  listed,
  oneOf,
  METRICS_PORT,
  metricsAddress,
  portOrAny,
  serviceList,
  several,
  whole,
} from './option-values.js';

export type When = 'auto' | 'always' | 'never';
export type IpFamily = 'ipv4' | 'ipv6';

/** Every option of every verb; a verb reads those it declares. */
export interface Flags {
  readonly chain?: string;
  readonly signetchallenge?: string;
  readonly timeout: number;
  readonly peertimeout: number;
  readonly relay?: boolean;
  readonly uacomment?: readonly string[];
  readonly services?: readonly ServiceName[];
  readonly onlynet?: readonly IpFamily[];
  readonly dnsServer?: readonly string[];
  readonly maxconnections?: number;
  readonly maxpending?: number;
  readonly pendingloopback?: boolean;
  readonly fault?: readonly (Fault | V2FaultName)[];
  readonly v2transport?: boolean;
  readonly v2only?: boolean;
  readonly compiled?: boolean;
  readonly inspect?: number;
  readonly lab?: boolean;
  readonly metrics?: Endpoint;
  readonly record?: string;
  readonly recordLimit?: number;
  readonly only?: readonly string[];
  readonly json?: boolean;
  readonly quiet?: boolean;
  readonly verbose: number;
  readonly color: When;
  readonly log?: LogForm;
  readonly connect?: readonly string[];
  readonly addnode?: readonly string[];
  readonly dnsseed?: boolean;
  readonly listen?: boolean;
  readonly once?: boolean;
  readonly stay?: boolean;
  readonly for?: number;
  readonly table?: boolean;
  readonly bind?: readonly Endpoint[];
  readonly port?: number;
  readonly require?: Demands;
  readonly command?: string;
  readonly format?: string;
  readonly datadir?: string;
  readonly asmap?: string;
  readonly add?: string;
  readonly import?: string;
  readonly export?: string;
  readonly deterministic?: boolean;
}

const NETWORK = 'Network:';
const TIME = 'Time:';
const OURSELVES = 'What we say of ourselves:';
const LAB = 'Trouble on purpose:';
const OBSERVERS = 'Look on:';
const OUTPUT = 'Output:';

/** The name of the variable that stands for an option. */
export const variableOf = (option: Option): string =>
  `VERACK_${option.name().toUpperCase().replaceAll('-', '_')}`;

/** An option that takes a value. */
export function valued(flags: string, about: string, read: (text: string, before: never) => unknown): Option {
  const option = new Option(flags, about).argParser(read as (text: string, before: unknown) => unknown);
  return option.env(variableOf(option));
}

/** An option that is on or off; `--no-NAME` turns off what a variable turned on. */
export function switched(flags: string, about: string): Option[] {
  const on = new Option(flags, about);
  return [on.env(variableOf(on)), new Option(`--no-${on.name()}`).hideHelp()];
}

/** Words that completion offers for the value. */
export function offering(option: Option, ...words: readonly string[]): Option {
  option.argChoices = [...words];
  return option;
}

const under = (heading: string, options: readonly Option[]): Option[] =>
  options.map((option) => option.helpGroup(heading));

const CHAINS = ['main', 'test', 'testnet4', 'signet', 'regtest'] as const;

/** Which chain. The shorthands are rewritten to `--chain` before commander sees them. */
export const chainOptions = (): Option[] =>
  under(NETWORK, [
    offering(
      valued('--chain <name>', 'main (the default), test, testnet4, signet or regtest', chainName),
      ...CHAINS,
    ),
    new Option('--regtest', 'short for --chain regtest; --signet, --testnet4, --testnet likewise'),
    new Option('--signet').hideHelp(),
    new Option('--testnet4').hideHelp(),
    new Option('--testnet').hideHelp(),
    valued('--signetchallenge <hex>', 'a signet of your own (BIP325)', String),
  ]);

const MAX_MS = 3_600_000;
const MAX_S = 86_400;

export const timeOptions = (): Option[] =>
  under(TIME, [
    valued('--timeout <ms>', 'limit of a connection attempt', whole(1, MAX_MS)).default(5_000),
    valued('--peertimeout <s>', 'limit of a handshake', whole(1, MAX_S)).default(60),
  ]);

export const identityOptions = (): Option[] =>
  under(OURSELVES, [
    ...switched('--relay', 'ask for transactions (BIP37); off by default'),
    valued('--uacomment <text>', 'comment in our user agent; repeatable', several(String)),
    offering(
      valued(
        '--services <names>',
        'service bits to claim, for the lab: NETWORK,WITNESS; none by default, as none is served',
        serviceList,
      ),
      ...Object.keys(SERVICE_BITS),
    ),
  ]);

/** Where addresses come from when nobody names a host. */
export const seedOptions = (): Option[] =>
  under(
    NETWORK,
    switched('--dnsseed', 'ask the DNS seeds; on by default, --no-dnsseed: the fixed list alone'),
  );

/** Where the address book is kept, and what groups its addresses. */
export const addressBookOptions = (): Option[] =>
  under(NETWORK, [
    valued(
      '--datadir <folder>',
      'keep the address book here, a folder for each chain; none keeps nothing; default: the XDG data directory',
      String,
    ),
    valued(
      '--asmap <file>',
      "group IP addresses by autonomous system, from a file in Bitcoin Core's format",
      String,
    ),
  ]);

/** BIP324. */
export const transportOptions = (): Option[] =>
  under(NETWORK, [
    ...switched('--v2transport', 'try BIP324 first, and v1 where it is not understood; on by default'),
    ...switched('--v2only', 'refuse v1'),
  ]);

/** How names become addresses. */
export const lookupOptions = (): Option[] =>
  under(NETWORK, [
    offering(
      valued(
        '--onlynet <family>',
        'take only ipv4 or only ipv6 addresses of names and seeds',
        listed(oneOf('ipv4', 'ipv6')),
      ),
      'ipv4',
      'ipv6',
    ),
    valued('--dns-server <addr>', "ask this DNS server, not the system's; repeatable", listed(dnsServer)),
  ]);

export const slotOptions = (about: string): Option[] =>
  under(NETWORK, [valued('--maxconnections <n>', about, whole(1, 100_000))]);

/** What one source may hold open. */
export const pendingOptions = (): Option[] =>
  under(NETWORK, [
    valued(
      '--maxpending <n>',
      `most unfinished handshakes for one /24 (IPv6: /64), 0 for any number; default ${MAX_PENDING}, loopback not counted`,
      whole(0, 100_000),
    ),
    ...switched('--pendingloopback', 'count loopback too'),
  ]);

export const bindOptions = (): Option[] =>
  under(NETWORK, [
    valued(
      '--bind <address>',
      'listen here, with or without :PORT; default 127.0.0.1 (0.0.0.0 or [::] for everybody); repeatable',
      several(bindAddress),
    ),
    valued('--port <n>', "default: the chain's; 0 for any free one", whole(0, 65_535)),
  ]);

const LOG_FORMS = ['pretty', 'json', 'core'] as const satisfies readonly LogForm[];

/** For the verbs that run a node: what the talk on stderr looks like. */
export const logOption = (): Option =>
  offering(
    valued(
      '--log <form>',
      "stderr: pretty for people, json with an object per line, core as in Bitcoin Core's debug.log",
      oneOf(...LOG_FORMS),
    ),
    ...LOG_FORMS,
  )
    .default('pretty')
    .helpGroup(OUTPUT);

export const inspectOption = (): Option =>
  valued(
    '--inspect [port]',
    'show the running machines in a browser; any free port unless one is given',
    portOrAny,
  ).helpGroup(OBSERVERS);

export const compiledOptions = (): Option[] =>
  under(LAB, [
    ...switched(
      '--compiled',
      'run the machines compiled, on by default; --no-compiled: as XState interprets them',
    ),
  ]);

/** To look on from outside. */
export const observerOptions = (): Option[] =>
  under(OBSERVERS, [
    inspectOption(),
    ...switched(
      '--lab',
      'the same, and start peers that misbehave from there, in memory, to see what comes of it',
    ),
    valued(
      '--metrics [port]',
      `serve Prometheus metrics at http://127.0.0.1:${METRICS_PORT}/metrics; elsewhere with --metrics=ADDR:PORT, where everybody who can reach it may read them`,
      metricsAddress,
    ),
  ]);

/** `--fault` and what its values do. */
export const labOptions = (): Option[] =>
  under(LAB, [
    offering(
      valued('--fault <fault>', 'misbehave, as listed below; repeatable', several(fault)),
      ...faultWords(),
      ...V2_FAULT_NAMES,
    ),
    ...compiledOptions(),
  ]);

const faultWords = (): string[] =>
  FAULT_NAMES.map((name) => (FAULTS[name].value.startsWith('=') ? `${name}=` : name));

/** What each fault does, for the help. */
export const FAULT_HELP = [
  'Faults (our side misbehaves; watch what the other side makes of it):',
  ...FAULT_NAMES.map((name) => `  ${`${name}${FAULTS[name].value}`.padEnd(20)} ${FAULTS[name].about}`),
].join('\n');

/** Megabytes that a recording may take when nobody says. */
export const RECORD_LIMIT = 1_000;

/** `--record`, for `verack replay`. */
export const recordOptions = (): Option[] =>
  under(OBSERVERS, [
    valued(
      '--record <file>',
      'write all that happens to this file, for verack replay; it holds the keys of v2 sessions',
      String,
    ),
    valued(
      '--record-limit <mb>',
      `end the recording at so many megabytes; default ${RECORD_LIMIT}`,
      whole(1, 1_000_000),
    ),
  ]);

const count = (_: string, before: unknown): number => Number(before ?? 0) + 1;

export const outputOptions = (): Option[] =>
  under(OUTPUT, [
    ...switched('--json', 'NDJSON on stdout, one object per line'),
    ...switched('-q, --quiet', 'answers and failures only'),
    new Option('-v, --verbose', '-v shows every change of state, -vv every message')
      .argParser(count)
      .default(0, 'off'),
    offering(
      valued(
        '--color <when>',
        'auto, always or never; NO_COLOR and FORCE_COLOR count too',
        oneOf('auto', 'always', 'never'),
      ),
      'auto',
      'always',
      'never',
    ).default('auto'),
  ]);
