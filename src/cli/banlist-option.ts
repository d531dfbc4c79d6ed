/** `--ban`, and `banlist.json` in the data directory: read when the node starts, written when `--ban` adds to it. */
import { mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { type Ban, Banlist, type Chain, readBanlist, VerackError, writeBanlist } from '../index.js';
import { chainDirectory } from './data-directory.js';
import { usageSentence } from './exit-codes.js';
import type { Flags } from './options.js';
import type { Output } from './output.js';
import { systemCodeText } from './system-codes.js';

type BanFlags = Pick<Flags, 'ban' | 'bantime' | 'datadir'>;

/** The bans that apply now. A file that cannot be read or written is reported; the node starts without it. */
export function bansOf({ ban = [], bantime, datadir }: BanFlags, chain: Chain, out: Output): readonly Ban[] {
  const directory = chainDirectory(datadir, chain);
  const path = directory === undefined ? undefined : join(directory, 'banlist.json');
  const now = Date.now() / 1_000;
  const list = new Banlist();
  const fault = path === undefined ? undefined : attempt(() => read(list, path, now));
  if (fault !== undefined) out.failure(`${path} is not used: ${fault}`);
  for (const address of ban) list.ban(address, now, bantime);
  const isChanged = ban.length > 0 && path !== undefined && fault === undefined;
  const lost = isChanged ? attempt(() => write(path, list.format(now))) : undefined;
  if (lost !== undefined) out.failure(`the bans apply to this run only: ${path} cannot be written: ${lost}`);
  return list.list(now);
}

/** The fault that `action` returns or throws, as text; undefined when it succeeds. */
function attempt(action: () => string | undefined): string | undefined {
  try {
    return action();
  } catch (error) {
    if (error instanceof VerackError) return usageSentence(error);
    return systemCodeText((error as NodeJS.ErrnoException).code ?? 'EIO');
  }
}

function read(list: Banlist, path: string, now: number): string | undefined {
  const text = readBanlist(path);
  return text === undefined ? undefined : list.read(text, now).fault;
}

function write(path: string, text: string): undefined {
  mkdirSync(dirname(path), { recursive: true });
  writeBanlist(path, text);
}
