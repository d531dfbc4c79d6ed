/** The fields of each line of a crawl file and their valid values, because the file may be from an untrusted source. Other fields are ignored. */
import {
  a,
  anything,
  flag,
  hex,
  isObject,
  listOf,
  natural,
  objectWith,
  oneOf,
  recordOf,
  type Validator,
  whole,
} from '../json/validators.js';
import type { CrawlFileEvent } from './events.js';

const isNumber = (value: unknown): boolean => Number.isFinite(value);
const isText = (value: unknown): value is string => typeof value === 'string';

const number = a('a number', isNumber);
/** UNIX time in milliseconds, in the range of a `Date`. */
const time = a(
  'a UNIX time in milliseconds',
  (value) => isNumber(value) && Math.abs(Number(value)) <= 8.64e15,
);
const text = a('a text of at most 512 characters', (value) => isText(value) && value.length <= 512);
const services = a('service bits in hex', (value) => isText(value) && /^[\da-f]{1,16}$/.test(value));
const code = a('a reason code', (value) => isText(value) && /^[A-Z][A-Z\d_]{1,63}$/.test(value));
const network = oneOf('ipv4', 'ipv6', 'onion', 'i2p', 'cjdns', 'not_publicly_routable');

/** One function for the whole list, because a reply has up to 1,000 addresses. */
const addresses = a(
  'a list of addresses, each with a time and service bits',
  (value) =>
    Array.isArray(value) &&
    value.every(
      (each: unknown) => Array.isArray(each) && isText(each[0]) && isNumber(each[1]) && isText(each[2]),
    ),
);

const peer = objectWith({
  version: whole,
  subver: text,
  services: hex,
  startingheight: whole,
  relaytxes: flag,
  timeoffset: number,
});

const SCHEMAS: Readonly<Record<CrawlFileEvent['event'], Validator>> = {
  begin: objectWith(
    { t: time, resumed: flag, chain: text },
    { crawl: text, vantage: text, agent: text, options: recordOf(anything) },
  ),
  seed: objectWith({ addr: text, source: text }, { services }),
  round: objectWith({ round: natural, repeats: listOf(text) }),
  reply: objectWith({ addr: text, addresses }),
  attempt: objectWith(
    {
      t: time,
      addr: text,
      round: natural,
      network,
      distance: natural,
      vantage: text,
      outcome: oneOf('reachable', 'rejected', 'unreachable', 'local'),
      reason: objectWith({ code }),
      v2: objectWith({ tried: flag, succeeded: flag }),
      phases: recordOf(number),
      duration_ms: number,
      bytes: natural,
      replies_dropped: natural,
    },
    {
      transport: oneOf('v1', 'v2'),
      gossip_services: services,
      identified: objectWith({ label: text }),
      peer,
    },
  ),
  end: objectWith({ t: time, completeness: oneOf('complete', 'interrupted') }, { counts: recordOf(number) }),
};

/** Validates a parsed line of a crawl file; undefined if it is not a valid event. */
export function crawlEventOf(value: unknown): CrawlFileEvent | undefined {
  if (!isObject(value) || !isText(value.event) || !Object.hasOwn(SCHEMAS, value.event)) return undefined;
  const fault = SCHEMAS[value.event as CrawlFileEvent['event']](value, 'it');
  return fault === undefined ? (value as unknown as CrawlFileEvent) : undefined;
}
