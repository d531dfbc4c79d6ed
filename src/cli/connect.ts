/** `verack connect`: shakes hands, stays connected, and says what changes. */
import { Argument, Option } from 'commander';
import type { BitcoinNode } from '../node/node.js';
import { chainOf, dnsOptionsOf, nodeOptionsOf } from './node-options.js';
import { passed, tableOf } from './run-duration.js';
import { slotsThatFit } from './open-file-limit.js';
import { EXIT, Usage } from './exit-codes.js';
import {
  chainOptions,
  FAULT_HELP,
  identityOptions,
  labOptions,
  logOption,
  lookupOptions,
  observerOptions,
  outputOptions,
  recordOptions,
  seedOptions,
  slotOptions,
  switched,
  timeOptions,
  transportOptions,
  valued,
} from './options.js';
import { foundSentence, Seeding } from './automatic-outbound.js';
import { watchedNode } from './inspect-and-metrics.js';
import { showStatus } from './status-line.js';
import { peerTable } from './peer-table.js';
import { Targets } from './host-targets.js';
import { seconds, several } from './option-values.js';
import type { Invocation, CliCommand } from './command.js';
import { tellFailure, watch, type Watcher } from './node-output.js';

/** Connections to hold when nobody says which: Core's full-relay slots. */
const AUTOMATIC = 8;

/** Whom we want to be connected to, and what has come of it. */
interface Campaign extends Required<Watcher> {
  readonly settled: Promise<void>;
  readonly exitCode: number;
  start(): void;
}

export const connectCommand: CliCommand = {
  name: 'connect',
  about: 'shake hands with nodes and stay connected',
  details:
    'Without a host the DNS seeds of the chain are asked, then the fixed list. A line goes to stdout for each handshake ' +
    'that completes and to stderr for each that fails; a connection that ends is dialled again, with backoff.',
  appendix: FAULT_HELP,
  examples: [
    ['verack connect --regtest 127.0.0.1', 'a node of yours, until Ctrl-C'],
    [
      'verack connect --once node.example.org [::1]:8333',
      'one handshake each; the exit code says how it went',
    ],
    ['verack connect --for 60 --table', 'eight nodes of the main network for a minute, then a table'],
    ['verack connect --fault checksum 192.0.2.1', 'what does my node do about a bad checksum?'],
  ],
  operands: [new Argument('[hosts...]', 'HOST, HOST:PORT or [IPv6]:PORT')],
  options: [
    ...switched('--once', 'one handshake per host, then end; a name is tried address by address'),
    valued('--for <seconds>', 'end in order after this time', seconds),
    ...switched('--table', 'print a table like -netinfo at the end'),
    valued('--connect <host>', "another host, in Core's spelling", several(String)).hideHelp(),
    valued('--addnode <host>', 'the same', several(String)).hideHelp(),
    ...['--listen', '--no-listen'].map((flags) => new Option(flags).hideHelp()),
    ...chainOptions(),
    ...lookupOptions(),
    ...seedOptions(),
    ...slotOptions('most connections at a time; without hosts 8 are held'),
    ...transportOptions(),
    ...timeOptions(),
    ...identityOptions(),
    ...outputOptions(),
    logOption(),
    ...observerOptions(),
    ...recordOptions(),
    ...labOptions(),
  ],
  isOneShot: ({ once }) => once === true,
  run,
};

async function run(job: Invocation): Promise<number> {
  const { flags, out, interrupted } = job;
  const hosts = [...job.operands, ...(flags.connect ?? []), ...(flags.addnode ?? [])];
  refuseNowhere(job, hosts);
  const slots = slotsThatFit(flags.maxconnections ?? Math.max(AUTOMATIC, hosts.length), out);
  const options = { ...nodeOptionsOf(flags), maxoutbound: slots, maxinbound: 0 };
  const { node, stop } = await watchedNode(flags, out, options);
  const campaign =
    hosts.length > 0
      ? targets(job, node, hosts)
      : seeding(job, node, Math.min(slots, flags.maxconnections ?? AUTOMATIC));
  watch(node, out, campaign);
  const hideStatus = showStatus(node, out);
  out.talk(out.paintTalk('dim', intention(node, hosts, flags.dnsseed)));
  campaign.start();
  await Promise.race([campaign.settled, passed(flags.for, interrupted)]);
  // How things stand now: the end of the node would end everything.
  const code = interrupted.aborted ? EXIT.ok : campaign.exitCode;
  const seen = flags.table ? tableOf(node) : [];
  await stop();
  hideStatus();
  for (const line of peerTable(seen, out.columns)) out.answer(line);
  return code;
}

function refuseNowhere({ flags }: Invocation, hosts: readonly string[]): void {
  if (flags.listen) throw new Usage('connect does not listen: run "verack listen" beside it');
  const { chain, seeds, fixedSeeds } = chainOf(flags);
  const asked = flags.dnsseed === false ? [] : seeds;
  if (hosts.length > 0 || asked.length + fixedSeeds.length > 0) return;
  throw new Usage(`this ${chain} has no seeds: name a host, for example 127.0.0.1`);
}

function intention({ chain }: BitcoinNode, hosts: readonly string[], dnsseed = true): string {
  const whom =
    hosts.length === 0
      ? dnsseed
        ? 'asking the DNS seeds'
        : 'trying the fixed list'
      : hosts.length === 1
        ? `dialling ${hosts[0]!}`
        : `dialling ${hosts.length} hosts`;
  return `${chain.name}: ${whom}; Ctrl-C ends`;
}

function targets(
  { flags, out, interrupted }: Invocation,
  node: BitcoinNode,
  hosts: readonly string[],
): Campaign {
  const once = flags.once === true;
  return new Targets(hosts, node, {
    once,
    dns: dnsOptionsOf(flags),
    signal: interrupted,
    failed: (addr, reason) => tellFailure(out, addr, reason),
    unreachable: () => {
      if (!once || hosts.length > 1) out.talk(lament(once, hosts.length, node));
    },
  });
}

function seeding({ flags, out, interrupted }: Invocation, node: BitcoinNode, slots: number): Campaign {
  const once = flags.once === true;
  return new Seeding(node, {
    dnsseed: flags.dnsseed ?? true,
    slots,
    once,
    dns: dnsOptionsOf(flags),
    signal: interrupted,
    found: (addresses) => out.talk(out.paintTalk('dim', foundSentence(addresses, flags.dnsseed))),
    unreachable: () => out.talk(lament(once, 0, node)),
  });
}

/** One host that failed once has said why already. */
function lament(once: boolean, count: number, { chain }: BitcoinNode): string {
  const trying = once ? '' : ' Trying on, with growing pauses; Ctrl-C ends.';
  if (count === 1) return `That host cannot be reached now.${trying}`;
  const who = count === 0 ? 'No node' : 'None of these hosts';
  return (
    `${who} can be reached. Check that this machine has a network, that a firewall lets TCP out (port ${chain.port} and ` +
    `the like), and that the chain is right (--chain, now ${chain.chain}).${trying}`
  );
}
