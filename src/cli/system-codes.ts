/** The system's error codes for files and devices, as a part of a sentence; errors of the file system as sentences. */
import { VerackError } from '../index.js';

const TEXTS: Readonly<Record<string, string>> = {
  EACCES: 'permission denied',
  EPERM: 'permission denied',
  EROFS: 'the file system is read-only',
  ENOENT: 'there is no such file or directory',
  ENOTDIR: 'there is no such directory',
  ENAMETOOLONG: 'the name is too long',
  ELOOP: 'too many symbolic links',
  EISDIR: 'it is a directory',
  EEXIST: 'the file exists',
  ENOSPC: 'the disk is full',
  EDQUOT: 'the quota of the disk is used up',
  EFBIG: 'the file grew too big for the system',
  EIO: 'the device failed',
  ENXIO: 'it is a pipe or a device, not a file',
  ESPIPE: 'it is a pipe, not a file',
};

/** `the disk is full (ENOSPC)`. */
export const systemCodeText = (syscode: string): string =>
  `${TEXTS[syscode] ?? 'the system refused'} (${syscode})`;

/** What a disk that is full or broken answers, however good the name of the file. */
const OF_THE_DISK: readonly string[] = ['ENOSPC', 'EDQUOT', 'EFBIG', 'EIO'];

export interface FileRefusal {
  /** Which file cannot be used, and why. */
  readonly sentence: string;
  /** The disk refused, not the name that was given. */
  readonly isOutput: boolean;
}

/** A file that the system refused, from its own error or from `ERR_LOCAL_LIMIT`; undefined for any other error. */
export function fileRefusalOf(error: unknown): FileRefusal | undefined {
  const { path, syscode } = refusedFileOf(error);
  if (typeof path !== 'string' || typeof syscode !== 'string' || !/^E[A-Z\d]+$/.test(syscode))
    return undefined;
  return {
    sentence: `"${path}" cannot be used: ${systemCodeText(syscode)}.`,
    isOutput: OF_THE_DISK.includes(syscode),
  };
}

function refusedFileOf(error: unknown): { path?: unknown; syscode?: unknown } {
  if (error instanceof VerackError) {
    const { file, path = file, why, syscode = why } = error.facts;
    return error.code === 'ERR_LOCAL_LIMIT' ? { path, syscode } : {};
  }
  const { path, dest, code } = (error ?? {}) as NodeJS.ErrnoException & { dest?: string };
  return { path: dest ?? path, syscode: code };
}
