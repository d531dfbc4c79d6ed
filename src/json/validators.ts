/** Composable validators of untrusted JSON values. */

/** Returns one sentence without a full stop about the fault in `value`, or undefined. `at` is the path of the value, with which the sentence begins. */
export type Validator = (value: unknown, at: string) => string | undefined;

/** A validator from a condition; the sentence is `AT should be WHAT`. */
export const a =
  (what: string, holds: (value: unknown) => boolean): Validator =>
  (value, at) =>
    holds(value) ? undefined : `${at} should be ${what}`;

const isText = (value: unknown): value is string => typeof value === 'string';

export const text = a('a text that is not empty', (value) => isText(value) && value !== '');
export const flag = a('true or false', (value) => typeof value === 'boolean');
export const whole = a('a whole number', Number.isSafeInteger);
export const natural = a(
  'a whole number from 0 up',
  (value) => Number.isSafeInteger(value) && Number(value) >= 0,
);
export const hex = a(
  'bytes in lower-case hex',
  (value) => isText(value) && value.length % 2 === 0 && /^[\da-f]*$/.test(value),
);

/** Hex of exactly `bytes` bytes. */
export const hexOf = (bytes: number): Validator =>
  a(
    `${bytes} bytes in lower-case hex`,
    (value) => hex(value, '') === undefined && isText(value) && value.length === 2 * bytes,
  );

/** Hex that may begin with `{magic}` or `{other}`, which stand for the magic of the network or of another one. */
export const hexWithMagic = a(
  'bytes in lower-case hex, optionally after {magic} or {other}',
  (value) => isText(value) && hex(value.replace(/^\{(magic|other)\}/, ''), '') === undefined,
);

/** Accepts any value. */
export const anything: Validator = () => undefined;

/** One of these words. */
export const oneOf = (...words: readonly (string | number)[]): Validator =>
  a(`one of ${words.join(', ')}`, (value) => words.includes(value as string | number));

/** A list whose values all pass `validator`. */
export const listOf =
  (validator: Validator): Validator =>
  (value, at) => {
    if (!Array.isArray(value)) return `${at} should be a list`;
    return first(value.map((item, n) => validator(item, `${at}[${n}]`)));
  };

/** A text that is not empty, or a value that passes `validator`. */
export const textOr =
  (validator: Validator): Validator =>
  (value, at) =>
    isText(value) ? text(value, at) : validator(value, at);

/** An object whose values all pass `validator`. */
export const recordOf =
  (validator: Validator): Validator =>
  (value, at) =>
    isObject(value)
      ? first(Object.entries(value).map(([key, item]) => validator(item, `${at}.${key}`)))
      : `${at} should be an object`;

type Fields = Readonly<Record<string, Validator>>;

/** An object with the `required` fields and any of the `optional` ones; others are ignored. */
export const objectWith =
  (required: Fields, optional: Fields = {}): Validator =>
  (value, at) => {
    if (!isObject(value)) return `${at} should be an object`;
    const missing = Object.keys(required).find((key) => !Object.hasOwn(value, key));
    if (missing !== undefined) return `${at} lacks "${missing}"`;
    const fields = Object.entries({ ...required, ...optional }).filter(([key]) => Object.hasOwn(value, key));
    return first(fields.map(([key, validator]) => validator(value[key], `${at}.${key}`)));
  };

/** As `objectWith`, but other fields are faults, since a misspelt field would be ignored without notice. */
export const object = (required: Fields, optional: Fields = {}): Validator => {
  const known = objectWith(required, optional);
  const names = Object.keys({ ...required, ...optional });
  return (value, at) => {
    const unexpected = isObject(value) ? Object.keys(value).find((key) => !names.includes(key)) : undefined;
    return unexpected === undefined
      ? known(value, at)
      : `${at} has "${unexpected}", which is not one of ${names.join(', ')}`;
  };
};

/** Whether a value is an object and not an array. */
export const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const first = (sentences: readonly (string | undefined)[]): string | undefined =>
  sentences.find((sentence) => sentence !== undefined);
