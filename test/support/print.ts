/** Prints a line of figures, past the test runner's own console. */
export const say = (text: string): void => void process.stdout.write(`${text}\n`);
