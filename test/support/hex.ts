/** Hex text and bytes, both ways. */

/** The bytes of hex text; white space in it is for the reader. */
export const fromHex = (hex: string): Uint8Array<ArrayBuffer> =>
  new Uint8Array(Buffer.from(hex.replaceAll(/\s/g, ''), 'hex'));

/** The hex text of some bytes, empty for none. */
export const toHex = (bytes?: Uint8Array): string => Buffer.from(bytes ?? []).toString('hex');
