/** A fault that begins at a given frame: the frames before it pass unchanged. */
import { type Fault, withFault } from '../../src/net/faults/faults.js';
import type { Timers } from '../../src/net/timers.js';
import type { Link, Net } from '../../src/net/link.js';
import { LinkWrapper } from '../../src/net/faults/link-wrapper.js';

class DelayedFaultLink extends LinkWrapper {
  #left: number;

  constructor(
    readonly plain: Link,
    fault: Fault,
    after: number,
    timers: Timers,
  ) {
    super(withFault(plain, fault, timers));
    this.#left = after;
  }

  override write(frames: readonly Uint8Array[]): void {
    const passing = frames.slice(0, this.#left);
    const faulty = frames.slice(this.#left);
    this.#left -= passing.length;
    if (passing.length > 0) this.plain.write(passing);
    if (faulty.length > 0) this.inner.write(faulty);
  }
}

/** A net whose links have the fault from their frame number `after` on, counted from 0. */
export const netWithFaultFrom = (net: Net, fault: Fault, after: number, timers: Timers): Net => ({
  dial: (to, handler) =>
    net.dial(to, {
      opened: (link) => handler.opened(new DelayedFaultLink(link, fault, after, timers)),
      failed: (code, facts) => handler.failed(code, facts),
    }),
  listen: (at, accepted) =>
    net.listen(at, (link) => accepted(new DelayedFaultLink(link, fault, after, timers))),
});
