/** A fault that waits: the first frames pass as they are, then the link misbehaves. */
import { type Fault, withFault } from '../../src/net/faults/faults.js';
import type { Timers } from '../../src/net/timers.js';
import type { Link, Net } from '../../src/net/link.js';
import { LinkWrapper } from '../../src/net/faults/link-wrapper.js';

class Waiting extends LinkWrapper {
  #left: number;

  constructor(
    readonly honest: Link,
    fault: Fault,
    after: number,
    timers: Timers,
  ) {
    super(withFault(honest, fault, timers));
    this.#left = after;
  }

  override write(frames: readonly Uint8Array[]): void {
    const passing = frames.slice(0, this.#left);
    const struck = frames.slice(this.#left);
    this.#left -= passing.length;
    if (passing.length > 0) this.honest.write(passing);
    if (struck.length > 0) this.inner.write(struck);
  }
}

/** A net whose links misbehave from their frame number `after` on, counted from 0. */
export const strikingNet = (net: Net, fault: Fault, after: number, timers: Timers): Net => ({
  dial: (to, handler) =>
    net.dial(to, {
      opened: (link) => handler.opened(new Waiting(link, fault, after, timers)),
      failed: (code, facts) => handler.failed(code, facts),
    }),
  listen: (at, accepted) => net.listen(at, (link) => accepted(new Waiting(link, fault, after, timers))),
});
