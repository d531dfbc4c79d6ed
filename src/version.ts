/**
 * Name and version of this package. They are constants and not read from package.json, so that a bundled program needs no
 * other file; `test/layout.test.ts` checks that they are equal to package.json.
 */
export const NAME = 'verack';
/** The version of this package. */
export const VERSION = '0.1.0';
