/**
 * Environment variables as options: `VERACK_` and the name of the option in capitals, with `_` for `-`. A variable is added
 * to the command line of a verb that has the option, unless the command line contains the option already.
 */
import type { Command, Option } from 'commander';
import { CHAIN_SHORTHANDS } from './core-option-syntax.js';
import { Usage } from './exit-codes.js';

const ON = /^(1|true|yes|on)$/i;
const OFF = /^(0|false|no|off)$/i;
/** For an option with an optional value, 0 is a value and not "off". */
const OFF_OPTIONAL = /^(false|no|off)$/i;

/** A word of the command line that was made from a variable. */
export interface VariableWord {
  readonly variable: string;
  readonly option: Option;
  readonly word: string;
}

/** The name of the variable that stands for an option. */
export const variableOf = (option: Option): string =>
  `VERACK_${option.name().toUpperCase().replaceAll('-', '_')}`;

/** The options of a verb that have a variable: all but `--no-NAME`, for which NAME is set to 0. */
export const variableOptions = (command: Command): Option[] =>
  command.options.filter(({ negate }) => !negate);

/** The words that are made from the variables. @throws Usage for a switch whose value is neither on nor off */
export function wordsOfVariables(
  env: NodeJS.ProcessEnv,
  command: Command,
  words: readonly string[],
): VariableWord[] {
  const given = givenNames(command, words);
  return variableOptions(command).flatMap((option) => {
    const variable = variableOf(option);
    const value = env[variable] ?? '';
    const word = value === '' || given.has(groupOf(option)) ? '' : wordOf(option, value, variable);
    return word === '' ? [] : [{ variable, option, word }];
  });
}

/** The short forms of `--chain` belong to the same group, since they set the same value. */
const groupOf = (option: Option): string => (option.name() in CHAIN_SHORTHANDS ? 'chain' : option.name());

function wordOf(option: Option, value: string, variable: string): string {
  const name = option.name();
  if (option.required) return `--${name}=${value}`;
  if (option.optional) return optionalWord(name, value);
  if (name === 'verbose' && /^\d$/.test(value)) return value === '0' ? '' : `-${'v'.repeat(Number(value))}`;
  const short = CHAIN_SHORTHANDS[name];
  if (ON.test(value)) return short ?? `--${name}`;
  if (OFF.test(value)) return short === undefined && name !== 'verbose' ? `--no-${name}` : '';
  throw new Usage(`${variable} takes 1 or 0, not "${value}"`);
}

function optionalWord(name: string, value: string): string {
  if (OFF_OPTIONAL.test(value)) return '';
  return /^(true|yes|on)$/i.test(value) ? `--${name}=` : `--${name}=${value}`;
}

/** The groups of the options on the command line. */
function givenNames(command: Command, words: readonly string[]): Set<string> {
  const end = words.indexOf('--');
  const before = words.slice(0, end < 0 ? words.length : end);
  const given = command.options.filter((option) => before.some((word) => isOption(word, option)));
  return new Set(given.map((option) => groupOf(option).replace(/^no-/, '')));
}

function isOption(word: string, { long, short }: Option): boolean {
  if (word.startsWith('--')) return word.split('=')[0] === long;
  return short !== undefined && /^-[a-z]+$/i.test(word) && word.includes(short.slice(1));
}
