/** `verack connect`: performs the handshake with nodes, stays connected, and reports changes. */
import {
  BLOCK_RELAY_SLOTS,
  type BitcoinNode,
  type CandidateSource,
  localAddresses,
  type NodeOptions,
  type OutboundOptions,
  type PeerInfo,
} from '../index.js';
import { Argument, Option } from 'commander';
import { openListeners, printListening } from './listening.js';
import { type NodeNet, nodeNetOf } from './node-net.js';
import { chainOf, nodeOptionsOf } from './node-options.js';
import { passed, tableOf } from './run-duration.js';
import type { KeptAddressBook } from './kept-address-book.js';
import { slotsThatFit } from './open-file-limit.js';
import { EXIT, Usage } from './exit-codes.js';
import {
  addressBookOptions,
  bindOptions,
  chainOptions,
  FAULT_HELP,
  identityOptions,
  faultOptions,
  type Flags,
  logOption,
  dnsServerOption,
  observerOptions,
  outboundOptions,
  outputOptions,
  recordOptions,
  seedOptions,
  slotOptions,
  switched,
  timeOptions,
  transportOptions,
  valued,
} from './options.js';
import { observedNode } from './inspect-and-metrics.js';
import { showStatus } from './status-line.js';
import { plain } from './peer-lines.js';
import { peerTable } from './peer-table.js';
import { HostTargets } from './host-targets.js';
import { seconds, repeatable } from './option-values.js';
import {
  connectOnly,
  i2pListenOptions,
  onlynetOption,
  proxyOptions,
  seednodeOption,
} from './proxy-options.js';
import { seedNodesOf, seedNodeSource } from './seed-nodes.js';
import type { Invocation, CliCommand } from './command.js';
import type { Output } from './output.js';
import { printNode, reportFailure } from './node-output.js';
import { unroutableSentence } from './unroutable-seeds.js';

/** Default number of outbound connections: Core's full-relay slots. */
const OUTBOUND_SLOTS = 8;
/** Inbound slots with --listen: Core's 125 connections without its 11 outbound ones. */
const INBOUND_SLOTS = 114;

/** The connections that this run opens, and their outcome so far. */
interface Outbound {
  /** Called when the line about this handshake has been written. */
  reported(peer: PeerInfo): void;
  readonly settled: Promise<void>;
  readonly exitCode: number;
  start(): void;
}

export const connectCommand: CliCommand = {
  name: 'connect',
  about: 'perform the handshake with nodes and stay connected',
  details:
    'Prints a line to stdout for each handshake that completes and to stderr for each that fails; a connection that ends is ' +
    'dialled again, with backoff.\n\n' +
    'Without a host the node finds its peers itself: from the address book of --datadir (peers.dat); when that is empty, or ' +
    'fewer than two peers are connected after 11 s, from -seednode, the DNS seeds and then the fixed list. It keeps 8 ' +
    'full-relay and 2 block-relay-only connections (anchors.dat first), at most one for each IPv4 or IPv6 netgroup, and tests ' +
    'an address about every two minutes. It asks each peer for addresses once and then accepts one address in ten seconds. ' +
    'It does not relay the addresses of other nodes.',
  appendix: FAULT_HELP,
  examples: [
    ['verack connect --regtest 127.0.0.1', 'stay connected to your own node until Ctrl-C'],
    [
      'verack connect --once node.example.org [::1]:8333',
      'one handshake for each host; the exit code is the result',
    ],
    ['verack connect --for 60 --table', 'eight nodes of the main network for a minute, then a table'],
    ['verack connect --fault checksum 192.0.2.1', 'see how a node reacts to a bad checksum'],
  ],
  operands: [new Argument('[hosts...]', 'HOST, HOST:PORT or [IPv6]:PORT')],
  options: [
    ...switched('--once', 'one handshake per host, then exit; the addresses of a name are tried in turn'),
    valued('--for <seconds>', 'exit cleanly after this time', seconds),
    ...switched('--table', 'print a table like -netinfo at the end'),
    valued(
      '--connect <host>',
      "another host, as Core's option; 0: no automatic connections",
      repeatable(String),
    ).hideHelp(),
    new Option('--no-connect').hideHelp(),
    valued('--addnode <host>', 'the same', repeatable(String)).hideHelp(),
    ...chainOptions(),
    ...proxyOptions(),
    onlynetOption(),
    dnsServerOption(),
    ...seedOptions(),
    ...addressBookOptions(),
    ...outboundOptions(),
    seednodeOption(),
    ...switched('--listen', 'accept connections as well, as verack listen does; off by default'),
    ...bindOptions(),
    ...i2pListenOptions(),
    ...slotOptions(
      'most connections at a time; without hosts the number of full-relay connections to keep, default 8',
    ),
    ...transportOptions(),
    ...timeOptions(),
    ...identityOptions(),
    ...outputOptions(),
    logOption(),
    ...observerOptions(),
    ...recordOptions(),
    ...faultOptions(),
  ],
  isOneShot: ({ once }) => once === true,
  run,
};

/** Which nodes to connect to. */
interface Plan {
  readonly hosts: readonly string[];
  /** The address book to find peers in when no host is given; undefined when hosts are given, or -connect=0. */
  readonly kept: KeptAddressBook | undefined;
  /** Nodes to ask for addresses before anything else. */
  readonly seedNodes: readonly string[];
}

async function run(job: Invocation): Promise<number> {
  const { flags } = job;
  const hosts = [...job.operands, ...(connectOnly(flags) ?? []), ...(flags.addnode ?? [])];
  const isAutomatic = hosts.length === 0 && connectOnly(flags) === undefined;
  const kept = isAutomatic ? await bookOf(job) : undefined;
  if (kept) requireSource(flags, kept);
  const { chain } = nodeOptionsOf(flags);
  const net = await nodeNetOf(job, flags.listen ? chain : undefined);
  try {
    const seedNodes = isAutomatic ? seedNodesOf(flags, chain, net.proxied) : [];
    return await connect(job, net, { hosts, kept, seedNodes });
  } finally {
    net.proxied.close();
  }
}

async function connect(job: Invocation, net: NodeNet, plan: Plan): Promise<number> {
  const { flags, out, interrupted } = job;
  const { node, stop, printPage } = await nodeOf(job, net, plan);
  const outbound = plan.kept ? toCandidates(job, node) : toHosts(job, node, plan.hosts);
  printNode(node, out, (peer) => outbound.reported(peer));
  printListening(node, out);
  if (flags.listen && !(await openListeners(node, flags, out, interrupted))) return EXIT.unreachable;
  const hideStatus = showStatus(node, out);
  out.info(out.paintLog('dim', startSentence(node, plan, flags)));
  printPage();
  outbound.start();
  await Promise.race([outbound.settled, passed(flags.for, interrupted)]);
  // Taken before the node stops, since stopping ends every connection.
  const code = interrupted.aborted ? EXIT.ok : outbound.exitCode;
  const seen = flags.table ? tableOf(node) : [];
  await stop();
  hideStatus();
  for (const line of [...peerTable(seen, out.columns), ...consensusLines(seen, out)]) out.answer(line);
  return code;
}

/** Imported only when needed, as in `verack addresses`. */
async function bookOf({ flags, out }: Invocation): Promise<KeptAddressBook> {
  if (flags.record !== undefined && flags.asmap !== undefined)
    throw new Usage('--record cannot be combined with --asmap: a recording does not contain the asmap');
  const { keptAddressBook } = await import('./kept-address-book.js');
  return keptAddressBook(flags, chainOf(flags), out);
}

async function nodeOf({ flags, out }: Invocation, net: NodeNet, plan: Plan): ReturnType<typeof observedNode> {
  const { hosts, kept, seedNodes } = plan;
  const slots = slotsThatFit(flags.maxconnections ?? Math.max(OUTBOUND_SLOTS, hosts.length), out);
  const seednodes =
    seedNodes.length === 0
      ? undefined
      : seedNodeSource(
          async () => (await observed).node,
          seedNodes,
          (host, reason) => reportFailure(out, host, reason),
        );
  const observed = observedNode(flags, out, {
    ...nodeOptionsOf(flags),
    ...net.options,
    maxoutbound: slots,
    maxinbound: flags.listen ? INBOUND_SLOTS : 0,
    ...(kept && automatic(flags, slots, plan, kept, net, seednodes)),
  });
  const { node, stop, printPage } = await observed;
  kept?.begin();
  const stopAll = async (): Promise<void> => {
    await kept?.end(node);
    await stop();
  };
  return { node, printPage, stop: stopAll };
}

function automatic(
  { once = false, dnsseed = true, blockrelay = BLOCK_RELAY_SLOTS, feelers = true, maxconnections }: Flags,
  most: number,
  { seedNodes }: Plan,
  { book, anchors }: KeptAddressBook,
  { proxied }: NodeNet,
  seednodes: CandidateSource | undefined,
): Pick<NodeOptions, 'outbound' | 'addressBook' | 'maxoutbound'> {
  const slots = Math.min(most, maxconnections ?? OUTBOUND_SLOTS);
  const feeler = feelers && !once;
  const outbound: OutboundOptions = {
    slots,
    once,
    blockrelay,
    anchors,
    networks: [...proxied.reachable],
    dnsseed: dnsseed && !proxied.hasNameProxy,
    ...(!feeler && { feelerInterval: 0 }),
    ...(seednodes && { seednodes }),
  };
  const maxoutbound = slots + (once ? 0 : blockrelay) + Number(feeler) + seedNodes.length;
  return { outbound, addressBook: book, maxoutbound };
}

/** The address that peers see for this machine, with `-v`; no line when none of them reports one. */
function consensusLines(peers: readonly PeerInfo[], out: Output): string[] {
  const established = peers.filter(
    ({ state, addrlocal }) => state === 'established' && addrlocal !== undefined,
  );
  const addresses = localAddresses(peers).map(
    ({ address, score }) => `${plain(address)} (${score} of ${established.length})`,
  );
  return out.verbose > 0 && addresses.length > 0 ? [`peers see this machine as ${addresses.join(', ')}`] : [];
}

function requireSource(flags: Flags, { book }: KeptAddressBook): void {
  const { chain, seeds, fixedSeeds } = chainOf(flags);
  const asked = flags.dnsseed === false ? [] : seeds;
  if (asked.length + fixedSeeds.length + (flags.seednode ?? []).length + book.size() > 0) return;
  throw new Usage(`this ${chain} has no seeds: give a host, for example 127.0.0.1`);
}

/** The first line of the log: the chain, and what is dialled or asked first. */
function startSentence({ chain }: BitcoinNode, { hosts, kept, seedNodes }: Plan, flags: Flags): string {
  const dialling = hosts.length === 1 ? `dialling ${hosts[0]!}` : `dialling ${hosts.length} hosts`;
  const manual = hosts.length === 0 ? 'no automatic connections' : dialling;
  const first = kept ? firstSource(kept.book.size(), seedNodes.length, flags.dnsseed) : manual;
  return `${chain.name}: ${first}${flags.once ? '' : '; Ctrl-C ends'}`;
}

function firstSource(known: number, seedNodes: number, dnsseed = true): string {
  if (known > 0) return `${known} ${known === 1 ? 'address' : 'addresses'} in the address book`;
  if (seedNodes > 0) return `asking ${seedNodes} ${seedNodes === 1 ? 'node' : 'nodes'} for addresses`;
  return dnsseed ? 'asking the DNS seeds' : 'trying the fixed list';
}

function toHosts({ flags, out }: Invocation, node: BitcoinNode, hosts: readonly string[]): Outbound {
  const once = flags.once === true;
  return new HostTargets(hosts, node, {
    once,
    failed: (host, reason) => reportFailure(out, host, reason),
    unreachable: () => {
      // The reason of a single failed dial has been printed already.
      if (!once || hosts.length > 1) out.info(unreachableSentence(once, hosts.length, node));
    },
  });
}

/** Reports how the node fills its outbound slots from its address sources. */
function toCandidates({ flags, out }: Invocation, node: BitcoinNode): Outbound {
  const once = flags.once === true;
  let [established, reported, isFilled] = [0, 0, false];
  node.on('established', () => (established += 1));
  node.on('candidates', ({ addresses }) => out.info(out.paintLog('dim', foundSentence(addresses.length))));
  node.on('unroutable', ({ addresses }) => out.info(unroutableSentence(addresses)));
  node.on('unreachable', () => out.info(unreachableSentence(once, 0, node)));
  let settle: () => void;
  const settled = new Promise<void>((resolve) => (settle = resolve));
  // The line about a peer waits for its first pong, so it may be written after the last slot was filled.
  const review = (): void => {
    if (isFilled && reported === established) settle();
  };
  node.on('filled', () => {
    isFilled = true;
    review();
  });
  return {
    reported: () => {
      reported += 1;
      review();
    },
    settled,
    get exitCode() {
      return established > 0 ? EXIT.ok : EXIT.unreachable;
    },
    start: () => undefined,
  };
}

/** How many addresses there are to dial, once the address book and, if it had too few, the seeds have answered. */
export const foundSentence = (count: number): string =>
  count === 0
    ? 'no address to dial'
    : `${count} ${count === 1 ? 'address' : 'addresses'} in the address book`;

function unreachableSentence(once: boolean, count: number, { chain }: BitcoinNode): string {
  const retrying = once ? '' : ' Retrying with increasing delays; Ctrl-C ends.';
  if (count === 1) return `The host cannot be reached.${retrying}`;
  const who = count === 0 ? 'No node' : 'None of these hosts';
  return (
    `${who} can be reached. Check that this machine has a network connection, that no firewall blocks outgoing TCP (usually ` +
    `port ${chain.port}), and that the chain is right (--chain, now ${chain.chain}).${retrying}`
  );
}
