/** Nets whose links all misbehave in the same way, dialled and accepted ones alike. */
import { systemTimers, type Timers } from '../timers.js';
import { type Fault, withFault } from './faults.js';
import type { Net } from '../link.js';

/** `timers` paces the faults that need time (`split`, `slow`). */
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

/** Faults of pace: of bytes, not of frames, so BIP324 does not hide from them. */
export const isPace = ({ name }: Fault): boolean => name === 'split' || name === 'slow';

/** The net, misbehaving in every way that is asked for. Faults of pace go innermost: the others need whole frames. */
export function netWithFault(net: Net, faults: readonly Fault[], timers: Timers = systemTimers): Net {
  const outwards = [...faults.filter(isPace), ...faults.filter((fault) => !isPace(fault))];
  return outwards.reduce<Net>((inner, fault) => faultyNet(inner, fault, timers), net);
}
