/**
 * Reads the files that Bitcoin Core writes with `-capturemessages` (net.cpp: `CaptureMessageToFile`; contrib/message-capture):
 * for each address of a peer a directory `message_capture/<addr>_<port>`, with `_` for `:`, that contains `msgs_recv.dat` and
 * `msgs_sent.dat`. Successive connections with the same address and port are in the same files. Each message:
 *
 * | offset | size | field   |                                                     |
 * |--------|------|---------|-----------------------------------------------------|
 * | 0      | 8    | time    | microseconds since 1970-01-01 UTC, little-endian    |
 * | 8      | 12   | command | ASCII, padded with NUL                              |
 * | 20     | 4    | length  | of the payload, little-endian, at most 4,000,000    |
 * | 24     |      | payload | decrypted, if it was received by BIP324             |
 *
 * The file is untrusted: memory grows with the bytes in the file, never with a length that a header claims.
 */
import { COMMAND_SIZE, MAX_PAYLOAD, readCommand } from '../wire/index.js';

/** The direction from the view of the capturing node. */
export type Direction = 'received' | 'sent';

/** A message of a capture. */
export interface CapturedMessage {
  /** Microseconds since 1970-01-01 UTC. */
  readonly at: number;
  readonly direction: Direction;
  /** At most 12 characters of printable ASCII or DEL. */
  readonly command: string;
  readonly payload: Uint8Array;
  /** The offset of its first byte in its file. */
  readonly offset: number;
}

/** Where reading a file had to stop, and why. */
export interface CaptureFault {
  readonly direction: Direction;
  /** The byte offset of the incomplete or invalid message. */
  readonly offset: number;
  /** One sentence without a full stop. */
  readonly why: string;
  /** True when the file ends inside the message (it is still being written, or was cut off); false when it is damaged. */
  readonly isCut: boolean;
}

/** The messages of one file; returns the fault at which reading stopped, if any. */
export type CapturedMessages = AsyncGenerator<CapturedMessage, CaptureFault | undefined>;

/** A message in the order of both directions. */
export interface MergedMessage extends CapturedMessage {
  /** Whether the file of the other direction has ended with a fault, so that messages before this one may be missing. */
  readonly isOneSided: boolean;
}

const COMMAND_AT = 8;
const LENGTH_AT = COMMAND_AT + COMMAND_SIZE;
const HEADER = LENGTH_AT + 4;
/** Core accepts commands up to this character over the v2 transport; over v1 only up to 0x7e. */
const LAST_CHARACTER = 0x7f;

/** Reads the messages of one file, with any split into chunks. Returns the fault at which it stopped, if any. */
export async function* messagesIn(bytes: AsyncIterable<Uint8Array>, direction: Direction): CapturedMessages {
  const reader = new ByteReader(bytes);
  try {
    for (let offset = 0; ;) {
      const header = await reader.take(HEADER);
      if (header.length === 0) return undefined;
      const claim = claimOf(header);
      const fault = (why: string, isCut: boolean): CaptureFault => ({ direction, offset, why, isCut });
      if (typeof claim === 'string') return fault(claim, header.length < HEADER);
      const payload = await reader.take(claim.length);
      if (payload.length < claim.length)
        return fault(`its payload ends after ${payload.length} of ${claim.length} bytes`, true);
      yield { at: claim.at, direction, command: claim.command, payload, offset };
      offset += HEADER + claim.length;
    }
  } finally {
    await reader.close();
  }
}

interface Claim {
  readonly at: number;
  readonly command: string;
  readonly length: number;
}

/** The fields of a header, or a sentence about its fault. */
function claimOf(header: Uint8Array): Claim | string {
  if (header.length < HEADER) return `its header ends after ${header.length} of ${HEADER} bytes`;
  const view = new DataView(header.buffer, header.byteOffset);
  const at = Number(view.getBigUint64(0, true));
  const command = readCommand(header, COMMAND_AT, LAST_CHARACTER);
  const length = view.getUint32(LENGTH_AT, true);
  if (command === undefined) return 'it has no command';
  if (at > Number.MAX_SAFE_INTEGER) return 'its time is after the year 2255';
  if (length > MAX_PAYLOAD)
    return `its header claims ${length} bytes, and no message has more than ${MAX_PAYLOAD}`;
  return { at, command, length };
}

/** Reads a given number of bytes at a time from a stream of chunks. */
class ByteReader {
  readonly #source: AsyncIterator<Uint8Array>;
  #parts: Uint8Array[] = [];
  #size = 0;

  constructor(bytes: AsyncIterable<Uint8Array>) {
    this.#source = bytes[Symbol.asyncIterator]();
  }

  /** The next `count` bytes; fewer at the end of the stream. */
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
 * Merges both directions by time. Of two messages with the same time the received one comes first, since most sent messages
 * are answers. If the time decreases because the clock was set, the order within a direction does not change.
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
      yield { ...head.value, isOneSided: faults.length > 0 };
      heads[first] = await sides[first].next();
    }
  } finally {
    for (const side of sides) await side.return(undefined);
  }
}

type Head = IteratorResult<CapturedMessage, unknown>;

const isFirst = (one: Head, other: Head): boolean =>
  !one.done && (other.done === true || one.value.at <= other.value.at);
