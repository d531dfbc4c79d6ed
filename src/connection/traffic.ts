/**
 * Counts the bytes of one link, in total and by command, and when they were last sent and received. Memory is bounded:
 * commands outside the message table are counted together as `*other*`, as in Bitcoin Core.
 */
import { isKnownCommand } from '../wire/index.js';

const OTHER = '*other*';

/**
 * Bytes or messages by key: key, count, key, count and so on. A peer uses a few commands, and a `Map` of six takes three times the
 * memory of this list.
 */
type Counts = (string | number)[];

const NONE: Counts = [];

export class Traffic {
  bytessent = 0;
  bytesrecv = 0;
  /** Timestamps on the node's clock, milliseconds; the time at which the link opened, until something is sent or received. */
  lastsend: number;
  lastrecv: number;
  #sent = NONE;
  #received = NONE;
  #dropped = NONE;

  constructor(at: number) {
    this.lastsend = at;
    this.lastrecv = at;
  }

  /** Bytes sent, by command. A copy, as the other two are. */
  get sent(): Record<string, number> {
    return recordOf(this.#sent);
  }

  /** Bytes received, by command. */
  get received(): Record<string, number> {
    return recordOf(this.#received);
  }

  /** Number of dropped messages, by reason code. */
  get dropped(): Record<string, number> {
    return recordOf(this.#dropped);
  }

  addSent(command: string, bytes: number): void {
    this.#sent = add(this.#sent, command, bytes);
    this.bytessent += bytes;
  }

  addReceived(command: string, bytes: number): void {
    this.#received = add(this.#received, isKnownCommand(command) ? command : OTHER, bytes);
  }

  /** Counts a BIP324 packet without a message, of `bytes` bytes. */
  addDecoy(bytes: number): void {
    this.#received = add(this.#received, OTHER, bytes);
  }

  addDropped(code: string, bytes: number): void {
    if (bytes > 0) this.addDecoy(bytes);
    this.#dropped = add(this.#dropped, code, 1);
  }
}

/** The counts with the sum; a new list, without room to grow, where the key is new. */
function add(counts: Counts, key: string, by: number): Counts {
  const at = counts.indexOf(key) + 1;
  if (at === 0) return counts.concat(key, by);
  counts[at] = (counts[at] as number) + by;
  return counts;
}

function recordOf(counts: Counts): Record<string, number> {
  const record: Record<string, number> = {};
  for (let i = 0; i < counts.length; i += 2) record[counts[i] as string] = counts[i + 1] as number;
  return record;
}
