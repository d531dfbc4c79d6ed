/** `verack demo`: runs a small network on this machine, and checks that each connection ends as expected. */
import { formatEndpoint } from '../net/index.js';
import type { BitcoinNode, PeerInfo } from '../index.js';
import { type Outcome, startDemo } from '../demo/demo.js';
import { servicesLetters } from '../wire/index.js';
import { EXIT } from './exit-codes.js';
import { logEvents } from './event-log.js';
import { type Observers, observers, recording } from './inspect-and-metrics.js';
import { logOption, observerOptions, outputOptions, recordOptions, switched, valued } from './options.js';
import type { Output, Paint } from './output.js';
import { duration, plain } from './peer-lines.js';
import { TRANSPORTS } from './peer-table.js';
import { type Column, tabulated } from './table.js';
import { whole } from './option-values.js';
import type { Invocation, CliCommand } from './command.js';

const PEERTIMEOUT = 3;
/** Milliseconds after the handshake limit at which the states of open connections are compared with the expected ones. */
const EXTRA_WAIT = 5_000;

export const demoCommand: CliCommand = {
  name: 'demo',
  about: 'a network on this machine: healthy and faulty peers, and why each connection ends',
  details:
    'Everything runs on 127.0.0.1: one node dials healthy and faulty listeners, and other nodes dial it. A line is printed ' +
    'for each step, and a table of the outcomes at the end. Exit code 0 when every outcome is the expected one, else 3.',
  examples: [
    ['verack demo', 'a few seconds, then a table'],
    ['verack demo --stay --inspect', 'keep running, and show the machines in a browser'],
    ['verack demo --stay --lab', 'keep running, and start faulty peers from the page'],
  ],
  operands: [],
  options: [
    ...switched('--stay', 'keep running until Ctrl-C'),
    valued('--peertimeout <s>', 'time limit of a handshake in seconds', whole(1, 9)).default(PEERTIMEOUT),
    ...outputOptions(),
    logOption(),
    ...observerOptions(),
    ...recordOptions(),
  ],
  isOneShot: (flags) => !flags.stay,
  run,
};

async function run({ flags, out, interrupted }: Invocation): Promise<number> {
  const attached = await observers(flags, out);
  const recorder = await recording(flags, out, attached);
  const handshakeTimeout = flags.peertimeout * 1_000;
  const demo = await startDemo({
    handshakeTimeout,
    maxWait: handshakeTimeout + EXTRA_WAIT,
    signal: interrupted,
    create: (options) => recorder.node(options),
    watch: (node, nameOf) => {
      attached.follow(node);
      printProgress(node, nameOf, out);
    },
    ...attached.options,
  });
  out.info(`our node listens on ${formatEndpoint(demo.local)}`);
  const outcomes = await demo.outcomes;
  printOutcomes(outcomes, out);
  if (flags.stay && !interrupted.aborted) await stay(attached, out, interrupted);
  await demo.stop();
  await attached.close();
  recorder.close();
  return outcomes.every((outcome) => outcome.asExpected) ? EXIT.ok : EXIT.some;
}

function stay(attached: Observers, out: Output, interrupted: AbortSignal): Promise<void> {
  out.info('the demo keeps running; Ctrl-C ends it');
  attached.printPage();
  return new Promise((resolve) => interrupted.addEventListener('abort', () => resolve(), { once: true }));
}

type NameOf = (addr: string) => string | undefined;

/** A line when a handshake is complete and a line when a connection ends, with its path through the states. */
function printProgress(node: BitcoinNode, nameOf: NameOf, out: Output): void {
  if (out.log !== 'pretty') logEvents(node, out);
  const printLine = (line: string): void => (out.log === 'pretty' ? out.info(line) : undefined);
  const paths = new Map<number, string[]>();
  node.on('transition', ({ id, addr, inbound, from, to }) => {
    const path = paths.get(id) ?? [from];
    path.push(to);
    paths.set(id, path);
    out.event('transition', { id, peer: nameOf(addr), addr, inbound, from, to });
    if (out.verbose > 0) printLine(`${label(nameOf, addr)} ${from} → ${to}`);
  });
  const print = (peer: PeerInfo): void => {
    if (peer.lastreason?.code === 'ERR_LOCAL_CANCELLED') return;
    const path = paths.get(peer.id) ?? [peer.state];
    printLine(progressLine(label(nameOf, peer.addr), path, peer, out.paintLog));
    paths.set(peer.id, path.slice(-1));
  };
  node.on('fallback', (peer) => {
    out.event('fallback', { peer: nameOf(peer.addr), addr: peer.addr });
    printLine(`us →  ${label(nameOf, peer.addr)} does not support v2: dialled again as v1`);
  });
  node.on('established', print);
  node.on('ended', print);
}

/** Inbound peers are identified by their port; only the accepting end of the node's connection to itself has no name. */
const label = (nameOf: NameOf, addr: string): string => (nameOf(addr) ?? 'self (in)').padEnd(15);

function progressLine(name: string, path: readonly string[], peer: PeerInfo, paint: Paint): string {
  const { lastreason } = peer;
  const over = lastreason && peer.state !== 'established' ? ` ${lastreason.code}` : '';
  const colour = over === '' ? 'green' : peer.state === 'closed' ? 'cyan' : 'red';
  const arrow = peer.inbound ? '→ us' : 'us →';
  const session =
    over === '' && peer.session_id ? paint('dim', ` v2 session ${peer.session_id.slice(0, 16)}…`) : '';
  return `${arrow}  ${paint('bold', name)} ${path.slice(0, -1).join(' → ')} → ${paint(colour, `${path.at(-1)}${over}`)}${session}`;
}

function printOutcomes(outcomes: readonly Outcome[], out: Output): void {
  for (const { scenario, peer, asExpected } of outcomes) {
    out.event('outcome', { name: scenario.name, expected: scenario.expected, asExpected, peer });
  }
  for (const line of tabulated(columns, outcomes, out.columns)) out.answer(line);
  const expected = outcomes.filter((outcome) => outcome.asExpected).length;
  const verdict = `${expected} of ${outcomes.length} connections ended as expected`;
  out.answer(out.paint(expected === outcomes.length ? 'green' : 'red', verdict));
}

const of =
  (show: (peer: PeerInfo) => string) =>
  ({ peer }: Outcome): string =>
    peer ? show(peer) : '';

const phase = (ms: number | undefined): string => (ms === undefined ? '' : duration(ms));

/** The reason code, with the facts that distinguish one timeout from another. */
function reasonOf({ state, lastreason }: PeerInfo): string {
  // The `lastreason` of an established peer belongs to the connection before this one.
  if (!lastreason || state === 'established') return '';
  const { awaited, dropped } = lastreason.facts;
  const missing = awaited === undefined ? '' : ` no ${awaited}`;
  return `${lastreason.code}${missing}${dropped === undefined ? '' : ` (dropped ${plain(String(dropped))})`}`;
}

const columns: readonly Column<Outcome>[] = [
  { head: '', cell: ({ asExpected }) => (asExpected ? '✓' : '✗') },
  { head: 'peer', cell: ({ scenario }) => scenario.name },
  { head: 'dir', cell: of((peer) => (peer.inbound ? 'in' : 'out')), drop: 10 },
  { head: 'state', cell: of((peer) => peer.state) },
  { head: 'reason', cell: of(reasonOf), minWidth: 36 },
  { head: 'v', cell: of((peer) => TRANSPORTS[peer.transport_protocol_type]), drop: 9 },
  {
    head: 'version',
    cell: of((peer) => (peer.version === 0 ? '' : String(peer.version))),
    align: 'right',
    drop: 7,
  },
  { head: 'user agent', cell: of((peer) => plain(peer.subver)), minWidth: 16, drop: 3 },
  { head: 'serv', cell: of((peer) => servicesLetters(peer.services)), drop: 2 },
  {
    head: 'negotiated',
    cell: of((peer) => peer.negotiated.map((word) => plain(word)).join(' ')),
    minWidth: 16,
    drop: 1,
  },
  { head: 'connect', cell: of((peer) => phase(peer.phases.connect)), align: 'right', drop: 4 },
  { head: '→version', cell: of((peer) => phase(peer.phases.version)), align: 'right', drop: 5 },
  { head: '→verack', cell: of((peer) => phase(peer.phases.verack)), align: 'right', drop: 6 },
  {
    head: 'ping',
    cell: of((peer) => (peer.pingtime === undefined ? '' : duration(peer.pingtime * 1_000))),
    align: 'right',
    drop: 8,
  },
];
