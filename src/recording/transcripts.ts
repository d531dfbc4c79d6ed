/** Builds a transcript of each session (connection) of a node, as `verack replay` prints it. */
import { type BitcoinNode, type PeerInfo, REASONS } from '../index.js';
import type { Clock } from '../net/index.js';
import { sanitize } from '../wire/index.js';
import type { TranscriptLine } from '../conformance/transcript.js';
import { type AnnotatedField, fieldsOf } from '../decode/fields.js';

/** A line of a transcript, with the fields of its message. */
export interface SessionLine extends TranscriptLine {
  readonly command?: string;
  /** Size of the payload in bytes. */
  readonly size?: number;
  /** Absent for a payload above {@link MAX_PAYLOAD_BYTES}. */
  readonly fields?: readonly AnnotatedField[];
}

/** One connection. `peer` is its last state. */
export interface RecordedSession {
  readonly peer: PeerInfo;
  readonly entries: readonly SessionLine[];
  /** The number of further lines that were not kept. */
  readonly left: number;
}

/** The largest payload, in bytes, whose fields are shown. */
const MAX_PAYLOAD_BYTES = 2_048;
/** Lines of one session that are kept; further ones are counted. */
export const MAX_LINES = 400;
const MAX_TEXT = 72;

interface SessionLog {
  readonly begin: number;
  readonly entries: SessionLine[];
  left: number;
}

/** Reports each session when it ends. */
export class SessionTranscripts {
  readonly #logs = new Map<number, SessionLog>();

  constructor(
    private readonly node: BitcoinNode,
    private readonly clock: Pick<Clock, 'now'>,
    private readonly report: (session: RecordedSession) => void,
  ) {
    node.peers.subscribe(({ type, peer }) => void (type === 'created' && this.#logOf(peer.id)));
    node.on('transition', ({ id, from, to }) => {
      this.#note(id, 'both', `${from} → ${to}`);
      if (from === 'connecting') this.#noteTransport(id);
    });
    node.on('message', ({ id, direction, command, payload }) =>
      this.#noteMessage(id, direction, command, payload),
    );
    node.on('dropped', ({ id, code, command }) =>
      this.#note(id, 'both', `dropped ${sanitize(command, 12)}: ${code}`),
    );
    node.on('fallback', (peer) => this.#end(peer));
    node.on('ended', (peer) => this.#end(peer));
  }

  /** Reports the sessions that have not ended. */
  rest(): void {
    for (const peer of this.node.peers.list()) this.#report(peer);
  }

  #end(peer: PeerInfo): void {
    const { code, facts } = peer.lastreason ?? { code: 'ERR_LOCAL_CANCELLED', facts: {} };
    const again = facts.retry === 'v1' ? '; dialled again as v1' : '';
    this.#note(peer.id, 'both', `${code}: ${REASONS[code].says}${again}`);
    this.#report(peer);
  }

  #report(peer: PeerInfo): void {
    const { entries, left } = this.#logOf(peer.id);
    this.#logs.delete(peer.id);
    this.report({ peer, entries, left });
  }

  #logOf(id: number): SessionLog {
    const log = this.#logs.get(id) ?? { begin: this.clock.now(), entries: [], left: 0 };
    this.#logs.set(id, log);
    return log;
  }

  #note(id: number, side: SessionLine['side'], text: string, more: Partial<SessionLine> = {}): void {
    const log = this.#logOf(id);
    if (log.entries.length >= MAX_LINES) return void log.left++;
    const at = Math.round((this.clock.now() - log.begin) * 1_000) / 1_000;
    log.entries.push({ at, conn: '', side, text, ...more });
  }

  #noteTransport(id: number): void {
    const peer = this.node.peers.get(id);
    if (peer?.session_id) this.#note(id, 'both', `v2, session ${peer.session_id}`);
  }

  #noteMessage(id: number, direction: 'sent' | 'received', command: string, payload: Uint8Array): void {
    const { side, text, ...more } = messageLine(direction, command, payload);
    this.#note(id, side, text, more);
  }
}

/** A line without its time and connection. */
export type MessageLine = Omit<SessionLine, 'at' | 'conn'>;

/** The line of a message: its command, its first fields, and all fields if the payload is not too large. */
export function messageLine(
  direction: 'sent' | 'received',
  command: string,
  payload: Uint8Array,
): MessageLine {
  const size = payload.length;
  const fields = size > MAX_PAYLOAD_BYTES ? undefined : fieldsOf(command, payload, 0);
  const side = direction === 'sent' ? 'tester' : 'node';
  const text = brief(sanitize(command, 12), size, fields ?? []);
  return { side, text, command, size, ...(fields && { fields }) };
}

function brief(command: string, size: number, fields: readonly AnnotatedField[]): string {
  const shown = command === 'version' ? versionSummary(fields) : fields.slice(0, 2).map(named);
  const words = shown.filter((word) => word !== '');
  const whole = words.length === 0 && size > 0 ? `${command} (${size} bytes)` : [command, ...words].join(' ');
  return whole.length > MAX_TEXT ? `${whole.slice(0, MAX_TEXT - 1)}…` : whole;
}

const named = ({ name, value }: AnnotatedField): string => (value === '' ? '' : `${name}=${value}`);

const versionSummary = (fields: readonly AnnotatedField[]): string[] =>
  fields.filter(({ name }) => name === 'version' || name === 'user_agent').map(({ value }) => value);
