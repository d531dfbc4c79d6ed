/** The ceiling's server: the tasks of a `Worker`. */
import { lagTasks } from './lag-tasks.js';
import { listenRaw } from './raw-server.js';
import { serveTasks } from './tasks.js';

serveTasks({ ...lagTasks, listen: ({ port }: { port: number }) => listenRaw(port) });
