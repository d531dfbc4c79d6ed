/** The line to the node: opened again when it breaks. */
import type { Request, Update } from './feed-messages.js';

/** Between two tries, milliseconds. */
const RETRY = 2_000;

export interface Listener {
  opened(): void;
  lost(): void;
  told(update: Update): void;
}

export class FeedSocket {
  #socket: WebSocket | undefined;

  constructor(private readonly listener: Listener) {
    this.#open();
  }

  /** Says something, if the line is open. */
  send(request: Request): void {
    if (this.#socket?.readyState === WebSocket.OPEN) this.#socket.send(JSON.stringify(request));
  }

  #open(): void {
    const socket = new WebSocket(`ws://${location.host}/feed`);
    this.#socket = socket;
    socket.addEventListener('open', () => this.listener.opened());
    socket.addEventListener('message', ({ data }) => this.listener.told(JSON.parse(String(data)) as Update));
    socket.addEventListener('close', () => {
      this.listener.lost();
      setTimeout(() => this.#open(), RETRY);
    });
  }
}
