/** `npm run diagrams`: writes the diagrams of every machine into this directory. Run from the root of the package. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { MACHINES } from '../machines/index.js';
import { filesOf } from './render.js';

for (const { machine } of MACHINES)
  for (const [file, content] of Object.entries(await filesOf(machine)))
    writeFileSync(join('diagrams', file), content);
