/** `verack listen`: accepts connections and reports each handshake. */
import { Option } from 'commander';
import { openListeners, printListening } from './listening.js';
import { nodeNetOf } from './node-net.js';
import { chainOf, nodeOptionsOf } from './node-options.js';
import { MAX_INBOUND, type NodeOptions } from '../index.js';
import { bansOf } from './banlist-option.js';
import { slotsThatFit } from './open-file-limit.js';
import { EXIT, Usage } from './exit-codes.js';
import {
  addressBookOptions,
  admissionOptions,
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
import { SystemdNotifier } from './systemd-notify.js';
import { showStatus } from './status-line.js';
import { peerTable } from './peer-table.js';
import { passed, tableOf } from './run-duration.js';
import { seconds } from './option-values.js';
import { i2pListenOptions, i2pOptions } from './proxy-options.js';
import type { Invocation, CliCommand } from './command.js';
import { printNode } from './node-output.js';

export const listenCommand: CliCommand = {
  name: 'listen',
  about: 'accept connections, with fault injection',
  details:
    'Listens on 127.0.0.1 unless --bind is given (Core listens on all interfaces: --bind 0.0.0.0 --bind [::]). Prints to ' +
    'stdout the address that it listens on and then, without --quiet, a line for each handshake that completes. Peers that ' +
    'ask for addresses get some of the address book of --datadir, and addresses that peers send are added to it.',
  appendix: FAULT_HELP,
  examples: [
    ['verack listen --regtest', 'then: bitcoin-cli -regtest addnode 127.0.0.1:18444 onetry'],
    ['verack listen --regtest --port 0 --json', 'any free port; NDJSON for a program'],
    [
      'verack listen --regtest --fault no-verack --peertimeout 5',
      'find out how long the dialling node waits for verack',
    ],
  ],
  operands: [],
  options: [
    ...bindOptions(),
    valued('--for <seconds>', 'exit cleanly after this time', seconds),
    ...switched('--table', 'print a table like -netinfo at the end'),
    // Core's option that implies this verb; its negation is refused with a hint.
    ...['--listen', '--no-listen'].map((flags) => new Option(flags).hideHelp()),
    ...chainOptions(),
    ...addressBookOptions(),
    ...slotOptions(`most peers at a time; default ${MAX_INBOUND}`),
    ...sourceLimitOptions(),
    ...i2pOptions(),
    ...i2pListenOptions(),
    ...admissionOptions(),
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

async function run({ flags, out, env, interrupted }: Invocation): Promise<number> {
  if (flags.listen === false)
    throw new Usage('-listen=0 contradicts verack listen; verack connect HOST dials without listening');
  const maxinbound = slotsThatFit(flags.maxconnections ?? MAX_INBOUND, out);
  const limits = { maxinbound, maxoutbound: 0, ...inboundOptionsOf(flags, out) };
  const { chain, ...common } = nodeOptionsOf(flags);
  const { proxied, options: net } = await nodeNetOf({ flags, env }, chain);
  const { keptAddressBook } = await import('./kept-address-book.js');
  const kept = await keptAddressBook(flags, chainOf(flags), out);
  const options = { chain, ...common, ...net, ...limits, addressBook: kept.book };
  const { node, printPage, stop: stopNode } = await observedNode(flags, out, options);
  kept.begin();
  const stop = async (): Promise<void> => {
    await kept.end(node);
    await stopNode();
  };
  if (reportsPeers(flags, out)) printNode(node, out);
  printListening(node, out);
  if (!(await openListeners(node, flags, out, interrupted))) return EXIT.unreachable;
  const systemd = systemdNotifier(out);
  await systemd.ready('listening');
  printPage();
  const hideStatus = showStatus(node, out);
  await passed(flags.for, interrupted);
  const seen = flags.table ? tableOf(node) : [];
  await Promise.all([systemd.stopping(), stop()]);
  proxied.close();
  hideStatus();
  for (const line of peerTable(seen, out.columns)) out.answer(line);
  return EXIT.ok;
}

const systemdNotifier = (out: Output): SystemdNotifier =>
  new SystemdNotifier({
    env: process.env,
    failed: (code) => out.failure(`systemd is not notified: systemd-notify failed (${code})`),
  });

/** The options of the node for the limits, the whitelist and the bans that are given. */
function inboundOptionsOf(flags: Flags, out: Output): Partial<NodeOptions> {
  const { maxpending, maxpersource, acceptrate, pendingloopback, whitelist, reservedslots } = flags;
  return {
    ...(maxpending !== undefined && { maxpending }),
    ...(maxpersource !== undefined && { maxpersource }),
    ...(acceptrate !== undefined && { acceptrate }),
    ...(pendingloopback !== undefined && { pendingloopback }),
    ...(whitelist && { whitelist }),
    ...(reservedslots !== undefined && { reservedslots }),
    bans: bansOf(flags, chainOf(flags), out),
  };
}

/** With `--quiet` only the address that the node listens on is printed. */
const reportsPeers = ({ quiet }: Flags, out: Output): boolean => !quiet || out.json || out.log !== 'pretty';
