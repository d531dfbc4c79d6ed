/**
 * Why a mutant that no test notices is left alive. A place is the end of a file's name and patterns: of the line where the
 * mutation begins, of the code replaced (`was`) and of what stands there instead (`is`).
 */
export const REASONS = [];

export const UNEXPLAINED = 'not explained yet';
