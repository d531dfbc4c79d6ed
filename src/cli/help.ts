/** The layout of help: usage, what the verb does, examples, options, and lists; wrapped to the terminal. */
import { type Command, Help, type HelpConfiguration, type Option } from 'commander';
import type { TextOutput } from './output.js';

/** What a verb adds to its own help. */
export interface HelpTexts {
  readonly examples: readonly (readonly [command: string, about: string])[];
  readonly details?: string;
  /** A heading and rows; stands last. */
  readonly appendix?: readonly HelpList[];
}

export interface HelpList {
  readonly heading: string;
  readonly rows: readonly (readonly [term: string, about: string])[];
}

/** Columns of a stream that is no terminal. */
const WIDTH = 100;
const LEAST_WIDTH = 30;
/** Longer lists of choices are left out of the description. */
const MOST_CHOICES = 8;
/** A description with less room than this goes below its term. */
const LEAST_DESCRIPTION = 30;

/** The columns that help may fill. */
export const widthOf = ({ isTTY, columns }: TextOutput): number =>
  isTTY === true ? Math.max(LEAST_WIDTH, columns ?? WIDTH) : WIDTH;

/** Paragraphs wrapped to a width, each line indented. */
export function wrapped(text: string, width: number, indent = 0): string {
  const room = Math.max(1, width - indent);
  const pattern = new RegExp(`(.{1,${room}})(?: +|$)|(\\S{${room}})`, 'gm');
  const margin = ' '.repeat(indent);
  return text.replace(pattern, (_, line: string, piece: string) => `${margin}${line || piece}\n`).trimEnd();
}

/** For commander. */
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

/** A heading and its rows. */
export function listText({ heading, rows }: HelpList, width: number): string {
  const termWidth = Math.max(...rows.map(([term]) => term.length));
  return [wrapped(heading, width), ...rows.map(([term, about]) => item(term, termWidth, about, width))].join(
    '\n',
  );
}

/** A term and its description beside it, or below it where there is no room. */
function item(term: string, termWidth: number, description: string, width: number): string {
  const indent = termWidth + 4;
  if (description === '') return `  ${term}`;
  if (width - indent < LEAST_DESCRIPTION) return `  ${term}\n${wrapped(description, width, 6)}`;
  return `  ${term.padEnd(termWidth)}  ${wrapped(description, width, indent).trimStart()}`;
}

/** Choices and defaults are shown, the name of the variable is not: one line of the help says how they are formed. */
function optionDescription(option: Option): string {
  const { description, defaultValueDescription, argChoices } = option;
  const defaultValue: unknown = option.defaultValue;
  const isNamed = argChoices === undefined || argChoices.every((word) => description.includes(word));
  const isShort = (argChoices?.length ?? 0) <= MOST_CHOICES;
  const extras = [
    ...(isNamed || !isShort ? [] : [`one of ${argChoices.join(', ')}`]),
    ...(defaultValue === undefined
      ? []
      : [`default ${defaultValueDescription ?? JSON.stringify(defaultValue).replaceAll('"', '')}`]),
  ];
  return extras.length === 0 ? description : `${description} (${extras.join('; ')})`;
}
