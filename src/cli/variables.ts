/**
 * Environment variables as options: `VERACK_` and the option's name in capitals, `-` as `_`. A variable is rewritten to a word
 * of the command line, for the verb that has the option, unless the command line has the option already.
 */
import type { Command, Option } from 'commander';
import { CHAIN_SHORTHANDS } from './core-option-syntax.js';
import { Usage } from './exit-codes.js';

const ON = /^(1|true|yes|on)$/i;
const OFF = /^(0|false|no|off)$/i;
/** For an option with an optional value, 0 is a value. */
const OFF_OPTIONAL = /^(false|no|off)$/i;

/** A word that came from a variable. */
export interface VariableWord {
  readonly variable: string;
  readonly option: Option;
  readonly word: string;
}

/** The name of the variable that stands for an option. */
export const variableOf = (option: Option): string =>
  `VERACK_${option.name().toUpperCase().replaceAll('-', '_')}`;

/** The options of a verb that are variables too: all, `--no-NAME` being the variable NAME with the value 0. */
export const variableOptions = (command: Command): Option[] =>
  command.options.filter(({ negate }) => !negate);

/** The words that the variables stand for. Throws `Usage` for a switch that is neither on nor off. */
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

/** The shorthands of `--chain` set the same thing. */
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

/** The options on the command line, by group. */
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
