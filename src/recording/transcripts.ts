/** What a node's peers and it said to each other, session by session, as dialogues: what `verack replay` prints. */
import { REASONS } from '../reasons.js';
import type { Clock } from '../net/environment.js';
import type { BitcoinNode } from '../node/node.js';
import type { PeerInfo } from '../node/peerinfo.js';
import { sanitize } from '../wire/index.js';
import type { TranscriptLine } from '../conformance/transcript.js';
import { type AnnotatedField, fieldsOf } from '../decode/fields.js';

/** A remark with what was in its message. */
export interface SessionLine extends TranscriptLine {
  readonly command?: string;
  /** Bytes of the payload. */
  readonly size?: number;
  /** Absent for a payload above {@link MOST_BYTES}. */
  readonly fields?: readonly AnnotatedField[];
}

/** One connection from its beginning; `peer` is what was known last. */
export interface RecordedSession {
  readonly peer: PeerInfo;
  readonly scenes: readonly SessionLine[];
  /** Scenes that were left out at the end. */
  readonly left: number;
}

/** A payload up to this size is taken apart. */
const MOST_BYTES = 2_048;
/** Scenes of one session that are kept. */
export const MOST_SCENES = 400;
const MOST_TEXT = 72;

interface Account {
  readonly begin: number;
  readonly scenes: SessionLine[];
  left: number;
}

/** Tells of each session when it ends. */
export class SessionTranscripts {
  readonly #accounts = new Map<number, Account>();

  constructor(
    private readonly node: BitcoinNode,
    private readonly clock: Pick<Clock, 'now'>,
    private readonly told: (session: RecordedSession) => void,
  ) {
    node.peers.subscribe(({ type, peer }) => void (type === 'created' && this.#accountOf(peer.id)));
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
    for (const peer of this.node.peers.list()) this.#tell(peer);
  }

  #end(peer: PeerInfo): void {
    const { code, facts } = peer.lastreason ?? { code: 'ERR_LOCAL_CANCELLED', facts: {} };
    const again = facts.retry === 'v1' ? '; again as v1' : '';
    this.#note(peer.id, 'both', `${code}: ${REASONS[code].says}${again}`);
    this.#tell(peer);
  }

  #tell(peer: PeerInfo): void {
    const { scenes, left } = this.#accountOf(peer.id);
    this.#accounts.delete(peer.id);
    this.told({ peer, scenes, left });
  }

  #accountOf(id: number): Account {
    const account = this.#accounts.get(id) ?? { begin: this.clock.now(), scenes: [], left: 0 };
    this.#accounts.set(id, account);
    return account;
  }

  #note(id: number, side: SessionLine['side'], text: string, more: Partial<SessionLine> = {}): void {
    const account = this.#accountOf(id);
    if (account.scenes.length >= MOST_SCENES) return void account.left++;
    const at = Math.round((this.clock.now() - account.begin) * 1_000) / 1_000;
    account.scenes.push({ at, conn: '', side, text, ...more });
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

/** A message as a scene. */
export function said(
  direction: 'sent' | 'received',
  command: string,
  payload: Uint8Array,
): Omit<SessionLine, 'at' | 'conn'> {
  const size = payload.length;
  const fields = size > MOST_BYTES ? undefined : fieldsOf(command, payload, 0);
  const side = direction === 'sent' ? 'tester' : 'node';
  const text = brief(sanitize(command, 12), size, fields ?? []);
  return { side, text, command, size, ...(fields && { fields }) };
}

function brief(command: string, size: number, fields: readonly AnnotatedField[]): string {
  const said = command === 'version' ? whoTheyAre(fields) : fields.slice(0, 2).map(named);
  const words = said.filter((word) => word !== '');
  const whole = words.length === 0 && size > 0 ? `${command} (${size} bytes)` : [command, ...words].join(' ');
  return whole.length > MOST_TEXT ? `${whole.slice(0, MOST_TEXT - 1)}…` : whole;
}

const named = ({ name, value }: AnnotatedField): string => (value === '' ? '' : `${name}=${value}`);

const whoTheyAre = (fields: readonly AnnotatedField[]): string[] =>
  fields.filter(({ name }) => name === 'version' || name === 'user_agent').map(({ value }) => value);
