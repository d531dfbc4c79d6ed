/** `npm run diagrams`: draws every machine into this directory. Run from the root of the package. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { peerMachine, supervisorMachine, transportMachine } from '../machines/index.js';
import { drawingsOf } from './draw.js';

for (const machine of [peerMachine, transportMachine, supervisorMachine])
  for (const [file, content] of Object.entries(await drawingsOf(machine)))
    writeFileSync(join('diagrams', file), content);
