/** The system's error codes for files and devices, as a part of a sentence. */

const TEXTS: Readonly<Record<string, string>> = {
  EACCES: 'permission denied',
  EPERM: 'permission denied',
  EROFS: 'the file system is read-only',
  ENOENT: 'there is no such directory',
  ENOTDIR: 'there is no such directory',
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
