/**
 * The connection to NATS. The client libraries are loaded on demand; missing streams and buckets are created. The client
 * reconnects without limit, and publishing is repeated until the server has stored the message.
 */
import { setTimeout as wait } from 'node:timers/promises';
import type { JetStreamClient, JetStreamManager, ConsumerInfo } from '@nats-io/jetstream';
import type { KV } from '@nats-io/kv';
import type { NatsConnection } from '@nats-io/transport-node';
import { VerackError } from '../../index.js';
import { readInputFile, resolveHost } from '../../net/index.js';
import {
  ACK_WAIT,
  DUPLICATE_WINDOW,
  JOBS,
  LEASE_TTL,
  LEASES,
  OPT_OUTS,
  RESULT_AGE,
  RESULTS,
} from './names.js';

export interface FleetOptions {
  /** `nats://HOST[:PORT]` or `tls://…`, without secrets. */
  readonly url: string;
  /** The path of the credentials file. */
  readonly credentials?: string | undefined;
}

/** The parts of a NATS server that a fleet uses. */
export interface Fleet {
  readonly connection: NatsConnection;
  readonly js: JetStreamClient;
  readonly leases: KV;
  readonly optOuts: KV;
}

/** Delay between two attempts, milliseconds. */
const RETRY = 500;
const HOUR = 3_600;
const NANOS = 1e9;

const bad = (value: string, why: string): VerackError =>
  new VerackError('ERR_LOCAL_ARGUMENT', { value, why });

async function load() {
  try {
    const [transport, jetstream, kv] = await Promise.all([
      import('@nats-io/transport-node'),
      import('@nats-io/jetstream'),
      import('@nats-io/kv'),
    ]);
    return { ...transport, ...jetstream, ...kv };
  } catch {
    throw bad('--nats', 'it needs npm install @nats-io/transport-node @nats-io/jetstream @nats-io/kv');
  }
}

/** Bytes; the files that the NATS tools write have less than 2 kB. */
const MAX_CREDENTIALS = 65_536;

function credentialsIn(file: string): Uint8Array {
  try {
    return readInputFile(file, MAX_CREDENTIALS);
  } catch (error) {
    if (error instanceof VerackError) throw error;
    throw bad(file, `it cannot be read (${(error as NodeJS.ErrnoException).code ?? 'EIO'})`);
  }
}

/** The host in a URL, whose scheme may be missing. */
function hostIn(url: string): string {
  try {
    const { hostname } = new URL(url.includes('://') ? url : `nats://${url}`);
    return hostname.replace(/^\[|\]$/g, '');
  } catch {
    throw bad(url, 'it takes nats://HOST[:PORT]');
  }
}

/**
 * Connects to the server, and creates missing streams and buckets. The name is looked up first, because a look-up by the
 * client that gets no answer keeps the process from ending, and the client queries DNS for `.onion` names too.
 *
 * @throws VerackError `ERR_LOCAL_ARGUMENT` when the URL, the credentials or the client library are unusable, or the server's
 *   certificate is not trusted; `ERR_DIAL_REFUSED` when no server listens there; `ERR_DIAL_DNS` as `resolveHost`
 */
export async function joinFleet({ url, credentials }: FleetOptions): Promise<Fleet> {
  if (/\/\/[^/]*@/.test(url)) throw bad('--nats', 'no secrets on the command line: use --nats-creds FILE');
  const host = hostIn(url);
  // The networks of cloud providers have names under .internal, which are never the name of a peer.
  if (!host.endsWith('.internal')) await resolveHost(host);
  const nats = await load();
  const authenticator =
    credentials === undefined ? undefined : nats.credsAuthenticator(credentialsIn(credentials));
  let connection: NatsConnection;
  try {
    connection = await nats.connect({
      servers: url,
      maxReconnectAttempts: -1,
      reconnectTimeWait: RETRY,
      name: 'verack crawl',
      ...(authenticator && { authenticator }),
    });
  } catch (error) {
    throw connectionFailure(url, error);
  }
  const manager = await nats.jetstreamManager(connection);
  await makeStreams(manager, nats);
  const js = nats.jetstream(connection);
  const kv = new nats.Kvm(js);
  const leases = await kv.create(LEASES, { ttl: LEASE_TTL * 1_000 });
  return { connection, js, leases, optOuts: await kv.create(OPT_OUTS) };
}

/** Converts an error of the client: it reports a closed port by `code`, all other failures by the message. */
function connectionFailure(url: string, error: unknown): VerackError {
  const { message, cause } = error as Error;
  if ((cause as NodeJS.ErrnoException | undefined)?.code === 'ECONNREFUSED')
    return new VerackError('ERR_DIAL_REFUSED', { host: url });
  return bad(url, `the connection to the server failed: ${message.slice(0, 200)}`);
}

async function makeStreams(
  manager: JetStreamManager,
  { RetentionPolicy, StorageType, AckPolicy }: typeof import('@nats-io/jetstream'),
): Promise<void> {
  const duplicate_window = DUPLICATE_WINDOW * HOUR * NANOS;
  const storage = StorageType.File;
  await manager.streams.add({
    name: JOBS.stream,
    subjects: [JOBS.subject],
    storage,
    duplicate_window,
    retention: RetentionPolicy.Workqueue,
  });
  await manager.streams.add({
    name: RESULTS.stream,
    subjects: [RESULTS.subjects],
    storage,
    duplicate_window,
    max_age: RESULT_AGE * HOUR * NANOS,
  });
  const wanted: Partial<ConsumerInfo['config']> = {
    durable_name: JOBS.consumer,
    ack_policy: AckPolicy.Explicit,
    ack_wait: ACK_WAIT * NANOS,
    // So large that it limits nothing: each worker fetches only as many jobs as it can process.
    max_ack_pending: 100_000,
  };
  await manager.consumers.add(JOBS.stream, wanted);
}

/** Publishes a message, and repeats that until the server has stored it or `signal` aborts. `id` lets the server drop duplicates. */
export async function publish(
  { js }: Fleet,
  subject: string,
  message: object,
  id: string,
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    try {
      await js.publish(subject, JSON.stringify(message), { msgID: id });
      return;
    } catch {
      await wait(RETRY);
    }
  }
}

/** Runs `work` again each time it ends or fails, until `signal` aborts. */
export async function persist(signal: AbortSignal, work: () => Promise<void>): Promise<void> {
  while (!signal.aborted) {
    try {
      await work();
    } catch {
      // For example because the server is not reachable: it is tried again.
    }
    if (!signal.aborted) await wait(RETRY);
  }
}
