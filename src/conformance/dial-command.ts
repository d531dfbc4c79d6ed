/** Two ways to make the node under test dial the tester: a shell command, and an instruction to its operator. */
import { exec, type ExecException } from 'node:child_process';
import { sanitize } from '../wire/index.js';
import { CannotRun } from './deviation.js';
import { formatEndpoint } from '../net/index.js';
import { OUTBOUND_CONNECTION_TYPES } from '../../machines/index.js';
import type { Chain } from '../index.js';
import type { Dialler, DialRequest } from './node-under-test.js';

const COMMAND_MS = 10_000;
const OPERATOR_MS = 120_000;

/** The command with its placeholders replaced. */
export function filledIn(command: string, { at, type, v2 }: DialRequest): string {
  const values = { host: at.host, port: String(at.port), type, v2: String(v2) };
  return command.replace(/\{(host|port|type|v2)\}/g, (_, name: keyof typeof values) => values[name]);
}

/** Characters of the output of a failed command that are shown. */
const SHOWN_OUTPUT = 200;
/** Bytes that a command may write before it is killed. */
const MAX_OUTPUT = 65_536;

/** What `exec` reports: `code` is a text when the command was not started, and for the limit of the output. */
type Failure = Pick<ExecException, 'signal' | 'killed'> & {
  readonly code?: number | string | null | undefined;
};

/** How a command failed. */
export function statusOf({ code, signal, killed }: Failure): string {
  if (code === 'ERR_CHILD_PROCESS_STDIO_MAXBUFFER') return `more than ${MAX_OUTPUT} bytes of output`;
  if (typeof code === 'string') return `not started: ${code}`;
  // Set for the time limit only.
  if (killed) return `not finished after ${COMMAND_MS / 1_000} s`;
  return signal ? `ended by ${signal}` : `exit code ${code ?? 'unknown'}`;
}

/** Why a command failed: its exit code, signal or limit, and the end of what it printed. */
function failureOf(error: ExecException, output: string): CannotRun {
  const status = statusOf(error);
  const text = sanitize(output.replace(/\s+/g, ' ').trim().slice(-SHOWN_OUTPUT).trim(), SHOWN_OUTPUT);
  return new CannotRun(`the dial command failed (${status})${text === '' ? '' : `: ${text}`}`);
}

/**
 * Runs a shell command for each connection, with `{host}`, `{port}`, `{type}` and `{v2}` replaced. A command without
 * `{type}` makes manual connections only. When it fails or takes longer than 10 s, `dial` rejects with an
 * {@link CannotRun} that shows its output: the case is skipped.
 */
export const commandDialler = (command: string): Dialler => ({
  types: command.includes('{type}') ? OUTBOUND_CONNECTION_TYPES : ['manual'],
  choosesV2: command.includes('{v2}'),
  patience: COMMAND_MS,
  dial: (request) =>
    new Promise((resolve, reject) => {
      const options = { timeout: COMMAND_MS, maxBuffer: MAX_OUTPUT };
      exec(filledIn(command, request), options, (error, stdout, stderr) => {
        if (error) reject(failureOf(error, stdout + stderr));
        else resolve();
      });
    }),
});

/** The command that the operator of a Bitcoin Core node has to run. */
export function dialInstruction({ at, type, v2 }: DialRequest, { chain }: Chain): string {
  const cli = chain === 'main' ? 'bitcoin-cli' : `bitcoin-cli -chain=${chain}`;
  const where = formatEndpoint(at);
  return type === 'manual'
    ? `${cli} addnode ${where} onetry ${v2}`
    : `${cli} addconnection ${where} ${type} ${v2}`;
}

/** Passes the command for each connection to `ask`, which shows it to the operator. Only regtest nodes open types other than manual on request. */
export const operatorDialler = (chain: Chain, ask: (words: string) => void): Dialler => ({
  types: chain.chain === 'regtest' ? OUTBOUND_CONNECTION_TYPES : ['manual'],
  choosesV2: true,
  patience: OPERATOR_MS,
  dial: (request) => {
    ask(dialInstruction(request, chain));
    return Promise.resolve();
  },
});
