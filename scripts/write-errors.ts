/** Writes `docs/errors/README.md`, the index of error codes, from their table. `npm run docs` writes it; a test fails while it differs. */
import { writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { ERROR_CODES } from '../events/errors.ts'

/** Where the index lies. */
export const ERROR_INDEX = fileURLToPath(new URL('../docs/errors/README.md', import.meta.url))

/** The index as it should be. */
export const errorIndex = (): string =>
  [
    '# Error codes',
    '',
    'Made from `events/errors.ts` by `npm run docs`: change it there.',
    '',
    'Whatever chronet refuses or cannot do is an `EngineError` with a `code` that never changes, a sentence for people, and ' +
      '`details` for programs. A command that was refused is a `RefusedError`: all its `problems` at once, each with a code of ' +
      'its own, and nothing was written. The sentences may change with every version: never match them. A wrong call of the ' +
      'library is a bare `TypeError` or `RangeError` instead.',
    '',
    '| code | what it means |',
    '| --- | --- |',
    ...Object.entries(ERROR_CODES).map(([code, meaning]) => `| [${code}](${code}.md) | ${meaning} |`),
    '',
  ].join('\n')

if (process.argv[1] === fileURLToPath(import.meta.url)) writeFileSync(ERROR_INDEX, errorIndex())
