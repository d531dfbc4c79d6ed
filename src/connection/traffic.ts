/**
 * What went over one link: bytes and moments, in total and by command. Bounded: commands outside the message table are
 * counted together as `*other*`, as Bitcoin Core does.
 */
import { isKnownCommand } from '../wire/index.js';

const OTHER = '*other*';

const NONE: ReadonlyMap<string, number> = new Map();

export class Traffic {
  bytessent = 0;
  bytesrecv = 0;
  /** Moments on the node's clock; the time the link opened before anything moved. */
  lastsend: number;
  lastrecv: number;
  readonly sent = new Map<string, number>();
  readonly received = new Map<string, number>();
  /** Most peers never have one. */
  #dropped: Map<string, number> | undefined;

  constructor(at: number) {
    this.lastsend = at;
    this.lastrecv = at;
  }

  /** Messages dropped, by code. */
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

  /** A packet without a message (BIP324), of so many bytes. */
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
