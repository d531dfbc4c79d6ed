/** Two ways to make a node dial us: a command that is run, and a sentence to its owner. */
import { exec } from 'node:child_process';
import { formatEndpoint } from '../net/endpoint.js';
import type { Chain } from '../networks.js';
import type { Dialler, DialRequest } from './node-under-test.js';

/** What Bitcoin Core can be told to make: `addnode` for the last, `addconnection` (regtest only) for the others. */
export const CONNECTION_TYPES = [
  'outbound-full-relay',
  'block-relay-only',
  'feeler',
  'addr-fetch',
  'manual',
] as const;

const COMMAND_MS = 10_000;
const PERSON_MS = 120_000;

/** The command for one request. */
export function filledIn(command: string, { at, type, v2 }: DialRequest): string {
  const values = { host: at.host, port: String(at.port), type, v2: String(v2) };
  return command.replace(/\{(host|port|type|v2)\}/g, (_, name: keyof typeof values) => values[name]);
}

/**
 * Runs a command of the user's for each connection, with `{host}`, `{port}`, `{type}` and `{v2}` replaced. One without
 * `{type}` makes manual connections only. It need not succeed: that the node dials is what counts.
 */
export const commandDialler = (command: string): Dialler => ({
  types: command.includes('{type}') ? CONNECTION_TYPES : ['manual'],
  choosesV2: command.includes('{v2}'),
  patience: COMMAND_MS,
  dial: (request) =>
    new Promise((resolve) => {
      exec(filledIn(command, request), { timeout: COMMAND_MS }, () => resolve());
    }),
});

/** What the owner of a Bitcoin Core node has to type. */
export function wordsFor({ at, type, v2 }: DialRequest, { chain }: Chain): string {
  const cli = chain === 'main' ? 'bitcoin-cli' : `bitcoin-cli -chain=${chain}`;
  const where = formatEndpoint(at);
  return type === 'manual'
    ? `${cli} addnode ${where} onetry ${v2}`
    : `${cli} addconnection ${where} ${type} ${v2}`;
}

/** Asks a person for each connection. Only a regtest node can be told to make others than manual ones. */
export const personDialler = (chain: Chain, ask: (words: string) => void): Dialler => ({
  types: chain.chain === 'regtest' ? CONNECTION_TYPES : ['manual'],
  choosesV2: true,
  patience: PERSON_MS,
  dial: (request) => {
    ask(wordsFor(request, chain));
    return Promise.resolve();
  },
});
