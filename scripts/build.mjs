/** `npm run build`: TypeScript to `dist`, as package.json's `exports` name it. From nothing, so that no file outlives its source. */
import { rmSync } from 'node:fs'
import { foreground, inRoot } from './lib/run.mjs'

rmSync(inRoot('dist'), { force: true, recursive: true })
process.exit(
  await foreground(process.execPath, [
    inRoot('node_modules/typescript/bin/tsc'),
    '-p',
    'tsconfig.build.json',
  ]),
)
