/** Starts the servers of `--inspect` and `--metrics`. Their modules are imported only when needed. */
import type { Endpoint } from '../net/index.js';
import { type BitcoinNode, type NodeOptions, VerackError } from '../index.js';
import type { CrawlReport } from '../crawl/index.js';
import type { NodeMetrics } from '../metrics/index.js';
import type { Relay } from '../inspect/inspector-server.js';
import { Usage } from './exit-codes.js';
import { readTextFile } from './input-file.js';
import type { SocketPath } from './option-values.js';
import { v2OffNotice } from './node-options.js';
import type { Flags } from './options.js';
import type { Output } from './output.js';
import { type NodeRecorder, recorderOf } from './record-option.js';

type Wanted = Pick<Flags, 'inspect' | 'lab' | 'metrics' | 'metricstokenfile'>;

/** The servers that observe a node or a crawl. */
export interface Observers {
  /** Options for the node, to be merged into the others. */
  readonly options: Pick<NodeOptions, 'inspect'>;
  /** Observes a node. Call it before the node dials or listens. */
  follow(node: BitcoinNode): void;
  /** Observes a crawl. `resultAge` returns the seconds since the last result of a fleet. */
  followCrawl(read: () => CrawlReport, resultAge: () => number): void;
  /** Prints the address of the page again, if there is one: before the program waits, and after long output. */
  printPage(): void;
  close(): Promise<void>;
}

/** Opens the servers that the flags ask for, and prints the address of each. @throws Usage when one cannot be opened */
export async function observers({ inspect, lab = false, ...flags }: Wanted, out: Output): Promise<Observers> {
  const relay = inspect === undefined && !lab ? undefined : await inspector(inspect ?? 0, lab, out);
  const { metrics, metricstokenfile: file } = flags;
  const token = file === undefined ? undefined : tokenIn(file);
  const exporter = metrics === undefined ? undefined : await exporterAt(metrics, token, out);
  return {
    options: relay ? { inspect: relay.inspect } : {},
    follow: (node) => {
      relay?.observe(node);
      exporter?.follow(node);
    },
    followCrawl: (read, resultAge) => {
      relay?.observeCrawl(read);
      exporter?.followCrawl(read, resultAge);
    },
    printPage: () => relay && out.info(pageLine(relay)),
    close: async () => {
      await relay?.close();
      await exporter?.close();
    },
  };
}

/** A node with the observers and the recording that the flags ask for. */
export interface ObservedNode {
  readonly node: BitcoinNode;
  /** As {@link Observers.printPage}. */
  readonly printPage: () => void;
  /** Ends the node, the recording and the servers. */
  readonly stop: () => Promise<void>;
}

export async function observedNode(flags: Flags, out: Output, options: NodeOptions): Promise<ObservedNode> {
  const notice = v2OffNotice(flags);
  if (notice !== undefined) out.info(notice);
  const attached = await observers(flags, out);
  const recorder = await recording(flags, out, attached);
  const node = recorder.node({ ...options, ...attached.options });
  attached.follow(node);
  const stop = async (): Promise<void> => {
    await node.stop();
    await attached.close();
    recorder.close();
  };
  return { node, stop, printPage: () => attached.printPage() };
}

/** Opens the recording of `--record`, after all servers, so that a run that cannot start leaves no file. */
export async function recording(flags: Flags, out: Output, attached: Observers): Promise<NodeRecorder> {
  try {
    return await recorderOf(flags, out);
  } catch (error) {
    await attached.close();
    throw error;
  }
}

async function inspector(port: number, lab: boolean, out: Output): Promise<Relay> {
  const { startRelay } = await import('../inspect/inspector-server.js');
  const relay = await opened(
    startRelay({ port, lab }),
    `the inspector cannot listen on port ${port}`,
    '--inspect',
  );
  out.answer(pageLine(relay));
  out.event('inspector', { url: relay.url });
  return relay;
}

const pageLine = ({ url }: Relay): string => `page: ${url}`;

const MAX_TOKEN_FILE = 4_096;

/** What a client can send after `Bearer`: no spaces, and ASCII only. */
const TOKEN = /^[!-~]+$/;

/** The first line of a file. @throws Usage when no client could send it, or when the file cannot be read */
function tokenIn(file: string): string {
  const [token = ''] = readTextFile(file, MAX_TOKEN_FILE).split(/\r?\n/);
  if (token === '') throw new Usage('--metricstokenfile: the first line of the file is empty');
  if (!TOKEN.test(token))
    throw new Usage('--metricstokenfile: the first line of the file is not one word of ASCII characters');
  return token;
}

async function exporterAt(
  at: Endpoint | SocketPath,
  token: string | undefined,
  out: Output,
): Promise<Pick<Observers, 'follow' | 'followCrawl' | 'close'>> {
  const { crawlMetrics, nodeMetrics, Registry, startExporter } = await metricsModule();
  const registry = new Registry();
  let metrics: NodeMetrics | undefined;
  const place = 'path' in at ? at.path : `${at.host} port ${at.port}`;
  const what = `the metrics cannot be served on ${place}`;
  const exporter = await opened(
    startExporter({
      registry,
      ...at,
      ...(token !== undefined && { token }),
      health: () => metrics?.health(),
    }),
    what,
    '--metrics',
  );
  out.answer(`metrics at ${exporter.url}`);
  out.event('metrics', { url: exporter.url });
  if (exporter.warning !== undefined) out.info(`warning: ${exporter.warning}`);
  return {
    follow: (node) =>
      void (metrics = nodeMetrics(node, registry, {
        bytesBuffered: () => node.bytesBuffered,
        linesDropped: () => out.linesDropped,
      })),
    followCrawl: (read, resultAge) => crawlMetrics(() => ({ ...read(), resultAge: resultAge() }), registry),
    close: () => exporter.close(),
  };
}

/** prom-client is an optional dependency. */
async function metricsModule() {
  try {
    const { Registry } = await import('prom-client');
    return { Registry, ...(await import('../metrics/index.js')) };
  } catch (error) {
    if (!isMissing(error)) throw error;
    throw new Usage(
      'the metrics need the package prom-client, which is not installed; type "npm install prom-client@15", with -g if verack was installed with -g',
    );
  }
}

const isMissing = (error: unknown): boolean =>
  error instanceof Error &&
  'code' in error &&
  error.code === 'ERR_MODULE_NOT_FOUND' &&
  error.message.includes('prom-client');

/** Turns a failure to listen into a `Usage` that names the option for another port. */
async function opened<T>(server: Promise<T>, failure: string, option: string): Promise<T> {
  try {
    return await server;
  } catch (error) {
    if (!(error instanceof VerackError)) throw error;
    const why = String(error.facts.syscode);
    throw new Usage(`${failure} (${why}); give ${option} another port, or 0 for any free one`);
  }
}
