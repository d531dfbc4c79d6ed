/** `verack addresses`: its name, options and help. `address-book-command.ts` runs it. */
import type { CliCommand, Invocation } from './command.js';
import { addressBookOptions, chainOptions, outputOptions, switched, valued } from './options.js';

export const addressesCommand: CliCommand = {
  name: 'addresses',
  about: "list the address book, add addresses, import or export Bitcoin Core's peers.dat",
  details:
    "The address book works as Bitcoin Core's address manager and has its file format: each program can read the peers.dat " +
    'of the other. A list has one address per line, as HOST PORT [new|tried]; the source of each address is the address ' +
    'itself, as with the RPC addpeeraddress. A damaged peers.dat is renamed, not deleted.',
  examples: [
    ['verack addresses', 'list the address book of the main network'],
    ['verack addresses --add nodes.txt', 'add the addresses of a list'],
    ['verack addresses --import ~/.bitcoin/peers.dat', "import Bitcoin Core's address book with its key"],
    [
      'verack addresses --regtest --deterministic --add nodes.txt --json',
      'the same slots as bitcoind -test=addrman',
    ],
  ],
  operands: [],
  options: [
    valued('--add <file>', 'add the addresses of this list; - reads standard input', String),
    valued('--import <file>', 'replace the address book by this peers.dat; the old file is renamed', String),
    valued('--export <file>', 'write the address book to this file, as peers.dat', String),
    ...switched(
      '--deterministic',
      'for tests: give a new book the fixed key of bitcoind -test=addrman; write nothing unless --datadir is given',
    ),
    ...addressBookOptions(),
    ...chainOptions(),
    ...outputOptions(),
  ],
  isOneShot: () => true,
  run: loadAndRun,
};

/** Imported only when it runs: each module that is loaded at the start needs an open file, and 64 open files must be enough. */
async function loadAndRun(invocation: Invocation): Promise<number> {
  const { runAddresses } = await import('./address-book-command.js');
  return runAddresses(invocation);
}
