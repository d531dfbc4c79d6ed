/** Active automata learning: infers the Mealy machine of a system from its answers. Independent of the meaning of the inputs. */
export {
  accessWords,
  transitionOf,
  minimized,
  minimizedWithNumbers,
  outputsOf,
  SILENCE,
  stateAfter,
} from './mealy.js';
export type { Transition, Mealy, Word } from './mealy.js';
export { identifiers, separatingWord } from './separating-words.js';
export { splittingWord } from './splitting-word.js';
export type { Place, SplitOptions } from './splitting-word.js';
export { wpWords } from './wp-method.js';
export { learn } from './learner.js';
export type { Learned, LearnOptions } from './learner.js';
export { LearningError } from './queries.js';
export type { Effort, Nondeterminism, Teacher } from './queries.js';
export { counterexample, differences } from './differences.js';
export type { Difference } from './differences.js';
