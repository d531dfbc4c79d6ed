/** What a figure has at hand while it is taken. */
import { type Cores, findCores } from './machine.js';
import { Generator } from './generator.js';

export interface Lab {
  readonly cores: Cores | undefined;
  readonly generator: Generator;
  /** Rounds of A B A B. */
  readonly rounds: number;
  /** Also write a CPU profile of the program, where the figure can. */
  readonly profile: boolean;
}

export interface LabOptions {
  readonly rounds: number;
  readonly profile: boolean;
}

export function openLab(options: LabOptions): Lab {
  const cores = findCores();
  return { cores, generator: new Generator(cores?.measuring), ...options };
}
