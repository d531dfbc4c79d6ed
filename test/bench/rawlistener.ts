/** The ceiling's server: the tasks of a `Worker`. */
import { lagTasks } from './lagtasks.js';
import { listenRaw } from './rawserver.js';
import { serveTasks } from './tasks.js';

serveTasks({ ...lagTasks, listen: ({ port }: { port: number }) => listenRaw(port) });
