/**
 * How often a property is tried. `npm test` shows each property on a sample; `npm run test:nightly` (NIGHTLY=1) tries every
 * case of it, or many more.
 */
const isNight = process.env.NIGHTLY === '1';

/** The number for `npm run test:nightly`, or the smaller one for `npm test`. */
export const nightly = (night: number, day: number): number => (isNight ? night : day);
