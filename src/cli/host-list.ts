/** Reads the hosts that are given to a verb: on the command line, in a file, or on standard input. */
import { VerackError } from '../index.js';
import { addAbortSignal } from 'node:stream';
import { Usage } from './exit-codes.js';
import { checkHost } from './host-targets.js';
import { openInput } from './input-file.js';
import { linesOf } from './list-lines.js';
import { systemCodeText } from './system-codes.js';

/** Most characters of a list. */
const MAX_LENGTH = 10_000_000;
/** The name of standard input, as a file or as an operand. */
const STDIN = '-';

/**
 * The operands, then the lines of standard input if one operand is `-`, then the lines of `file`.
 *
 * @throws Usage when there is no host or a list cannot be read; for a line that is not a host, it names the line
 * @throws VerackError `ERR_LOCAL_ARGUMENT` for an operand that is not a host
 */
export async function hostsOf(
  operands: readonly string[],
  file: string | undefined,
  interrupted: AbortSignal,
): Promise<string[]> {
  const named = operands.filter((host) => host !== STDIN);
  for (const host of named) checkHost(host);
  const lists = [
    ...operands.filter((host) => host === STDIN).slice(0, 1),
    ...(file === undefined ? [] : [file]),
  ];
  const listed = await Promise.all(
    lists.map(async (list) => hostsIn(await textOf(list, interrupted), interrupted)),
  );
  const hosts = [...named, ...listed.flat()];
  if (hosts.length === 0 && !interrupted.aborted)
    throw new Usage(
      'no host is given: give one or more, or a list with --from FILE, or - for standard input',
    );
  return hosts;
}

/** Parses a list with one host per line; `#` begins a comment. */
async function hostsIn(text: string, interrupted: AbortSignal): Promise<string[]> {
  const hosts: string[] = [];
  for await (const { line, number } of linesOf(text, interrupted)) {
    const host = line.replace(/#.*/, '').trim();
    if (host === '') continue;
    checkLine(host, number);
    hosts.push(host);
  }
  return hosts;
}

function checkLine(host: string, number: number): void {
  try {
    checkHost(host);
  } catch (error) {
    if (!(error instanceof VerackError)) throw error;
    throw new Usage(`line ${number}, "${host.slice(0, 80)}", is not a host: ${String(error.facts.why)}`);
  }
}

async function textOf(file: string, interrupted: AbortSignal): Promise<string> {
  try {
    const stream = file === STDIN ? addAbortSignal(interrupted, process.stdin) : openInput(file, interrupted);
    return await read(stream);
  } catch (error) {
    if (interrupted.aborted) return '';
    if (error instanceof Usage) throw error;
    const { code = 'EIO' } = error as NodeJS.ErrnoException;
    const why = code === 'ENOENT' ? 'there is no such file' : systemCodeText(code);
    throw new Usage(`the list of hosts "${file}" cannot be read: ${why}`);
  }
}

async function read(stream: AsyncIterable<Uint8Array>): Promise<string> {
  const decoder = new TextDecoder();
  let text = '';
  for await (const chunk of stream) {
    text += decoder.decode(chunk, { stream: true });
    if (text.length > MAX_LENGTH) throw new Usage(`the list of hosts has more than ${MAX_LENGTH} characters`);
  }
  return text;
}
