/** Transcripts of the sessions of a node, one per connection, as `verack replay` prints them. */
import { type BitcoinNode, type PeerInfo, REASONS } from '../index.js';
import type { Clock } from '../net/index.js';
import { sanitize } from '../wire/index.js';
import type { TranscriptLine } from '../conformance/transcript.js';
import { type AnnotatedField, fieldsOf } from '../decode/fields.js';

/** A line with the fields of its message. */
export interface SessionLine extends TranscriptLine {
  readonly command?: string;
  /** Bytes of the payload. */
  readonly size?: number;
  /** Absent for a payload above {@link MAX_PAYLOAD_BYTES}. */
  readonly fields?: readonly AnnotatedField[];
}

/** One connection from its beginning; `peer` is what was known last. */
export interface RecordedSession {
  readonly peer: PeerInfo;
  readonly entries: readonly SessionLine[];
  /** Lines that were left out at the end. */
  readonly left: number;
}

/** A payload up to this size is taken apart. */
const MAX_PAYLOAD_BYTES = 2_048;
/** Lines that are kept of one session. */
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
    node.on('message', ({ id, direction, command, payload }) => this.#say(id, direction, command, payload));
    node.on('dropped', ({ id, code, command }) =>
      this.#note(id, 'both', `dropped ${sanitize(command, 12)}: ${code}`),
    );
    node.on('fallback', (peer) => this.#end(peer));
    node.on('ended', (peer) => this.#end(peer));
  }

  /** Sessions that have not ended. */
  rest(): void {
    for (const peer of this.node.peers.list()) this.#report(peer);
  }

  #end(peer: PeerInfo): void {
    const { code, facts } = peer.lastreason ?? { code: 'ERR_LOCAL_CANCELLED', facts: {} };
    const again = facts.retry === 'v1' ? '; again as v1' : '';
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

  #say(id: number, direction: 'sent' | 'received', command: string, payload: Uint8Array): void {
    const { side, text, ...more } = said(direction, command, payload);
    this.#note(id, side, text, more);
  }
}

/** A message as a line of the transcript. */
export function said(
  direction: 'sent' | 'received',
  command: string,
  payload: Uint8Array,
): Omit<SessionLine, 'at' | 'conn'> {
  const size = payload.length;
  const fields = size > MAX_PAYLOAD_BYTES ? undefined : fieldsOf(command, payload, 0);
  const side = direction === 'sent' ? 'tester' : 'node';
  const text = brief(sanitize(command, 12), size, fields ?? []);
  return { side, text, command, size, ...(fields && { fields }) };
}

function brief(command: string, size: number, fields: readonly AnnotatedField[]): string {
  const said = command === 'version' ? versionSummary(fields) : fields.slice(0, 2).map(named);
  const words = said.filter((word) => word !== '');
  const whole = words.length === 0 && size > 0 ? `${command} (${size} bytes)` : [command, ...words].join(' ');
  return whole.length > MAX_TEXT ? `${whole.slice(0, MAX_TEXT - 1)}…` : whole;
}

const named = ({ name, value }: AnnotatedField): string => (value === '' ? '' : `${name}=${value}`);

const versionSummary = (fields: readonly AnnotatedField[]): string[] =>
  fields.filter(({ name }) => name === 'version' || name === 'user_agent').map(({ value }) => value);
