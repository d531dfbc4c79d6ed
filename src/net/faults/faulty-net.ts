/** Nets that inject the same faults into all their links, dialled and accepted ones. */
import { systemTimers, type Timers } from '../timers.js';
import { type Fault, withFault } from './faults.js';
import type { Net } from '../link.js';

/** Wraps all links of `net` with a fault. `timers`: for the faults that need time (`split`, `slow`). */
export const faultyNet = (net: Net, fault: Fault, timers: Timers = systemTimers): Net => ({
  dial: (to, handler) =>
    net.dial(to, {
      opened: (link) => handler.opened(withFault(link, fault, timers)),
      failed: (code, facts) => handler.failed(code, facts),
    }),
  listen: (at, accepted, failed) =>
    net.listen(at, (link) => accepted(withFault(link, fault, timers)), failed),
  ...(net.timeoutOf && { timeoutOf: (host, timeout) => net.timeoutOf!(host, timeout) }),
});

/** Whether a fault changes the timing of bytes and not frames: such a fault works with BIP324 too. */
export const isTimingFault = ({ name }: Fault): boolean => name === 'split' || name === 'slow';

/** Wraps all links of `net` with several faults. Timing faults are innermost, because the others need whole frames. */
export function netWithFault(net: Net, faults: readonly Fault[], timers: Timers = systemTimers): Net {
  const outwards = [...faults.filter(isTimingFault), ...faults.filter((fault) => !isTimingFault(fault))];
  return outwards.reduce<Net>((inner, fault) => faultyNet(inner, fault, timers), net);
}
