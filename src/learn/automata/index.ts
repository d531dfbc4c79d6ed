/** Active automata learning: from the answers of a system to its Mealy machine. Nothing here knows what the inputs mean. */
export {
  accessWords,
  arrowOf,
  minimized,
  minimizedWithNumbers,
  outputsOf,
  SILENCE,
  stateAfter,
} from './mealy.js';
export type { Arrow, Mealy, Word } from './mealy.js';
export { identifiers, separatingWord } from './separation.js';
export { splittingWord } from './splitting-word.js';
export type { Place, SplitOptions } from './splitting-word.js';
export { wpWords } from './test-words.js';
export { learn } from './learner.js';
export type { Learned, LearnOptions } from './learner.js';
export type { Effort, Nondeterminism, Teacher } from './questions.js';
export { counterexample, differences } from './differences.js';
export type { Difference } from './differences.js';
