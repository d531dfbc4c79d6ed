/** `verack crawl`: contacts every advertised address, records the results, and estimates how many nodes were missed. */
import { setFlagsFromString } from 'node:v8';
import { Argument } from 'commander';
import { type Endpoint, systemClock, systemRandom } from '../net/index.js';
import { type Chain, NAME, VERSION } from '../index.js';
import {
  Crawl,
  CRAWL_DEFAULTS,
  crawlerAgent,
  FORMATS,
  loadSnapshot,
  networkLookup,
  type ContactReport,
  type Contacts,
  type IdentifiedNode,
  IdentifyingContacts,
  NodeContacts,
  Snapshot,
  summaryOf,
} from '../crawl/index.js';
import { printResult } from './crawl-result.js';
import { firstAddresses, readFormer, readOptOuts, seedsOfBook } from './crawl-seeds.js';
import { identified } from './identify.js';
import { failureLine } from './peer-lines.js';
import { unroutableSentence } from './unroutable-seeds.js';
import { nodeOptionsOf } from './node-options.js';
import { type FleetFlags, fleetContacts, orUnreachable, work } from './crawl-fleet.js';
import { EXIT, Usage } from './exit-codes.js';
import {
  chainOptions,
  dnsServerOption,
  type Flags,
  withChoices,
  observerOptions,
  outputOptions,
  seedOptions,
  switched,
  timeOptions,
  transportOptions,
  valued,
} from './options.js';
import type { Output } from './output.js';
import { duration, hostText, oneOf, repeatable, whole } from './option-values.js';
import { type Observers, observers } from './inspect-and-metrics.js';
import type { CliCommand, Invocation } from './command.js';
import { type NodeNet, nodeNetOf } from './node-net.js';
import { onlynetOption, proxyOptions } from './proxy-options.js';

/** The options of this verb besides the shared ones. */
interface CrawlFlags extends Flags, FleetFlags {
  readonly seednode?: readonly string[];
  readonly from?: string;
  readonly addresses?: string;
  readonly output?: string;
  readonly resume?: boolean;
  readonly parallel: number;
  readonly contacts: number;
  readonly sample: number;
  readonly replytimeout: number;
  readonly every?: number;
  readonly anyPort?: boolean;
  readonly allowUnroutable?: boolean;
  readonly optout?: string;
  readonly contact?: string;
  readonly vantage: string;
  readonly coordinate?: boolean;
  readonly identify?: number;
}

const FROM = 'First addresses:';
const LIMITS = 'Limits:';
const FLEET = 'Fleet:';

const options = (heading: string, list: ReturnType<typeof switched>) =>
  list.map((option) => option.helpGroup(heading));

export const crawlCommand: CliCommand = {
  name: 'crawl',
  about: 'find the reachable nodes, and estimate how many were missed',
  details:
    'Contacts each advertised address once: handshake, getaddr, the answers. It does not dial addresses that are not ' +
    'publicly routable, nor ports that no Bitcoin node uses by default. The crawl ends when no address is left; after ' +
    'Ctrl-C or a crash, --resume continues it. With a crawl file as operand it contacts no node and summarises the file.',
  examples: [
    ['verack crawl --contact ops@example.org --output crawl.ndjson', 'crawl the main network'],
    [
      'verack crawl --output crawl.ndjson --resume --contact ops@example.org',
      'continue after an interruption',
    ],
    [
      'verack crawl --contact ops@example.org --addresses ~/.bitcoin/peers.dat',
      "begin with Bitcoin Core's address book",
    ],
    ['verack crawl crawl.ndjson --format csv', 'the finished crawl as a table'],
    ['verack crawl --regtest --seednode 127.0.0.1 --allow-unroutable --json', 'a network on this machine'],
  ],
  operands: [new Argument('[file]', 'a crawl file to summarise')],
  options: [
    ...options(FROM, [
      valued(
        '--seednode <host>',
        'begin with this node, HOST or HOST:PORT; repeatable',
        repeatable(hostText),
      ),
      valued('--from <file>', 'begin with the addresses in a text file, or in an earlier crawl', String),
      valued(
        '--addresses <file>',
        'begin with the addresses in a peers.dat, of Bitcoin Core or of verack',
        String,
      ),
    ]),
    ...seedOptions(),
    ...chainOptions(),
    ...proxyOptions(),
    onlynetOption(),
    dnsServerOption(),
    ...transportOptions(),
    ...options(LIMITS, [
      valued('--parallel <n>', 'connections that are open at the same time', whole(1, 10_000)).default(
        CRAWL_DEFAULTS.parallel,
      ),
      valued(
        '--contacts <n>',
        'how often each sampled address is contacted, to compute the interval',
        whole(1, 10),
      ).default(1),
      valued('--sample <n>', 'answering and failing addresses to contact again', whole(1, 100_000)).default(
        CRAWL_DEFAULTS.sample,
      ),
      valued('--replytimeout <s>', 'seconds that a node may take to answer getaddr', whole(1, 600)).default(
        CRAWL_DEFAULTS.replyTimeout / 1_000,
      ),
      valued(
        '--optout <file>',
        'a list of addresses, HOST:PORT or prefixes that are never contacted',
        String,
      ),
      valued(
        '--identify <percent>',
        'open a second connection to this share of the reachable nodes, to identify them by behaviour',
        whole(1, 100),
      ),
      ...switched('--any-port', 'contact ports that no Bitcoin node uses by default, too'),
      ...switched('--allow-unroutable', 'contact private addresses, for test networks; refused on main'),
      valued('--every <time>', 'repeat the crawl at this interval: 30m, 1h, 1d', duration),
    ]),
    ...timeOptions(),
    ...options('Identity:', [
      valued('--contact <text>', 'address or URL in our user agent; required on main', String),
      valued('--vantage <name>', 'name of this vantage point, recorded in every row', String).default(
        'local',
      ),
    ]),
    ...options(FLEET, [
      valued('--nats <url>', 'run as a worker of a fleet: nats://HOST[:PORT]', String),
      ...switched('--coordinate', 'with --nats: give jobs to the workers and write the file'),
      valued('--nats-creds <file>', 'credentials file of NATS', String),
    ]),
    valued('--output <file>', 'write every event to this file (NDJSON), and a manifest next to it', String),
    ...switched('--resume', 'continue the crawl in the file of --output'),
    withChoices(valued('--format <view>', 'print this view at the end', oneOf(...FORMATS)), ...FORMATS),
    ...observerOptions().filter(({ long }) => long !== '--lab' && long !== '--no-lab'),
    ...outputOptions(),
  ],
  isOneShot: () => false,
  run,
};

/** A crawl allocates much and keeps little; by default V8 lets the heap grow to several times the live objects. */
const boundHeap = (): void => setFlagsFromString('--heap-growing-percent=50');

async function run(job: Invocation): Promise<number> {
  const flags = job.flags as CrawlFlags;
  const [file] = job.operands;
  if (file !== undefined) return sumUp(file, flags, job);
  const nodeOptions = checked(flags);
  boundHeap();
  const attached = await observers(flags, job.out);
  const net = await nodeNetOf(job);
  try {
    return await orUnreachable(crawled(flags, nodeOptions, { net, attached }, job), job.out);
  } finally {
    net.proxied.close();
    await attached.close();
  }
}

/** How the crawl reaches nodes, and its observers. */
interface CrawlContext {
  readonly net: NodeNet;
  readonly attached: Observers;
}

async function crawled(
  flags: CrawlFlags,
  nodeOptions: Checked,
  around: CrawlContext,
  job: Invocation,
): Promise<number> {
  if (flags.nats !== undefined && !flags.coordinate)
    return work(flags, contactsOf(flags, nodeOptions, around), flags, job);
  const options = await crawlOptions(flags, nodeOptions, around, job);
  const crawl = await Crawl.open(options, job.interrupted);
  around.attached.followCrawl(
    () => crawl.report,
    () => options.contacts.staleness ?? 0,
  );
  const stopStatus = showProgress(crawl, job.out);
  try {
    const summary = await crawl.run(job.interrupted);
    stopStatus();
    await printResult(crawl.snapshot, summary, flags, job);
    return summary.reachable > 0 ? EXIT.ok : EXIT.unreachable;
  } finally {
    stopStatus();
  }
}

/** @throws Usage for options that contradict each other, or lack one that they need */
function checked(flags: CrawlFlags): ReturnType<typeof nodeOptionsOf> {
  const nodeOptions = nodeOptionsOf(flags);
  const isMain = nodeOptions.chain.name === 'main';
  if (isMain && flags.allowUnroutable) throw new Usage('--allow-unroutable is refused on main');
  if (isMain && flags.contact === undefined)
    throw new Usage(
      '--contact is required on main: an address or URL where operators can reach you and opt out',
    );
  if (flags.resume && flags.output === undefined) throw new Usage('--resume needs --output FILE');
  if (flags.coordinate && flags.nats === undefined) throw new Usage('--coordinate needs --nats URL');
  return nodeOptions;
}

type Checked = ReturnType<typeof checked>;

/** One host of each kind, since each proxy has its own time limit. */
const SLOWEST = ['192.0.2.1', 'name', 'a.onion', 'a.i2p'];

/** Contacts that a node of this process makes. */
function contactsOf(flags: CrawlFlags, nodeOptions: Checked, { net, attached }: CrawlContext): Contacts {
  const { parallel, vantage, replytimeout, peertimeout, timeout } = flags;
  const longest = Math.max(...SLOWEST.map((host) => net.proxied.timeoutOf(host, timeout)));
  const subver = crawlerAgent(NAME, VERSION, flags.contact);
  const contacts = new NodeContacts({
    ...nodeOptions,
    ...net.options,
    ...attached.options,
    subver,
    parallel,
    vantage,
    replyTimeout: replytimeout * 1_000,
    contactTimeout: longest + (peertimeout + replytimeout) * 1_000,
  });
  attached.follow(contacts.node);
  return withIdentification(contacts, flags, nodeOptions.chain, net);
}

/** The same contacts; the share of `--identify` is followed by an identification. */
function withIdentification(contacts: Contacts, flags: CrawlFlags, chain: Chain, net: NodeNet): Contacts {
  if (flags.identify === undefined) return contacts;
  const identify = async ({ addr, transport = 'v1' }: ContactReport): Promise<IdentifiedNode> => {
    const { label, questions, ms } = await identified(addr, transport, chain, net);
    return { label, messages: questions.length - 1, ms };
  };
  const share = flags.identify / 100;
  return new IdentifyingContacts({ contacts, identify, share, random: Math.random, clock: systemClock });
}

async function crawlOptions(
  flags: CrawlFlags,
  nodeOptions: Checked,
  around: CrawlContext,
  { interrupted, out }: Invocation,
): Promise<Parameters<typeof Crawl.open>[0]> {
  const { chain } = nodeOptions;
  const former = flags.from === undefined ? undefined : await readFormer(flags.from, chain, interrupted);
  const given = [...(former?.seeds ?? []), ...(await seedsOfBook(flags.addresses, chain))];
  const known = new Map<string, readonly Endpoint[]>();
  const optOuts = await readOptOuts(flags.optout, interrupted);
  const { parallel, vantage, output, anyPort = false, allowUnroutable = false } = flags;
  return {
    ...CRAWL_DEFAULTS,
    chain,
    parallel,
    vantage,
    output,
    anyPort,
    allowUnroutable,
    optOut: optOuts.list,
    agent: crawlerAgent(NAME, VERSION, flags.contact),
    contacts: flags.coordinate
      ? await fleetContacts(flags, optOuts, out, interrupted)
      : contactsOf(flags, nodeOptions, around),
    seeds: () =>
      firstAddresses(flags, chain, around.net, given, {
        signal: interrupted,
        known,
        failed: (host, reason) => out.failure(failureLine(host, reason, out.paintLog)),
        unroutable: (addresses) => out.info(unroutableSentence(addresses)),
      }),
    clock: systemClock,
    random: systemRandom,
    rounds: flags.contacts,
    sample: flags.sample,
    every: flags.every ?? 0,
    networks: [...around.net.proxied.reachable],
    v2transport: flags.v2transport ?? true,
    resume: flags.resume ?? false,
    before: former?.snapshot,
  };
}

/** Milliseconds between two redraws of the status line. */
const REDRAW_INTERVAL = 200;

function showProgress(crawl: Crawl, out: Output): () => void {
  if (!out.isLive) return () => undefined;
  const draw = (): void => {
    const { round, attempted, reachable, active, queued, known } = crawl.status;
    out.status(
      `round ${round} · ${reachable} reachable · ${attempted} contacted · ${active} open · ${queued} queued · ${known} known`,
    );
  };
  const timer = setInterval(draw, REDRAW_INTERVAL);
  return () => {
    clearInterval(timer);
    out.status('');
  };
}

/** Sums up a crawl file. */
async function sumUp(file: string, flags: CrawlFlags, job: Invocation): Promise<number> {
  const snapshot = await loadSnapshot(file, new Snapshot(networkLookup()), job.interrupted);
  const { begin, end } = snapshot;
  const { chain } = nodeOptionsOf(flags);
  const before = flags.from === undefined ? undefined : await readFormer(flags.from, chain, job.interrupted);
  const summary = summaryOf(
    snapshot,
    { size: snapshot.sources.size, withheld: 0, skipped: new Map() },
    {
      completeness: end?.completeness ?? 'interrupted',
      seconds: ((end?.t ?? begin?.t ?? 0) - (begin?.t ?? 0)) / 1_000,
      before: before?.snapshot,
    },
  );
  await printResult(snapshot, summary, { ...flags, output: file }, job);
  return EXIT.ok;
}
