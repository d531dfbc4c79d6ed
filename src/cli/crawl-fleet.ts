/** `verack crawl --nats`: runs a worker of a fleet, or gives a coordinator contacts that workers make. */
import { randomBytes } from 'node:crypto';
import type { Contacts, OptOutList } from '../crawl/index.js';
import { VerackError } from '../index.js';
import { EXIT } from './exit-codes.js';
import type { Output } from './output.js';

export interface FleetFlags {
  readonly nats?: string;
  readonly natsCreds?: string;
}

/** Imported only when needed: it depends on optional packages. */
const load = () => import('../crawl/fleet/index.js');

const optionsOf = ({ nats = '', natsCreds }: FleetFlags) => ({ url: nats, credentials: natsCreds });

/** Reports a NATS server that cannot be reached and returns exit code 4; rethrows other errors. */
export async function orUnreachable(work: Promise<number>, out: Output): Promise<number> {
  try {
    return await work;
  } catch (error) {
    if (!(error instanceof VerackError) || error.code !== 'ERR_DIAL_REFUSED') throw error;
    out.failure(`the NATS server cannot be reached: ${error.message}`);
    return EXIT.unreachable;
  }
}

/** Runs a worker until it is interrupted; returns the exit code. */
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

/** Contacts that workers make. Also shares the list of opt-outs with the fleet until `signal` aborts. */
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
      out.failure(
        isStale ? `stale: no result for ${seconds} s; are workers running?` : 'results arrive again',
      ),
  });
}
