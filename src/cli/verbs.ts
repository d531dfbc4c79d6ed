/** The verbs, in the order in which the help lists them. */
import { connectCommand } from './connect.js';
import { demoCommand } from './demo.js';
import { listenCommand } from './listen.js';
import { probeCommand } from './probe.js';
import type { Verb } from './verb.js';

export const VERBS: readonly Verb[] = [demoCommand, connectCommand, listenCommand, probeCommand];
