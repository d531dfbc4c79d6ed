/** `--record`: creates nodes that are recorded, and prints messages about the file. The recorder is imported only when needed. */
import { tcpNet } from '../net/index.js';
import { type BitcoinNode, createNode, type NodeOptions, type Reason, VerackError } from '../index.js';
import type { RecordingFile, RecordingFileOptions } from '../recording/recording-file.js';
import { netFaultsOf } from './node-options.js';
import { Usage } from './exit-codes.js';
import { type Flags, RECORD_LIMIT } from './options.js';
import type { Output } from './output.js';
import { plain } from './peer-lines.js';
import { systemCodeText } from './system-codes.js';

/** Creates nodes, recorded or not. */
export interface NodeRecorder {
  /** Creates a node as `createNode` does; it is recorded if --record is given. */
  node(options: NodeOptions): BitcoinNode;
  /** Completes the file and closes it. */
  close(): void;
}

const MEGABYTE = 1_000_000;

/** Without `--record`, the plain `createNode`. */
const UNRECORDED: NodeRecorder = { node: createNode, close: () => undefined };

/** Opens the file of `--record`. @throws Usage when it cannot be written */
export async function recorderOf(flags: Flags, out: Output): Promise<NodeRecorder> {
  const { record, recordLimit = RECORD_LIMIT, force = false } = flags;
  const shown = plain(record ?? '');
  if (record === undefined) return UNRECORDED;
  const broken = (reason: Reason): void => {
    const line = `the recording ${shown} is incomplete: ${causeOf(reason)}; the program continues`;
    if (reason.facts.limit === undefined) out.unwritten(line);
    else out.failure(line);
    out.event('recording', { file: record, reason });
  };
  const { recordedNode } = await import('../recording/record-and-replay.js');
  const file = await openFile(record, { limit: recordLimit * MEGABYTE, force, broken });
  return {
    node: (options) => {
      const faults = netFaultsOf(flags);
      const net = faults.length > 0 ? tcpNet() : (options.net ?? tcpNet());
      return recordedNode(file, { ...options, net }, faults);
    },
    close: () => {
      if (!file.isOpen) return;
      file.close();
      out.info(`${shown}: ${file.size} bytes; replay it with: verack replay ${shown}`);
    },
  };
}

async function openFile(path: string, options: RecordingFileOptions): Promise<RecordingFile> {
  const { RecordingFile } = await import('../recording/recording-file.js');
  try {
    return new RecordingFile(path, options);
  } catch (error) {
    if (!(error instanceof VerackError)) throw error;
    const advice =
      error.facts.syscode === 'EEXIST'
        ? 'give another file, or --force to overwrite it'
        : 'give another file';
    throw new Usage(`--record cannot write "${path}": ${causeOf(error)}; ${advice}`);
  }
}

function causeOf({ facts }: Pick<Reason, 'facts'>): string {
  if (facts.limit !== undefined) return `it reached --record-limit (${Number(facts.limit) / MEGABYTE} MB)`;
  return systemCodeText(String(facts.syscode));
}
