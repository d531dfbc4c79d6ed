/** A client of the page's feed that reads as the page does. */
import { once } from 'node:events';
import { WebSocket } from 'ws';
import type { Request, Update } from '../../src/inspect/page/feed-messages.js';
import { PageState } from '../../src/inspect/page/page-state.js';
import type { Relay } from '../../src/inspect/inspector-server.js';

export class FeedReader {
  /** The state of the page. */
  readonly state = new PageState();
  /** Received frames. */
  updates = 0;

  private constructor(readonly socket: WebSocket) {
    socket.on('message', (data: Buffer) => {
      this.updates += 1;
      this.state.apply(JSON.parse(data.toString()) as Update);
    });
    socket.on('error', () => undefined);
  }

  static async open(relay: Pick<Relay, 'url'>): Promise<FeedReader> {
    const { origin, host } = new URL(relay.url);
    const reader = new FeedReader(new WebSocket(`ws://${host}/feed`, { origin }));
    await once(reader.socket, 'open');
    return reader;
  }

  request(request: Request): void {
    this.socket.send(JSON.stringify(request));
  }

  async until(holds: (state: PageState) => boolean): Promise<void> {
    while (!holds(this.state)) await once(this.socket, 'message');
  }
}
