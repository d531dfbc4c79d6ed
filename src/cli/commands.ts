/** The verbs, in the order in which the help lists them. */
import { addressesCommand } from './addresses.js';
import { completionCommand } from './completion.js';
import { conformCommand } from './conform.js';
import { connectCommand } from './connect.js';
import { crawlCommand } from './crawl.js';
import { demoCommand } from './demo.js';
import { decodeCommand } from './decode.js';
import { diagramCommand } from './diagram.js';
import { learnCommand } from './learn.js';
import { listenCommand } from './listen.js';
import { probeCommand } from './probe.js';
import { replayCommand } from './replay.js';
import type { CliCommand } from './command.js';

export const CLI_COMMANDS: readonly CliCommand[] = [
  demoCommand,
  connectCommand,
  listenCommand,
  probeCommand,
  conformCommand,
  addressesCommand,
  crawlCommand,
  learnCommand,
  replayCommand,
  decodeCommand,
  diagramCommand,
  completionCommand,
];
