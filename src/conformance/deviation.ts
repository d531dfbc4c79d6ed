/** Why a case does not pass. */

/** The node did something else than the case expects: one sentence about what was seen. */
export class Deviation extends Error {
  override readonly name = 'Deviation';
}

/** The case could not be run at all. */
export class CannotRun extends Error {
  override readonly name = 'CannotRun';
}
