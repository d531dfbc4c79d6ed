/** Limits the lab commands of all pages together to {@link LAB_COMMANDS} per second. */

/** Most commands in one second. */
export const LAB_COMMANDS = 20;

/** Counts commands by second. */
export class LabCommandLimit {
  #second = 0;
  #count = 0;

  /** Counts a command. Returns whether it is within the limit. */
  count(): boolean {
    const second = Math.floor(performance.now() / 1_000);
    if (second !== this.#second) this.#count = 0;
    this.#second = second;
    this.#count += 1;
    return this.#count <= LAB_COMMANDS;
  }
}
