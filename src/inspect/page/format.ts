/** Numbers and times as text. */

/** `0.42 ms`, `12 ms`, `1.25 s`, `3 min`, `2 h`. */
export function span(ms: number): string {
  if (ms < 10) return `${ms.toFixed(2)} ms`;
  if (ms < 1_000) return `${Math.round(ms)} ms`;
  if (ms < 60_000) return `${(ms / 1_000).toFixed(ms < 10_000 ? 2 : 1)} s`;
  return ago(ms);
}

/** Whole seconds, minutes or hours, for times that count up or down. */
export function ago(ms: number): string {
  const s = Math.max(0, Math.floor(ms / 1_000));
  if (s < 120) return `${s} s`;
  return s < 7_200 ? `${Math.floor(s / 60)} min` : `${Math.floor(s / 3_600)} h`;
}

/** A delay as in the charts: `60 s`, `5 min`, `1500 ms`. */
export function timeLabel(ms: number): string {
  if (ms >= 120_000 && ms % 60_000 === 0) return `${ms / 60_000} min`;
  return ms >= 1_000 && ms % 1_000 === 0 ? `${ms / 1_000} s` : `${ms} ms`;
}

/** `14:03:27.250`, by this machine's clock. */
export function clock(at: number): string {
  const when = new Date(at);
  return `${when.toTimeString().slice(0, 8)}.${String(when.getMilliseconds()).padStart(3, '0')}`;
}

export const number = (value: number): string => value.toLocaleString('en');

export const bytes = (count: number): string => `${number(count)} ${count === 1 ? 'byte' : 'bytes'}`;
