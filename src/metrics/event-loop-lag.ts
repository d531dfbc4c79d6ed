/** Measures the delay of the timers of this process, twice a second. */

/** Milliseconds between two measurements. */
const INTERVAL = 500;
/** The number of measurements for `longest`: those of ten seconds. */
const KEPT = 20;

/** A running measurement. Its timer does not keep the process alive. */
export class EventLoopLag {
  readonly #timer: NodeJS.Timeout;
  readonly #latest: number[] = [];
  #measuredat = performance.now();

  /** `measured` is called with each delay, in seconds. */
  constructor(private readonly measured: (seconds: number) => void) {
    this.#timer = setInterval(() => this.#measure(), INTERVAL).unref();
  }

  /** The longest delay of the last ten seconds, in seconds, including a delay that has not ended. */
  get longest(): number {
    return Math.max(this.#delay(performance.now()), ...this.#latest);
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  #measure(): void {
    const now = performance.now();
    const delay = this.#delay(now);
    this.#measuredat = now;
    this.#latest.push(delay);
    if (this.#latest.length > KEPT) this.#latest.shift();
    this.measured(delay);
  }

  #delay(now: number): number {
    return Math.max(0, now - this.#measuredat - INTERVAL) / 1_000;
  }
}
