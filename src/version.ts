/**
 * Name and version of this package. They are constants rather than read from package.json, so that a bundled program needs
 * no file beside it; `test/layout.test.ts` holds them equal to package.json.
 */
export const NAME = 'verack';
/** The version of this package. */
export const VERSION = '0.1.0';
