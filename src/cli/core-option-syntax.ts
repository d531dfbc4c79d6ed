/**
 * Bitcoin Core's command-line syntax, rewritten to the form that commander parses: Core's single dashes
 * (`-timeout=5000`), its negation (`-norelay`, `-relay=0`), options before the verb, and no verb at all when
 * `-connect=`, `-addnode=` or `-listen` says it. Short flags (`-v -q -h -V`, also bundled) and a lone `-` stay as they are.
 */
import type { Command, Option } from 'commander';
import { Usage } from './exit-codes.js';

/** Options that stand for `--chain`. */
export const CHAIN_SHORTHANDS: Readonly<Record<string, string>> = {
  regtest: '--chain=regtest',
  signet: '--chain=signet',
  testnet4: '--chain=testnet4',
  testnet: '--chain=test',
};

/** What the value of an option with an optional value looks like; anything else behind it is an operand: a host to dial. */
const OPTIONAL_VALUE = /^\d+$/;

/** The verb that an option means, as bitcoind would understand it. */
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

/** The arguments that commander should see. */
export function normalized(args: readonly string[], program: Command): string[] {
  const options = optionsOf(program);
  const rewritten = rewrite(args, options);
  return verbFirst(rewritten, options, (word) => program.commands.some((command) => command.name() === word));
}

/** Everything up to `--`, word by word. */
function rewrite(args: readonly string[], options: Options): string[] {
  const words: string[] = [];
  for (let i = 0; i < args.length; i++) {
    const arg = args[i]!;
    if (arg === '--') return [...words, ...args.slice(i)];
    const word = inCommanderSyntax(arg, options);
    if (word === '') continue;
    words.push(isOpen(word, args[i + 1], options) ? `${word}=` : word);
    const value = args[i + 1];
    // The word behind an option that needs one is its value, whatever it looks like.
    if (value !== undefined && takesNext(word, options)) {
      words.push(value);
      i++;
    }
  }
  return words;
}

/** One word in commander's syntax; empty when it has no effect: `-regtest=0` leaves the chain as it is. */
function inCommanderSyntax(arg: string, options: Options): string {
  const [, name = '', value] = /^--?([a-z][a-z0-9-]*)(?:=(.*))?$/is.exec(arg) ?? [];
  if (name === '' || isShort(arg, name)) return arg;
  const positive = options.has(name) ? name : name.replace(/^no-?/, '');
  if (positive !== name && isNone(positive, options) && isYes(value, positive)) return `--no-${positive}`;
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

/** The value after the `=` of a switch. Core takes any other word for no; here it is an error. */
function isYes(value: string | undefined, name: string): boolean {
  if (value === undefined || /^(1|true|yes|on|)$/i.test(value)) return true;
  if (NO.test(value)) return false;
  throw new Usage(`-${name} takes 1 or 0, not "${value}"`);
}

/** Whether an option that takes a value has a negation: `-noproxy`. */
const isNone = (name: string, options: Options): boolean =>
  options.get(name)?.required === true && options.has(`no-${name}`);

const isSwitch = (name: string, options: Options): boolean => {
  const option = options.get(name);
  return option !== undefined && !option.required && !option.optional && !option.negate;
};

/** Whether an option with an optional value stands without one, although something follows. */
function isOpen(word: string, next: string | undefined, options: Options): boolean {
  const option = options.get(word.replace(/^--/, ''));
  return option?.optional === true && word.startsWith('--') && !OPTIONAL_VALUE.test(next ?? '');
}

function takesNext(word: string, options: Options): boolean {
  const option = word.startsWith('--') ? options.get(word.slice(2)) : undefined;
  return option?.required === true;
}

/** Moves the verb to the front; finds it in `--connect` or `--listen` when none is there. */
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
