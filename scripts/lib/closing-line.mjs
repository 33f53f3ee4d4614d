/**
 * A vitest reporter of one line, `N passed, N failed, N skipped`, for programs that read what a test run came to. A file
 * that does not load and an error outside of any test count as failed: a bad run never says `0 failed`.
 */
export default class ClosingLine {
  onTestRunEnd(modules, unhandledErrors) {
    const counts = { failed: unhandledErrors.length, passed: 0, pending: 0, skipped: 0 }
    for (const module of modules) {
      if (module.errors().length > 0) counts.failed += 1
      for (const test of module.children.allTests()) counts[test.result().state] += 1
    }
    const failed = counts.failed + counts.pending
    process.on('exit', () =>
      console.log(`${counts.passed} passed, ${failed} failed, ${counts.skipped} skipped`),
    )
  }
}
