/**
 * Rewrites Bitcoin Core's command-line syntax to the form that commander parses: Core's single dashes
 * (`-timeout=5000`), its negation (`-norelay`, `-relay=0`), options before the verb, and a missing verb when
 * `-connect=`, `-addnode=` or `-listen` implies it. Short flags (`-v -q -h -V`, also bundled) and a lone `-` are unchanged.
 */
import type { Command, Option } from 'commander';
import { Usage } from './exit-codes.js';

/** Core's options that select a chain, and what they are rewritten to. */
export const CHAIN_SHORTHANDS: Readonly<Record<string, string>> = {
  regtest: '--chain=regtest',
  signet: '--chain=signet',
  testnet4: '--chain=testnet4',
  testnet: '--chain=test',
};

/** A separate word is the value of an option with an optional value only if it is a number; other words are operands. */
const OPTIONAL_VALUE = /^\d+$/;

/** The verb that one of Core's options implies. */
const IMPLIED: Readonly<Record<string, string>> = {
  connect: 'connect',
  addnode: 'connect',
  listen: 'listen',
};

const NO = /^(0|false|no|off)$/i;

type Options = ReadonlyMap<string, Option>;

/** Every option of every verb, by its long name. */
function optionsOf(program: Command): Options {
  const all = [program, ...program.commands].flatMap((command) => command.options);
  return new Map(all.map((option) => [String(option.long).slice(2), option]));
}

/** The arguments in the syntax of `program`, verb first. @throws Usage for a switch with a value that is not 1 or 0 */
export function normalized(args: readonly string[], program: Command): string[] {
  const options = optionsOf(program);
  const rewritten = rewrite(args, options);
  return verbFirst(rewritten, options, (word) => program.commands.some((command) => command.name() === word));
}

/** Rewrites each word up to `--`. */
function rewrite(args: readonly string[], options: Options): string[] {
  const words: string[] = [];
  for (let i = 0; i < args.length; i++) {
    const arg = args[i]!;
    if (arg === '--') return [...words, ...args.slice(i)];
    const word = inCommanderSyntax(arg, options);
    if (word === '') continue;
    words.push(lacksOptionalValue(word, args[i + 1], options) ? `${word}=` : word);
    const value = args[i + 1];
    // The word after an option with a required value is that value, even if it begins with a dash.
    if (value !== undefined && takesNext(word, options)) {
      words.push(value);
      i++;
    }
  }
  return words;
}

/** One word in commander's syntax; empty when it has no effect, such as `-regtest=0`. */
function inCommanderSyntax(arg: string, options: Options): string {
  const [, name = '', value] = /^--?([a-z][a-z0-9-]*)(?:=(.*))?$/is.exec(arg) ?? [];
  if (name === '' || isShort(arg, name)) return arg;
  const positive = options.has(name) ? name : name.replace(/^no-?/, '');
  if (positive !== name && isNegatable(positive, options) && isYes(value, positive))
    return `--no-${positive}`;
  if (!isSwitch(positive, options)) return `--${name}${value === undefined ? '' : `=${value}`}`;
  return switchedTo(positive, (positive === name) === isYes(value, positive));
}

/** `-v`, also bundled. */
const isShort = (arg: string, name: string): boolean =>
  /^-[vqhV]+$/.test(arg) || (name.length === 1 && !arg.startsWith('--'));

const switchedTo = (name: string, on: boolean): string => {
  const short = CHAIN_SHORTHANDS[name];
  if (short !== undefined) return on ? short : '';
  return on ? `--${name}` : `--no-${name}`;
};

/** The value after the `=` of a switch. Core reads any other word as 0; here it is an error. */
function isYes(value: string | undefined, name: string): boolean {
  if (value === undefined || /^(1|true|yes|on|)$/i.test(value)) return true;
  if (NO.test(value)) return false;
  throw new Usage(`-${name} takes 1 or 0, not "${value}"`);
}

/** Whether an option with a value can be negated: `-noproxy`. */
const isNegatable = (name: string, options: Options): boolean =>
  options.get(name)?.required === true && options.has(`no-${name}`);

const isSwitch = (name: string, options: Options): boolean => {
  const option = options.get(name);
  return option !== undefined && !option.required && !option.optional && !option.negate;
};

/** Whether an option with an optional value has none, so that commander must not read the next word as its value. */
function lacksOptionalValue(word: string, next: string | undefined, options: Options): boolean {
  const option = options.get(word.replace(/^--/, ''));
  return option?.optional === true && word.startsWith('--') && !OPTIONAL_VALUE.test(next ?? '');
}

function takesNext(word: string, options: Options): boolean {
  const option = word.startsWith('--') ? options.get(word.slice(2)) : undefined;
  return option?.required === true;
}

/** Moves the verb to the front, or adds the one that `--connect`, `--addnode` or `--listen` implies. */
function verbFirst(words: string[], options: Options, isVerb: (word: string) => boolean): string[] {
  const at = operandAt(words, options);
  const verb = words[at];
  if (verb !== undefined && (isVerb(verb) || verb === 'help'))
    return [verb, ...words.slice(0, at), ...words.slice(at + 1)];
  const implied = Object.keys(IMPLIED).find((name) =>
    words.some((word) => word.split('=')[0] === `--${name}`),
  );
  return implied === undefined ? words : [IMPLIED[implied]!, ...words];
}

function operandAt(words: readonly string[], options: Options): number {
  for (let i = 0; i < words.length; i++) {
    const word = words[i]!;
    if (!word.startsWith('-')) return i;
    if (takesNext(word, options)) i++;
  }
  return words.length;
}
