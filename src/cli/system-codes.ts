/** Texts for the system's error codes of files and devices, and sentences for errors of the file system. */
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
  EFBIG: 'the file is too large for the system',
  EIO: 'the device failed',
  ENXIO: 'it is a pipe or a device, not a file',
  ESPIPE: 'it is a pipe, not a file',
};

/** A code as text, such as `the disk is full (ENOSPC)`. */
export const systemCodeText = (syscode: string): string =>
  `${TEXTS[syscode] ?? 'the system refused'} (${syscode})`;

/** The codes of a full or failing disk, which have nothing to do with the name of the file. */
const DISK_CODES: readonly string[] = ['ENOSPC', 'EDQUOT', 'EFBIG', 'EIO'];

/** A file that the system refused. */
export interface FileRefusal {
  /** Which file cannot be used, and why; with a full stop. */
  readonly sentence: string;
  /** Whether the disk is the cause, not the name that was given. */
  readonly isOutput: boolean;
}

/** The refusal in an error of the file system or in an `ERR_LOCAL_LIMIT`; undefined for any other error. */
export function fileRefusalOf(error: unknown): FileRefusal | undefined {
  const { path, syscode } = refusedFileOf(error);
  if (typeof path !== 'string' || typeof syscode !== 'string' || !/^E[A-Z\d]+$/.test(syscode))
    return undefined;
  return {
    sentence: `"${path}" cannot be used: ${systemCodeText(syscode)}.`,
    isOutput: DISK_CODES.includes(syscode),
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
