/** Prints a line of figures, past the test runner's own console. */
export const print = (text: string): void => void process.stdout.write(`${text}\n`);
