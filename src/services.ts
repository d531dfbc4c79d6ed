/** Sets of service bits (Core: protocol.h, `ServiceFlags`), as 16 hex digits, most significant first. */

/** Whether `offered` has every bit of `required`. */
export function hasServices(offered: string, required: string): boolean {
  const needed = BigInt(`0x${required}`);
  return (BigInt(`0x${offered}`) & needed) === needed;
}

/** The union of two sets of service bits. */
export const withServices = (some: string, more: string): string =>
  (BigInt(`0x${some}`) | BigInt(`0x${more}`)).toString(16).padStart(16, '0');
