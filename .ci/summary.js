/** Prints the sum of jest's JSON reports as one line. A missing report counts as one failure. */
import { readFileSync } from 'node:fs';

const counts = process.argv.slice(2).map((file) => {
  try {
    const report = JSON.parse(readFileSync(file, 'utf8'));
    const crashed = report.testResults.filter(
      (suite) => suite.status === 'failed' && suite.assertionResults.length === 0,
    );
    return [
      report.numPassedTests,
      report.numFailedTests + crashed.length,
      report.numPendingTests + report.numTodoTests,
    ];
  } catch {
    return [0, 1, 0];
  }
});

const [passed, failed, skipped] = [0, 1, 2].map((i) => counts.reduce((sum, row) => sum + row[i], 0));
console.log(`${passed} passed, ${failed} failed, ${skipped} skipped`);
process.exitCode = failed > 0 || passed === 0 ? 1 : 0;
