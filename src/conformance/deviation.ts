/** The errors that end a case. */

/** The node behaved differently from what the case expects. The message describes what was observed. */
export class Deviation extends Error {
  override readonly name = 'Deviation';
}

/** The case could not be run. The message gives the reason. */
export class CannotRun extends Error {
  override readonly name = 'CannotRun';
}
