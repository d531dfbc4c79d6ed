/** Jest's own test runner, which skips all tests of a mutant after the first that failed. */
const circus = require('jest-circus/runner').default;

const LEFT_OUT = [
  // Reads the text of the machines, to which Stryker has added its own.
  /^importing the machines loads XState/,
  // Nine seconds when instrumented; one cut anywhere and random cuts stay.
  /^every split gives the same events two cuts, anywhere$/,
];

const nameOf = ({ name, parent }) => (parent ? `${nameOf(parent)} ${name}` : '').trim();

module.exports = (globalConfig, config, environment, ...others) => {
  const inner = environment.handleTestEvent;
  let dead = false;
  environment.handleTestEvent = async (event, state) => {
    if (event.name === 'test_fn_failure' || event.name === 'hook_failure')
      dead = process.env.__STRYKER_ACTIVE_MUTANT__ !== undefined;
    if (event.name === 'test_start' && (dead || LEFT_OUT.some((left) => left.test(nameOf(event.test)))))
      event.test.mode = 'skip';
    await inner?.call(environment, event, state);
  };
  return circus(globalConfig, config, environment, ...others);
};
