/** Validators of JSON values: each returns one sentence that says what is wrong, or undefined. */

/** `at` says where the value stands; the sentence begins with it. */
export type Validator = (value: unknown, at: string) => string | undefined;

/** A rule of its own: the sentence says that the value should be `what`. */
export const a =
  (what: string, holds: (value: unknown) => boolean): Validator =>
  (value, at) =>
    holds(value) ? undefined : `${at} should be ${what}`;

const isText = (value: unknown): value is string => typeof value === 'string';

export const text = a('a text that is not empty', (value) => isText(value) && value !== '');
export const flag = a('true or false', (value) => typeof value === 'boolean');
export const whole = a('a whole number', Number.isInteger);
export const natural = a(
  'a whole number from 0 on',
  (value) => Number.isInteger(value) && Number(value) >= 0,
);
export const hex = a(
  'bytes in lower-case hex',
  (value) => isText(value) && value.length % 2 === 0 && /^[\da-f]*$/.test(value),
);

/** Hex of exactly so many bytes. */
export const hexOf = (bytes: number): Validator =>
  a(
    `${bytes} bytes in lower-case hex`,
    (value) => hex(value, '') === undefined && isText(value) && value.length === 2 * bytes,
  );

/** Hex that may begin with the magic of the network, or of another one. */
export const hexWithMagic = a(
  'bytes in lower-case hex, {magic} or {other} in front at most',
  (value) => isText(value) && hex(value.replace(/^\{(magic|other)\}/, ''), '') === undefined,
);

/** Anything at all. */
export const anything: Validator = () => undefined;

/** One of these words. */
export const oneOf = (...words: readonly (string | number)[]): Validator =>
  a(`one of ${words.join(', ')}`, (value) => words.includes(value as string | number));

/** A list of such values. */
export const listOf =
  (validator: Validator): Validator =>
  (value, at) => {
    if (!Array.isArray(value)) return `${at} should be a list`;
    return first(value.map((item, n) => validator(item, `${at}[${n}]`)));
  };

/** A text, or such an object. */
export const textOr =
  (validator: Validator): Validator =>
  (value, at) =>
    isText(value) ? text(value, at) : validator(value, at);

/** An object whose values all pass that validator. */
export const recordOf =
  (validator: Validator): Validator =>
  (value, at) =>
    isObject(value)
      ? first(Object.entries(value).map(([key, item]) => validator(item, `${at}.${key}`)))
      : `${at} should be an object`;

type Fields = Readonly<Record<string, Validator>>;

/** An object with these fields; others are ignored. */
export const objectWith =
  (required: Fields, optional: Fields = {}): Validator =>
  (value, at) => {
    if (!isObject(value)) return `${at} should be an object`;
    const missing = Object.keys(required).find((key) => !Object.hasOwn(value, key));
    if (missing !== undefined) return `${at} lacks "${missing}"`;
    const fields = Object.entries({ ...required, ...optional }).filter(([key]) => Object.hasOwn(value, key));
    return first(fields.map(([key, validator]) => validator(value[key], `${at}.${key}`)));
  };

/** An object with these fields, and no other: a field that is misspelt would silently change nothing. */
export const object = (required: Fields, optional: Fields = {}): Validator => {
  const known = objectWith(required, optional);
  const names = Object.keys({ ...required, ...optional });
  return (value, at) => {
    const unexpected = isObject(value) ? Object.keys(value).find((key) => !names.includes(key)) : undefined;
    return unexpected === undefined
      ? known(value, at)
      : `${at} has "${unexpected}", which is none of ${names.join(', ')}`;
  };
};

export const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const first = (sentences: readonly (string | undefined)[]): string | undefined =>
  sentences.find((sentence) => sentence !== undefined);
