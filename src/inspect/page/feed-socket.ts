/** The WebSocket to the node. It reconnects when it is closed. */
import type { Request, Update } from './feed-messages.js';

/** Milliseconds between two attempts. */
const RETRY = 2_000;

export interface Listener {
  opened(): void;
  lost(): void;
  received(update: Update): void;
}

export class FeedSocket {
  #socket: WebSocket | undefined;

  constructor(private readonly listener: Listener) {
    this.#open();
  }

  /** Sends a request, if the socket is open. */
  send(request: Request): void {
    if (this.#socket?.readyState === WebSocket.OPEN) this.#socket.send(JSON.stringify(request));
  }

  #open(): void {
    const socket = new WebSocket(`ws://${location.host}/feed`);
    this.#socket = socket;
    socket.addEventListener('open', () => this.listener.opened());
    socket.addEventListener('message', ({ data }) =>
      this.listener.received(JSON.parse(String(data)) as Update),
    );
    socket.addEventListener('close', () => {
      this.listener.lost();
      setTimeout(() => this.#open(), RETRY);
    });
  }
}
