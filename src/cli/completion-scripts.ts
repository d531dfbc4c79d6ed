/** Generates the completion scripts of bash, zsh and fish from one description of the command line. */

/** What a completion script needs of an option. */
export interface CompletedOption {
  /** With dashes: `--chain`, `-v`. */
  readonly names: readonly string[];
  readonly about: string;
  readonly takesValue: boolean;
  readonly values: readonly string[];
  /** Whether the value is the name of a file or a directory. */
  readonly takesFile: boolean;
}

/** What a completion script needs of a verb. */
export interface CompletedVerb {
  readonly name: string;
  readonly about: string;
  readonly options: readonly CompletedOption[];
  /** The values that an operand may have; empty when it can be any text. */
  readonly operands: readonly string[];
  /** Whether an operand is the name of a file. */
  readonly takesFiles: boolean;
}

export type Shell = 'bash' | 'zsh' | 'fish';

/** In single quotes, as bash, zsh and fish read them. */
const quoted = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;

const allNames = (verb: CompletedVerb): string[] => verb.options.flatMap(({ names }) => names);

/** `connect,--chain) words='main test' ;;`, and one line for all options that take a file. */
function bashValues(program: string, verbs: readonly CompletedVerb[]): string {
  const all = verbs.flatMap(({ name, options }) =>
    options.map((option) => ({ ...option, when: option.names.map((flag) => `${name},${flag}`).join('|') })),
  );
  const files = all.filter(({ takesFile }) => takesFile).map(({ when }) => when);
  return [
    `    ${files.join('|')}) _${program}_files "$cur"; return ;;`,
    ...all
      .filter(({ values }) => values.length > 0)
      .map(({ when, values }) => `    ${when}) words=${quoted(values.join(' '))} ;;`),
  ].join('\n');
}

const bashWords = (verb: CompletedVerb): string =>
  `      ${verb.name}) words=${quoted(allNames(verb).join(' '))} ;;`;

/** `diagram,[!-]*|diagram,) words=…`: the values of an operand, unless the value of an option is being completed. */
function bashOperands(program: string, verbs: readonly CompletedVerb[]): string {
  const actions = verbs.map(({ name, operands, takesFiles }) => {
    const action = takesFiles
      ? `{ _${program}_files "$cur"; return; }`
      : `words=${quoted(operands.join(' '))}`;
    return takesFiles || operands.length > 0
      ? `    ${name},[!-]*|${name},) [[ -n $words ]] || ${action} ;;`
      : '';
  });
  return actions.filter((line) => line !== '').join('\n');
}

function bash(program: string, verbs: readonly CompletedVerb[]): string {
  const names = verbs.map(({ name }) => name);
  return `# bash completion of ${program}; for this shell: source <(${program} completion bash)
_${program}_files() {
  local IFS=$'\\n'
  compopt -o filenames 2>/dev/null
  COMPREPLY=($(compgen -f -- "$1"))
}
_${program}() {
  local cur="\${COMP_WORDS[COMP_CWORD]}" prev="\${COMP_WORDS[COMP_CWORD-1]}" verb= words= i
  # "--chain=x" comes as three words.
  if [[ $prev == '=' ]]; then prev="\${COMP_WORDS[COMP_CWORD-2]}"; fi
  if [[ $cur == '=' ]]; then cur=; fi
  for ((i = 1; i < COMP_CWORD; i++)); do
    case "\${COMP_WORDS[i]}" in
      ${names.join('|')}) verb="\${COMP_WORDS[i]}"; break ;;
    esac
  done
  case "$verb,$prev" in
${bashValues(program, verbs)}
  esac
  case "$verb,$cur" in
${bashOperands(program, verbs)}
  esac
  if [[ -z $words ]]; then
    case "$verb" in
${verbs.map(bashWords).join('\n')}
      *) words=${quoted([...names, '--help', '--version'].join(' '))} ;;
    esac
  fi
  COMPREPLY=($(compgen -W "$words" -- "$cur"))
}
complete -F _${program} ${program}
`;
}

/** Escapes the characters that `_arguments` interprets: brackets, colons and backslashes. */
const zshText = (text: string): string => text.replace(/[[\]:\\]/g, '\\$&');

function zshOption({ names, about, takesValue, takesFile, values }: CompletedOption): string[] {
  const words = values.length > 0 ? `(${values.map(zshText).join(' ')})` : ' ';
  const action = takesFile ? '_files' : words;
  return names.map((name) => {
    const value = takesValue
      ? `${name.startsWith('--') ? '=' : ''}[${zshText(about)}]:value:${action}`
      : `[${zshText(about)}]`;
    return quoted(`*${name}${value}`);
  });
}

function zsh(program: string, verbs: readonly CompletedVerb[]): string {
  const cases = verbs.map(({ name, options, operands, takesFiles }) => {
    const other = takesFiles ? '*:file:_files' : '*:host:_hosts';
    const rest = operands.length > 0 ? `*:operand:(${operands.join(' ')})` : other;
    const specs = [...options.flatMap(zshOption), quoted(rest)];
    return `    ${name})\n      _arguments ${specs.join(' \\\n        ')} ;;`;
  });
  const described = verbs.map(({ name, about }) => `    ${quoted(`${name}:${zshText(about)}`)}`);
  return `#compdef ${program}
# zsh completion of ${program}; put it into a directory of your $fpath, as _${program}
_${program}() {
  local -a verbs=(
${described.join('\n')}
  )
  if (( CURRENT == 2 )); then
    _describe verb verbs
    return
  fi
  local verb=$words[2]
  shift words
  (( CURRENT-- ))
  case $verb in
${cases.join('\n')}
  esac
}
if [[ $funcstack[1] == _${program} ]]; then _${program} "$@"; else compdef _${program} ${program}; fi
`;
}

function fishOption(
  program: string,
  verb: string,
  { names, about, takesValue, takesFile, values }: CompletedOption,
): string {
  const flags = names.map((name) => (name.startsWith('--') ? `-l ${name.slice(2)}` : `-s ${name.slice(1)}`));
  const words = values.length > 0 ? ` -a ${quoted(values.join(' '))}` : '';
  const value = takesFile ? ' -r -F' : takesValue ? ` -x${words}` : '';
  return `complete -c ${program} -n ${quoted(`__fish_seen_subcommand_from ${verb}`)} ${flags.join(' ')}${value} -d ${quoted(about)}`;
}

function fish(program: string, verbs: readonly CompletedVerb[]): string {
  const lines = verbs.flatMap(({ name, about, options, operands, takesFiles }) => [
    `complete -c ${program} -n __fish_use_subcommand -a ${name} -d ${quoted(about)}`,
    ...options.map((option) => fishOption(program, name, option)),
    ...(takesFiles ? [`complete -c ${program} -n ${quoted(`__fish_seen_subcommand_from ${name}`)} -F`] : []),
    ...(operands.length === 0
      ? []
      : [
          `complete -c ${program} -n ${quoted(`__fish_seen_subcommand_from ${name}`)} -a ${quoted(operands.join(' '))}`,
        ]),
  ]);
  return `# fish completion of ${program}; for this shell: ${program} completion fish | source\ncomplete -c ${program} -f\n${lines.join('\n')}\n`;
}

const SCRIPTS: Readonly<Record<Shell, (program: string, verbs: readonly CompletedVerb[]) => string>> = {
  bash,
  zsh,
  fish,
};

export const SHELLS = Object.keys(SCRIPTS) as Shell[];

/** The completion script for `shell`; `program` is the name of the executable. */
export const completionScript = (shell: Shell, program: string, verbs: readonly CompletedVerb[]): string =>
  SCRIPTS[shell](program, verbs);
