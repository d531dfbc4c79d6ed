/** The layout of the help: usage, description, examples, options, and lists, wrapped to the width of the terminal. */
import { type Command, Help, type HelpConfiguration, type Option } from 'commander';
import type { TextOutput } from './output.js';

/** What a verb adds to its own help. */
export interface HelpTexts {
  readonly examples: readonly (readonly [command: string, about: string])[];
  readonly details?: string;
  /** Lists that are printed after the options. */
  readonly appendix?: readonly HelpList[];
}

export interface HelpList {
  readonly heading: string;
  readonly rows: readonly (readonly [term: string, about: string])[];
}

/** The width where the output is not a terminal, in characters. */
const WIDTH = 100;
const MIN_WIDTH = 30;
/** A description does not list more choices than this. */
const MAX_CHOICES = 8;
/** If fewer characters are left for a description, it is printed below its term. */
const MIN_DESCRIPTION = 30;

/** The width of the help on a stream, in characters. */
export const widthOf = ({ isTTY, columns }: TextOutput): number =>
  isTTY === true ? Math.max(MIN_WIDTH, columns ?? WIDTH) : WIDTH;

/** Wraps a text to `width` characters, of which each line begins with `indent` spaces. */
export function wrapped(text: string, width: number, indent = 0): string {
  const length = Math.max(1, width - indent);
  const pattern = new RegExp(`(.{1,${length}})(?: +|$)|(\\S{${length}})`, 'gm');
  const margin = ' '.repeat(indent);
  return text.replace(pattern, (_, line: string, piece: string) => `${margin}${line || piece}\n`).trimEnd();
}

/** How commander formats the help of a command with these texts. */
export const helpFormat = ({ examples, details = '', appendix = [] }: HelpTexts): HelpConfiguration => ({
  optionDescription,
  argumentDescription: ({ description }) => description,
  formatHelp: (command, helper) =>
    formatted(
      command,
      helper,
      (width) => [
        ...(details === '' ? [] : details.split('\n\n').map((paragraph) => wrapped(paragraph, width))),
        exampleText(examples, width),
      ],
      appendix,
    ),
  formatItem: (term, termWidth, description, helper) =>
    item(term, termWidth, description, helper.helpWidth ?? WIDTH),
});

/** The help as commander formats it, with our paragraphs between the description and the options. */
function formatted(
  command: Command,
  helper: Help,
  paragraphs: (width: number) => string[],
  appendix: readonly HelpList[],
): string {
  const width = helper.helpWidth ?? WIDTH;
  const [usage = '', about = '', ...rest] = Help.prototype.formatHelp
    .call(helper, command, helper)
    .trimEnd()
    .split('\n\n');
  const lists = appendix.map((list) => listText(list, width));
  return `${[usage, about, ...paragraphs(width), ...rest, ...lists].join('\n\n')}\n`;
}

function exampleText(examples: HelpTexts['examples'], width: number): string {
  const lines = examples.map(([command, about]) => `  ${command}\n${wrapped(about, width, 6)}`);
  return `Examples:\n${lines.join('\n')}`;
}

/** The text of a list: its heading, then its rows in two columns. */
export function listText({ heading, rows }: HelpList, width: number): string {
  const termWidth = Math.max(...rows.map(([term]) => term.length));
  return [wrapped(heading, width), ...rows.map(([term, about]) => item(term, termWidth, about, width))].join(
    '\n',
  );
}

/** A term with its description in a second column, or on the next line if the column would be too narrow. */
function item(term: string, termWidth: number, description: string, width: number): string {
  const indent = termWidth + 4;
  if (description === '') return `  ${term}`;
  if (width - indent < MIN_DESCRIPTION) return `  ${term}\n${wrapped(description, width, 6)}`;
  return `  ${term.padEnd(termWidth)}  ${wrapped(description, width, indent).trimStart()}`;
}

/** Adds choices and the default. The environment variable is not added, since the help of the program explains how it is named. */
function optionDescription(option: Option): string {
  const { description, defaultValueDescription, argChoices } = option;
  const defaultValue: unknown = option.defaultValue;
  const isNamed = argChoices === undefined || argChoices.every((word) => description.includes(word));
  const isShort = (argChoices?.length ?? 0) <= MAX_CHOICES;
  const extras = [
    ...(isNamed || !isShort ? [] : [`one of ${argChoices.join(', ')}`]),
    ...(defaultValue === undefined
      ? []
      : [`default ${defaultValueDescription ?? JSON.stringify(defaultValue).replaceAll('"', '')}`]),
  ];
  return extras.length === 0 ? description : `${description} (${extras.join('; ')})`;
}
