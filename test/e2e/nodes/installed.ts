/** Finds the real nodes and the browser of this machine, in the directories that `provision.sh` writes to. */
import { accessSync, constants, statSync } from 'node:fs';
import { homedir } from 'node:os';
import { delimiter, join } from 'node:path';

/** The nodes that can be had. */
export type NodeName = 'bitcoind' | 'litecoind' | 'bcoin';
/** The proxies that are dialled through. */
export type ProxyName = 'microsocks' | 'tor' | 'i2pd';
/** And the browser that drives the page. */
export type ProgramName = NodeName | ProxyName | 'chromium';

/** The node's program: the user's own one first (`BITCOIND=`, `LITECOIND=`, `CHROMIUM=`, the PATH), then the provisioned one. */
export function program(name: ProgramName): string | undefined {
  return candidates(name).find(isProgram);
}

/** Undefined when the node can be started; else one sentence that says why not and how to provision it. */
export function missing(name: ProgramName): string | undefined {
  if (program(name) !== undefined) return undefined;
  const own = ownVariable(name);
  if (own !== undefined) return `${own}=${process.env[own] ?? ''} is not an executable program`;
  return `${name} is not installed: run test/e2e/nodes/provision.sh ${name}`;
}

/** If the variable is set, only its value is tried. */
function candidates(name: ProgramName): string[] {
  const provisioned = join(cache(), name, name);
  if (name === 'bcoin') return [provisioned];
  const own = ownVariable(name);
  if (own !== undefined) return [process.env[own] ?? ''];
  const path = (process.env.PATH ?? '').split(delimiter).filter((folder) => folder !== '');
  return [...path.map((folder) => join(folder, name)), provisioned];
}

function ownVariable(name: ProgramName): string | undefined {
  const own = name.toUpperCase();
  return name !== 'bcoin' && variable(own) !== undefined ? own : undefined;
}

function cache(): string {
  return (
    variable('VERACK_NODES') ??
    join(variable('XDG_CACHE_HOME') ?? join(homedir(), '.cache'), 'verack', 'nodes')
  );
}

/** A variable that is set to nothing is not set, as in the script. */
function variable(name: string): string | undefined {
  const value = process.env[name];
  return value === '' ? undefined : value;
}

function isProgram(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return statSync(file).isFile();
  } catch {
    return false;
  }
}
