/** Somebody who reads the feed of the page, as the page itself does. */
import { once } from 'node:events';
import { WebSocket } from 'ws';
import type { Request, Update } from '../../src/inspect/page/feed-messages.js';
import { PageState } from '../../src/inspect/page/page-state.js';
import type { Relay } from '../../src/inspect/inspector-server.js';

export class FeedReader {
  /** What the page would know now. */
  readonly state = new PageState();
  /** Frames that came. */
  updates = 0;

  private constructor(readonly socket: WebSocket) {
    socket.on('message', (data: Buffer) => {
      this.updates += 1;
      this.state.take(JSON.parse(data.toString()) as Update);
    });
    socket.on('error', () => undefined);
  }

  static async open(relay: Pick<Relay, 'url'>): Promise<FeedReader> {
    const { origin, host } = new URL(relay.url);
    const reader = new FeedReader(new WebSocket(`ws://${host}/feed`, { origin }));
    await once(reader.socket, 'open');
    return reader;
  }

  say(request: Request): void {
    this.socket.send(JSON.stringify(request));
  }

  async until(holds: (state: PageState) => boolean): Promise<void> {
    while (!holds(this.state)) await once(this.socket, 'message');
  }
}
