/**
 * Counts the bytes of one link, in total and by command, and when they were last sent and received. Memory is bounded:
 * commands outside the message table are counted together as `*other*`, as in Bitcoin Core.
 */
import { isKnownCommand } from '../wire/index.js';

const OTHER = '*other*';

const NONE: ReadonlyMap<string, number> = new Map();

export class Traffic {
  bytessent = 0;
  bytesrecv = 0;
  /** Timestamps on the node's clock, milliseconds; the time at which the link opened, until something is sent or received. */
  lastsend: number;
  lastrecv: number;
  readonly sent = new Map<string, number>();
  readonly received = new Map<string, number>();
  /** Created on first use: for most peers no message is dropped. */
  #dropped: Map<string, number> | undefined;

  constructor(at: number) {
    this.lastsend = at;
    this.lastrecv = at;
  }

  /** Number of dropped messages, by reason code. */
  get dropped(): ReadonlyMap<string, number> {
    return this.#dropped ?? NONE;
  }

  addSent(command: string, bytes: number): void {
    add(this.sent, command, bytes);
    this.bytessent += bytes;
  }

  addReceived(command: string, bytes: number): void {
    add(this.received, isKnownCommand(command) ? command : OTHER, bytes);
  }

  /** Counts a BIP324 packet without a message, of `bytes` bytes. */
  addDecoy(bytes: number): void {
    add(this.received, OTHER, bytes);
  }

  addDropped(code: string, bytes: number): void {
    if (bytes > 0) add(this.received, OTHER, bytes);
    this.#dropped ??= new Map();
    add(this.#dropped, code, 1);
  }
}

const add = (counts: Map<string, number>, key: string, by: number): void => {
  counts.set(key, (counts.get(key) ?? 0) + by);
};
