/** Service bits (protocol.h: ServiceFlags). Values are 16 hex digits, most significant first. */

/** Whether `offered` has every bit of `required`. */
export function hasServices(offered: string, required: string): boolean {
  const needed = BigInt(`0x${required}`);
  return (BigInt(`0x${offered}`) & needed) === needed;
}
