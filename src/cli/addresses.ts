/** `verack addresses`: what it is called and takes. What it does is in `address-book-command.ts`. */
import type { CliCommand, Invocation } from './command.js';
import { addressBookOptions, chainOptions, outputOptions, switched, valued } from './options.js';

export const addressesCommand: CliCommand = {
  name: 'addresses',
  about: 'list the address book, add to it, take it from Bitcoin Core or give it to it',
  details:
    "The book follows Bitcoin Core's address manager and is kept in its format: the file peers.dat of either program can be " +
    'imported by the other. A list of addresses has a line HOST PORT [new|tried] for each; each counts as announced by ' +
    'itself, as with the RPC addpeeraddress. A damaged peers.dat is renamed and kept.',
  examples: [
    ['verack addresses', 'what is in the book of the main network'],
    ['verack addresses --add nodes.txt', 'add the addresses of a list'],
    ['verack addresses --import ~/.bitcoin/peers.dat', "take Bitcoin Core's book, its key included"],
    [
      'verack addresses --regtest --deterministic --add nodes.txt --json',
      'the slots of bitcoind -test=addrman',
    ],
  ],
  operands: [],
  options: [
    valued('--add <file>', 'add the addresses of this list; - reads standard input', String),
    valued(
      '--import <file>',
      'take the book from this peers.dat; the one that was there is kept beside it',
      String,
    ),
    valued('--export <file>', 'write the book to this file, as peers.dat', String),
    ...switched(
      '--deterministic',
      'a new book gets the fixed key of bitcoind -test=addrman, for tests; keeps nothing unless --datadir says where',
    ),
    ...addressBookOptions(),
    ...chainOptions(),
    ...outputOptions(),
  ],
  isOneShot: () => true,
  run: loadAndRun,
};

/** Loaded when asked for: every module that is loaded at the start needs an open file, and a limit of 64 must do. */
async function loadAndRun(invocation: Invocation): Promise<number> {
  const { runAddresses } = await import('./address-book-command.js');
  return runAddresses(invocation);
}
