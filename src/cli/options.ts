/**
 * The options that verbs share. Their names are Bitcoin Core's wherever it has such an option; each can also be given as
 * an environment variable (see variables.ts).
 */
import { Option } from 'commander';
import { type Endpoint, type Fault, FAULT_NAMES, FAULTS } from '../net/index.js';
import { DEFAULT_BAN_TIME, RESERVED_SLOTS, SOURCE_LIMITS } from '../index.js';
import type { HelpList } from './help.js';
import { V2_FAULT_NAMES, V2_FAULTS, type V2FaultName } from '../connection/index.js';
import type { LogForm } from './log-formats.js';
import type { When } from './output.js';
import type { ProxyFlags } from './proxy-flags.js';
import { SERVICE_BITS, type ServiceName } from '../wire/index.js';
import {
  bindAddress,
  chainName,
  type Requirements,
  type SocketPath,
  dnsServer,
  fault,
  commaSeparated,
  oneOf,
  METRICS_PORT,
  metricsAddress,
  portOrAny,
  serviceList,
  repeatable,
  subnet,
  whitelisted,
  whole,
} from './option-values.js';

/** The parsed options of all verbs; a verb reads those that it declares. */
export interface Flags extends ProxyFlags {
  readonly chain?: string;
  readonly signetchallenge?: string;
  readonly timeout: number;
  readonly peertimeout: number;
  readonly relay?: boolean;
  readonly uacomment?: readonly string[];
  readonly services?: readonly ServiceName[];
  readonly dnsServer?: readonly string[];
  readonly maxconnections?: number;
  readonly blockrelay?: number;
  readonly feelers?: boolean;
  readonly maxpending?: number;
  readonly maxpersource?: number;
  readonly acceptrate?: number;
  readonly pendingloopback?: boolean;
  readonly whitelist?: readonly string[];
  readonly reservedslots?: number;
  readonly ban?: readonly string[];
  readonly bantime?: number;
  readonly fault?: readonly (Fault | V2FaultName)[];
  readonly v2transport?: boolean;
  readonly v2only?: boolean;
  readonly compiled?: boolean;
  readonly inspect?: number;
  readonly lab?: boolean;
  readonly metrics?: Endpoint | SocketPath;
  readonly metricstokenfile?: string;
  readonly record?: string;
  readonly recordLimit?: number;
  readonly force?: boolean;
  readonly only?: readonly string[];
  readonly json?: boolean;
  readonly quiet?: boolean;
  readonly verbose: number;
  readonly color: When;
  readonly log?: LogForm;
  readonly addnode?: readonly string[];
  readonly dnsseed?: boolean;
  readonly listen?: boolean;
  readonly once?: boolean;
  readonly stay?: boolean;
  readonly for?: number;
  readonly table?: boolean;
  readonly bind?: readonly Endpoint[];
  readonly port?: number;
  readonly require?: Requirements;
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
const IDENTITY = 'Identity:';
const FAULTS_HEADING = 'Fault injection:';
const OBSERVERS = 'Observation:';
const OUTPUT = 'Output:';

/** An option that takes a value. */
export function valued(flags: string, about: string, read: (text: string, before: never) => unknown): Option {
  return new Option(flags, about).argParser(read as (text: string, before: unknown) => unknown);
}

/** An option that is on or off, with a hidden `--no-NAME`, which overrides an environment variable. */
export function switched(flags: string, about: string): Option[] {
  const on = new Option(flags, about);
  return [on, new Option(`--no-${on.name()}`).hideHelp()];
}

/** Sets the values that completion offers for an option. */
export function withChoices(option: Option, ...words: readonly string[]): Option {
  option.argChoices = [...words];
  return option;
}

const under = (heading: string, options: readonly Option[]): Option[] =>
  options.map((option) => option.helpGroup(heading));

const CHAINS = ['main', 'test', 'testnet4', 'signet', 'regtest'] as const;

/** Options that select the chain. The short forms are rewritten to `--chain` before commander parses them. */
export const chainOptions = (): Option[] =>
  under(NETWORK, [
    withChoices(
      valued('--chain <name>', 'main (the default), test, testnet4, signet or regtest', chainName),
      ...CHAINS,
    ),
    new Option('--regtest', 'short for --chain regtest; --signet, --testnet4, --testnet likewise'),
    new Option('--signet').hideHelp(),
    new Option('--testnet4').hideHelp(),
    new Option('--testnet').hideHelp(),
    valued('--signetchallenge <hex>', 'the challenge of a custom signet (BIP325)', String),
  ]);

const MAX_MS = 3_600_000;
const MAX_S = 86_400;

export const timeOptions = (): Option[] =>
  under(TIME, [
    valued('--timeout <ms>', 'time limit of a connection attempt in milliseconds', whole(1, MAX_MS)).default(
      5_000,
    ),
    valued('--peertimeout <s>', 'time limit of a handshake in seconds', whole(1, MAX_S)).default(60),
  ]);

export const identityOptions = (): Option[] =>
  under(IDENTITY, [
    ...switched('--relay', 'ask for transactions (BIP37); off by default'),
    valued('--uacomment <text>', 'comment in our user agent; repeatable', repeatable(String)),
    withChoices(
      valued(
        '--services <names>',
        'service bits to announce, such as NETWORK,WITNESS; none by default, since verack provides no service',
        serviceList,
      ),
      ...Object.keys(SERVICE_BITS),
    ),
  ]);

/** Where addresses come from when no host is given. */
export const seedOptions = (): Option[] =>
  under(
    NETWORK,
    switched('--dnsseed', 'ask the DNS seeds; on by default; --no-dnsseed uses only the fixed list'),
  );

/** Where the address book is stored, and how its addresses are grouped. */
export const addressBookOptions = (): Option[] =>
  under(NETWORK, [
    datadirOption('where the address book and the bans are stored, in one directory for each chain'),
    valued(
      '--asmap <file>',
      "group IP addresses by autonomous system, from a file in Bitcoin Core's format",
      String,
    ),
  ]);

/** Automatic connections besides the full-relay ones. */
export const outboundOptions = (): Option[] =>
  under(NETWORK, [
    valued(
      '--blockrelay <n>',
      'without hosts: the number of block-relay-only connections to keep, default 2',
      whole(0, 100),
    ),
    ...switched(
      '--feelers',
      'without hosts: test an address of the book about every two minutes; on by default',
    ),
  ]);

/** The transport (BIP324). */
export const transportOptions = (): Option[] =>
  under(NETWORK, [
    ...switched(
      '--v2transport',
      'try BIP324 (v2) first, then v1 if the peer does not support it; on by default',
    ),
    ...switched('--v2only', 'refuse v1'),
  ]);

/** Which DNS servers are asked. */
export const dnsServerOption = (): Option =>
  valued(
    '--dns-server <addr>',
    "ask this DNS server, not the system's; repeatable",
    commaSeparated(dnsServer),
  ).helpGroup(NETWORK);

export const slotOptions = (about: string): Option[] =>
  under(NETWORK, [valued('--maxconnections <n>', about, whole(1, 100_000))]);

/** Limits for each source network. */
export const sourceLimitOptions = (): Option[] =>
  under(NETWORK, [
    valued(
      '--maxpending <n>',
      `most unfinished handshakes from one /24 (IPv6: /64), 0 for any number; default ${SOURCE_LIMITS.handshakes}, loopback not counted`,
      whole(0, 100_000),
    ),
    valued(
      '--maxpersource <n>',
      `most peers from one /24 (IPv6: /64), 0 for any number; default ${SOURCE_LIMITS.peers}, loopback not counted`,
      whole(0, 100_000),
    ),
    valued(
      '--acceptrate <n>',
      `connections per second from one /24 (IPv6: /64) after the first ${SOURCE_LIMITS.acceptBurst}, 0 for any number; default ${SOURCE_LIMITS.acceptRate}, loopback not counted`,
      whole(0, 100_000),
    ),
    ...switched('--pendingloopback', 'apply these three limits to loopback too'),
  ]);

/** Who is exempt from limits, and who may not connect. */
export const admissionOptions = (): Option[] =>
  under(NETWORK, [
    valued(
      '--whitelist <subnet>',
      'an address, or a subnet such as 192.0.2.0/24, that is exempt from source limits and bans and is not evicted; repeatable',
      repeatable(whitelisted),
    ),
    valued(
      '--reservedslots <n>',
      `slots that are reserved for the whitelist; default ${RESERVED_SLOTS} when there is one`,
      whole(0, 100_000),
    ),
    valued(
      '--ban <subnet>',
      "refuse connections from an address or a subnet; stored in the data directory's banlist.json, in Bitcoin Core's format; repeatable",
      repeatable(subnet),
    ),
    valued(
      '--bantime <s>',
      `how long a ban lasts in seconds; default ${DEFAULT_BAN_TIME}, a day`,
      whole(1, 3_153_600_000),
    ),
  ]);

const datadirOption = (about: string): Option =>
  valued('--datadir <directory>', `${about}; none stores nothing; default: the XDG data directory`, String);

export const bindOptions = (): Option[] =>
  under(NETWORK, [
    valued(
      '--bind <address>',
      'listen here, with or without :PORT; default 127.0.0.1 (0.0.0.0 or [::] for all interfaces); repeatable',
      repeatable(bindAddress),
    ),
    valued('--port <n>', "default: the chain's; 0 for any free one", whole(0, 65_535)),
  ]);

const LOG_FORMS = ['pretty', 'json', 'core'] as const satisfies readonly LogForm[];

/** The format of the diagnostics on stderr, for verbs that run a node. */
export const logOption = (): Option =>
  withChoices(
    valued(
      '--log <form>',
      "format of stderr: pretty for people, json with one object per line, core as in Bitcoin Core's debug.log",
      oneOf(...LOG_FORMS),
    ),
    ...LOG_FORMS,
  )
    .default('pretty')
    .helpGroup(OUTPUT);

export const inspectOption = (): Option =>
  valued(
    '--inspect [port]',
    'show the running machines in a browser, on any free port unless one is given',
    portOrAny,
  ).helpGroup(OBSERVERS);

export const compiledOptions = (): Option[] =>
  under(FAULTS_HEADING, [
    ...switched(
      '--compiled',
      'run the compiled machines, on by default; --no-compiled: XState interprets them',
    ),
  ]);

/** Options that let a browser or Prometheus observe the node, or record it. */
export const observerOptions = (): Option[] =>
  under(OBSERVERS, [
    inspectOption(),
    ...switched('--lab', 'as --inspect; the page can also start faulty peers in memory'),
    valued(
      '--metrics [port]',
      `serve Prometheus metrics at http://127.0.0.1:${METRICS_PORT}/metrics; --metrics=ADDR:PORT serves them at another address, to anyone who can reach it, and --metrics=unix:PATH on a UNIX socket`,
      metricsAddress,
    ),
    valued(
      '--metricstokenfile <file>',
      'serve metrics only to requests with the header "Authorization: Bearer TOKEN"; the token is the first line of this file',
      String,
    ),
  ]);

/** `--fault` and `--compiled`. */
export const faultOptions = (): Option[] =>
  under(FAULTS_HEADING, [
    withChoices(
      valued('--fault <fault>', 'inject a fault listed below; repeatable', repeatable(fault)),
      ...faultWords(),
      ...V2_FAULT_NAMES,
    ),
    ...compiledOptions(),
  ]);

const faultWords = (): string[] =>
  FAULT_NAMES.map((name) => (FAULTS[name].value.startsWith('=') ? `${name}=` : name));

/** The list of faults and their effects, for the help. */
export const FAULT_HELP: readonly HelpList[] = [
  {
    heading: 'Faults of v1 messages (verack misbehaves; the log shows how the other side reacts):',
    rows: FAULT_NAMES.map((name) => [`${name}${FAULTS[name].value}`, FAULTS[name].about]),
  },
  {
    heading: 'Faults of the v2 key exchange and of v2 packets (BIP324):',
    rows: V2_FAULT_NAMES.map((name) => [name, V2_FAULTS[name].about]),
  },
];

/** Default of `--record-limit`, in megabytes. */
export const RECORD_LIMIT = 1_000;

/** `--record`, for `verack replay`. */
export const recordOptions = (): Option[] =>
  under(OBSERVERS, [
    valued(
      '--record <file>',
      'record all inputs and outputs of the node in this file, for verack replay; it contains the keys of v2 sessions',
      String,
    ),
    ...switched('--force', 'let --record overwrite an existing file'),
    valued(
      '--record-limit <mb>',
      `stop recording at this file size in megabytes; default ${RECORD_LIMIT}`,
      whole(1, 1_000_000),
    ),
  ]);

const count = (_: string, before: unknown): number => Number(before ?? 0) + 1;

export const outputOptions = (): Option[] =>
  under(OUTPUT, [
    ...switched('--json', 'NDJSON on stdout, one object per line'),
    ...switched('-q, --quiet', 'print only results and failures'),
    new Option('-v, --verbose', '-v prints every change of state, -vv every message')
      .argParser(count)
      .default(0, 'off'),
    withChoices(
      valued(
        '--color <when>',
        'auto, always or never; auto respects NO_COLOR and FORCE_COLOR',
        oneOf('auto', 'always', 'never'),
      ),
      'auto',
      'always',
      'never',
    ).default('auto'),
  ]);
