/** The `bitcoin-cli` beside the installed bitcoind, as a script that reaches one running node. */
import { chmodSync, existsSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { program } from './installed.js';
import type { RealNode } from './real-node.js';

/** Writes `bitcoin-cli` into a folder, to be put first on the PATH; returns the folder. */
export function cliFolder(node: RealNode, folder: string): string {
  const home = dirname(program('bitcoind')!);
  const args = node.cliArgs.join(' ');
  const beside = join(home, 'bitcoin-cli');
  const run = existsSync(beside)
    ? `exec "${beside}" ${args} "$@"`
    : `for loader in "${home}"/lib/*/ld-linux*.so.*; do
  lib=$(basename "$(dirname "$loader")")
  exec "$loader" --library-path "${home}/lib/$lib:${home}/usr/lib/$lib" "${home}/usr/bin/bitcoin-cli" ${args} "$@"
done`;
  writeFileSync(join(folder, 'bitcoin-cli'), `#!/bin/sh\n${run}\n`);
  chmodSync(join(folder, 'bitcoin-cli'), 0o755);
  return folder;
}
