/** The fleet's half of `verack crawl`: a worker, or the contacts of a coordinator. */
import { randomBytes } from 'node:crypto';
import type { Contacts, OptOutList } from '../crawl/index.js';
import { VerackError } from '../index.js';
import { EXIT } from './exit-codes.js';
import type { Output } from './output.js';

export interface FleetFlags {
  readonly nats?: string;
  readonly natsCreds?: string;
}

/** Loaded when asked for: it needs packages that may be missing. */
const load = () => import('../crawl/fleet/index.js');

const optionsOf = ({ nats = '', natsCreds }: FleetFlags) => ({ url: nats, credentials: natsCreds });

/** Prints why there is no connection to the NATS server; other errors are thrown on. */
export async function orUnreachable(work: Promise<number>, out: Output): Promise<number> {
  try {
    return await work;
  } catch (error) {
    if (!(error instanceof VerackError) || error.code !== 'ERR_DIAL_REFUSED') throw error;
    out.failure(`no NATS server: ${error.message}`);
    return EXIT.unreachable;
  }
}

/** Works for a fleet until it is interrupted. */
export async function work(
  flags: FleetFlags,
  contacts: Contacts,
  { vantage, parallel }: { readonly vantage: string; readonly parallel: number },
  { out, interrupted }: { readonly out: Output; readonly interrupted: AbortSignal },
): Promise<number> {
  const { joinFleet, Worker } = await load();
  const fleet = await joinFleet(optionsOf(flags));
  const name = `${vantage.replace(/[^A-Za-z0-9_-]/g, '_')}-${randomBytes(4).toString('hex')}`;
  const worker = new Worker({ fleet, contacts, name, vantage, parallel, signal: interrupted });
  out.info(`worker ${name} takes jobs from ${flags.nats ?? ''}`);
  await worker.run();
  out.object({ worker: name, ...worker.status });
  return EXIT.ok;
}

/** Contacts that workers make; the list of opt-outs is shared with the fleet from now on. */
export async function fleetContacts(
  flags: FleetFlags,
  optOuts: { readonly entries: readonly string[]; readonly list: OptOutList },
  out: Output,
  signal: AbortSignal,
): Promise<Contacts> {
  const { joinFleet, FleetContacts, shareOptOuts } = await load();
  const fleet = await joinFleet(optionsOf(flags));
  await shareOptOuts(fleet, optOuts.entries, optOuts.list, signal);
  return new FleetContacts({
    fleet,
    stale: (isStale, seconds) =>
      out.failure(isStale ? `stale: no result for ${seconds} s; are workers running?` : 'results come again'),
  });
}
