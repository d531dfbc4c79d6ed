/** The other end of a `Worker`: does what it is asked, and ends with who asks. */

/** What goes back. */
export interface Reply {
  readonly result?: unknown;
  readonly error?: string;
}

/** `details` is what the asker gave; trusted, it is our own parent. */
export type Task = (details: never) => unknown;

interface Order {
  readonly task: string;
  readonly details: object;
}

export function serveTasks(tasks: Readonly<Record<string, Task>>): void {
  process.on('disconnect', () => process.exit());
  process.on('message', (order: Order) => {
    void perform(tasks, order).then((reply) => process.send?.(reply));
  });
}

async function perform(tasks: Readonly<Record<string, Task>>, { task, details }: Order): Promise<Reply> {
  try {
    const run = tasks[task] as ((details: object) => unknown) | undefined;
    if (!run) return { error: 'no such task' };
    return { result: await run(details) };
  } catch (error) {
    return { error: error instanceof Error ? error.message : String(error) };
  }
}
