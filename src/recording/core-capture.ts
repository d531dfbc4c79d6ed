/**
 * Reads what Bitcoin Core writes with `-capturemessages` (net.cpp: `CaptureMessageToFile`; contrib/message-capture): for
 * each address of a peer a folder `message_capture/<addr>_<port>`, colons as underscores, with `msgs_recv.dat` and
 * `msgs_sent.dat`. Connections of the same address and port follow one another there. Each message:
 *
 * | offset | size | field   |                                                     |
 * |--------|------|---------|-----------------------------------------------------|
 * | 0      | 8    | time    | microseconds since 1970-01-01 UTC, little-endian    |
 * | 8      | 12   | command | ASCII, padded with NUL                              |
 * | 20     | 4    | length  | of the payload, little-endian, at most 4,000,000    |
 * | 24     |      | payload | decrypted, if it came by BIP324                     |
 *
 * The file is untrusted: memory grows with the bytes that are there, never with a length that is claimed.
 */
import { COMMAND_SIZE, MAX_PAYLOAD, readCommand } from '../wire/index.js';

/** As the node that captured sees it. */
export type Direction = 'received' | 'sent';

export interface CapturedMessage {
  /** Microseconds since 1970-01-01 UTC. */
  readonly at: number;
  readonly direction: Direction;
  /** At most 12 characters of printable ASCII or DEL. */
  readonly command: string;
  readonly payload: Uint8Array;
  /** Of its first byte in its file. */
  readonly offset: number;
}

/** Where a file cannot be read on, and why. */
export interface CaptureFault {
  readonly direction: Direction;
  /** Of the message that is not whole, or none. */
  readonly offset: number;
  readonly why: string;
  /** The file ends inside that message: it is still written, or was cut off. Otherwise it is damaged. */
  readonly isCut: boolean;
}

export type CapturedMessages = AsyncGenerator<CapturedMessage, CaptureFault | undefined>;

/** A message between those of the other direction. */
export interface MergedMessage extends CapturedMessage {
  /** The other direction has broken off: what belongs before this one is not known. */
  readonly isAlone: boolean;
}

const COMMAND_AT = 8;
const LENGTH_AT = COMMAND_AT + COMMAND_SIZE;
const HEADER = LENGTH_AT + 4;
/** What the v2 transport lets pass; v1 ends at 0x7e. */
const LAST_CHARACTER = 0x7f;

/** The messages of one file, however its bytes are split. Ends with what is wrong, if anything is. */
export async function* messagesIn(bytes: AsyncIterable<Uint8Array>, direction: Direction): CapturedMessages {
  const supply = new ByteReader(bytes);
  try {
    for (let offset = 0; ;) {
      const header = await supply.take(HEADER);
      if (header.length === 0) return undefined;
      const claim = claimOf(header);
      const fault = (why: string, isCut: boolean): CaptureFault => ({ direction, offset, why, isCut });
      if (typeof claim === 'string') return fault(claim, header.length < HEADER);
      const payload = await supply.take(claim.length);
      if (payload.length < claim.length)
        return fault(`its payload ends after ${payload.length} of ${claim.length} bytes`, true);
      yield { at: claim.at, direction, command: claim.command, payload, offset };
      offset += HEADER + claim.length;
    }
  } finally {
    await supply.close();
  }
}

interface Claim {
  readonly at: number;
  readonly command: string;
  readonly length: number;
}

/** What a header says, or what is wrong with it. */
function claimOf(header: Uint8Array): Claim | string {
  if (header.length < HEADER) return `its header ends after ${header.length} of ${HEADER} bytes`;
  const view = new DataView(header.buffer, header.byteOffset);
  const at = Number(view.getBigUint64(0, true));
  const command = readCommand(header, COMMAND_AT, LAST_CHARACTER);
  const length = view.getUint32(LENGTH_AT, true);
  if (command === undefined) return 'it has no command';
  if (at > Number.MAX_SAFE_INTEGER) return 'its time is after the year 2255';
  if (length > MAX_PAYLOAD) return `it claims ${length} bytes, and no message has more than ${MAX_PAYLOAD}`;
  return { at, command, length };
}

/** Reads a byte stream by number of bytes. */
class ByteReader {
  readonly #source: AsyncIterator<Uint8Array>;
  #parts: Uint8Array[] = [];
  #size = 0;

  constructor(bytes: AsyncIterable<Uint8Array>) {
    this.#source = bytes[Symbol.asyncIterator]();
  }

  /** The next `count` bytes; fewer when there are no more. */
  async take(count: number): Promise<Uint8Array> {
    while (this.#size < count) {
      const step = await this.#source.next();
      if (step.done) break;
      this.#parts.push(step.value);
      this.#size += step.value.length;
    }
    return this.#cut(count);
  }

  async close(): Promise<void> {
    await this.#source.return?.();
  }

  #cut(count: number): Uint8Array {
    const all = this.#parts.length === 1 ? this.#parts[0]! : Buffer.concat(this.#parts);
    const rest = all.subarray(count);
    this.#parts = [rest];
    this.#size = rest.length;
    return all.subarray(0, count);
  }
}

/**
 * Both directions in the order of their times; of two with the same time the received one comes first, since what is
 * sent is mostly an answer. A time that goes back (a clock that was set) does not change the order within a direction.
 */
export async function* mergedByTime(
  received: CapturedMessages,
  sent: CapturedMessages,
): AsyncGenerator<MergedMessage, readonly CaptureFault[]> {
  const sides = [received, sent] as const;
  const heads = await Promise.all(sides.map((side) => side.next()));
  const [theirs, ours] = [0, 1] as const;
  try {
    for (;;) {
      const faults = heads.flatMap(({ done, value }) => (done && value ? [value] : []));
      const first = isFirst(heads[theirs]!, heads[ours]!) ? theirs : ours;
      const head = heads[first]!;
      if (head.done) return faults;
      yield { ...head.value, isAlone: faults.length > 0 };
      heads[first] = await sides[first].next();
    }
  } finally {
    for (const side of sides) await side.return(undefined);
  }
}

type Head = IteratorResult<CapturedMessage, unknown>;

const isFirst = (one: Head, other: Head): boolean =>
  !one.done && (other.done === true || one.value.at <= other.value.at);
