/** `verack listen`: accepts connections and reports each handshake. */
import { Option } from 'commander';
import { type Endpoint, formatEndpoint } from '../net/index.js';
import { type BitcoinNode, MAX_PENDING, VerackError } from '../index.js';
import { chainOf, nodeOptionsOf } from './node-options.js';
import { slotsThatFit } from './open-file-limit.js';
import { EXIT, Usage } from './exit-codes.js';
import {
  addressBookOptions,
  bindOptions,
  chainOptions,
  FAULT_HELP,
  identityOptions,
  faultOptions,
  logOption,
  observerOptions,
  outputOptions,
  recordOptions,
  sourceLimitOptions,
  slotOptions,
  switched,
  timeOptions,
  transportOptions,
  valued,
  type Flags,
} from './options.js';
import { observedNode } from './inspect-and-metrics.js';
import type { Output } from './output.js';
import { showStatus } from './status-line.js';
import { peerTable } from './peer-table.js';
import { passed, tableOf } from './run-duration.js';
import { seconds } from './option-values.js';
import type { Invocation, CliCommand } from './command.js';
import { printNode } from './node-output.js';

/** Core's 125 slots without its 11 outbound ones. */
const SLOTS = 114;
const LOOPBACK = '127.0.0.1';

export const listenCommand: CliCommand = {
  name: 'listen',
  about: 'accept connections, with fault injection',
  details:
    'Listens on 127.0.0.1 unless --bind says otherwise (Core would listen on every interface: --bind 0.0.0.0 --bind [::]). ' +
    'The address it listens on goes to stdout, then, without --quiet, a line for each handshake that completes. Peers that ask ' +
    'for addresses get some of the address book of --datadir, which their own addresses go into.',
  appendix: FAULT_HELP,
  examples: [
    ['verack listen --regtest', 'then: bitcoin-cli -regtest addnode 127.0.0.1:18444 onetry'],
    ['verack listen --regtest --port 0 --json', 'any free port, as NDJSON for a program'],
    [
      'verack listen --regtest --fault no-verack --peertimeout 5',
      'how long does the dialling node wait for verack?',
    ],
  ],
  operands: [],
  options: [
    ...bindOptions(),
    valued('--for <seconds>', 'end in order after this time', seconds),
    ...switched('--table', 'print a table like -netinfo at the end'),
    // Core's option for this verb, and its negation, which is refused.
    ...['--listen', '--no-listen'].map((flags) => new Option(flags).hideHelp()),
    ...chainOptions(),
    ...addressBookOptions(),
    ...slotOptions(`most peers at a time; default ${SLOTS}`),
    ...sourceLimitOptions(),
    ...transportOptions(),
    ...timeOptions(),
    ...identityOptions(),
    ...outputOptions(),
    logOption(),
    ...observerOptions(),
    ...recordOptions(),
    ...faultOptions(),
  ],
  isOneShot: () => false,
  run,
};

async function run({ flags, out, interrupted }: Invocation): Promise<number> {
  if (flags.listen === false)
    throw new Usage('listen has nothing to do with -listen=0: verack connect HOST dials without listening');
  const { maxconnections = SLOTS, maxpending = MAX_PENDING, pendingloopback = false } = flags;
  const maxinbound = slotsThatFit(maxconnections, out);
  const limits = { maxinbound, maxoutbound: 0, maxpending, pendingloopback };
  const { keptAddressBook } = await import('./kept-address-book.js');
  const kept = await keptAddressBook(flags, chainOf(flags), out);
  const options = { ...nodeOptionsOf(flags), ...limits, addressBook: kept.book };
  const { node, stop: stopNode } = await observedNode(flags, out, options);
  kept.begin();
  const stop = async (): Promise<void> => {
    await kept.end(node);
    await stopNode();
  };
  const port = flags.port ?? node.chain.port;
  if (reportsPeers(flags, out)) printNode(node, out);
  node.on('listening', (at) => {
    out.answer(`listening on ${formatEndpoint(at)}`);
    out.event('listening', { addr: formatEndpoint(at), ...at });
  });
  const wanted = (flags.bind ?? [{ host: LOOPBACK, port }]).map(({ host, port: own }) => ({
    host,
    port: own < 0 ? port : own,
  }));
  if (!(await isOpen(node, wanted, (line) => out.failure(line)))) return EXIT.unreachable;
  const hideStatus = showStatus(node, out);
  await passed(flags.for, interrupted);
  const seen = flags.table ? tableOf(node) : [];
  await stop();
  hideStatus();
  for (const line of peerTable(seen, out.columns)) out.answer(line);
  return EXIT.ok;
}

/** With `--quiet` the address is the only result. */
const reportsPeers = ({ quiet }: Flags, out: Output): boolean => !quiet || out.json || out.log !== 'pretty';

/** Opens every listener, or none. */
async function isOpen(
  node: BitcoinNode,
  wanted: readonly Endpoint[],
  fail: (line: string) => void,
): Promise<boolean> {
  try {
    for (const endpoint of wanted) await node.listen(endpoint);
    return true;
  } catch (error) {
    if (!(error instanceof VerackError && /^ERR_LOCAL_(ADDRESS|LIMIT)$/.test(error.code))) throw error;
    await node.stop();
    fail(`${error.code} ${formatEndpoint(endpointOf(error))} — ${causeOf(error)}`);
    return false;
  }
}

const endpointOf = ({ facts }: VerackError): Endpoint => ({
  host: String(facts.host),
  port: Number(facts.port),
});

/** The cause, and what to try. */
function causeOf(error: VerackError): string {
  const { host, port } = endpointOf(error);
  const { syscode = 'unknown' } = error.facts;
  if (syscode === 'EADDRINUSE') return `port ${port} is in use; pick another with --port, or 0 for any`;
  if (syscode === 'EACCES')
    return `port ${port} needs a permission that this user lacks; pick one from 1024 on with --port`;
  if (syscode === 'EADDRNOTAVAIL') return `this machine has no address ${host}; pick another with --bind`;
  return `the system refused (${syscode}); pick another address with --bind`;
}
