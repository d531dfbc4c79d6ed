/** Where the time goes, out of a `.cpuprofile`: the functions in which most of it was spent, without their callees. */
import { readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';

const LINES = 15;

/** What V8 writes; times in microseconds. */
interface Profile {
  readonly nodes: readonly ProfileNode[];
  readonly samples: readonly number[];
  readonly timeDeltas: readonly number[];
}

interface ProfileNode {
  readonly id: number;
  readonly callFrame: { readonly functionName: string; readonly url: string; readonly lineNumber: number };
}

/** The file's name, and its costliest functions as shares of the time in which anything ran. */
export function profileLines(folder: string): string[] {
  const [name] = readdirSync(folder).filter((file) => file.endsWith('.cpuprofile'));
  if (name === undefined) throw new Error(`no profile was written to ${folder}`);
  const file = join(folder, name);
  const costs = selfTimes(JSON.parse(readFileSync(file, 'utf8')) as Profile);
  costs.delete('(idle)');
  const whole = [...costs.values()].reduce((sum, time) => sum + time, 0);
  const dearest = [...costs].sort(([, a], [, b]) => b - a).slice(0, LINES);
  return [
    `profile: ${file}`,
    ...dearest.map(([where, time]) => `${((100 * time) / whole).toFixed(1).padStart(5)} % ${where}`),
  ];
}

function selfTimes({ nodes, samples, timeDeltas }: Profile): Map<string, number> {
  const places = new Map(nodes.map((node) => [node.id, placeOf(node)]));
  const costs = new Map<string, number>();
  for (const [i, id] of samples.entries()) {
    const place = places.get(id) ?? '?';
    costs.set(place, (costs.get(place) ?? 0) + (timeDeltas[i] ?? 0));
  }
  return costs;
}

function placeOf({ callFrame: { functionName, url, lineNumber } }: ProfileNode): string {
  const name = functionName === '' ? '(anonymous)' : functionName;
  return url === '' ? name : `${name} ${basename(url)}:${lineNumber + 1}`;
}
